"""How the tools of `cnnkit.diagnose` get at the data and the network, whatever form they come in."""

import copy
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import keras
import numpy as np

from cnnkit.generator import DataGenerator

Data = tuple | keras.utils.PyDataset | Iterable

SAMPLE = 512  # pictures of a set that are kept to be looked at
MOST = 20_000  # pictures of a set that are read at all


class Sample(NamedTuple):
    """Some pictures of a set, drawn at random and in its order, and of all that were read the class."""

    images: np.ndarray
    labels: np.ndarray
    numbers: np.ndarray
    names: tuple[str, ...]
    everything: np.ndarray


class _Arrays:
    """Arrays in batches, in their own order."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, size: int = 32) -> None:
        self.images, self.labels, self.size = images, labels, size

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(index * self.size, (index + 1) * self.size)
        return self.images[part], self.labels[part]


def batches(
    where: str, data: Data, *, plain: bool = False, most: int = MOST
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (images, labels), in the order of the set; of a long set that can be indexed, some batches at random.

    Raises
    ------
    ValueError : data of another kind.
    """
    data = _opened(where, _without_augmentation(data) if plain else data)
    if isinstance(data, keras.utils.PyDataset | _Arrays):
        parts = (data[int(index)] for index in _some(data, most))
    else:
        parts = iter(data)
    seen = 0
    for part in parts:
        if not isinstance(part, tuple | list) or len(part) < 2:
            raise ValueError(f"{where}: each batch is (images, labels), and this one is {type(part).__name__}.")
        images, labels = np.asarray(part[0]), np.asarray(part[1])
        if images.ndim < 2 or not labels.ndim or len(images) != len(labels):
            raise ValueError(
                f"{where}: a batch has a label for each picture; these have shapes {images.shape} and {labels.shape}."
                " A tf.data.Dataset is to be batched first: dataset.batch(32)."
            )
        yield images, labels
        seen += len(images)
        if seen >= most:
            return


def _opened(where: str, data: Data):
    if isinstance(data, tuple | list) and len(data) in (2, 3):
        images, labels = (np.asarray(part) for part in data[:2])
        if images.ndim < 2 or not labels.ndim or len(images) != len(labels) or not len(images):
            raise ValueError(
                f"{where}: images are (pictures, rows, columns, channels), with a label for each; these have shapes"
                f" {images.shape} and {labels.shape}."
            )
        return _Arrays(images, labels)
    if isinstance(data, keras.utils.PyDataset):
        if not len(data):
            raise ValueError(f"{where}: there is no batch in these data.")
        return data
    if isinstance(data, Iterable) and not isinstance(data, str | dict | np.ndarray) and iter(data) is not data:
        return data
    raise ValueError(
        f"{where}: data are batches that can be read more than once, such as a DataGenerator or a tf.data.Dataset, or"
        f" a pair (images, labels) of arrays; not {type(data).__name__}."
    )


def _some(data, most: int) -> np.ndarray:
    count = len(data)
    wanted = math.ceil(most / max(1, len(data[0][0])))
    if count <= wanted:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:wanted])


def _without_augmentation(data: Data) -> Data:
    if not isinstance(data, DataGenerator):
        return data
    plain = copy.copy(data)
    plain.augment, plain.append_augmented = None, False
    plain._order = np.arange(len(plain.paths))
    return plain


def read(where: str, data: Data, *, plain: bool = True, limit: int = SAMPLE, most: int = MOST) -> Sample:
    """Read a set, and keep a random sample of its pictures.

    Raises
    ------
    ValueError : data of another kind, no picture, or labels that are neither numbers from 0 nor one-hot.
    """
    rng = np.random.default_rng(0)
    images = labels = keys = None
    numbers = []
    for part, answers in batches(where, data, plain=plain, most=most):
        numbers.append(class_numbers(where, answers))
        lots = rng.random(len(part))
        if images is not None:
            part, answers = np.concatenate([images, part]), np.concatenate([labels, answers])
            lots = np.concatenate([keys, lots])
        kept = np.sort(np.argsort(lots)[:limit])
        images, labels, keys = part[kept], answers[kept], lots[kept]
    if images is None or not len(images):
        raise ValueError(f"{where}: there is no picture in these data.")
    everything = np.concatenate(numbers)
    classes = max(width(labels), int(everything.max()) + 1, 2)
    return Sample(
        images.astype(np.float32), labels, class_numbers(where, labels), class_names(data, classes), everything
    )


def class_numbers(where: str, labels: np.ndarray) -> np.ndarray:
    """Return int (pictures,) from one-hot rows or from numbers."""
    if labels.ndim > 2 or not (np.issubdtype(labels.dtype, np.number) or labels.dtype == bool):
        raise ValueError(f"{where}: labels are one-hot, or whole numbers from 0; not {labels.dtype} {labels.shape}.")
    if not np.isfinite(labels).all():
        raise ValueError(f"{where}: there are labels that are NaN or infinite.")
    numbers = labels.argmax(axis=1) if width(labels) > 1 else labels.reshape(len(labels)).astype(int)
    if numbers.min(initial=0) < 0:
        raise ValueError(f"{where}: labels are one-hot, or whole numbers from 0.")
    return numbers


def width(labels: np.ndarray) -> int:
    """Return how many numbers each label has."""
    return labels.shape[1] if labels.ndim == 2 else 1


def class_names(data: Data | None, classes: int) -> tuple[str, ...]:
    """Return the names of the classes; "class 0" and so on where nobody has named them."""
    names = tuple(getattr(data, "classes", None) or getattr(data, "class_names", None) or ())
    return names if len(names) >= classes else tuple(f"class {number}" for number in range(classes))


def as_pictures(images: np.ndarray) -> np.ndarray:
    """Return (pictures, rows, columns, channels); what has no rows gets one."""
    if images.ndim == 4:
        return images
    return images[..., None] if images.ndim == 3 else images.reshape(len(images), 1, -1, 1)


def stretched(image: np.ndarray) -> np.ndarray:
    """Return float (rows, columns) or (rows, columns, 3), 0 to 1, to be shown."""
    image = np.nan_to_num(as_pictures(np.asarray(image, np.float32)[None])[0])
    image = (image - image.min()) / (np.ptp(image) or 1)
    return image if image.shape[-1] == 3 else image.mean(axis=-1)


def checked_model(where: str, model: keras.Model, compiled: bool = True) -> keras.Model:
    """Return the model if the tools can work with it.

    Raises
    ------
    ValueError : a model that is not compiled or of another kind.
    """
    try:
        inputs, outputs = ([len(tensor.shape) for tensor in each] for each in (model.inputs, model.outputs))
    except (AttributeError, TypeError, ValueError):
        inputs, outputs = [], []
    if len(inputs) != 1 or not 2 <= inputs[0] <= 4 or outputs != [2]:
        raise ValueError(
            f"{where}: the model is a functional or `Sequential` one with one input, e.g. (rows, columns, channels),"
            " and one output (classes). A Sequential one is to begin with keras.Input(shape)."
        )
    if compiled and not model.compiled:
        raise ValueError(f'{where}: compile the model first, e.g. model.compile("sgd", "categorical_crossentropy").')
    return model


def alone(model: keras.Model) -> keras.Model:
    """Return a model of the same layers and weights, from one tensor to one: without optimiser, lists and name."""
    return keras.Model(model.inputs[0], model.outputs[0])


def steps(model: keras.Model) -> list[tuple[keras.Operation, list, object]]:
    """Return each layer on the way to the output, with the tensors that go in and the one that comes out, in order.

    `layer.input` and `layer.output` would not do: the layers of a `Sequential` have been called more than once.
    """
    found, waiting = {}, [model.outputs[0]]
    while waiting:
        tensor = waiting.pop()
        layer, node, _ = tensor._keras_history
        if layer not in found:
            found[layer] = (layer, layer._inbound_nodes[node].input_tensors, tensor)
            waiting += found[layer][1]
    order = {operation: place for place, operation in enumerate(alone(model).operations)}
    return sorted(found.values(), key=lambda step: order[step[0]])
