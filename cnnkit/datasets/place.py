"""The place of one data set on the disk: what is there, and how a new set gets there in one step or not at all.

Beside ``data/flowers`` there may be, for a while: ``.lock-flowers``, held by the process at work; ``.staging-flowers``,
where it gathers the new set, and rubbish if it died; ``.ready-flowers``, the same folder once all of it is on the disk;
``.old-flowers``, what the new set takes the place of. From ready on, whoever comes next can finish the job.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from cnnkit.datasets.catalog import PICTURES, DataSet, FetchError

__all__ = ["Place", "State", "require_space"]


@dataclass(frozen=True)
class State:
    """What there is of a set: kind "absent", "synthetic" or "real"; how many images and bytes; the folder."""

    kind: str
    images: int
    bytes: int
    path: Path


class Place:
    """Where one data set lies, `root/name`."""

    def __init__(self, dataset: DataSet, root: Path):
        self.dataset, self.root = dataset, root
        self.folder, self.downloads = root / dataset.name, root / ".downloads"
        self.part = self.downloads / f"{dataset.name}.part"
        self.lockfile, self.staging, self.ready, self.old = (
            root / f".{word}-{dataset.name}" for word in ("lock", "staging", "ready", "old")
        )

    def look(self) -> State:
        """Return what is there now; class folders without source.json are the user's own, so real."""
        sizes = [_sizes(self.folder / kind) for kind in self.dataset.classes]
        if not all(sizes):
            return State("absent", 0, 0, self.folder)
        kind = self.facts().get("kind", "real")
        return State(kind, sum(map(len, sizes)), sum(map(sum, sizes)), self.folder)

    def facts(self) -> dict:
        """Return what source.json says; empty if there is none."""
        path = self.folder / "source.json"
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            facts["files"] = {name: (int(line.split()[0]), line.split()[1]) for name, line in facts["files"].items()}
            if facts["kind"] in ("synthetic", "real"):
                return facts
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (ValueError, TypeError, LookupError, AttributeError):
            pass
        raise FetchError(f"{path} is damaged, so that nobody knows what is there; remove {path.parent} and fetch anew.")

    def objection(self) -> str:
        """Say why a new set must not take the folder's place; "" if it may."""
        if self.folder.is_symlink() or self.folder.is_file():
            return f"{self.folder} is a link or a file"
        if all(path.is_dir() and not path.is_symlink() for path in self.folder.rglob("*")):
            return ""
        facts = self.facts()
        if facts.get("kind") != "synthetic":
            return f"{self.folder} holds files that are not the kit's"
        own = [name for name, trouble in self.compare(facts, hashes=False) if trouble != "missing"]
        return f"{self.folder} holds {own[0]}, which is not as the kit drew it" if own else ""

    def compare(self, facts: dict, hashes: bool = True) -> Iterator[tuple[str, str]]:
        """Yield (file, what is wrong with it) for each file that is not as source.json says."""
        from tqdm import tqdm

        here = {path.relative_to(self.folder).as_posix(): path for path in _files(self.folder)}
        here.pop("source.json", None)
        for name, (size, digest) in tqdm(facts["files"].items(), "comparing", unit="file", delay=2):
            path = here.pop(name, None)
            if path is None:
                yield name, "missing"
            elif path.stat().st_size != size or (hashes and _digest(path) != digest):
                yield name, "damaged"
        yield from ((name, "not the kit's") for name in here)

    def install(self, facts: dict) -> None:
        """Put what was gathered in staging in the folder's place, with `facts` and a list of its files."""
        from concurrent.futures import ThreadPoolExecutor

        from tqdm import tqdm

        files = {path.relative_to(self.staging).as_posix(): path for path in sorted(_files(self.staging))}
        with ThreadPoolExecutor(16) as pool:  # settled one by one, a thousand files would take seconds
            digests = pool.map(partial(_digest, settle=True), files.values())
            digests = tqdm(digests, f"installing {self.dataset.name}", len(files), unit="file", delay=2)
            sizes = [path.stat().st_size for path in files.values()]
            listed = {name: f"{size} {digest}" for name, size, digest in zip(files, sizes, digests, strict=True)}
        with open(self.staging / "source.json", "w", encoding="utf-8") as file:
            json.dump(facts | {"files": listed}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        for folder in {path.parent for path in files.values()} | {self.staging}:
            _settle(folder)
        self.staging.rename(self.ready)
        self._swap()

    def forget_download(self) -> None:
        """Delete a half-finished download and the notes on it."""
        for path in (self.part, self.part.with_suffix(".json"), self.part.with_suffix(".new")):
            with suppress(FileNotFoundError):
                path.unlink()
        with suppress(OSError):  # not there, or in use
            self.downloads.rmdir()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Wait until no other process works on this set, clear up after one that was killed, and keep others out."""
        new_root = not self.root.exists()
        started, told = time.monotonic(), False
        while (handle := self._locked()) is None:
            if not told and time.monotonic() - started > 1:
                told = True
                print(f"{self.dataset.name}: waiting for another process that works on {self.root}", file=sys.stderr)
            time.sleep(0.1)
        try:
            with self._holding(handle):
                yield
        finally:
            for folder in (self.downloads, self.root) if new_root else (self.downloads,):
                with suppress(OSError):  # still in use
                    folder.rmdir()

    def tidy(self, thorough: bool = False) -> None:
        """Finish what a killed process had all but done, and, if `thorough`, clear away what it left besides."""
        rubbish = (self.staging, self.old, self.lockfile) if thorough else ()
        while self.ready.exists() or any(path.exists() for path in rubbish):
            try:
                handle = self._locked()
            except OSError:  # a folder of which we may only read
                return
            if handle:
                with self._holding(handle):
                    return
            if not self.ready.exists():  # the other process lives and is at work
                return
            time.sleep(0.05)

    def _locked(self) -> BinaryIO | None:
        """Open and lock the lock file; None while another process has it."""
        self.root.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError), ExitStack() as stack:  # not found: the one that had it is done
            handle = stack.enter_context(open(self.lockfile, "ab"))
            if _lock(handle) and os.fstat(handle.fileno()).st_ino == self.lockfile.stat().st_ino:
                stack.pop_all()
                return handle
        return None

    @contextmanager
    def _holding(self, handle) -> Iterator[None]:
        try:
            self._swap()
            yield
        finally:
            with handle, suppress(OSError):  # Windows removes no open file; there an empty one stays
                self.lockfile.unlink()

    def _swap(self) -> None:
        """Bring a set that is ready into place, from whatever step a killed process came to; the lock is held."""
        if self.ready.exists():
            if not self.objection():
                if self.folder.exists():
                    self._drop(self.old)
                    self.folder.rename(self.old)
                self.ready.rename(self.folder)
                _settle(self.root)
            else:
                self._drop(self.ready)
        self._drop(self.old)
        self._drop(self.staging)

    def _drop(self, folder: Path) -> None:
        """Delete a folder; under its own name it is there in full or not at all."""
        if folder.exists():
            if folder != self.staging:
                shutil.rmtree(self.staging, ignore_errors=True)
                folder.rename(self.staging)
            shutil.rmtree(self.staging, ignore_errors=True)


def require_space(folder: Path, size: int) -> None:
    """Raise FetchError unless the disk that `folder` is on has `size` bytes free."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise FetchError(f"No space in {folder}: {size:,} bytes are needed, {free:,} are free. Use --data DIR.")


def _sizes(folder: Path) -> list[int]:
    """Return the size of each picture in a folder, in bytes; empty if there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            files = [entry for entry in entries if entry.name[0] != "." and entry.name.lower().endswith(PICTURES)]
            return [file.stat().st_size for file in files if file.is_file()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder: Path) -> list[Path]:
    """Return all files below a folder but those that file managers leave."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    strangers = {"Thumbs.db", "desktop.ini"}
    return [
        p for p in found if p.name not in strangers and not any(part[0] == "." for part in p.relative_to(folder).parts)
    ]


def _digest(path: Path, settle: bool = False) -> str:
    """Return the SHA-256 of a file; `settle` makes sure that it is on the disk, power cut or not."""
    import hashlib

    with open(path, "r+b" if settle else "rb") as file:
        if settle:
            os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settle(folder: Path) -> None:
    """Make sure that a folder's entries are on the disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _lock(handle: BinaryIO) -> bool:
    """Lock a file unless another process has; where the file system knows no locks, go without."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        lock, busy = partial(msvcrt.locking, handle.fileno(), msvcrt.LK_NBLCK, 1), OSError
    else:
        lock, busy = partial(fcntl.flock, handle, fcntl.LOCK_EX | fcntl.LOCK_NB), BlockingIOError
    try:
        lock()
    except busy:
        return False
    except OSError:
        pass
    return True
