"""Finds who has handed in what: in a folder, a zip file, or nbgrader's ``submitted/<student>/<assignment>/``.

Nothing is unpacked and no link is followed. Whoever has a folder is a student, even with nothing in it.
"""

import contextlib
import hashlib
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from cnnkit.checks.exercise import ASSIGNMENTS

__all__ = ["Collection", "Notebook", "Submission", "collect"]

LARGEST = 300 * 2**20  # bytes; a notebook with 100 MB of pictures is read
MOST_NOTEBOOKS = 8  # that one student may hand in; more are not looked at
CHUNK = 1 << 20
# What becomes of a notebook's name when a browser saves it.
ENDINGS = (".ipynb", ".ipynb.txt", ".ipynb.json", ".json")


@dataclass(frozen=True)
class Notebook:
    """A file that may be a notebook, in a folder or in a zip file; `place` is its path within either."""

    source: Path
    place: str

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file to read; raises ValueError where that cannot be done."""
        with contextlib.ExitStack() as stack:
            try:
                stream = stack.enter_context(self._from_zip() if self.source.is_file() else self._from_folder())
            except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
                raise ValueError(f"the file cannot be read ({error})") from None
            yield stream

    def digest(self) -> str:
        """Return what changes when the file does."""
        with contextlib.suppress(ValueError), self.open() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        return "unreadable"

    def _from_folder(self) -> BinaryIO:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        stream = os.fdopen(os.open(self.source / self.place, flags), "rb")
        facts = os.fstat(stream.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST:
            stream.close()
            raise ValueError("it is no ordinary file" if not stat.S_ISREG(facts.st_mode) else _too_large())
        return stream

    @contextlib.contextmanager
    def _from_zip(self) -> Iterator[BinaryIO]:
        with zipfile.ZipFile(self.source) as archive, tempfile.TemporaryFile() as copy:
            with archive.open(self.place) as packed:
                while piece := packed.read(CHUNK):
                    copy.write(piece)
                    if copy.tell() > LARGEST:  # whatever the archive says of its size
                        raise ValueError(_too_large())
            copy.seek(0)
            yield copy


@dataclass
class Submission:
    """What a student has handed in: the likeliest notebook first; none is possible, and other files are named."""

    student: str
    notebooks: list[Notebook] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def digest(self) -> str:
        """Return what changes when the submission does."""
        facts = [f"{each.place}\n{each.digest()}" for each in self.notebooks] or self.others
        return hashlib.sha256("\n".join(facts).encode(errors="surrogateescape")).hexdigest()[:16]


@dataclass
class Collection:
    """All submissions, in the order of the students' names, and the files that nobody could be found for."""

    submissions: list[Submission]
    left_out: list[str]


def collect(path: str | os.PathLike, assignment: str) -> Collection:
    """Find the submissions of an assignment.

    Parameters
    ----------
    path : a folder or a zip file with a notebook for each student (named like the student), or with a folder for each;
        or nbgrader's folder ``submitted``, or the course that it lies in.
    assignment : folders with the names of other assignments are passed over.

    Raises
    ------
    ValueError : there is no such folder or file, or nothing in it.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"collect: {path} does not exist. Give the folder or the zip file with the submissions.")
    if path.is_dir():
        path = path / "submitted" if (path / "submitted").is_dir() else path
        places = _in_folder(path)
    elif zipfile.is_zipfile(path):
        places = _in_zip(path)
    else:
        raise ValueError(f"collect: {path} is neither a folder nor a zip file. Give one with the submissions.")
    found = _by_student(path, places, assignment)
    if not found.submissions:
        raise ValueError(f"collect: no notebooks in {path}. It should hold one for each student, or a folder for each.")
    return found


def _in_folder(path: Path) -> list[str]:
    """Return all files, and all folders with a slash at their end, by their place in a folder."""
    places = []
    for folder, names, files in os.walk(path):
        names.sort()
        inside = Path(folder).relative_to(path).as_posix()
        start = "" if inside == "." else f"{inside}/"
        places += [f"{start}{name}/" for name in names] + [f"{start}{name}" for name in sorted(files)]
    return places


def _in_zip(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            places = sorted(set(archive.namelist()))
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"collect: {path} cannot be read as a zip file ({error}). Fetch it again.") from None
    return places


def _by_student(path: Path, places: list[str], assignment: str) -> Collection:
    parts = {place: PurePosixPath(place.replace("\\", "/")).parts for place in places}
    parts = {place: tuple(name for name in each if name not in ("/", "..")) for place, each in parts.items()}
    parts = {place: each for place, each in parts.items() if each and not any(map(_is_hidden, each))}
    for _ in range(2 if path.is_file() else 0):  # a zip file often has all in one folder, or that in another
        useful = [each for place, each in parts.items() if len(each) > 1 or place.endswith("/") or _ending(place)]
        if _are_wrapped(useful, assignment):
            parts = {place: each[1:] for place, each in parts.items() if len(each) > 1}
    students: dict[str, Submission] = {}
    left_out = []
    for place, each in parts.items():
        folder, ending = place.endswith("/"), _ending(each[-1])
        alone = len(each) == 1 and not folder
        if alone and not ending:
            left_out.append(place)
            continue
        student = each[0][: -len(ending)] if alone else each[0]
        submission = students.setdefault(student, Submission(student))
        if folder or set(each[1:-1]) & (set(ASSIGNMENTS) - {assignment}):
            continue
        if not ending:
            submission.others.append("/".join(each[1:]))
            continue
        submission.notebooks.append(Notebook(path, place))
    for submission in students.values():
        submission.notebooks.sort(key=lambda notebook: _unlikely(notebook, assignment))
        del submission.notebooks[MOST_NOTEBOOKS:]
    return Collection([students[name] for name in sorted(students)], left_out)


def _are_wrapped(places: list[tuple[str, ...]], assignment: str) -> bool:
    """Return True if all notebooks lie in one folder, and that is not the folder of the only student."""
    seconds = {name for place in places for name in place[1:2]}
    only = bool(seconds & {assignment, f"{assignment}.ipynb"})
    return len({place[0] for place in places}) == 1 and bool(seconds) and not only


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _ending(name: str) -> str:
    return next((name[-len(each) :] for each in ENDINGS if name.casefold().endswith(each)), "")


def _unlikely(notebook: Notebook, assignment: str) -> tuple:
    parts = PurePosixPath(notebook.place.replace("\\", "/")).parts
    name = parts[-1].casefold()
    return (
        assignment not in parts[:-1],
        name != f"{assignment}.ipynb",
        not name.endswith(".ipynb"),
        assignment not in name,
        notebook.place,
    )


def _too_large() -> str:
    return f"it has more than {LARGEST // 2**20} MB"
