"""Reads an archive that was split into parts, ``films.zip.001``, ``.002`` …, as one file."""

import io
import re
from pathlib import Path
from typing import BinaryIO

from cnnkit.datasets.catalog import FetchError

__all__ = ["is_part", "open_whole", "which_part"]


def is_part(name: str) -> bool:
    """Return whether a file name or address is that of one part of several."""
    return bool(re.search(r"\.\d{3,}$", name))


def open_whole(source: Path) -> BinaryIO:
    """Open a file, or all parts of one of which the first is given.

    Raises
    ------
    FetchError : another part than the first is given, or one is missing.
    """
    if is_part(source.name):
        return io.BufferedReader(_Parts(_parts(source)))
    return open(source, "rb")


def _parts(source: Path) -> list[Path]:
    """Return the parts of a split archive in their order; the first one is given."""
    stem, _, number = source.name.rpartition(".")
    width = len(number)
    if int(number) != 1:
        raise FetchError(f"{source.name} is not the first part; give --source {stem}.{1:0{width}}")
    siblings = {path.name for path in source.parent.iterdir()}
    last = max(
        int(name[len(stem) + 1 :]) for name in siblings if re.fullmatch(rf"{re.escape(stem)}\.\d{{{width}}}", name)
    )
    names = [f"{stem}.{count:0{width}}" for count in range(1, last + 1)]
    for name in names:
        if name not in siblings:
            raise FetchError(f"{name} is missing; the {last} parts of {stem} must lie in one folder.")
    return [source.with_name(name) for name in names]


def which_part(source: Path) -> str:
    """Say which part of a split zip is to blame when the whole cannot be read; "" if it was not split."""
    if source.with_suffix(".z01").exists():
        return "It is the end of a split zip of the old kind; join it first: zip -s 0 NAME.zip --out WHOLE.zip"
    if not is_part(source.name):
        return ""
    parts = _parts(source)
    for part in parts[1:-1]:
        if part.stat().st_size != parts[0].stat().st_size:
            return f"The part {part.name} has not the size of the first, so it is truncated. Get it anew."
    return f"The last part found is {parts[-1].name}: it is truncated, or the parts after it are missing."


class _Parts(io.RawIOBase):
    """Several files as one."""

    def __init__(self, paths: list[Path]):
        self.files = [open(path, "rb") for path in paths]
        self.starts = [0]
        for path in paths:
            self.starts.append(self.starts[-1] + path.stat().st_size)
        self.place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = 0) -> int:
        self.place = place + (0, self.place, self.starts[-1])[whence]
        if self.place < 0:
            raise EOFError
        return self.place

    def readinto(self, buffer) -> int:
        for file, start, end in zip(self.files, self.starts, self.starts[1:], strict=False):
            if start <= self.place < end:
                file.seek(self.place - start)
                length = file.readinto(memoryview(buffer)[: end - self.place])
                self.place += length
                return length
        return 0

    def close(self) -> None:
        for file in self.files:
            file.close()
        super().close()
