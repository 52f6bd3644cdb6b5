"""A web server on loopback that cuts, lies and fails as it is told, for the tests of the downloads."""

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Server:
    """What is served, and how badly. The defaults are a good server."""

    body: bytes
    url: str = ""
    ranges: bool = True  # obeys Range
    etag: str = '"one"'
    cut: int = 0  # bytes of body after which each connection is cut; 0: never
    cuts: int = 10**9  # how many connections are cut at all
    length: int = 0  # how many bytes more (or less) than there are Content-Length says
    says_length: bool = True
    chunked: bool = False  # a body from the start comes in chunks, of which nobody knows how many there are
    content_type: str = "application/octet-stream"
    shift: int = 0  # by how many bytes the Content-Range of a 206 is wrong
    statuses: list[int] = field(default_factory=list)  # answered first, one to a request
    location: str = ""  # where a 302 leads
    pause: float = 0.0  # seconds between blocks of 16 KiB
    requests: list[str] = field(default_factory=list)  # the Range of each request, "" without one


class _Handler(BaseHTTPRequestHandler):
    server_version, sys_version = "Faults", ""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        knobs: Server = self.server.knobs
        knobs.requests.append(self.headers.get("Range", ""))
        if knobs.statuses:
            self._answer(knobs.statuses.pop(0), {"Location": knobs.location, "Content-Length": 0}, b"")
            return
        start = self._start(knobs)
        if start >= len(knobs.body) > 0:
            self._answer(416, {"Content-Range": f"bytes */{len(knobs.body)}", "Content-Length": 0}, b"")
            return
        body = knobs.body[start:]
        headers = {"Content-Type": knobs.content_type, "ETag": knobs.etag}
        chunked = knobs.chunked and not start
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif knobs.says_length:
            headers["Content-Length"] = len(body) + knobs.length
        if start:
            first = start + knobs.shift
            headers["Content-Range"] = f"bytes {first}-{len(knobs.body) - 1}/{len(knobs.body) + knobs.length}"
        if knobs.cut and knobs.cuts > 0:
            knobs.cuts -= 1
            body = body[: knobs.cut]
        elif chunked:
            body += b"\r\n0\r\n\r\n"
        if chunked:
            body = f"{len(knobs.body):x}\r\n".encode() + body
        self._answer(206 if start else 200, headers, body, knobs.pause)

    def _start(self, knobs):
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        version = self.headers.get("If-Range", knobs.etag)
        same = version == knobs.etag and not ("If-Range" in self.headers and version.startswith("W/"))
        return int(wanted[1]) if wanted and knobs.ranges and same else 0

    def _answer(self, status, headers, body, pause=0.0):
        self.send_response(status)
        for name, value in headers.items():
            if value != "":
                self.send_header(name, str(value))
        self.send_header("Connection", "close")
        self.end_headers()
        for start in range(0, len(body), 1 << 14):
            self.wfile.write(body[start : start + (1 << 14)])
            time.sleep(pause)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that was killed is no fault of the server."""


@contextmanager
def serving(body: bytes, name: str = "archive.zip", **knobs):
    """Serve `body` at `.url` on loopback for as long as the block lasts."""
    with _Quiet(("127.0.0.1", 0), _Handler) as server:
        server.knobs = Server(body, url=f"http://127.0.0.1:{server.server_port}/{name}", **knobs)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.knobs
        server.shutdown()
        thread.join()
