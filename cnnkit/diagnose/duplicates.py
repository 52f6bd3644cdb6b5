"""Validation pictures that are in the training set too, found by a perceptual hash."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cnnkit import plots
from cnnkit.diagnose.access import Data, as_pictures, batches, stretched

# Share of the bits in which two hashes may differ for their pictures to count as one. Measured on 500 films and 500
# photographs, real and synthetic: copies that had been halved, made a tenth brighter or stored as JPEG of quality 30
# differ in 0.08 or less (but for one in a hundred), different real films in 0.24 or more, and different synthetic
# films, which are all drawn by one rule, in 0.11 or more.
BOUND = 0.1
FREQUENCIES = 24  # of the cosine transform, in each direction: the hash has some 290 bits


class Duplicate(NamedTuple):
    """A validation picture, and the training picture that is most like it."""

    training: int
    validation: int
    distance: float
    mirrored: bool


@dataclass(frozen=True, repr=False)
class Duplicates:
    """The validation pictures that training has too; a sequence of `Duplicate`, the nearest first.

    Attributes
    ----------
    pairs : tuple of `Duplicate`: index in the training set, index in the validation set (both in the order in which
        the batches come, for a `DataGenerator` that of its paths), share of the bits that differ, and whether one is
        the mirror image of the other.
    training, validation : numbers of pictures compared.
    pictures : the first pairs, to be shown.
    """

    pairs: tuple[Duplicate, ...]
    training: int
    validation: int
    pictures: tuple[tuple[np.ndarray, np.ndarray], ...]

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Duplicate]:
        return iter(self.pairs)

    def __getitem__(self, index):
        return self.pairs[index]

    @property
    def share(self) -> float:
        """How much of the validation set it is."""
        return len(self.pairs) / self.validation

    def __repr__(self) -> str:
        return (
            f"Duplicates: {len(self.pairs)} of {self.validation} validation pictures are, as good as, among the"
            f" {self.training} for training"
        )

    def show(self) -> None:
        """Show the nearest pairs side by side, up to four."""
        if not self.pairs:
            print(self)
            return
        titles = [
            title
            for pair in self.pairs[: len(self.pictures)]
            for title in (f"training {pair.training}", f"validation {pair.validation}\n{pair.distance:.2f} of the bits")
        ]
        plots.show(
            [stretched(image) for pair in self.pictures for image in pair],
            titles,
            "Pairs of a training picture and a validation picture that are, as good as, the same.",
        )


def find_duplicates(training: Data, validation: Data, bound: float = BOUND) -> Duplicates:
    """Find validation pictures that are in the training set too, also as near-copies.

    Each picture gets a perceptual hash: the signs of the lower frequencies of its cosine transform, which say where it
    is lighter and darker, coarsely. A copy that has been resized, lit a little differently or stored anew keeps nearly
    all of them, and of a mirror image it is known which signs change. Shifted, turned or cropped copies are not found.

    Parameters
    ----------
    training, validation : see `cnnkit.diagnose`; or images alone, an array (pictures, rows, columns, channels).
    bound : share of the signs, 0 to 1, in which two pictures that count as one may differ; the default was measured
        (see `BOUND`). For one validation picture the nearest training picture is named.

    Returns
    -------
    `Duplicates`: prints as one line, `.show()` shows the nearest pairs.

    Raises
    ------
    ValueError : data of another kind, or another bound.

    Source: after C. Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010, section 3.2.1,
    with more frequencies, since films of chests agree in the lowest.

    >>> films = np.random.default_rng(0).random((3, 32, 32, 1))
    >>> find_duplicates(films, 0.9 * films[1:2] + 0.1)[0][:2]
    (1, 0)
    """
    if not 0 <= bound <= 1:
        raise ValueError(f"find_duplicates: bound is a share of the bits, 0 to 1, not {bound!r}.")
    ours, theirs = (_hashes(data) for data in (training, validation))
    pairs = [
        Duplicate(column, row, round(distance, 4), mirrored)
        for row, (column, distance, mirrored) in enumerate(_nearest(ours, theirs))
        if distance <= bound
    ]
    pairs.sort(key=lambda pair: (pair.distance, pair.validation))
    shown = tuple((_picture(training, pair.training), _picture(validation, pair.validation)) for pair in pairs[:4])
    return Duplicates(tuple(pairs), len(ours.bits), len(theirs.bits), shown)


def close_relations(data: Data, bound: float = BOUND) -> float:
    """Return for how large a share of the pictures the same set has another that is very like, but no plain copy."""
    hashes = _hashes(data)
    distances = np.array([distance for _, distance, _ in _nearest(hashes, hashes, others=True)])
    return float((distances <= bound).mean())


class _Hashes(NamedTuple):
    bits: np.ndarray  # float32 (pictures, FREQUENCIES, FREQUENCIES), -1 and 1, or 0 for a picture that is flat
    rows: int
    columns: int


def _nearest(ours: _Hashes, theirs: _Hashes, others: bool = False) -> Iterator[tuple[int, float, bool]]:
    """Yield for each of theirs the nearest of ours: its index, the share of bits that differ, and if it is mirrored.

    With `others`, what is as good as equal does not count.
    """
    rows, columns = min(ours.rows, theirs.rows), min(ours.columns, theirs.columns)
    row, column = np.ogrid[:FREQUENCIES, :FREQUENCIES]
    chosen = (row + column < min(FREQUENCIES, max(rows, columns))) & (row < rows) & (column < columns)
    chosen[0, 0] = False  # the mean of the picture: its brightness
    # A few bits are no hash.
    count = max(int(chosen.sum()), 1)
    if count < 24:
        chosen[:] = False
    mirror = np.where(np.arange(FREQUENCIES) % 2, -1, 1).astype(np.float32)
    flat = ours.bits[:, chosen]
    for start in range(0, len(theirs.bits), 256):
        part = theirs.bits[start : start + 256]
        agree = [(part * sign)[:, chosen] @ flat.T / count for sign in (1, mirror)]
        best = np.maximum(*agree)
        if others:
            best[best > 0.98] = -1
        nearest = best.argmax(axis=1)
        for place, index in enumerate(nearest.tolist()):
            mirrored = bool(agree[1][place, index] > agree[0][place, index])
            yield index, float(1 - best[place, index]) / 2, mirrored


def _hashes(data: Data) -> _Hashes:
    bits, rows, columns = [], FREQUENCIES, FREQUENCIES
    for images in _images(data):
        signs = np.sign(waves(images, FREQUENCIES)).astype(np.float32)
        flat = np.ptp(images.reshape(len(images), -1), axis=1) == 0
        signs[flat] = 0
        bits.append(signs)
        rows, columns = min(rows, images.shape[1]), min(columns, images.shape[2])
    return _Hashes(np.concatenate(bits), rows, columns)


def waves(images: np.ndarray, count: int) -> np.ndarray:
    """Return the lower frequencies of the cosine transform (type II): float (pictures, count, count), rows first.

    The basis is written down for the size of the pictures, so that they need not be resized first; beyond the size,
    the frequencies are 0.
    """
    gray = np.asarray(images, np.float32).mean(axis=-1)
    gray = gray - gray.mean(axis=(1, 2), keepdims=True)

    def basis(size: int) -> np.ndarray:
        frequency, place = np.ogrid[:count, :size]
        values = np.cos(np.pi * frequency * (2 * place + 1) / (2 * size)) / size
        return np.where(frequency < size, values, 0).astype(np.float32)

    return basis(gray.shape[1]) @ gray @ basis(gray.shape[2]).T


def _images(data: Data) -> Iterator[np.ndarray]:
    if isinstance(data, np.ndarray):
        data = (data, np.zeros(len(data)))
    for images, _ in batches("find_duplicates", data, plain=True):
        yield np.nan_to_num(as_pictures(np.asarray(images, np.float32)))


def _picture(data: Data, index: int) -> np.ndarray:
    for images in _images(data):
        if index < len(images):
            return images[index]
        index -= len(images)
    raise IndexError(index)
