"""One look each: at a batch, at a few pictures learnt by heart, at the gradients, at the answers."""

import itertools
import math
import random
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure

from cnnkit import plots
from cnnkit.diagnose.access import (
    Data,
    Sample,
    alone,
    batches,
    checked_model,
    class_names,
    class_numbers,
    read,
    steps,
    stretched,
    width,
)


@dataclass(frozen=True, repr=False)
class Batch:
    """A batch as the network gets it.

    Attributes
    ----------
    images : (pictures, rows, columns, channels).
    numbers : int (pictures,), the class of each.
    names : tuple of str, of the classes; "class 0" and so on where nobody has named them.
    """

    images: np.ndarray
    numbers: np.ndarray
    names: tuple[str, ...]

    def __repr__(self) -> str:
        images = self.images
        shape = "×".join(map(str, images.shape))
        counts = np.bincount(self.numbers, minlength=len(self.names))
        listed = ", ".join(f"{count} {name}" for count, name in zip(counts, self.names, strict=True))
        if not np.isfinite(images).all():
            return f"Batch of {shape}, {images.dtype}, with values that are NaN or infinite; {listed}"
        return (
            f"Batch of {shape}, {images.dtype}: from {images.min():.3g} to {images.max():.3g}, mean"
            f" {images.mean():.3g}, deviation {images.std():.3g}; {listed}"
        )

    def show(self, count: int = 8) -> None:
        """Show the first pictures, each stretched from its lowest value to its highest, with class and range."""
        chosen = self.images[:count]
        titles = [
            f"{self.names[number]}\n{image.min():.3g} to {image.max():.3g}"
            for image, number in zip(chosen, self.numbers, strict=False)
        ]
        plots.show(
            [stretched(image) for image in chosen],
            titles,
            f"The first {len(chosen)} pictures of a batch as the network gets them, each with its class and its range.",
        )


def look_at_batch(data: Data, index: int = 0) -> Batch:
    """Look at a batch exactly as training gets it: normalised, and augmented if training augments.

    Parameters
    ----------
    data : see `cnnkit.diagnose`.
    index : of the batch; a pair of arrays has batches of 32, in its own order.

    Returns
    -------
    `Batch`: prints as shape, range and classes; `.show()` shows the pictures.

    Raises
    ------
    ValueError : data of another kind, or no such batch.

    >>> look_at_batch((np.ones((2, 8, 8, 1), np.float32), np.array([[1, 0], [0, 1]])))
    Batch of 2×8×8×1, float32: from 1 to 1, mean 1, deviation 0; 1 class 0, 1 class 1
    """
    last = -1
    for last, (images, labels) in enumerate(batches("look_at_batch", data)):
        if last == index:
            numbers = class_numbers("look_at_batch", labels)
            classes = max(width(labels), int(numbers.max(initial=0)) + 1)
            return Batch(images, numbers, class_names(data, classes))
    raise ValueError(f"look_at_batch: there are batches 0 to {last}, and no {index!r}.")


@dataclass(frozen=True, repr=False)
class Overfit:
    """What came of learning one small batch by heart.

    Attributes
    ----------
    losses : tuple of float, before each step; NaN from where it was no longer a number.
    learning_rate : that it was tried with.
    pictures : in the batch.
    moved : how far the weights have come, as a share of the length that they had.
    """

    losses: tuple[float, ...]
    learning_rate: float
    pictures: int
    moved: float

    @property
    def start(self) -> float:
        """The loss before the first step."""
        return self.losses[0]

    @property
    def end(self) -> float:
        """The mean loss of the last three steps."""
        return float(np.mean(self.losses[-3:]))

    @property
    def late(self) -> float:
        """The mean loss of the last third of the steps."""
        return float(np.mean(self.losses[-(len(self.losses) // 3) :]))

    @property
    def learns(self) -> bool:
        """True if the loss has fallen to six tenths or less."""
        return bool(self.end <= 0.6 * self.start)

    @property
    def flat(self) -> bool:
        """True if the loss has changed by less than three hundredths."""
        return bool(abs(self.end - self.start) < 0.03 * abs(self.start))

    @property
    def explodes(self) -> bool:
        """True if the loss was no number at any step, or at one three times what it was at first."""
        return not np.isfinite(self.losses).all() or max(self.losses) > 3 * self.start + 1

    def __repr__(self) -> str:
        end = f"{self.end:.3f}" if math.isfinite(self.end) else "no number"
        word = "learns" if self.learns else "does not learn"
        return (
            f"Overfit: {self.pictures} pictures, {len(self.losses)} steps at rate {self.learning_rate:g}: loss"
            f" {self.start:.3f} → {end}; it {word} them"
        )

    def show(self) -> None:
        """Draw the loss over the steps."""
        figure = Figure(figsize=(5, 2.6), layout="constrained", dpi=84)
        ax = figure.subplots()
        ax.plot(range(len(self.losses)), self.losses, color="#0072b2")
        ax.set(xlabel="step", ylabel="loss", title=f"One batch of {self.pictures}, rate {self.learning_rate:g}")
        ax.set_ylim(0, 1.1 * max((loss for loss in self.losses if math.isfinite(loss)), default=1) + 1e-9)
        plots.show_figure(figure, "The loss on one small batch, step by step, while the network tries to learn it.")


def overfit_one_batch(
    model: keras.Model,
    data: Data,
    *,
    steps: int = 40,
    learning_rate: float | None = None,
    pictures: int = 16,
    seed: int = 0,
) -> Overfit:
    """Try to learn a few pictures by heart, with the same layers and fresh weights.

    Who cannot learn sixteen pictures will not learn a thousand. The pictures are of all classes in equal number, so
    that saying the commonest class is no help. Loss and optimiser are those of the model.

    Parameters
    ----------
    model, data : see `cnnkit.diagnose`.
    steps : 4 or more.
    learning_rate : by default that of the model's optimiser.
    pictures : 2 or more; fewer are taken where there are not so many.
    seed : of the weights and of the choice of pictures.

    Returns
    -------
    `Overfit`: prints as one line, `.show()` draws the losses.

    Raises
    ------
    ValueError : a model that is not compiled or of another kind; data of another kind.
    """
    model = checked_model("overfit_one_batch", model)
    if steps < 4 or pictures < 2:
        raise ValueError(f"overfit_one_batch: 4 steps and 2 pictures at least, not {steps!r} and {pictures!r}.")
    sample = read("overfit_one_batch", data)
    return Trial(model, sample, pictures=pictures, seed=seed).run(learning_rate, steps)


class Trial:
    """A copy of a network with fresh weights, that may be trained on a few pictures again and again from its start."""

    def __init__(self, model: keras.Model, sample: Sample, *, pictures: int = 16, seed: int = 0) -> None:
        self.rate = first_rate(model)
        chosen = _balanced(sample.numbers, pictures, np.random.default_rng(seed))
        self.sample, self.images, self.labels = sample, sample.images[chosen], sample.labels[chosen]
        state = random.getstate()
        random.seed(f"one batch {seed}")  # Keras seeds its initialisers from Python's random numbers
        try:
            self.model = _copy(model)
        finally:
            random.setstate(state)
        config = model.optimizer.get_config()
        config["learning_rate"] = self.rate
        self.model.compile(type(model.optimizer).from_config(config), model.loss)
        self.model.optimizer.build(self.model.trainable_variables)
        learnt, others = self.model.trainable_variables, self.model.non_trainable_variables
        self.variables = [*learnt, *others, *self.model.optimizer.variables]
        self.start = [ops.convert_to_numpy(variable) for variable in self.variables]

    def fresh(self) -> keras.Model:
        """Return the network with the weights of its start."""
        for variable, value in zip(self.variables, self.start, strict=True):
            variable.assign(value)
        return self.model

    def run(self, rate: float | None = None, steps: int = 40) -> Overfit:
        """Learn the few pictures by heart."""
        rate = self.rate if rate is None else rate
        return self._outcome(rate, itertools.repeat((self.images, self.labels), steps), steps)

    def first_steps(self, rate: float) -> Overfit:
        """Train for the first steps of a run, each with other pictures."""
        images, labels, steps, batch = self.sample.images, self.sample.labels, 200, 32
        rng = np.random.default_rng(0)
        order = np.concatenate([rng.permutation(len(images)) for _ in range(1 + steps * batch // len(images))])
        parts = (order[step * batch : (step + 1) * batch] for step in range(steps))
        return self._outcome(rate, ((images[part], labels[part]) for part in parts), steps)

    def _outcome(self, rate: float, parts: Iterable[tuple[np.ndarray, np.ndarray]], steps: int) -> Overfit:
        model, losses = self.fresh(), []
        model.optimizer.learning_rate = rate
        for images, labels in parts:
            model.reset_metrics()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Keras's remarks on the loss; `checkup` makes its own
                losses.append(float(model.train_on_batch(images, labels)))
            if not math.isfinite(losses[-1]):
                losses += [math.nan] * (steps - len(losses))
                break
        return Overfit(tuple(losses), float(rate), len(images), self._moved())

    def _moved(self) -> float:
        count = len(self.model.trainable_variables)
        pairs = [
            (ops.convert_to_numpy(variable), value)
            for variable, value in zip(self.variables[:count], self.start[:count], strict=True)
        ]
        length = math.sqrt(sum(float((value**2).sum()) for _, value in pairs))
        return math.sqrt(sum(float(((now - value) ** 2).sum()) for now, value in pairs)) / (length + 1e-12)


@dataclass(frozen=True, repr=False)
class Gradients:
    """How much each layer would be changed by a batch.

    Attributes
    ----------
    names : tuple of str, the layers that learn, in the order of the network.
    norms : float (layers,), the length of the gradient of all weights of a layer together.
    silent : dict, for each layer with ReLU the share of its units that give 0 for every picture of the batch.
    """

    names: tuple[str, ...]
    norms: np.ndarray
    silent: dict[str, float]

    def __repr__(self) -> str:
        if not np.isfinite(self.norms).all():
            return f"Gradients of {len(self.names)} layers: not numbers"
        zero = int((self.norms == 0).sum())
        parts = [
            f"Gradients of {len(self.names)} layers: from {self.norms.min():.1e} to {self.norms.max():.1e}",
            *([f"{zero} of them 0"] if zero else []),
            *([f"at most {max(self.silent.values()):.0%} of the units of a layer silent"] if self.silent else []),
        ]
        return "; ".join(parts)

    def show(self) -> None:
        """Draw the gradient of each layer, on a logarithmic scale."""
        figure = Figure(figsize=(6, 2.8), layout="constrained", dpi=84)
        ax = figure.subplots()
        finite = np.where(np.isfinite(self.norms), self.norms, 0)
        ax.bar(range(len(finite)), np.maximum(finite, 1e-12), color="#0072b2")
        ax.set(yscale="log", ylim=(1e-12, max(1, 10 * finite.max())), ylabel="length of the gradient")
        step = math.ceil(len(self.names) / 12)
        ax.set_xticks(range(0, len(self.names), step), self.names[::step], rotation=40, ha="right", fontsize=8)
        plots.show_figure(figure, "The length of the gradient of each layer, from the first to the last.")


def gradient_norms(model: keras.Model, data: Data) -> Gradients:
    """Measure the gradient of the loss by the weights of each layer, on one batch, with the weights as they are.

    A gradient of 0 means that a layer cannot learn; one that shrinks a thousandfold from the last layer to the first,
    that the first will learn a thousand times more slowly.

    Parameters
    ----------
    model, data : see `cnnkit.diagnose`; 64 pictures at most are taken.

    Returns
    -------
    `Gradients`: prints as one line, `.show()` draws a bar for each layer.

    Raises
    ------
    ValueError : a model that is not compiled or of another kind; data of another kind.
    """
    model = checked_model("gradient_norms", model)
    return gradients_of(model, read("gradient_norms", data, limit=64, most=256))


def gradients_of(model: keras.Model, sample: Sample) -> Gradients:
    images, labels = sample.images[:64], sample.labels[:64]
    twin = _copy(model)
    twin.set_weights(model.get_weights())
    # Keras has no function for gradients, but every backend trains: after one step at a rate of 1 the momentum of SGD
    # is minus the gradient. (The change of the weights would be it too, but rounded to the size of the weights.)
    optimizer = keras.optimizers.SGD(1.0, momentum=0.5)
    twin.compile(optimizer, model.loss, run_eagerly=True, auto_scale_loss=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin.train_on_batch(images, labels)
    squares: dict[str, float] = {}
    for variable, momentum in zip(twin.trainable_variables, optimizer.momentums, strict=True):
        name = "/".join(variable.path.split("/")[:-1])
        square = float((ops.convert_to_numpy(momentum).astype(np.float64) ** 2).sum())
        squares[name] = squares.get(name, 0.0) + square
    return Gradients(tuple(squares), np.sqrt(list(squares.values())), _silent(model, images))


def _silent(model: keras.Model, images: np.ndarray) -> dict[str, float]:
    """Return for each layer with ReLU the share of its channels that are 0 everywhere."""
    outputs = {layer.name: tensor for layer, _, tensor in steps(model) if _is_relu(layer)}
    if not outputs:
        return {}
    values = keras.Function(model.inputs[0], list(outputs.values()))(images)
    return {
        name: float((ops.convert_to_numpy(value).reshape(-1, value.shape[-1]) <= 0).all(axis=0).mean())
        for name, value in zip(outputs, values, strict=True)
    }


def _is_relu(layer: keras.Operation) -> bool:
    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope and not layer.threshold
    return type(layer).__name__ == "Relu" or getattr(layer, "activation", None) is keras.activations.relu


@dataclass(frozen=True, repr=False)
class Predictions:
    """What a network says of a set, class by class.

    Attributes
    ----------
    outputs : float (pictures, classes), as the network gives them; a single output p has become (1 - p, p).
    numbers : int (pictures,), the actual classes.
    names : tuple of str, of the classes.
    """

    outputs: np.ndarray
    numbers: np.ndarray
    names: tuple[str, ...]

    @property
    def called(self) -> np.ndarray:
        """The class with the highest output: int (pictures,)."""
        return self.outputs.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        """The share of pictures that are called what they are."""
        return float((self.called == self.numbers).mean())

    @property
    def recalls(self) -> np.ndarray:
        """The share of each class that is found, NaN for a class without a picture: float (classes,)."""
        right = np.bincount(self.numbers[self.called == self.numbers], minlength=len(self.names))
        actual = np.bincount(self.numbers, minlength=len(self.names))
        return np.where(actual > 0, right / np.maximum(actual, 1), np.nan)

    @property
    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Two of float (classes,): how much of the set each class is, and how much of it is called so."""
        count = len(self.numbers)
        return tuple(np.bincount(each, minlength=len(self.names)) / count for each in (self.numbers, self.called))

    def __repr__(self) -> str:
        if not np.isfinite(self.outputs).all():
            return f"Predictions for {len(self.numbers)} pictures: not numbers"
        actual, called = self.shares
        listed = "; ".join(
            f"{name} {is_so:.0%} of the set, {says:.0%} of the calls, recall {recall:.2f}"
            for name, is_so, says, recall in zip(self.names, actual, called, self.recalls, strict=True)
        )
        return f"Predictions for {len(self.numbers)} pictures: accuracy {self.accuracy:.2f}; {listed}"

    def show(self) -> None:
        """Draw how often each output occurs for the last class, one histogram for each actual class."""
        figure = Figure(figsize=(5, 2.6), layout="constrained", dpi=84)
        ax = figure.subplots()
        last = np.nan_to_num(self.outputs[:, -1])
        low, high = min(0, last.min()), max(1, last.max())
        bins = np.linspace(low, high, 31)
        for number, name in enumerate(self.names):
            ax.hist(last[self.numbers == number], bins, histtype="step", linewidth=1.8, label=f"is {name}")
        ax.set(xlabel=f"what the network says for {self.names[-1]}", ylabel="pictures", xlim=(low, high))
        ax.legend()
        plots.show_figure(
            figure, f"How often the network says what for {self.names[-1]}: one histogram for each actual class."
        )


def prediction_histogram(model: keras.Model, data: Data) -> Predictions:
    """Ask the network about a set, and count its answers.

    Parameters
    ----------
    model, data : see `cnnkit.diagnose`; 512 pictures at most are taken, at random.

    Returns
    -------
    `Predictions`: prints as one line, `.show()` draws the histogram.

    Raises
    ------
    ValueError : a model or data of another kind.
    """
    model = checked_model("prediction_histogram", model, compiled=False)
    return predictions_of(model, read("prediction_histogram", data))


def predictions_of(model: keras.Model, sample: Sample) -> Predictions:
    parts = [sample.images[start : start + 64] for start in range(0, len(sample.images), 64)]
    network = alone(model)
    outputs = np.concatenate([ops.convert_to_numpy(network(part, training=False)) for part in parts]).astype(np.float64)
    if outputs.shape[1] == 1:
        # Of a logit the opposite is minus it, of a probability one minus it.
        whole = 0 if outputs.min() < 0 or outputs.max() > 1 else 1
        outputs = np.concatenate([whole - outputs, outputs], axis=1)
    names = sample.names
    if len(names) < outputs.shape[1]:
        names = class_names(None, outputs.shape[1])
    return Predictions(outputs, sample.numbers, names)


def _balanced(numbers: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose so many pictures, of all classes in equal number as far as there are."""
    members = [rng.permutation(np.flatnonzero(numbers == number)) for number in np.unique(numbers)]
    each = max(1, count // len(members))
    return np.concatenate([indices[:each] for indices in members])


def first_rate(model: keras.Model) -> float:
    """Return the learning rate with which the last training began; schedules and callbacks lower it."""
    history = getattr(getattr(model, "history", None), "history", None) or {}
    rates = history.get("learning_rate") or history.get("lr")
    rate = float(rates[0]) if rates else float(ops.convert_to_numpy(model.optimizer.learning_rate))
    schedule = getattr(model.optimizer, "_learning_rate", None)
    if not rates and isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        rate = float(ops.convert_to_numpy(schedule(0)))
    return rate


def _copy(model: keras.Model) -> keras.Model:
    """Return the same layers with fresh weights. Not of the model itself: that would copy its optimiser as well."""
    return keras.models.clone_model(alone(model))
