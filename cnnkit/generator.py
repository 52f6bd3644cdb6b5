"""DataGenerator: from folders of pictures to the batches from which a network learns.

What takes time is decoding files, and it need not be done again in every epoch. Here each file is decoded once, at
the start and by several threads, and brought to its final size; its pixels are kept as they are, one byte each. For
each batch remains what differs: the order, the normalisation (to float32, four bytes each) and the augmentation.

>>> import tempfile
>>> from pathlib import Path
>>> from PIL import Image
>>> with tempfile.TemporaryDirectory() as place:
...     for name in ("daisy/1.png", "daisy/2.png", "rose/3.png"):
...         Path(place, name).parent.mkdir(exist_ok=True)
...         Image.new("RGB", (150, 120), "white").save(Path(place, name))
...     generator = DataGenerator(ImageFolder(place), batch_size=2)
>>> [images.shape for images, labels in generator]
[(2, 100, 100, 3), (1, 100, 100, 3)]
"""

import math
import os
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral, Real
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from cnnkit.augment import Augmentation
from cnnkit.datasets import ImageFolder
from cnnkit.images import crop_center, resize, to_gray
from cnnkit.normalize import divide_by_255

__all__ = ["MEMORY_LIMIT", "DataGenerator"]

MEMORY_LIMIT = 2**30  # bytes of pixels that are kept in memory; more than that go to a file

# What random numbers are drawn for: a part of the key, so that no two uses share them.
ABLATION, ORDER, AUGMENTATION = 1, 2, 3


class DataGenerator(keras.utils.PyDataset):
    """Batches of pictures and labels from an `ImageFolder`, for `fit`, `evaluate` and `predict` of a Keras model.

    A picture that is smaller than the crop, or that has become unreadable since the folder was listed, is skipped,
    counted and reported in one line; nothing is deleted. The last batch of an epoch holds what is left. One seed
    always gives the same batches, in whatever order and by however many workers they are made.

    Parameters
    ----------
    folder : the pictures.
    batch_size : pictures in a batch, 1 or more.
    size : (rows, columns) to which the whole picture is scaled first, or one number for a square; None leaves it.
    crop : (rows, columns) of the centre that is cut out, or one number for a square; None keeps all of `size`.
    channels : 3 (grey pictures are repeated) or 1 (colours become brightness).
    normalize : function of one uint8 picture (rows, columns, channels) that returns a float one of the same shape,
        such as those of `cnnkit.normalize`.
    augment : `cnnkit.augment.Augmentation` for the normalised pictures of each batch; None for none.
    append_augmented : False: augmented pictures take the place of the originals. True: a batch is twice as large,
        first the originals, then their augmented copies with the same labels.
    ablation : a whole number for that many pictures of each class, or all of a smaller class; a fraction, above 0
        and up to 1.0, for that share of each class, but one at least; None for all. The seed decides which, a larger
        choice contains a smaller one, and in the place of a skipped picture another of its class is taken.
    shuffle : True gives every epoch an order of its own, False keeps that of the folder. `keras.Model.fit` also takes
        the batches in an order of its own, unless it is called with ``shuffle=False``, as `cnnkit.training.fit` does.
    seed : whole number, 0 or more.
    **kwargs : workers, use_multiprocessing and max_queue_size of `keras.utils.PyDataset`, in case that batches are
        made more slowly than the network learns from them. Workers are threads, and these will do; as processes they
        may have to be sent a copy of all the pixels in every epoch.

    Attributes
    ----------
    paths : list of Path, the pictures in the order of the folder; without shuffling, also that of the batches.
    labels : int64 (len(paths),), the position of each picture's class in `classes`.
    classes : tuple of str.
    skipped : list of (Path, str), each picture that could not be used with the reason.

    Raises
    ------
    ValueError : an argument outside what is said above, or no picture that can be used.
    OSError : more than `MEMORY_LIMIT` bytes of pixels, and no room for them where temporary files are.
    """

    def __init__(
        self,
        folder: ImageFolder,
        batch_size: int = 32,
        *,
        size: tuple[int, int] | int | None = None,
        crop: tuple[int, int] | int | None = (100, 100),
        channels: int = 3,
        normalize: Callable[[np.ndarray], np.ndarray] = divide_by_255,
        augment: Augmentation | None = None,
        append_augmented: bool = False,
        ablation: int | float | None = None,
        shuffle: bool = True,
        seed: int = 0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(folder, ImageFolder):
            raise ValueError(
                f"DataGenerator: folder is an ImageFolder, not {folder!r}. cnnkit.datasets has load(name) and"
                " ImageFolder(path), which make one."
            )
        self.batch_size, self.seed = _whole("batch_size", batch_size, 1), _whole("seed", seed, 0)
        self.size, self.crop, self.channels = _pair("size", size), _pair("crop", crop), channels
        self.normalize, self.augment, self.append_augmented = normalize, augment, append_augmented
        self.shuffle = shuffle
        self._check()
        chosen = self._read(folder, _wanted(ablation, folder), draw=ablation is not None)
        self.paths: list[Path] = [folder.paths[index] for index in chosen]
        self.labels: np.ndarray = folder.labels[chosen]
        self.classes = folder.classes
        self._name = folder.path.name
        self._report()
        self._check_normalize()
        self.epoch = 0

    def __len__(self) -> int:
        return math.ceil(len(self.paths) / self.batch_size)

    @property
    def steps(self) -> int:
        """How many batches make an epoch; the same as `len`."""
        return len(self)

    @property
    def epoch(self) -> int:
        """The number of the epoch, from 0. To go on with a training where it ended, set it to the `initial_epoch`."""
        return self._epoch

    @epoch.setter
    def epoch(self, number: int) -> None:
        self._epoch, count = _whole("epoch", number, 0), len(self.paths)
        self._order = self._rng(ORDER, number).permutation(count) if self.shuffle else np.arange(count)

    def on_epoch_end(self) -> None:
        """Go on to the next epoch. Keras calls this after each epoch, and in `fit` once before the first."""
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return one batch of this epoch.

        Returns
        -------
        images : float32 (pictures, rows, columns, channels).
        labels : float32 (pictures, classes), one-hot.

        Raises
        ------
        IndexError : there are not so many batches.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"DataGenerator: batches have the numbers 0 to {len(self) - 1}, and there is no {index}.")
        index %= len(self)
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        images = self._normalized(self._cache[self._rows[chosen]])
        labels = np.eye(len(self.classes), dtype=np.float32)[self.labels[chosen]]
        if self.augment is None:
            return images, labels
        changed = self.augment(images, self._rng(AUGMENTATION, self.epoch, index))
        if not self.append_augmented:
            return changed, labels
        return np.concatenate([images, changed]), np.concatenate([labels, labels])

    def __repr__(self) -> str:
        counts = np.bincount(self.labels, minlength=len(self.classes))
        per_class = ", ".join(f"{count} {name}" for name, count in zip(self.classes, counts, strict=True))
        pictures = min(self.batch_size, len(self.paths)) * (2 if self.append_augmented else 1)
        shape = "×".join(map(str, (pictures, *self._cache.shape[1:])))
        place = "a temporary file" if isinstance(self._cache, np.memmap) else "memory"
        tail = f"; {len(self.skipped)} skipped" if self.skipped else ""
        return (
            f"DataGenerator {self._name}: {len(self.paths)} pictures ({per_class}) in batches of {shape},"
            f" {len(self)} an epoch; {self._cache.nbytes / 1e6:.1f} MB in {place}{tail}"
        )

    def _check(self) -> None:
        size, crop = self.size, self.crop
        if size is None and crop is None:
            raise ValueError("DataGenerator: the pictures of a batch have one size; give size, crop or both.")
        if size and crop and (size[0] < crop[0] or size[1] < crop[1]):
            raise ValueError(f"DataGenerator: no crop of {_times(crop)} can be cut out of a size of {_times(size)}.")
        if self.channels not in (1, 3):
            raise ValueError(f"DataGenerator: channels is 1 (grey) or 3 (colour), not {self.channels!r}.")
        if self.augment is not None and not callable(self.augment):
            raise ValueError(f"DataGenerator: augment is an Augmentation or None, not {self.augment!r}.")
        if self.append_augmented and self.augment is None:
            raise ValueError("DataGenerator: append_augmented needs something to append. Give augment as well.")

    def _rng(self, *use: int) -> np.random.Generator:
        """Return random numbers that depend on the seed and their use, not on what has been drawn before."""
        return np.random.default_rng([self.seed, *use])

    def _read(self, folder: ImageFolder, wanted: list[int], draw: bool) -> list[int]:
        """Fill the cache with so many pictures of each class; return which of the folder they are, in its order."""
        members = [np.flatnonzero(folder.labels == label) for label in range(len(wanted))]
        rng = self._rng(ABLATION)
        queues = [iter((rng.permutation(indices) if draw else indices).tolist()) for indices in members]
        takers = [queue for queue, count in zip(queues, wanted, strict=True) for _ in range(count)]
        self._cache = _room((len(takers), *(self.crop or self.size), self.channels))
        rows, skipped = {}, {}

        def take(row: int, queue: Iterator[int]) -> None:
            for index in queue:  # until one can be used
                reason = self._decode(folder, index, row)
                if reason is None:
                    rows[index] = row
                    return
                skipped[index] = reason

        _in_threads(take, takers, f"reading {folder.path.name}")
        self._cache.flags.writeable = False
        self._rows = np.array([rows[index] for index in sorted(rows)], dtype=np.intp)
        self.skipped = [(folder.paths[index], skipped[index]) for index in sorted(skipped)]
        return sorted(rows)

    def _decode(self, folder: ImageFolder, index: int, row: int) -> str | None:
        """Bring one picture to its size and write it into the cache, or return the reason why it cannot be used."""
        try:
            picture = folder.read(index)
        except OSError as error:
            return f"unreadable ({error.strerror or 'the file has gone'})"
        except ValueError as error:
            return str(error).split(f"{folder.paths[index].name} is ")[-1].rstrip(".")
        if self.size:
            picture = resize(picture, self.size)
        if self.crop:
            if picture.shape[0] < self.crop[0] or picture.shape[1] < self.crop[1]:
                return f"too small ({_times(picture.shape[:2])} pixels; {_times(self.crop)} are needed)"
            picture = crop_center(picture, self.crop)
        if self.channels == 1:
            picture = to_gray(picture)
        self._cache[row] = picture if picture.ndim == 3 else picture[:, :, None]
        return None

    def _normalized(self, pictures: np.ndarray) -> np.ndarray:
        if self.normalize is divide_by_255:  # which treats each pixel by itself, and so the whole batch at once
            return divide_by_255(pictures)
        images = np.empty(pictures.shape, np.float32)
        for image, picture in zip(images, pictures, strict=True):
            image[...] = self.normalize(picture)
        return images

    def _check_normalize(self) -> None:
        """Try it on one picture: a wrong function would fail late, in the first batch, or fill it with nonsense."""
        picture = self._cache[self._rows[0]].copy()
        result = np.asarray(self.normalize(picture)) if callable(self.normalize) else np.asarray(None)
        if result.dtype.kind != "f" or result.shape != picture.shape:
            raise ValueError(
                "DataGenerator: normalize is a function that returns a float picture of the shape that it is given,"
                f" here {picture.shape}, not {result.dtype} {result.shape}. See cnnkit.normalize."
            )

    def _report(self) -> None:
        """Say in one line what has been skipped."""
        kinds = Counter(reason.split(" (")[0] for _, reason in self.skipped)
        listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        line = f"{len(self.skipped)} of {len(self.skipped) + len(self.paths)} pictures skipped ({listed})"
        if not self.paths:
            raise ValueError(f"DataGenerator: {self._name} has no usable picture: {line if kinds else 'it is empty'}.")
        if kinds:
            print(f"{self._name}: {line}; the files stay, see .skipped")


def _in_threads(function: Callable, items: list, title: str) -> None:
    """Call function(number, item) for each item; a bar shows itself if it takes more than two seconds."""
    pool = ThreadPoolExecutor(os.cpu_count())
    # Pillow warns about much that does not matter; one filter around all threads, since filters are not per thread.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for _ in tqdm(pool.map(function, range(len(items)), items), title, len(items), delay=5, leave=False):
                pass
        finally:
            pool.shutdown(cancel_futures=True)  # an interrupt does not wait for all the files that are left


def _room(shape: tuple[int, ...]) -> np.ndarray:
    """Return uint8 of this shape, in memory or, if that is too large, in a file."""
    needed = math.prod(shape)
    if needed <= MEMORY_LIMIT:
        return np.empty(shape, np.uint8)
    place = tempfile.gettempdir()
    if needed > (free := shutil.disk_usage(place).free):  # or writing to it would end the process without a word
        raise OSError(
            f"DataGenerator: the pictures take {needed / 1e9:.1f} GB, and {place} has {free / 1e9:.1f} GB free. Make"
            " room, set TMPDIR to another disk, or take a smaller size or an ablation."
        )
    # A file without a name: the system frees its space when this process ends, in whatever way.
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)


def _wanted(ablation: int | float | None, folder: ImageFolder) -> list[int]:
    """Return how many pictures of each class to take."""
    counts = np.bincount(folder.labels, minlength=len(folder.classes)).tolist()
    if ablation is None:
        return counts
    if isinstance(ablation, Integral) and not isinstance(ablation, bool) and ablation >= 1:
        return [min(int(ablation), count) for count in counts]
    if isinstance(ablation, Real) and not isinstance(ablation, Integral) and 0 < ablation <= 1:
        return [min(max(round(ablation * count), 1), count) for count in counts]
    raise ValueError(
        "DataGenerator: ablation is a number of pictures per class, such as 100, or a fraction of each class, such as"
        f" 0.1, not {ablation!r}."
    )


def _whole(name: str, value: int, least: int) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise ValueError(f"DataGenerator: {name} is a whole number of {least} or more, not {value!r}.")


def _pair(name: str, value: tuple[int, int] | int | None) -> tuple[int, int] | None:
    if value is None:
        return None
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(pair) == 2 and all(isinstance(side, Integral) and side >= 1 for side in pair):
        return int(pair[0]), int(pair[1])
    raise ValueError(f"DataGenerator: {name} is (rows, columns) in pixels, or one number, or None, not {value!r}.")


def _times(pair: tuple[int, int]) -> str:
    return f"{pair[0]}×{pair[1]}"
