"""Finds the class folders in a source, wherever they lie, and writes their pictures where they belong."""

import re
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from cnnkit.datasets.archive import Member
from cnnkit.datasets.catalog import PICTURES, FetchError

__all__ = ["choose", "take"]

HIDDEN = r"(^|/)(\.|__MACOSX/)"  # what a Mac adds to a zip; its folders look like the real ones
LONGEST_TEXT = 10_000_000  # bytes
LARGEST_PICTURE = 50_000_000  # bytes; a film has half a million, a large camera's photograph thirty million


def choose(listing: Mapping[str, int], folders: Mapping[str, tuple[str, ...]], name: str) -> dict[str, str]:
    """Find the class folders anywhere in a source and return where each of its files belongs.

    Parameters
    ----------
    listing : path in the source -> size in bytes.
    folders : class -> what its folder may be called.
    name : of the source, for messages.

    Raises
    ------
    FetchError : a class without a folder that holds pictures, or with several that differ.

    >>> choose({"a/Roses/1.jpg": 9, "a/daisy/1.jpg": 9, "a/x/1.jpg": 9}, {"daisy": ("daisy",), "rose": ("roses",)}, "")
    {'a/daisy/1.jpg': 'daisy/1.jpg', 'a/Roses/1.jpg': 'rose/1.jpg'}
    """
    pictures: dict[str, dict[str, int]] = defaultdict(dict)
    for path, size in listing.items():
        folder, _, file = path.rpartition("/")
        if file.lower().endswith(PICTURES) and not re.search(HIDDEN, path):
            pictures[folder][file] = size
    plan: dict[str, str] = {}
    beside = set()
    for kind, aliases in folders.items():
        folder = _the_one([folder for folder in pictures if _plain(folder) in aliases], pictures, aliases, name)
        plan |= {f"{folder}/{file}": f"{kind}/{_portable(file)}" for file in pictures[folder]}
        beside.add(folder.rpartition("/")[0])
    for file in ("LICENSE.txt", "source.json"):  # the latter tells whether the pictures were drawn
        places = {f"{folder}/{file}".lstrip("/") for folder in beside}
        plan |= {path: file for path in sorted(places & listing.keys())[:1] if listing[path] < LONGEST_TEXT}
    return plan


def take(
    source: Generator[Member, None, None], plan: Mapping[str, str], target: Path, key: Callable[[str], str] = str, **bar
) -> set[str]:
    """Write the members that a plan names into an empty folder; return the names in the plan that were found.

    Parameters
    ----------
    plan : `key` of a member's path -> path in the target.
    bar : options for the progress bar.
    """
    found: set[str] = set()
    with closing(source), tqdm(total=len(plan), unit="file", delay=2, **bar) as progress:
        for member in source:
            name = key(member.path)
            if name in plan:
                _write(member, target / plan[name])
                found.add(name)
                progress.update()
    return found


def _plain(folder: str) -> str:
    return re.sub(r"[\s_-]", "", folder.rpartition("/")[2]).lower()


def _portable(file: str) -> str:
    """Return a file name that every system can have."""
    file = "".join("_" if letter in '<>:"|?*' or not letter.isprintable() else letter for letter in file)
    device = re.match(r"(con|prn|aux|nul|com\d|lpt\d)\s*\.", file, re.IGNORECASE)
    return f"_{file}" if device else file


def _the_one(folders: list[str], pictures: Mapping[str, Mapping], aliases: tuple[str, ...], name: str) -> str:
    """Return the one folder of a class; of several that hold the same, as in some zips, the outermost."""
    wanted = " or ".join(aliases)
    if not folders:
        found = ", ".join(folder or "its top" for folder in sorted(pictures)[:8]) or "none anywhere"
        raise FetchError(f"{name} has no folder {wanted} with pictures in it; it has pictures in: {found}.")
    if any(pictures[folder] != pictures[folders[0]] for folder in folders):
        listed = ", ".join(folder for folder in sorted(folders)[:8])
        raise FetchError(
            f"{name} has several folders {wanted}: {listed}. Unpack it and give the folder around the right one."
        )
    return min(folders, key=len)


def _write(member: Member, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    try:
        file = open(path, "xb")
    except FileExistsError:
        raise FetchError(f"{member.path}: a second file of this name; rename one and try again.") from None
    with file:
        for block in member.blocks():
            file.write(block)
            if file.tell() > LARGEST_PICTURE:
                raise FetchError(
                    f"{member.path} unpacks to more than {LARGEST_PICTURE:,} bytes, which no picture has;"
                    " it was refused, nothing was unpacked. Leave it out, or get the archive from its publisher."
                )
