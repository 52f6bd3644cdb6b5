"""The room in which students' code runs: what it can see, how much it can use, and that it cannot get out.

How strong the walls are depends on the machine:

- ``namespaces`` (Linux): the process sees no other, has no network, and of all files only Python's and the system's,
  to read; it can write to 64 MB of memory that look like a folder, and all is gone when it ends.
- ``other_user`` (root in a container without the right to make namespaces): it is another user, so that it can harm no
  process of ours, but it can read whatever everybody may.
- ``limits`` (elsewhere): limits on time, memory, files and processes, on Linux also no network and no signals.
"""

import contextlib
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from cnnkit.grade import kernel

__all__ = ["DESCRIPTIONS", "Limits", "candidates", "enter", "enter_namespaces", "job_user"]

DESCRIPTIONS = {
    "namespaces": "Full isolation: own process, network and mount namespaces, own user, only Python's files",
    "other_user": "WEAKER ISOLATION: this machine allows no namespaces. Students' code runs as another user, with"
    " limits and without network, but can read every file that is open to all",
    "limits": "WEAKER ISOLATION: this machine allows no namespaces. Students' code runs as you, with limits, and can"
    " read your files",
}

FOLDER_SIZE = 64 * 2**20  # bytes, all that a process can write
FILE_SIZE = 16 * 2**20
OPEN_FILES = 128
NOBODY = 61184  # the first of the user numbers that systemd keeps for users that come and go
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/nix/store")
SETTINGS = ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives")
DEVICES = ("null", "zero", "full", "random", "urandom")
BASES = ("/mnt", "/media", "/srv", "/opt", "/run", "/tmp", "/home")  # any folder that shows nothing that we need

# All that a process finds in its environment. One thread: a second one gains nothing with two processes a core.
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/tmp",
    "LOGNAME": "student",
    "CNNKIT_SOLUTIONS": "",
    "MPLBACKEND": "agg",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "TF_NUM_INTRAOP", "NUMEXPR")},
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}


@dataclass(frozen=True)
class Limits:
    """What one process, with all that it starts, may use.

    Parameters
    ----------
    seconds : from its start to its end.
    memory : in bytes, beyond what Python and the libraries take.
    processes : and threads, at the same time.
    output : in bytes, of what it sends back.
    """

    seconds: float = 20.0
    memory: int = 2 * 2**30
    processes: int = 24
    output: int = 8 * 2**20


def candidates() -> list[str]:
    """Return the walls that may be had here, the strongest first."""
    root = os.geteuid() == 0
    if not sys.platform.startswith("linux"):
        return ["limits"]
    return ["namespaces", *(["other_user"] if root else []), "limits"]


def job_user(number: int) -> int:
    """Return the user that a job is given, so that those at the same time differ."""
    return NOBODY + number % 4096


def enter_namespaces() -> None:
    """Let the next child be the first process in a namespace of its own; an ordinary user's own user namespace."""
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        kernel.unshare(kernel.CLONE_NEWPID)
        return
    kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def enter(walls: str, limits: Limits, hidden: list[str], folder: str, number: int) -> None:
    """Shut this process in, for good.

    Parameters
    ----------
    walls : one of `candidates`.
    hidden : files and folders that must not be seen, wherever they lie.
    folder : to work in, where there is none in memory.
    number : makes the user differ from those of processes at the same time.
    """
    linux = sys.platform.startswith("linux")
    os.setsid()
    for each in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if linux:
        Path("/proc/self/oom_score_adj").write_text("1000")  # the first to go if the machine runs out of memory
    base = _used() if linux else None
    if walls == "namespaces":
        others = kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
        kernel.unshare(others)
        _build(hidden)
        folder = "/tmp"
    if walls != "limits" and os.geteuid() == 0:
        user = job_user(number)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        if walls == "namespaces":
            with contextlib.suppress(OSError):  # where it is refused, nothing is lost: there is no privilege left
                kernel.stay_readable()
                kernel.unshare(kernel.CLONE_NEWUSER)
    os.chdir(folder)
    os.umask(0o077)
    os.environ.clear()
    os.environ.update(ENVIRONMENT | {"HOME": folder, "TMPDIR": folder, "MPLCONFIGDIR": folder})
    _set_limits(limits, walls, base)
    if linux:
        kernel.die_with_parent()
        kernel.drop_capabilities()
        if kernel.can_filter():
            kernel.filter_calls(lonely=walls != "namespaces")


def _build(hidden: list[str]) -> None:
    """Put together a file system of what may be seen, and move into it."""
    kernel.private_mounts()
    shown = _shown()
    base = next(each for each in BASES if os.path.isdir(each) and not any(_within(path, each) for path in shown))
    kernel.mount_tmpfs(base, f"size={FOLDER_SIZE},nr_inodes=8192,mode=755")
    for path in shown:
        _show(path, base + path)
    for path in map(os.path.realpath, hidden):
        for each in shown:
            real = os.path.realpath(each)
            if not os.path.islink(each) and _within(path, real):
                _cover(path, base + each + path[len(real) :])
    os.makedirs(f"{base}/dev/shm")
    for name in DEVICES:
        with open(f"{base}/dev/{name}", "x"):
            pass
        kernel.bind(f"/dev/{name}", f"{base}/dev/{name}", read_only=False)
    for name, mode in (("dev/shm", 0o1777), ("tmp", 0o1777), ("proc", 0o755)):
        os.makedirs(f"{base}/{name}", exist_ok=True)
        os.chmod(f"{base}/{name}", mode)
    with contextlib.suppress(OSError):  # in some containers; all works without
        kernel.mount_proc(f"{base}/proc")
    kernel.new_root(base)


def _shown() -> list[str]:
    """Return the files and folders that Python needs, none within another."""
    package = str(Path(__file__).parents[1])
    wanted = [*SYSTEM, *SETTINGS, sys.prefix, sys.exec_prefix, sys.base_prefix, package]
    wanted += [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages", "lib-dynload")]
    wanted += [os.path.realpath(path) for path in wanted]
    shown: list[str] = []
    for path in sorted({os.path.abspath(each) for each in wanted if os.path.exists(each)}, key=len):
        if path != "/" and not any(_within(path, each) for each in shown):
            shown.append(path)
    return shown


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _show(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(source):  # /lib, where that is /usr/lib
        os.symlink(os.readlink(source), target)
        return
    _make_place(source, target)
    kernel.bind(source, target)


def _make_place(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        with open(target, "a"):
            pass


def _cover(source: str, target: str) -> None:
    if os.path.isdir(source):
        kernel.mount_tmpfs(target, "size=4k,nr_inodes=1,mode=0,ro")
    elif os.path.exists(source):
        kernel.bind("/dev/null", target)


def _used() -> tuple[int, int]:
    """Return the sizes in bytes of this process's address space and of its data."""
    pages = Path("/proc/self/statm").read_text().split()
    return int(pages[0]) * resource.getpagesize(), int(pages[5]) * resource.getpagesize()


def _set_limits(limits: Limits, walls: str, used: tuple[int, int] | None) -> None:
    seconds = int(limits.seconds) + 5  # of one processor, should nobody be left to watch the clock
    values = {
        "RLIMIT_CPU": seconds,
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": FILE_SIZE,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_SIGPENDING": 1024,
    }
    if used is not None:
        values |= {"RLIMIT_AS": used[0] + 2 * limits.memory, "RLIMIT_DATA": used[1] + limits.memory}
        others = _my_threads() if walls == "limits" else 0
        values["RLIMIT_NPROC"] = limits.processes + others
    for name, value in values.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (value, value))


def _my_threads() -> int:
    """Return how many threads this user has: where no namespace separates them, they count against the limit."""
    count = 0
    for task in Path("/proc").glob("[0-9]*/task"):
        with contextlib.suppress(OSError):
            if task.stat().st_uid == os.getuid():
                count += len(os.listdir(task))
    return count
