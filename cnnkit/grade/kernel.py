"""What Linux has to shut a process in, by its C library: namespaces, mounts, capabilities, a filter of system calls.

Python has most of it from 3.12 or not at all. Each function raises OSError where the kernel refuses.
"""

import ctypes
import os
import platform
import struct
from collections.abc import Iterable

__all__ = [
    "CLONE_NEWIPC",
    "CLONE_NEWNET",
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWUSER",
    "CLONE_NEWUTS",
    "adopt_orphans",
    "bind",
    "can_filter",
    "die_with_parent",
    "drop_capabilities",
    "filter_calls",
    "mount_proc",
    "mount_tmpfs",
    "new_root",
    "private_mounts",
    "stay_readable",
    "unshare",
]

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH, AT_RECURSIVE, AT_FDCWD, MOUNT_ATTR_RDONLY = 2, 0x8000, -100, 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 36, 38

# Numbers of system calls (linux/unistd.h). The first two we make ourselves.
NUMBERS = {
    "x86_64": {
        "pivot_root": 155, "mount_setattr": 442, "clone": 56, "clone3": 435, "socket": 41, "prlimit64": 302,
        "tgkill": 234, "kill": 62, "tkill": 200, "pidfd_send_signal": 424, "rt_sigqueueinfo": 129,
        "rt_tgsigqueueinfo": 297, "ptrace": 101, "mount": 165, "umount2": 166, "unshare": 272, "setns": 308,
        "fsopen": 430, "move_mount": 429, "open_tree": 428, "keyctl": 250, "add_key": 248, "request_key": 249,
        "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "process_vm_readv": 310,
        "process_vm_writev": 311, "memfd_create": 319, "memfd_secret": 447, "shmget": 29, "msgget": 68,
    },
    "aarch64": {
        "pivot_root": 41, "mount_setattr": 442, "clone": 220, "clone3": 435, "socket": 198, "prlimit64": 261,
        "tgkill": 131, "kill": 129, "tkill": 130, "pidfd_send_signal": 424, "rt_sigqueueinfo": 138,
        "rt_tgsigqueueinfo": 240, "ptrace": 117, "mount": 40, "umount2": 39, "unshare": 97, "setns": 268,
        "fsopen": 430, "move_mount": 429, "open_tree": 428, "keyctl": 219, "add_key": 217, "request_key": 218,
        "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "io_uring_setup": 425, "process_vm_readv": 270,
        "process_vm_writev": 271, "memfd_create": 279, "memfd_secret": 447, "shmget": 194, "msgget": 186,
    },
}  # fmt: skip
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# No exercise needs these. They look into other processes, build walls within walls, or (the last four) hold memory
# that is counted to no process.
FORBIDDEN = (
    "ptrace", "mount", "umount2", "pivot_root", "mount_setattr", "unshare", "setns", "fsopen", "move_mount",
    "open_tree", "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
    "process_vm_readv", "process_vm_writev", "memfd_create", "memfd_secret", "shmget", "msgget",
)  # fmt: skip
SIGNALS = ("kill", "tkill", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo")

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments) -> None:
    if getattr(_libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _system_call(name: str, *arguments) -> None:
    numbers = NUMBERS.get(platform.machine())
    if numbers is None:
        raise OSError(f"{name}: its number on {platform.machine()} is not known")
    _call("syscall", numbers[name], *arguments)


def _path(path: str | os.PathLike) -> bytes:
    return os.fsencode(path)


def unshare(flags: int) -> None:
    """Leave the namespaces that are named by the flags for new ones."""
    _call("unshare", flags)


def private_mounts() -> None:
    """Let nothing that is mounted from now on be seen outside."""
    _call("mount", None, b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)


def mount_tmpfs(target: str, options: str) -> None:
    """Mount an empty file system in memory, with options such as ``size=64m``."""
    _call("mount", b"tmpfs", _path(target), b"tmpfs", ctypes.c_ulong(MS_NOSUID | MS_NODEV), options.encode())


def mount_proc(target: str) -> None:
    """Mount a list of the processes of this namespace."""
    _call("mount", b"proc", _path(target), b"proc", ctypes.c_ulong(MS_NOSUID | MS_NODEV | MS_NOEXEC), None)


def bind(source: str, target: str, read_only: bool = True) -> None:
    """Show a file or folder, and what is mounted in it, at a second place, where nothing can be written."""
    _call("mount", _path(source), _path(target), None, ctypes.c_ulong(MS_BIND | MS_REC), None)
    if read_only:
        attributes = struct.pack("=QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0)
        size = ctypes.c_size_t(len(attributes))
        _system_call("mount_setattr", AT_FDCWD, _path(target), AT_RECURSIVE, attributes, size)


def new_root(folder: str) -> None:
    """Make a folder, a mount of its own, the root of all files, and forget the old one."""
    os.chdir(folder)
    _system_call("pivot_root", b".", b".")
    _call("umount2", b".", MNT_DETACH)
    os.chdir("/")


def die_with_parent() -> None:
    """Be killed when the process that started this one ends."""
    _prctl(PR_SET_PDEATHSIG, 9)


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent has ended."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def stay_readable() -> None:
    """Keep the files of this process in /proc its own after a change of user."""
    _prctl(PR_SET_DUMPABLE, 1)


def drop_capabilities() -> None:
    """Give up every privilege, and never get one again, not even by a setuid program."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _call("capset", struct.pack("=Ii", 0x20080522, 0), bytes(24))


def can_filter() -> bool:
    """Return True if the numbers of this processor's system calls are known here."""
    return platform.machine() in NUMBERS


def filter_calls(lonely: bool) -> None:
    """Refuse the forbidden system calls, and sockets to anywhere but this machine, from now on and in all children.

    With `lonely`, signals to other processes are refused, too: for where no namespace hides those.
    """
    machine = platform.machine()
    numbers, program = NUMBERS[machine], []
    refuse = (0x06, 0, 0, 0x00050001)  # return EPERM
    unknown = (0x06, 0, 0, 0x00050026)  # return ENOSYS, upon which the C library takes the older call
    allow, kill = (0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x80000000)

    def load(offset: int) -> None:
        program.append((0x20, 0, 0, offset))

    def if_number(name: str, *block: tuple) -> None:
        program.extend([(0x15, 0, len(block), numbers[name]), *block])

    load(4)  # which kind of processor the call is for: 32-bit calls have other numbers
    program.extend([(0x15, 1, 0, AUDIT[machine]), kill])
    load(0)
    program.extend([(0x35, 0, 1, 0x40000000), refuse])  # calls in the x32 manner
    for name in (*FORBIDDEN, *(SIGNALS if lonely else ())):
        if_number(name, refuse)
    argument = (0x20, 0, 0, 16)  # the lower half of the first
    if_number("clone3", unknown)
    if_number("clone", argument, (0x45, 0, 1, 0x7E020080), refuse, allow)  # any namespace
    if_number("socket", argument, (0x15, 1, 0, 1), refuse, allow)  # AF_UNIX
    if lonely:
        if_number("prlimit64", argument, (0x15, 1, 0, 0), refuse, allow)
        if_number("tgkill", argument, (0x15, 1, 0, os.getpid()), refuse, allow)
    program.append(allow)
    _install(program)


def _install(program: Iterable[tuple[int, int, int, int]]) -> None:
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    head = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    _prctl(PR_SET_SECCOMP, 2, ctypes.create_string_buffer(head, len(head)))


def _prctl(option: int, *values) -> None:
    padded = [*values, 0, 0, 0, 0][:4]
    _call("prctl", option, *(each if isinstance(each, ctypes.Array) else ctypes.c_ulong(each) for each in padded))
