"""Gets one file over HTTP, and takes it up again where the line was cut."""

import hashlib
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
from tqdm import tqdm

from cnnkit.datasets.catalog import FetchError, Source
from cnnkit.datasets.place import require_space

__all__ = ["RemoteFile", "check_hash", "download"]

TRIES = 6  # in a row that bring nothing new
BACKOFF = 0.5  # seconds before the second try; twice as long before each further one
PATIENCE = 30.0  # seconds without a byte
BROKEN = (408, 425, 429, 500, 502, 503, 504)  # answers that another try may change
HELP = "Work without it (--synthetic), or get the archive another way and give it: --source FILE."


class _TryAgainError(Exception):
    """One try came to nothing; the text says why."""


class _Transfer:
    """A file at an address, given as pieces (offset, bytes) that follow each other.

    Offsets go back to 0 when the server cannot take up a transfer again, or its file has changed.

    Attributes
    ----------
    total : bytes, if known; when `exact`, it is what the catalogue says, and a server that offers another is refused.
    validator : what tells the server's version of the file, for the next time.
    """

    def __init__(self, url: str, done: int = 0, total: int | None = None, validator: str = "", exact: bool = False):
        self.url, self.done, self.total, self.validator, self.exact = url, done, total, validator, exact
        self.furthest = done

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        tries = 0
        with httpx.Client(follow_redirects=True, timeout=PATIENCE) as client:
            while self.done != self.total:
                before = self.furthest
                try:
                    yield from self._once(client)
                    if self.total in (None, self.done):
                        return
                    problem = "the connection was cut"
                except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
                    raise FetchError(f"{self.url} leads nowhere ({error}). {HELP}") from None
                except (httpx.TransportError, _TryAgainError) as error:
                    problem = str(error) or type(error).__name__
                tries = 0 if self.furthest > before else tries + 1
                self._wait(tries, problem)

    def _once(self, client: httpx.Client) -> Iterator[tuple[int, bytes]]:
        headers = {"Accept-Encoding": "identity"}  # the archive's own bytes
        if self.done:
            headers["Range"] = f"bytes={self.done}-"
            if self.validator:
                headers["If-Range"] = self.validator
        with client.stream("GET", self.url, headers=headers) as response:
            if not self._agree(response):
                return
            for block in response.iter_raw():
                if self.total is not None and self.done + len(block) > self.total:
                    raise FetchError(f"{self.url} sends more than the {self.total:,} bytes it should. {HELP}")
                yield self.done, block
                self.done += len(block)
                self.furthest = max(self.furthest, self.done)

    def _agree(self, response: httpx.Response) -> bool:
        """Find out where the body that follows belongs; False if there is nothing left to read."""
        if response.status_code == 416:  # nothing there: all of it is here, or the file is another
            if _number(r"\*/(\d+)", response, "Content-Range") == self.done:
                self.total = self.total or self.done
                return False
            raise self._from_the_start("the server does not have the rest of it")
        if response.status_code in BROKEN:
            raise _TryAgainError(f"the server answered {response.status_code} {response.reason_phrase}")
        if response.status_code not in (200, 206):
            answer = f"{response.status_code} {response.reason_phrase}".strip()
            raise FetchError(f"{self.url}: the server answered {answer}; the file may have moved. {HELP}")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise FetchError(f"{self.url} is a web page, no archive; perhaps your network asks for a log-in. {HELP}")
        if response.status_code == 206:
            self._continue(response)
        else:
            self._begin(response)
        return True

    def _continue(self, response: httpx.Response) -> None:
        if _number(r"bytes (\d+)-", response, "Content-Range") != self.done:
            raise self._from_the_start("the server sent another piece than it was asked for")
        total = self._offered(_number(r"/(\d+)$", response, "Content-Range"))
        self.total = self.total or total
        if total not in (None, self.total):
            raise self._from_the_start("the file at the server has changed")

    def _begin(self, response: httpx.Response) -> None:
        total = self._offered(_number(r"^(\d+)$", response, "Content-Length"))
        self.total = self.total if self.exact else total
        etag = response.headers.get("ETag", "")
        self.validator = etag if etag[:1] == '"' else response.headers.get("Last-Modified", "")
        self.done = 0

    def _offered(self, total: int | None) -> int | None:
        if self.exact and total not in (None, self.total):
            raise FetchError(f"{self.url} offers {total:,} bytes, where {self.total:,} were expected. {HELP}")
        return total

    def _from_the_start(self, why: str) -> _TryAgainError:
        self.done, self.validator = 0, ""
        return _TryAgainError(why)

    def _wait(self, tries: int, problem: str) -> None:
        if tries >= TRIES:
            if not self.furthest:
                raise FetchError(f"No connection to {self.url} ({problem}). {HELP}")
            raise FetchError(
                f"{self.url}: stopped after {self.furthest:,} bytes ({problem}). Run this again later. {HELP}"
            )
        seconds = BACKOFF * 2 ** max(tries - 1, 0)
        if seconds >= 1:
            tqdm.write(f"{problem}; trying again in {seconds:.0f} s", file=sys.stderr)
        time.sleep(seconds)


def _number(pattern: str, response: httpx.Response, header: str) -> int | None:
    match = re.search(pattern, response.headers.get(header, ""))
    return int(match[1][:18]) if match else None  # Python converts no thousands of digits


def download(url: str, part: Path, source: Source | None = None) -> None:
    """Download to a file; if some of it is there from an earlier call, only the rest.

    Parameters
    ----------
    part : grows as bytes come in; beside it, notes that tell a later call which version of the file it was.
    source : the catalogue's, if this is its archive.

    Raises
    ------
    FetchError : no connection, too many cuts, or not the file that it should be; what has come so far is kept.
    """
    notes = {"url": url} | _read_notes(part)
    if notes["url"] != url:
        notes = {"url": url}
    done = part.stat().st_size if part.exists() and len(notes) > 1 else 0
    total = source.bytes if source else notes.get("total")
    transfer = _Transfer(url, done, total, notes.get("validator", ""), exact=source is not None)
    pieces = transfer.pieces()
    with open(part, "ab") as file, _bar(part.stem, transfer) as bar, closing(pieces):
        for offset, block in pieces:
            if offset == 0:  # what came before belongs to another version, or is about to come again
                file.truncate(0)
                _write_notes(part, transfer)
                require_space(part.parent, transfer.total or 0)
                bar.n, bar.total = 0, transfer.total
            bar.update(file.write(block))


def _read_notes(part: Path) -> dict:
    try:
        notes = json.loads(part.with_suffix(".json").read_text(encoding="utf-8"))
        return notes if {"url", "total", "validator"} == notes.keys() else {}
    except (OSError, ValueError, AttributeError):
        return {}


def _write_notes(part: Path, transfer: _Transfer) -> None:
    text = json.dumps({"url": transfer.url, "total": transfer.total, "validator": transfer.validator})
    fresh = part.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(part.with_suffix(".json"))


def _bar(name: str, transfer: _Transfer) -> tqdm:
    return tqdm(
        desc=f"downloading {name}", total=transfer.total, initial=transfer.done, unit="B", unit_scale=True, delay=2
    )


class RemoteFile:
    """An archive of the catalogue, read once from front to back straight from the line, and hashed on the way."""

    def __init__(self, name: str, source: Source):
        transfer = _Transfer(source.url, total=source.bytes, exact=True)
        self.source, self.pieces = source, transfer.pieces()
        self.digest = hashlib.new(source.hash.partition(":")[0])
        self.bar = _bar(name, transfer)
        self.block, self.used, self.seen = b"", 0, 0

    def read(self, count: int) -> bytes:
        while self.used == len(self.block):
            offset, block = next(self.pieces, (None, b""))
            if offset is None:
                return b""
            self.block, self.used = block[max(self.seen - offset, 0) :], 0  # after a restart, skip what has been seen
            self.seen += len(self.block)
            self.digest.update(self.block)
            self.bar.update(len(self.block))
        start, self.used = self.used, min(self.used + count, len(self.block))
        return self.block[start : self.used]

    def close(self) -> None:
        self.pieces.close()
        self.bar.close()

    def finish(self) -> None:
        """Read what is left and compare size and hash of the whole with the catalogue's."""
        while self.read(1 << 20):
            pass
        _compare(self.source, self.source.url, self.seen, self.digest.hexdigest())


def check_hash(file: Path, source: Source) -> None:
    """Raise FetchError unless a file has the size and the hash that the catalogue gives."""
    digest = hashlib.new(source.hash.partition(":")[0])
    size = file.stat().st_size
    with open(file, "rb") as stream, tqdm(desc="checking", total=size, unit="B", unit_scale=True, delay=2) as bar:
        while block := stream.read(1 << 20):
            digest.update(block)
            bar.update(len(block))
    _compare(source, str(file), size, digest.hexdigest())


def _compare(source: Source, name: str, size: int, digest: str) -> None:
    kind, _, expected = source.hash.partition(":")
    if (size, digest) != (source.bytes, expected):
        raise FetchError(
            f"{name} is not what was published: {size:,} bytes, {kind} {digest}, where {source.bytes:,} bytes, "
            f"{kind} {expected} were expected. Get it again, perhaps over another network."
        )
