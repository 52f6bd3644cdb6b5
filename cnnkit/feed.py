"""What a final run feeds to its networks: pictures that are decoded once, batches of them, and their augmentation.

The augmentation travels with the network onto its device: the host only draws a matrix for each picture (`Batches`),
and a layer moves the pictures by it (`Moved`). Whatever a chance decides is a function of the seed and of the epoch.
"""

import hashlib
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from cnnkit import normalize
from cnnkit.augment import Augmentation
from cnnkit.datasets import ImageFolder
from cnnkit.generator import AUGMENTATION, ORDER, DataGenerator
from cnnkit.images import crop_center, read_image, resize, to_gray
from cnnkit.training import Preset

__all__ = ["Batches", "Films", "Moved", "prepared", "shifted"]

PATIENT = re.compile(r"\d{8}_\d{3}\.")  # how ChestX-ray14 names a film


class Films(DataGenerator):
    """All pictures of a run, decoded once and shared by all its trainings."""

    def __init__(self, folder: ImageFolder, preset: Preset, seed: int) -> None:
        super().__init__(
            folder,
            preset.batch_size,
            size=preset.size,
            crop=preset.crop,
            channels=preset.channels,
            normalize=_normalizer(preset),
            ablation=preset.share if preset.share < 1 else None,
            shuffle=False,
            seed=seed,
        )
        places = {path: place for place, path in enumerate(folder.paths)}
        self.folder = folder.subset(places[path] for path in self.paths)

    def pictures(self, indices: Sequence[int]) -> np.ndarray:
        """Return float32 (indices, rows, columns, channels), normalised."""
        return self._normalized(self._cache[self._rows[indices]])

    def fingerprint(self) -> str:
        """Return a text that is another one for other pictures: of their classes, names and sizes."""
        told = hashlib.sha256()
        for path, label in zip(self.paths, self.labels.tolist(), strict=True):
            told.update(f"{label} {path.name} {path.stat().st_size}\n".encode())
        return told.hexdigest()[:16]

    def split(self, indices: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Split by class, and by patient where the names of the files tell them: (rest, share of the indices)."""
        part = self.folder.subset(indices)
        place = {path: index for path, index in zip(part.paths, indices.tolist(), strict=True)}
        group = "patient" if all(PATIENT.match(path.name) for path in self.paths) else None
        halves = part.split(share, seed, group)
        return tuple(np.array([place[path] for path in half.paths]) for half in halves)


class Batches(keras.utils.PyDataset):
    """Batches of some of the pictures: for training in a new order in each epoch, or in theirs to be judged.

    A training batch is always full, so that several devices have equal parts and none learns from a handful; what is
    left over differs from epoch to epoch. With an augmentation the images come with a matrix and a change of light
    for each, which `Moved` applies on the device; with `shifts` five variants of each (see `shifted`). In a run of
    several processes each makes its own part of a batch.
    """

    def __init__(
        self,
        films: Films,
        indices: np.ndarray,
        batch_size: int,
        *,
        training: bool = False,
        augmentation: Augmentation | None = None,
        shifts: int = 0,
        seed: int = 0,
        part: tuple[int, int] = (0, 1),
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.films, self.indices, self.seed = films, np.asarray(indices), seed
        self.training, self.augmentation, self.shifts, self.part = training, augmentation, shifts, part
        self.batch_size = batch_size
        self.epoch = 0

    @property
    def labels(self) -> np.ndarray:
        """Int (pictures,), in the order of the indices."""
        return self.films.labels[self.indices]

    @property
    def epoch(self) -> int:
        """The number of the epoch, from 0, on which order and augmentation depend."""
        return self._epoch

    @epoch.setter
    def epoch(self, number: int) -> None:
        self._epoch, count = number, len(self.indices)
        self._order = self._rng(ORDER, number).permutation(count) if self.training else np.arange(count)

    def _rng(self, *use: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *use])

    def __len__(self) -> int:
        exact = len(self.indices) / self.batch_size
        return math.floor(exact) if self.training else math.ceil(exact)

    def __getitem__(self, index: int):
        chosen = self.indices[self._order[index * self.batch_size : (index + 1) * self.batch_size]]
        number, of = self.part
        mine = chosen[number::of]
        images = self.films.pictures(mine)
        labels = np.eye(len(self.films.classes), dtype=np.float32)[self.films.labels[mine]]
        if self.augmentation is None:
            variants = shifted(images, self.shifts)
            return variants, labels.repeat(len(variants) // len(images), axis=0)
        rng = self._rng(AUGMENTATION, self.epoch, index)
        changes = [self.augmentation.draw(rng) for _ in chosen][number::of]
        inverse = np.linalg.inv([change.matrix(images.shape[1:]) for change in changes]).round(12)
        light = [(change.contrast, change.brightness) for change in changes]
        moves = np.concatenate([inverse.reshape(-1, 9)[:, :8], light], axis=1).astype(np.float32)
        return {"images": images, "moves": moves}, labels


class Moved(keras.layers.Layer):
    """Moves and lights each picture as `cnnkit.augment.Transform` does, on whatever device the network is.

    Parameters
    ----------
    fill_mode : as of `Transform`.

    Inputs are images (batch, rows, columns, channels), and moves (batch, 10): the inverse matrix without its last 1,
    row by row, the contrast, the brightness.
    """

    def __init__(self, fill_mode: str = "constant", **kwargs) -> None:
        super().__init__(dtype="float32", trainable=False, **kwargs)
        self.fill_mode = fill_mode
        # TensorFlow's operation for this is not among those that XLA compiles.
        self.supports_jit = keras.backend.backend() != "tensorflow"

    def call(self, inputs):
        """Return the changed images, of the same shape."""
        images, moves = inputs
        images = ops.image.affine_transform(
            images, moves[:, :8], "bilinear", self.fill_mode, data_format="channels_last"
        )
        contrast, brightness = moves[:, 8, None, None, None], moves[:, 9, None, None, None]
        lit = ops.clip(images * contrast + ((1 - contrast) / 2 + brightness), 0, 1)
        # Left alone, a picture may go beyond 0 to 1, as after `standardize`.
        return ops.where(ops.logical_and(contrast == 1, brightness == 0), images, lit)


def _normalizer(preset: Preset) -> Callable[[np.ndarray], np.ndarray]:
    if preset.normalize not in normalize.__all__:
        raise ValueError(f"Preset: normalize is one of {', '.join(normalize.__all__)}, not {preset.normalize!r}.")
    return getattr(normalize, preset.normalize)


def shifted(images: np.ndarray, pixels: int) -> np.ndarray:
    """Return each picture and, if `pixels` is above 0, after it four more: shifted so far up, down, left and right.

    `images` are float (pictures, rows, columns, channels), the result has 5 times as many. Black comes in.
    """
    if not pixels:
        return images
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    rows, columns = images.shape[1:3]
    corners = ((1, 1), (2, 1), (0, 1), (1, 2), (1, 0))
    copies = [padded[:, pixels * y :][:, :rows, pixels * x :][:, :, :columns] for y, x in corners]
    return np.stack(copies, axis=1).reshape(-1, *images.shape[1:])


def prepared(path: Path, preset: Preset) -> np.ndarray:
    """Read one picture as `DataGenerator` does: float32 (rows, columns, channels)."""
    picture = read_image(path)
    if preset.size:
        picture = resize(picture, preset.size)
    if preset.crop:
        picture = crop_center(picture, preset.crop)
    if preset.channels == 1:
        picture = to_gray(picture)
    if picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], preset.channels, axis=2)
    return _normalizer(preset)(picture)
