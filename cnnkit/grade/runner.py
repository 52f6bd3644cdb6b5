"""Hands jobs to the server that forks a process for each, and finds out how strong the walls are here."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from cnnkit.grade import sandbox
from cnnkit.grade.sandbox import Limits
from cnnkit.grade.zygote import read_exactly

__all__ = ["Result", "Runner"]

# Often used in answers, and slow to import.
PRELOADED = ["scipy.ndimage", "skimage.color", "skimage.filters", "skimage.morphology", "skimage.transform"]
START = "import json, sys; from cnnkit.grade import zygote; zygote.main(int(sys.argv[1]), *json.load(sys.stdin))"


@dataclass(frozen=True)
class Result:
    """How a job ended (see `cnnkit.grade.zygote`), after how many seconds, and what it has sent: JSON, unread."""

    end: str
    seconds: float
    sent: bytes

    def data(self) -> dict | None:
        """Return what a job has sent that came to its end; None if that is nothing sensible."""
        if self.end != "done":
            return None
        with contextlib.suppress(ValueError, RecursionError):
            data = json.loads(self.sent)
            return data if isinstance(data, dict) else None
        return None


class Runner:
    """A server of processes for jobs; usable from several threads at once, and a context manager.

    Parameters
    ----------
    setup : code that has been run before every answer.
    hidden : files and folders that no job may see.
    walls : of `cnnkit.grade.sandbox.candidates`, those to try, the strongest first.

    Raises
    ------
    RuntimeError : not even the weakest could be put up.
    """

    def __init__(self, setup: str, hidden: list[str], walls: list[str] | None = None) -> None:
        self._setup, self._hidden, self._lock = setup, hidden, threading.Lock()
        failures = []
        for self.walls in walls or sandbox.candidates():
            self._start()
            trouble = self._try_out()
            if trouble is None:
                return
            self.close()
            failures.append(f"{self.walls}: {trouble}")
        raise RuntimeError("Runner: no process can be shut in here. " + "; ".join(failures))

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """End the server."""
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._server.wait(5)
        self._server.kill()
        self._server.wait()
        self._errors.close()
        self._folder.cleanup()

    def run(self, job: dict, limits: Limits, notebook: int | None = None) -> Result:
        """Do a job (see `cnnkit.grade.child`) in a process of its own; blocks until it has ended.

        A job that is lost because the server is gone is done again, once.
        """
        text = json.dumps({**job, "limits": asdict(limits)}).encode()
        result = self._run(text, limits, notebook)
        if result.end == "lost":
            with self._lock:
                if self._server.poll() is not None:
                    self.close()
                    self._start()
                    self._channel.recv(1)
            if notebook is not None:
                os.lseek(notebook, 0, os.SEEK_SET)
            result = self._run(text, limits, notebook)
        return result

    def _run(self, text: bytes, limits: Limits, notebook: int | None) -> Result:
        mine, theirs = socket.socketpair()
        with mine, theirs:
            mine.settimeout(2 * limits.seconds + 60)  # the guard keeps the time; this is for when it is gone, too
            try:
                socket.send_fds(self._channel, [b"j"], [theirs.fileno(), *([] if notebook is None else [notebook])])
                theirs.close()
                mine.sendall(struct.pack("!I", len(text)) + text)
                head, rest = struct.unpack("!II", read_exactly(mine, 8))
                facts = json.loads(read_exactly(mine, head))
                return Result(facts["end"], facts["seconds"], read_exactly(mine, rest))
            except (EOFError, OSError):
                return Result("lost", 0.0, b"")

    def _start(self) -> None:
        self._channel, theirs = socket.socketpair()
        self._folder = tempfile.TemporaryDirectory(prefix="cnnkit-grade-", ignore_cleanup_errors=True)
        package = str(Path(__file__).parents[2])
        path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
        places = {"HOME": self._folder.name, "TMPDIR": tempfile.gettempdir()}
        self._errors = open(Path(self._folder.name, "errors"), "w+b")
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-c", START, str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                pass_fds=[theirs.fileno()],
                cwd=self._folder.name,
                env=sandbox.ENVIRONMENT | {"PYTHONPATH": path} | places,
                start_new_session=True,
            )
        with self._server.stdin as stream:
            stream.write(json.dumps([self.walls, self._hidden, self._setup, PRELOADED]).encode())

    def _try_out(self) -> str | None:
        """Return what is wrong with the walls; None if they stand."""
        if not self._channel.recv(1):
            self._errors.seek(0)
            return self._errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        result = self.run({"do": "probe", "hidden": self._hidden}, Limits(seconds=60))
        found = result.data()
        if found is None:
            return f"{result.end} {result.sent[:300].decode(errors='replace')}".strip()
        if self.walls == "namespaces" and (found["network"] or found["seen"] or found["process"] != 1):
            return f"they leak: {found}"
        return None
