"""Do the labels belong to the pictures, and are the classes in one order? Asked of a classifier that is no network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from cnnkit.diagnose.access import Data, Sample, as_pictures, class_names, read, width


@dataclass(frozen=True, repr=False)
class Labels:
    """What the labels look like, and whether they have to do with the pictures.

    A simple classifier, no network (see `check_labels`), learns from the training pictures. How well it knows them is
    compared with how well it would know them with the labels shuffled, in standard deviations: above 3 is more than
    chance.

    Attributes
    ----------
    names : tuple of str, of the classes of the training set.
    training, validation : tuple of int, pictures of each class.
    problems : tuple of str, what is formally wrong; empty if nothing is.
    signal : of the training pictures, each judged by the others; in standard deviations.
    validation_signal : the same within the validation pictures.
    agreement : of the validation labels with what the classifier has learnt from the training pictures.
    order : tuple of int, which training class each validation class resembles most; (0, 1, …) if all is well.
    order_agreement : as `agreement`, with the classes put into that order.
    """

    names: tuple[str, ...]
    training: tuple[int, ...]
    validation: tuple[int, ...]
    problems: tuple[str, ...]
    signal: float
    validation_signal: float
    agreement: float
    order: tuple[int, ...]
    order_agreement: float

    @property
    def reordered(self) -> bool:
        """True if another order of the classes fits the validation set far better."""
        return self.order != tuple(range(len(self.order))) and self.order_agreement > max(4, self.agreement + 4)

    def __repr__(self) -> str:
        def listed(counts: tuple[int, ...]) -> str:
            return ", ".join(f"{count} {name}" for count, name in zip(counts, self.names, strict=True))

        lines = [f"Labels: training {listed(self.training)}; validation {listed(self.validation)}", *self.problems]
        lines.append(
            "Pictures of a class are alike, beyond chance if above 3: training"
            f" {self.signal:.0f}, validation {self.validation_signal:.0f}, one with the other {self.agreement:.0f}"
        )
        return "\n".join(lines)


def check_labels(training: Data, validation: Data) -> Labels:
    """Count the labels, and ask whether the pictures and their labels belong together.

    The classifier is ridge regression on simple features: the picture made very small, and where it is like small
    random pieces of the pictures. It sees what is plain. What is subtle, an effusion for instance, it may miss; then
    its figures are near 0 although the labels are right.

    Parameters
    ----------
    training, validation : see `cnnkit.diagnose`; the classifier looks at 512 pictures of each at most, at random.

    Returns
    -------
    `Labels`: prints as counts and agreement.

    Raises
    ------
    ValueError : data of another kind.
    """
    return labels_of(
        *(read("check_labels", data) for data in (training, validation)),
        [getattr(data, "classes", None) for data in (training, validation)],
    )


def labels_of(training: Sample, validation: Sample, classes_of: list) -> Labels:
    """Do `check_labels` for sets that have been read, the names of whose classes are known or None."""
    samples = training, validation
    classes = max(max(len(each.names), int(each.everything.max()) + 1) for each in samples)
    names = training.names if len(training.names) == classes else class_names(None, classes)
    counts = [tuple(np.bincount(each.everything, minlength=classes).tolist()) for each in samples]
    problems = []
    if all(classes_of) and tuple(classes_of[0]) != tuple(classes_of[1]):
        ours, theirs = (", ".join(map(str, each)) for each in classes_of)
        problems.append(f"The classes of training are {ours}, in this order, and those of validation {theirs}.")
    for what, sample, count in zip(("training", "validation"), samples, counts, strict=True):
        if not _one_hot(sample.labels):
            problems.append(f"The labels of {what} are neither one-hot nor whole numbers from 0.")
        problems += [f"There is no {name} for {what}." for name, n in zip(names, count, strict=True) if not n]
    pictures = [as_pictures(np.nan_to_num(each.images)) for each in samples]
    probe, own = (_Probe(each, sample.numbers, classes) for each, sample in zip(pictures, samples, strict=True))
    direct, order, best = agreement(probe.scores(pictures[1]), validation.numbers)
    return Labels(names, *counts, tuple(problems), probe.signal, own.signal, direct, order, best)


def _one_hot(labels: np.ndarray) -> bool:
    if width(labels) > 1:
        return bool(np.allclose(labels.sum(axis=1), 1) and labels.min() >= 0)
    return bool((labels == np.round(labels)).all())


class _Probe:
    """Ridge regression from simple features to classes, which also knows what each picture would get without itself."""

    def __init__(self, images: np.ndarray, numbers: np.ndarray, classes: int) -> None:
        rng = np.random.default_rng(0)
        thumbs = _shrunk(images)
        self.mean, self.std = thumbs.mean(axis=(0, 1, 2)), thumbs.std(axis=(0, 1, 2)) + 1e-6
        thumbs = (thumbs - self.mean) / self.std
        pieces = np.lib.stride_tricks.sliding_window_view(thumbs, (5, 5), axis=(1, 2))
        picture, row, column = (rng.integers(size, size=32) for size in pieces.shape[:3])
        filters = pieces[picture, row, column].reshape(32, -1)
        filters = filters - filters.mean(axis=1, keepdims=True)
        self.filters = filters / (np.linalg.norm(filters, axis=1, keepdims=True) + 1e-6)
        features = self._features(thumbs)
        self.center, self.scale = features.mean(axis=0), features.std(axis=0) + 1e-6
        self.inputs = (features - self.center) / self.scale
        kernel = self.inputs @ self.inputs.T / self.inputs.shape[1]
        targets = np.eye(classes)[numbers]
        targets -= targets.mean(axis=0)
        inverse = np.linalg.inv(kernel + np.eye(len(kernel)))
        self.weights = self.inputs.T @ (inverse @ targets) / self.inputs.shape[1]
        hat = kernel @ inverse
        own = np.diag(hat)
        without = (hat - np.diag(own)) / (1 - own)[:, None]  # leave-one-out, in closed form
        self.signal = _beyond_chance(lambda order: float((targets[order] * (without @ targets[order])).sum()), numbers)

    def scores(self, images: np.ndarray) -> np.ndarray:
        thumbs = (_shrunk(images) - self.mean) / self.std
        return (self._features(thumbs) - self.center) / self.scale @ self.weights

    def _features(self, thumbs: np.ndarray) -> np.ndarray:
        pieces = np.lib.stride_tricks.sliding_window_view(thumbs, (5, 5), axis=(1, 2))
        found = pieces.reshape(*pieces.shape[:3], -1) @ self.filters.T
        found = np.maximum(np.concatenate([found, -found], axis=-1), 0)
        halves = [part for half in np.array_split(found, 2, axis=1) for part in np.array_split(half, 2, axis=2)]
        small = thumbs.reshape(len(thumbs), 8, 3, 8, 3, -1).mean(axis=(2, 4))
        parts = [*(part.mean(axis=(1, 2)) for part in halves), small.reshape(len(thumbs), -1)]
        return np.concatenate(parts, axis=1)


def _shrunk(images: np.ndarray) -> np.ndarray:
    """Return float32 (pictures, 24, 24, channels), each the mean of what it covers."""

    def cover(size: int) -> np.ndarray:
        edges = np.linspace(0, size, 25)
        low, high = edges[:-1, None], edges[1:, None]
        place = np.arange(size)
        inside = np.clip(np.minimum(high, place + 1) - np.maximum(low, place), 0, None)
        return (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32)

    rows, columns = cover(images.shape[1]), cover(images.shape[2])
    return np.einsum("rh,nhwc,sw->nrsc", rows, np.asarray(images, np.float32), columns, optimize=True)


def agreement(scores: np.ndarray, numbers: np.ndarray) -> tuple[float, tuple[int, ...], float]:
    """Return how well scores (pictures, classes) fit the classes, the order of the classes that fits best, and how.

    Both in standard deviations beyond chance.
    """
    places = scores.argsort(axis=0).argsort(axis=0) / len(scores) if np.ptp(scores) > 0 else scores * 0
    places = places - places.mean(axis=0)
    sums = np.stack([places[numbers == number].sum(axis=0) for number in range(scores.shape[1])])
    order = tuple(linear_sum_assignment(sums, maximize=True)[1].tolist())

    def fit(assigned: np.ndarray) -> Callable[[np.ndarray], float]:
        return lambda shuffled: float(places[np.arange(len(places)), assigned[numbers[shuffled]]].sum())

    straight = _beyond_chance(fit(np.arange(scores.shape[1])), numbers)
    return straight, order, _beyond_chance(fit(np.array(order)), numbers)


def _beyond_chance(measure: Callable[[np.ndarray], float], numbers: np.ndarray) -> float:
    """Return how far a measure lies above what it is with shuffled labels, in standard deviations of the latter."""
    rng = np.random.default_rng(0)
    chance = [measure(rng.permutation(len(numbers))) for _ in range(200)]
    spread = np.std(chance)
    return float((measure(np.arange(len(numbers))) - np.mean(chance)) / spread) if spread > 1e-12 else 0.0
