"""Reads what a data set can come from, a folder, a zip, a tar, whole or split; and trusts none of it."""

import errno
import gzip
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from cnnkit.datasets.catalog import FetchError
from cnnkit.datasets.parts import open_whole, which_part

__all__ = ["BOMB", "Member", "members", "tar_members"]

BOMB = 20  # an archive may unpack to this many times the size of the published set, and not to more
MOST_MEMBERS = 200_000  # the whole of ChestX-ray14 has 112,120 films
BLOCK = 1 << 18  # bytes read at once; also the longest header that a tar may have


@dataclass(frozen=True)
class Member:
    """An ordinary file in a source: its path there, parts separated by "/"; its size as declared; its bytes."""

    path: str
    size: int
    blocks: Callable[[], Iterator[bytes]]


def members(source: Path, limit: int, name: str) -> Iterator[Member]:
    """Yield the ordinary files of a folder or an archive, in their order there.

    Parameters
    ----------
    source : a folder, a zip, a tar or tar.gz, or the first part (``….001``) of one that was split.
    limit : bytes; an archive that unpacks to more is refused, whatever its headers say.
    name : of the source, for messages.

    Raises
    ------
    FetchError : no archive, damaged, truncated, encrypted, a part missing, a member that is a link or a device or
        would land outside the target, too much in it.
    """
    if source.is_dir():
        yield from _folder_members(source)
        return
    with open_whole(source) as file:
        magic = file.read(4)
        file.seek(0)
        if magic[:2] == b"PK":
            yield from _zip_members(file, limit, name, partial(which_part, source))
        else:
            yield from tar_members(file, name, limit, packed=magic[:2] == b"\x1f\x8b")


def tar_members(file, name: str, limit: int, packed: bool = True) -> Iterator[Member]:
    """Yield the ordinary files of a tar that is read once from front to back; see `members`.

    Parameters
    ----------
    file : has ``read(count)``; need not be seekable.
    name : of the archive, for messages.
    packed : by gzip.
    """
    with _damage_in_words(name):
        meter = _Meter(gzip.GzipFile(fileobj=file) if packed else file, limit, name)
        with _opened_tar(meter) as tar:
            for count, info in enumerate(iter(tar.next, None)):
                path = _inside(info.name, name)
                if not (info.isreg() or info.isdir()) or info.issparse():
                    raise FetchError(f"{name}: the member {path} is a link or a device; {_UNTRUSTED}")
                if count >= MOST_MEMBERS or len(tar.pax_headers) > 100:
                    raise meter.too_much(f"{MOST_MEMBERS:,} files")
                tar.members.clear()  # or the headers of all members stay in memory
                if info.isreg():
                    yield Member(path, info.size, partial(_blocks, partial(tar.extractfile, info), name))
        # tarfile takes a broken header, or none, for the end; the true end is a block of zeros.
        if meter.last != bytes(tarfile.BLOCKSIZE):
            raise EOFError
        while meter.read(BLOCK):  # gzip compares its checksum when it comes to the end
            pass


_UNTRUSTED = "it was refused, nothing was unpacked. Get the archive from its publisher, not from elsewhere."
_AGAIN = "Get the archive anew and try again."


class _Meter:
    """A file that is read forwards only, and only so far."""

    def __init__(self, file, limit: int, name: str):
        self.file, self.limit, self.name = file, limit, name
        self.place, self.last = 0, b""

    def read(self, count: int) -> bytes:
        if count > BLOCK:  # tarfile reads a header of any length in one piece
            raise self.too_much(f"{BLOCK:,} bytes of header")
        self.last = self.file.read(count)
        self.count(len(self.last))
        return self.last

    def count(self, length: int) -> None:
        self.place += length
        if self.place > self.limit:
            raise self.too_much(f"{self.limit:,} bytes, {BOMB} times the published set")

    def too_much(self, what: str) -> FetchError:
        return FetchError(f"{self.name} unpacks to more than {what}; {_UNTRUSTED}")

    def tell(self) -> int:
        return self.place

    def seek(self, place: int, whence: int = 0) -> int:
        if place < self.place:
            raise EOFError
        while self.place < place and self.read(min(BLOCK, place - self.place)):
            pass
        return self.place


def _opened_tar(meter: _Meter) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=meter, mode="r:")
    except tarfile.ReadError:
        raise FetchError(f"{meter.name} is not an archive that the kit can read: zip, tar, tar.gz.") from None


def _zip_members(file: BinaryIO, limit: int, name: str, remedy: Callable[[], str]) -> Iterator[Member]:
    meter = _Meter(file, limit, name)
    with _damage_in_words(name, remedy), zipfile.ZipFile(file) as archive:
        seen = set()
        for info in archive.infolist():
            path = _inside(info.orig_filename, name)
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise FetchError(f"{name}: the member {path} is a link or a device; {_UNTRUSTED}")
            if path in seen:
                raise FetchError(f"{name} holds {path} twice; {_UNTRUSTED}")
            if info.flag_bits & 1:
                raise FetchError(f"{name} is encrypted; unpack it yourself and give the folder: --source FOLDER")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # unpacked without a bound
                raise FetchError(f"{name} is packed in an uncommon way; unpack it yourself: --source FOLDER")
            seen.add(path)
            meter.count(info.file_size)  # zipfile gives no more of a member than it declares
            if len(seen) > MOST_MEMBERS:
                raise meter.too_much(f"{MOST_MEMBERS:,} files")
            if not info.is_dir():
                blocks = partial(_blocks, partial(archive.open, info), name, remedy)
                yield Member(path, info.file_size, blocks)


def _folder_members(source: Path) -> Iterator[Member]:
    def refuse(error: OSError):
        raise error

    for folder, below, files in os.walk(source, onerror=refuse):
        below.sort()
        for path in (Path(folder, file) for file in sorted(files)):
            if path.is_file():  # neither a pipe nor a link to nothing
                name = path.relative_to(source).as_posix()
                yield Member(name, path.stat().st_size, partial(_blocks, partial(open, path, "rb"), str(path)))


def _blocks(opened: Callable, name: str, remedy: Callable[[], str] = str) -> Iterator[bytes]:
    with _damage_in_words(name, remedy), opened() as file:
        while block := file.read(BLOCK):
            yield block


@contextmanager
def _damage_in_words(name: str, remedy: Callable[[], str] = str) -> Iterator[None]:
    """Turn what the libraries raise at broken archives, which is nearly anything, into a FetchError."""
    try:
        yield
    except FetchError:
        raise
    except (EOFError, tarfile.ReadError, zipfile.BadZipFile):
        raise FetchError(f"{name} is truncated or damaged. {remedy() or _AGAIN}") from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # the disk's, not the archive's
            raise
        raise FetchError(f"{name} is damaged ({error!s}). {remedy() or _AGAIN}") from None


def _inside(path: str, name: str) -> str:
    """Return a member's path in its plain form, with "/", unless it leads out of the target on any system."""
    path = path.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or "\0" in path or any(re.match("[A-Za-z]:", part) for part in parts):
        raise FetchError(f"{name}: the member {path} would land outside the target; {_UNTRUSTED}")
    return "/".join(parts)
