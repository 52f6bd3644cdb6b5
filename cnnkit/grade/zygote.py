"""A process that has imported all that answers need, and starts a copy of itself for each job: a start costs little.

It runs no student's code and reads no job: of these it passes on only the socket. So what one student has written is
in nobody else's memory. Between it and the process that does the job stands a guard, which is outside of the walls and
watches time, memory and output.

  grader  --socket-->  zygote  --fork-->  guard  --fork-->  job (inside the walls)
"""

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

from cnnkit.grade import child, kernel, sandbox
from cnnkit.grade.sandbox import Limits

__all__ = ["main", "read_exactly"]

LINUX = sys.platform.startswith("linux")
GLANCE = 0.05  # seconds between two looks at the memory
NO_WALLS = 97  # how a job ends that could not be shut in


def main(control: int, walls: str, hidden: list[str], setup: str, modules: list[str]) -> None:
    """Serve until the other end of the socket `control` is closed.

    Parameters
    ----------
    control : file descriptor of a socket; each message carries a socket for a job and, or not, an open notebook.
    walls : one of `cnnkit.grade.sandbox.candidates`.
    hidden : files and folders that no job may see.
    setup : code of the notebook's first cell; what it defines is there for each answer.
    modules : to import beforehand, because they are often used.
    """
    for name in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    world: dict = {"__name__": "__main__"}
    exec(setup, world)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the grader's to handle
    with socket.socket(fileno=control) as channel:
        channel.sendall(b"!")
        while True:
            message, files, _, _ = socket.recv_fds(channel, 1, 2)
            if not message:
                shutil.rmtree(os.getcwd(), ignore_errors=True)  # the grader may have been killed
                return
            if os.fork() == 0:
                channel.close()
                status = 1
                try:
                    _guard(socket.socket(fileno=files[0]), files[1] if len(files) > 1 else None, walls, hidden, world)
                    status = 0
                finally:
                    os._exit(status)
            for each in files:
                os.close(each)


def read_exactly(channel: socket.socket, count: int) -> bytes:
    """Return so many bytes from a socket.

    Raises
    ------
    EOFError : it was closed before.
    """
    pieces, left = [], count
    while left:
        piece = channel.recv(min(left, 1 << 20))
        if not piece:
            raise EOFError("read_exactly: closed too early")
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _guard(channel: socket.socket, notebook: int | None, walls: str, hidden: list[str], world: dict) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    (length,) = struct.unpack("!I", read_exactly(channel, 4))
    job = json.loads(read_exactly(channel, length))
    limits = Limits(**job["limits"])
    out, into = os.pipe()
    folder = None if walls == "namespaces" else tempfile.mkdtemp(prefix="cnnkit-grade-")
    started = time.monotonic()
    try:
        if walls == "namespaces":
            sandbox.enter_namespaces()
        elif LINUX:
            kernel.adopt_orphans()
        job_id = os.getpid()
        if folder and walls == "other_user":
            os.chown(folder, sandbox.job_user(job_id), -1)
        pid = os.fork()
        if pid == 0:
            _job(job, into, notebook, (walls, limits, hidden, folder, job_id), world)
        os.close(into)
        end, result = _watch(pid, out, channel, limits, started, folder)
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    head = json.dumps({"end": end, "seconds": time.monotonic() - started}).encode()
    channel.sendall(struct.pack("!II", len(head), len(result)) + head + result)


def _job(job: dict, into: int, notebook: int | None, room: tuple, world: dict) -> None:
    """Be the process in which the job is done; never returns."""
    try:
        into, notebook = _close_others(into, notebook)
        sandbox.enter(*room)
    except BaseException as error:
        os.write(into, f"{type(error).__name__}: {error}"[:1000].encode())
        os._exit(NO_WALLS)
    status, me = 1, os.getpid()
    try:
        result = memoryview(child.perform(job, world, notebook))
        while result and os.getpid() == me:  # not what the answer has forked
            result = result[os.write(into, result) :]
        status = 0
    finally:
        os._exit(status)


def _close_others(into: int, notebook: int | None) -> tuple[int, int | None]:
    """Keep no open file but these, and an input and outputs that lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    spare = [os.dup(each) if each is not None else None for each in (into, notebook)]
    high = [None if each is None else os.dup2(each, 200 + place) for place, each in enumerate(spare)]
    for number in range(3):
        os.dup2(nowhere, number)
    os.closerange(3, 200)
    os.closerange(202 if notebook is not None else 201, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    moved = [None if each is None else os.dup2(each, 3 + place) for place, each in enumerate(high)]
    os.closerange(200, 202)
    return moved[0], moved[1]


def _watch(
    pid: int, out: int, channel: socket.socket, limits: Limits, started: float, folder: str | None
) -> tuple[str, bytes]:
    """Wait for the end of the job; return how it ended, and what it has sent.

    It ended as ``done``, ``exit N``, ``signal N``, or was ended for its ``time``, ``memory``, ``processes``, ``disk``
    or ``output``.
    """
    os.set_blocking(out, False)
    poll = select.poll()
    poll.register(out, select.POLLIN)
    poll.register(channel, 0)  # tells only when the grader is gone
    with contextlib.suppress(AttributeError, OSError):
        poll.register(os.pidfd_open(pid), select.POLLIN)
    me, result, reason, status = os.getpid(), bytearray(), None, None
    while status is None and reason is None:
        ready = dict(poll.poll(1000 * GLANCE))
        if ready.get(channel.fileno(), 0):
            reason = "alone"
        elif time.monotonic() - started > limits.seconds:
            reason = "time"
        elif LINUX and _count(me) > limits.processes:
            reason = "processes"  # the limit of the system does not hold for root
        elif not ready and LINUX and sum(map(_memory, _children(me))) > limits.memory + _memory_of(me):
            reason = "memory"
        elif not ready and folder and _disk(folder) > sandbox.FOLDER_SIZE:
            reason = "disk"
        elif out in ready and not _take(out, result, limits.output):
            reason = "output"
        if out in ready and ready[out] & select.POLLHUP:
            poll.unregister(out)
        if reason is None:
            ended, code = os.waitpid(pid, os.WNOHANG)
            status = code if ended else None
    if status is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    _end_orphans(pid)
    if reason is None and not _take(out, result, limits.output):
        reason = "output"
    if reason is not None:
        return reason, b""
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}", b""
    code = os.WEXITSTATUS(status)
    if code == 0 and result:
        return "done", bytes(result)
    return f"exit {code}", bytes(result) if code == NO_WALLS else b""


def _take(out: int, result: bytearray, most: int) -> bool:
    """Read what there is; return False if it is too much."""
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(out, 1 << 16):
            result += piece
            if len(result) > most:
                return False
    return True


def _end_orphans(group: int) -> None:
    """End what a job has left behind: in a namespace of its own that has been done by its end."""
    with contextlib.suppress(OSError):
        os.killpg(group, signal.SIGKILL)
    for _ in range(100):
        orphans = _children(os.getpid())
        if not orphans:
            return
        for pid in orphans:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError, ValueError):
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(each) for task in tasks for each in task.read_text().split()]
    return []


def _count(pid: int) -> int:
    """Return how many processes a process has started, and these, and so on."""
    return sum(1 + _count(child) for child in _children(pid))


def _memory(pid: int) -> int:
    """Return the memory in use by a process and all that it has started, in bytes; shared memory counts for each."""
    return _memory_of(pid) + sum(map(_memory, _children(pid)))


def _disk(folder: str) -> int:
    """Return how many bytes the files in a folder take."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
    return total


def _memory_of(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    return 0
