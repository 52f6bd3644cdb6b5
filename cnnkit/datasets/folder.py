"""ImageFolder: the index of a directory with one sub-folder per class, and of what in it cannot be used."""

import hashlib
import json
import os
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from tqdm import tqdm

from cnnkit.datasets.reading import read_image

__all__ = ["ImageFolder", "patient"]


def patient(path: Path) -> str:
    """Return the patient's number, the first eight digits of a ChestX-ray14 file name."""
    return Path(path).name[:8]


class ImageFolder:
    """The pictures of a directory with one sub-folder per class.

    Every file is decoded once, to be sure that it can be; the verdict is remembered for as long as the file does
    not change. What cannot be used is listed in `.skipped`, reported in one line, and stays on the disk. Names that
    begin with a dot are ignored.

    Parameters
    ----------
    path : the directory.
    classes : names of the sub-folders, in the order of their labels; by default all of them, sorted by name.
    min_side : pixels; a file with a shorter side is no photograph but an icon or a fragment, and is skipped.

    Attributes
    ----------
    paths : list of Path, class by class, sorted by name.
    labels : int64 (len(paths),), the position of each picture's class in `classes`.
    classes : tuple of str.
    skipped : list of (Path, str), each file that cannot be used with the reason.

    Raises
    ------
    FileNotFoundError : no such directory, or no sub-folder of one of the class names.
    ValueError : no usable picture in it.
    """

    def __init__(self, path: str | os.PathLike, classes: Sequence[str] | None = None, *, min_side: int = 16):
        self.path = Path(path)
        self.classes = _class_names(self.path, classes)
        found = [(file, label) for label, name in enumerate(self.classes) for file in _files(self.path / name)]
        reasons = _reasons(self.path, [file for file, _ in found], min_side)
        self.paths: list[Path] = [file for file, _ in found if file not in reasons]
        self.labels = np.array([label for file, label in found if file not in reasons], dtype=np.int64)
        self.skipped: list[tuple[Path, str]] = list(reasons.items())
        if not self.paths:
            raise ValueError(f"{self.path} holds no usable picture: {self._skipped_in_words() or 'it is empty'}.")
        if self.skipped:
            print(f"{self.path.name}: {self._skipped_in_words()}; the files stay, see .skipped")

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        counts = np.bincount(self.labels, minlength=len(self.classes))
        per_class = ", ".join(f"{count} {name}" for name, count in zip(self.classes, counts, strict=True))
        tail = f"; {len(self.skipped)} skipped" if self.skipped else ""
        return f"{type(self).__name__} {self.path.name}: {len(self)} pictures ({per_class}){tail}"

    def read(self, index: int) -> np.ndarray:
        """Return picture number `index`: uint8 (rows, columns) or (rows, columns, 3)."""
        return read_image(self.paths[index])

    def subset(self, indices: Iterable[int]) -> "ImageFolder":
        """Return the folder with only these pictures, in this order; nothing is read or copied."""
        part = object.__new__(type(self))
        part.path, part.classes, part.skipped = self.path, self.classes, []
        indices = list(indices)
        part.paths = [self.paths[index] for index in indices]
        part.labels = self.labels[indices]
        return part

    def split(
        self,
        validation: float = 0.2,
        seed: int = 0,
        group: str | Callable[[Path], Hashable] | Sequence[Hashable] | None = None,
    ) -> tuple["ImageFolder", "ImageFolder"]:
        """Split into a training and a validation part, with the same share of every class.

        Parameters
        ----------
        validation : share of the pictures of each class that goes to the validation part, between 0 and 1.
        seed : the same seed gives the same split.
        group : pictures of one group never stand on both sides. ``"patient"`` for the first eight digits of the
            file name, a function of the path, or one key per picture.

        Returns
        -------
        (training, validation), each an ImageFolder in the order of this one.

        Raises
        ------
        ValueError : a share outside (0, 1), as many keys as there are not pictures, or too few pictures or groups
            to have some on both sides.
        """
        if not 0 < validation < 1:
            raise ValueError(f"split: validation is a share between 0 and 1, e.g. 0.2, not {validation!r}.")
        keys = self._group_keys(group)
        chosen = _choose(keys, self.labels, validation, np.random.default_rng(seed))
        inside = np.array([key in chosen for key in keys])
        if inside.all() or not inside.any():
            raise ValueError(f"split: {len(self)} pictures in {len(set(keys))} groups are too few to split.")
        return self.subset(np.flatnonzero(~inside)), self.subset(np.flatnonzero(inside))

    def _group_keys(self, group) -> list[Hashable]:
        if group is None:
            return list(range(len(self)))
        if group == "patient" or callable(group):
            key = patient if group == "patient" else group
            return [key(path) for path in self.paths]
        if isinstance(group, str) or len(group) != len(self):
            raise ValueError(
                f"split: group is 'patient', a function of the path, or {len(self)} keys, one per picture."
            )
        return list(group)

    def _skipped_in_words(self) -> str:
        kinds = Counter(reason.split(" (")[0] for _, reason in self.skipped)
        total = len(self.paths) + len(self.skipped)
        listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        return f"{len(self.skipped)} of {total} files skipped ({listed})" if kinds else ""


def _choose(keys: list, labels: np.ndarray, validation: float, rng: np.random.Generator) -> set:
    """Draw groups for validation until each class has its share; rare classes first, since they are hardest to fit."""
    members: dict = defaultdict(list)
    for key, label in zip(keys, labels, strict=True):
        members[key].append(label)
    order = [list(members)[position] for position in rng.permutation(len(members))]
    counts = np.bincount(labels)
    chosen: set = set()
    for label in np.argsort(counts, kind="stable"):
        groups = [key for key in order if label in members[key]]
        wanted = min(max(round(validation * counts[label]), 1), counts[label] - 1)
        have = sum(members[key].count(label) for key in groups if key in chosen)
        for key in (key for key in groups if key not in chosen):
            gain = members[key].count(label)
            if abs(have + gain - wanted) < abs(have - wanted):  # it brings the class nearer to its share
                chosen.add(key)
                have += gain
    return chosen


def _class_names(path: Path, classes: Sequence[str] | None) -> tuple[str, ...]:
    if not path.is_dir():
        raise FileNotFoundError(f"ImageFolder: there is no folder {path}. To get the data: python data_fetch.py")
    present = sorted(entry.name for entry in path.iterdir() if entry.is_dir() and entry.name[0] != ".")
    if isinstance(classes, str):
        raise ValueError(f"ImageFolder: classes is a list of names, e.g. [{classes!r}, …], not one name.")
    wanted = tuple(present if classes is None else classes)
    missing = [name for name in wanted if name not in present]
    if missing or not wanted:
        raise FileNotFoundError(
            f"ImageFolder: {path} needs one sub-folder per class"
            f"{' named ' + ' and '.join(missing) if missing else ''}; it has {', '.join(present) or 'none'}."
        )
    return wanted


def _files(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.name[0] != ".")


def _reasons(root: Path, files: list[Path], min_side: int) -> dict[Path, str]:
    """Return the reason for each file that cannot be used, decoding only files that are new or have changed."""
    known = _Verdicts(root)
    fresh = [file for file in files if known.get(file) is None]
    # Pillow warns about much that does not matter; one filter around all threads, since filters are not per thread.
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore")
        looks = tqdm(pool.map(_look, fresh), f"checking {root.name}", len(fresh), unit="file", delay=2, leave=False)
        for file, verdict in zip(fresh, looks, strict=True):
            known.put(file, verdict)
    if fresh:
        known.save()
    reasons = {}
    for file in files:
        verdict = known.get(file)
        if isinstance(verdict, str):
            reasons[file] = verdict
        elif min(verdict) < min_side:
            reasons[file] = f"too small ({verdict[0]}×{verdict[1]} pixels; {min_side} are needed)"
    return reasons


def _look(file: Path) -> str | list[int]:
    """Decode one file: its (rows, columns), or the reason why it cannot be used."""
    try:
        return list(read_image(file).shape[:2])
    except FileNotFoundError:
        return "unreadable (a link to nothing)"
    except ValueError as error:
        return str(error).split(f"{file.name} is ", 1)[1].rstrip(".")


class _Verdicts:
    """What was found when a file was last decoded, kept in the user's cache, never beside the data.

    A lost or damaged cache costs a second look and nothing else.
    """

    def __init__(self, root: Path):
        self.root = root.resolve()
        name = hashlib.sha1(str(self.root).encode()).hexdigest()
        self.cache = user_cache_path("cnnkit") / "index" / f"{name}.json"
        try:
            self.verdicts = dict(json.loads(self.cache.read_text()))
        except (OSError, ValueError, TypeError):
            self.verdicts = {}
        self.keys: dict[Path, str] = {}

    def get(self, file: Path) -> str | list[int] | None:
        verdict = self.verdicts.get(self._key(file))
        sound = isinstance(verdict, str) or (isinstance(verdict, list) and len(verdict) == 2)
        return verdict if sound else None

    def put(self, file: Path, verdict: str | list[int]) -> None:
        self.verdicts[self._key(file)] = verdict

    def save(self) -> None:
        """Write what is known of the files seen this time; files that have gone are forgotten."""
        current = {key: self.verdicts[key] for key in self.keys.values()}
        partial = self.cache.with_suffix(f".{os.getpid()}")
        try:
            self.cache.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(current))
            partial.replace(self.cache)
        except OSError:
            pass  # a read-only home or a full disk: the next look will be as long as this one

    def _key(self, file: Path) -> str:
        """Return a name that changes when the file does."""
        if file not in self.keys:
            try:
                facts = file.stat()
                stamp = f"{facts.st_size} {facts.st_mtime_ns} {facts.st_mode}"
            except OSError:
                stamp = "gone"
            self.keys[file] = f"{file.parent.name}/{file.name} {stamp}"
        return self.keys[file]
