"""Training: presets of size, one `fit` for all of them, and the two runs that come before it.

`ablation_run` tries everything once on a small share; `learning_rate_sweep` compares rates from the same start; `fit`
trains, with a curve that draws itself, keeps the best network on the disk, and survives an interrupt. The whole final
run, with its report, is ``python -m cnnkit.training`` or `cnnkit.engine.run`.
"""

import base64
import copy
import io
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from cnnkit.augment import Augmentation
from cnnkit.callbacks import LearningRateDecay, LossHistory, RocAuc, StopOnNaN
from cnnkit.losses import WeightedCategoricalCrossentropy
from cnnkit.resnet import ResnetBuilder

__all__ = [
    "PRESETS",
    "Ablation",
    "BestCheckpoint",
    "LiveCurve",
    "Preset",
    "ablation_run",
    "build",
    "compile_as",
    "fit",
    "learning_rate_sweep",
]

Data = tuple | keras.utils.PyDataset

# Of the running means that a network predicts with. Keras's 0.99 forgets its start only after some hundred steps, and
# a training of a few epochs of a few hundred pictures is over by then: it has learnt, and its predictions do not show.
BATCH_NORM_MOMENTUM = 0.9


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The numbers of one training; the code is the same for all.

    Parameters
    ----------
    share : of the pictures, 0 to 1; a small one makes a run that only shows that nothing breaks.
    size : (rows, columns) to which pictures are resized first, or None to leave them.
    crop : (rows, columns) of the centre that the network gets, or None for the whole of `size`.
    channels : 3 (colour) or 1 (grey).
    normalize : name of a function of `cnnkit.normalize`.
    augmentation : parameters of `cnnkit.augment.Augmentation`, or None for none.
    weights : of the loss, ``weights[actual][predicted]``, see `cnnkit.losses`; None for the plain cross-entropy.
    width : channels of the first stage of ResNet-18; 64 in the papers.
    epochs, batch_size : as in Keras.
    gpu_batch_size : batch_size on a GPU, for which small batches are no work; the learning rate grows with it (P. Goyal
        et al., "Accurate, large minibatch SGD", 2017, section 2.1). None for the same.
    optimizer : "adam", or "sgd" with Nesterov's momentum of 0.9.
    learning_rate : of the first epoch, or the highest if it is warmed up.
    decay, decay_every : factor on the learning rate, and after how many epochs; see `LearningRateDecay`. "cosine" lets
        it fall to 0 over all epochs, along half a cosine (I. Loshchilov, F. Hutter, "SGDR", 2017, section 3).
    warmup : epochs in which the rate rises to `learning_rate`.
    average : the network that is judged and kept is a running mean over the steps, in which each earlier mean keeps
        this share, 0 to below 1; 0 for the network as it is after each epoch.
    shifts : pixels; a picture is judged by the mean over itself and itself shifted so far to each side. 0 for none.
    patience : epochs without a better val_auc after which training stops; None to go on to the end.
    folds : parts of the cross-validation in a final run; 0 for none.
    """

    share: float = 1.0
    size: tuple[int, int] | None = None
    crop: tuple[int, int] | None = (100, 100)
    channels: int = 3
    normalize: str = "divide_by_255"
    augmentation: dict | None = None
    weights: tuple[tuple[float, ...], ...] | None = None
    width: int = 16
    epochs: int
    batch_size: int = 32
    gpu_batch_size: int | None = None
    optimizer: str = "adam"
    learning_rate: float = 0.001
    decay: float | str = 0.5
    decay_every: int = 1
    warmup: int = 0
    average: float = 0.0
    shifts: int = 0
    patience: int | None = None
    folds: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """The (rows, columns) that the network gets."""
        if not (self.crop or self.size):
            raise ValueError("Preset: all pictures of a batch have one size; give size, crop or both.")
        return self.crop or self.size

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        if epoch < self.warmup:
            return self.learning_rate * (epoch + 1) / (self.warmup + 1)
        if self.decay == "cosine":
            done = (epoch - self.warmup) / (self.epochs - self.warmup)
            return self.learning_rate * (1 + math.cos(math.pi * done)) / 2
        return LearningRateDecay(self.decay, self.decay_every).rate(self.learning_rate, epoch)


_FLOWERS = {"augmentation": asdict(Augmentation.flowers())}
_GENTLE = {"rotation": 7, "width_shift": 0.05, "height_shift": 0.05, "zoom": 0.1, "contrast": 0.1, "brightness": 0.1}
# The best of docs/results/search.md.
_CXR = {
    "crop": None,
    "channels": 1,
    "normalize": "min_max",
    "augmentation": asdict(Augmentation.chest_xray(**_GENTLE, fraction=1.0)),
    "weights": ((1, 1), (10, 10)),
    "optimizer": "sgd",
    "learning_rate": 0.01,
    "decay": "cosine",
    "warmup": 2,
}
PRESETS = {
    "flowers": {
        "smoke": Preset(share=0.1, width=4, epochs=1, batch_size=8, **_FLOWERS),
        "lesson": Preset(epochs=10, decay_every=4, **_FLOWERS),
        "full": Preset(width=64, epochs=60, decay_every=15, gpu_batch_size=128, patience=20, folds=5, **_FLOWERS),
    },
    "cxr": {
        "smoke": Preset(share=0.2, size=(32, 32), width=4, epochs=3, batch_size=16, shifts=1, folds=2, **_CXR),
        "lesson": Preset(size=(96, 96), epochs=24, average=0.98, shifts=3, folds=5, **_CXR),
        "full": Preset(size=(128, 128), width=32, epochs=60, average=0.99, shifts=4, folds=5, **_CXR),
    },
}


def build(preset: Preset, *, channels: int | None = None, classes: int = 2, loss=None) -> keras.Model:
    """Build and compile the ResNet-18 of a preset.

    Parameters
    ----------
    channels : of the pictures, 3 or 1; by default the preset's.
    classes : 2 or more.
    loss : as for `keras.Model.compile`; by default what the preset's weights make.

    Returns
    -------
    A compiled model: float (batch, rows, columns, channels) -> probabilities (batch, classes).

    Raises
    ------
    ValueError : a preset with an unknown optimiser, or without size and crop.
    """
    model = ResnetBuilder.build_resnet_18((channels or preset.channels, *preset.shape), classes, width=preset.width)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = preset.average or BATCH_NORM_MOMENTUM  # what is averaged, over the same steps
    compile_as(model, preset, loss)
    return model


def compile_as(model: keras.Model, preset: Preset, loss=None) -> None:
    """Compile any model with the optimiser of a preset and, unless another is given, its loss."""
    options = {"learning_rate": preset.rate(0)}
    if preset.average:
        options |= {"use_ema": True, "ema_momentum": preset.average}
    optimizers = {
        "adam": lambda: keras.optimizers.Adam(**options),
        "sgd": lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True, **options),
    }
    if preset.optimizer not in optimizers:
        raise ValueError(f"Preset: optimizer is one of {', '.join(optimizers)}, not {preset.optimizer!r}.")
    if loss is None:
        weighted = preset.weights is not None
        loss = WeightedCategoricalCrossentropy(preset.weights) if weighted else "categorical_crossentropy"
    model.compile(optimizers[preset.optimizer](), loss, metrics=["accuracy"])


def fit(
    model: keras.Model,
    training: Data,
    validation: Data | None,
    *,
    epochs: int,
    initial_epoch: int = 0,
    out: str | os.PathLike | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    live: bool = True,
    watch: bool = True,
    seed: int = 0,
) -> keras.callbacks.History:
    """Train a model, and keep the best one.

    To what Keras logs, the area under the ROC curve over all validation images is added as "val_auc" (`RocAuc`).
    Training stops where the loss is no longer a number (`StopOnNaN`). Interrupting it (the square button in
    JupyterLab, Ctrl-C in a terminal) ends it with one line instead of a traceback: the history reaches to the last
    finished epoch, and the best checkpoint so far stays on the disk.

    Parameters
    ----------
    model : a compiled Keras model.
    training, validation : batches, such as `DataGenerator`; or a pair (images, labels) of arrays. Without a validation
        (None) nothing is measured, unless by one of the callbacks.
    epochs : the number of the last epoch; `initial_epoch` have been trained before.
    out : folder for best.keras, the model with the highest val_auc; it is made if need be. None keeps nothing. A
        training that goes on (from `initial_epoch`, or after `BackupAndRestore`) replaces the file that it finds only
        by a better model; one that begins anew replaces it.
    callbacks : more of them. They see val_auc, and stand before the checkpoint, so that what they change is in it.
    live : True for a curve that draws itself in a notebook, or a line of text an epoch elsewhere.
    watch : look at the loss of every batch, to draw it, and to stop at the first that is NaN. False looks once an
        epoch: a GPU need not wait after each batch until somebody has looked.
    seed : of the order in which arrays are shuffled, and of other chances such as dropout.

    Returns
    -------
    `keras.callbacks.History`: its `.history` has a list for each quantity, one value an epoch.

    Raises
    ------
    ValueError : a model that is not compiled, a number of epochs below 1, validation images of one class only, or none
        by which to tell the best model.
    """
    if not model.compiled:
        raise ValueError('fit: compile the model first, e.g. model.compile("sgd", "categorical_crossentropy").')
    if not isinstance(epochs, int) or epochs <= initial_epoch:
        raise ValueError(f"fit: epochs is a whole number above initial_epoch ({initial_epoch}), not {epochs!r}.")
    if out is not None and validation is None:
        raise ValueError("fit: which model is the best is told by the validation images; give some, or no out.")
    history, curve = keras.callbacks.History(), LiveCurve(batches=watch)
    kept = [BestCheckpoint(Path(out) / "best.keras", measure=_measure(validation))] if out is not None else []
    measured = [RocAuc(validation)] if validation is not None else []
    every = [*measured, *callbacks, *([StopOnNaN()] if watch else []), *kept, *([curve] if live else []), history]
    keras.utils.set_random_seed(seed)
    _build_optimizer(model)
    try:
        model.fit(
            **_as_arguments(training),
            validation_data=validation,
            epochs=epochs,
            initial_epoch=initial_epoch,
            callbacks=every,
            verbose=0,
        )
    except KeyboardInterrupt:
        if live:
            curve.on_train_end()
        print(_interrupted(history, kept, initial_epoch, epochs))
    return history


def _interrupted(history: keras.callbacks.History, kept: list, initial_epoch: int, epochs: int) -> str:
    done = initial_epoch + len(history.history.get("loss", []))
    line = f"Interrupted after {done} of {epochs} epochs."
    if not kept:
        return line
    if kept[0].best_epoch is None and not kept[0].found:
        return f"{line} There is no checkpoint yet."
    of = f"epoch {kept[0].best_epoch}" if kept[0].best_epoch else "an earlier run"
    return f"{line} {kept[0].path.name} is of {of}, val_auc {kept[0].best:.3f}."


def _measure(validation: Data) -> Callable[[keras.Model], float]:
    """Return what measures the area of a model as `RocAuc` does."""

    def measure(model: keras.Model) -> float:
        area, logs = RocAuc(validation), {}
        area.set_model(model)
        area.on_epoch_end(0, logs)
        return logs[area.name]

    return measure


class BestCheckpoint(keras.callbacks.ModelCheckpoint):
    """Keeps the model with the highest val_auc in a file that is whole at every moment.

    `keras.callbacks.ModelCheckpoint` writes into the old file: a crash at that moment would leave neither the old
    model nor the new one. Here it writes beside it, and the finished file takes the place of the old one in one step.

    Parameters
    ----------
    path : of the file, ending in .keras; a folder that is missing is made.
    monitor : the quantity that is to become high.
    measure : a function that returns this quantity for a model. With it, a training that begins after its first epoch
        measures the file that it finds, and only a better model replaces it.

    Attributes
    ----------
    best_epoch : of the model in the file, counted from 1; None as long as this training has not written one.
    found : True if the file of an earlier training is what the models are compared with.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        monitor: str = "val_auc",
        measure: Callable[[keras.Model], float] | None = None,
    ) -> None:
        self.path = Path(path)
        self.partial = self.path.with_name(f".{self.path.stem}.partial.keras")
        self.best_epoch: int | None = None
        self.measure, self.found, self._started = measure, False, False
        super().__init__(self.partial, monitor=monitor, mode="max", save_best_only=True)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Measure the model that is there already, if this training goes on."""
        super().on_epoch_begin(epoch, logs)
        if epoch > 0 and not self._started and self.measure and self.path.exists():
            self.best, self.found = self.measure(keras.saving.load_model(self.path)), True
        self._started = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save the model if it is the best; one whose result is NaN never is."""
        if math.isnan(logs.get(self.monitor, 0)):
            return
        try:
            super().on_epoch_end(epoch, logs)
            if self.partial.exists():
                _to_disk(self.partial)
                os.replace(self.partial, self.path)
                self.best_epoch = epoch + 1
        finally:
            self.partial.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Wait until the file has left the computer's memory, lest a power cut leaves its name without its content."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def learning_rate_sweep(
    build: Callable[[], keras.Model],
    training: Data,
    *,
    rates: Sequence[float] = (0.1, 0.01, 0.001),
    epochs: int = 3,
    clipnorm: float | None = 1.0,
    loss="categorical_crossentropy",
    seed: int = 0,
) -> dict[float, LossHistory]:
    """Train the same network from the same start with several learning rates.

    Every rate begins with the same weights and a fresh optimiser, and sees the same batches in the same order. A
    rate that gives NaN ends there; its history says `diverged`.

    Parameters
    ----------
    build : a function without arguments that returns a new model; an uncompiled one is compiled with SGD and a
        momentum of 0.9, a compiled one keeps its optimiser and its loss.
    training : batches, such as `DataGenerator`; or a pair (images, labels) of arrays.
    rates : learning rates, above 0.
    epochs : for each rate.
    clipnorm : the longest gradient of a weight array that SGD follows; longer ones are shortened. None for no limit.
    loss : for a model that is not compiled.
    seed : of the weights and of the order of arrays.

    Returns
    -------
    A dictionary: for each rate its `LossHistory`.

    Raises
    ------
    ValueError : no rates, or one that is not above 0.
    """
    if not rates or not all(rate > 0 for rate in rates):
        raise ValueError(f"learning_rate_sweep: rates are numbers above 0, e.g. (0.1, 0.01, 0.001), not {rates!r}.")
    keras.utils.set_random_seed(seed)
    model = _compiled(build(), rates[0], loss=loss, clipnorm=clipnorm)
    _build_optimizer(model)
    variables = [*model.variables, *model.optimizer.variables]
    start = [keras.ops.convert_to_numpy(variable) for variable in variables]
    histories = {}
    for rate in rates:
        # Put back by hand: compiling anew for each rate would take longer than the epochs of a small network.
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        model.optimizer.learning_rate = rate
        keras.utils.set_random_seed(seed)
        histories[rate] = LossHistory()
        model.fit(
            **_as_arguments(copy.copy(training)),
            epochs=epochs,
            callbacks=[histories[rate], StopOnNaN(verbose=0)],
            verbose=0,
        )
    return histories


@dataclass(frozen=True)
class Ablation:
    """What a run over a small share has shown.

    Attributes
    ----------
    batches, all_batches : trained on, and in the whole.
    images, classes : number of pictures trained on, and of different labels among them.
    input_shape : (rows, columns, channels) of a picture.
    losses : tuple of float, the loss of each batch.
    start_seconds : the first batch, in which the network is also prepared for the machine.
    batch_seconds : each of the others.
    epochs : of the whole training that is planned.
    """

    batches: int
    all_batches: int
    images: int
    classes: int
    input_shape: tuple[int, ...]
    losses: tuple[float, ...]
    start_seconds: float
    batch_seconds: float
    epochs: int

    @property
    def halves(self) -> tuple[float, float]:
        """The mean loss of the first half of the batches, and of the second."""
        half = len(self.losses) // 2
        return float(np.mean(self.losses[:half])), float(np.mean(self.losses[-half:]))

    @property
    def learns(self) -> bool:
        """True if the loss of the second half of the batches is lower than that of the first."""
        return self.halves[1] < self.halves[0]

    @property
    def epoch_seconds(self) -> float:
        """How long one epoch over all batches would take."""
        return self.batch_seconds * self.all_batches

    @property
    def total_seconds(self) -> float:
        """How long the whole training would take."""
        return self.start_seconds + self.epoch_seconds * self.epochs

    def __repr__(self) -> str:
        return (
            f"Ablation run over {self.batches} of {self.all_batches} batches: {self.images} pictures of"
            f" {'×'.join(map(str, self.input_shape))}, {self.classes} classes.\n"
            f"Loss {self.halves[0]:.2f} in the first half, {self.halves[1]:.2f} in the second:"
            f" it {'falls' if self.learns else 'does not fall'}.\n"
            f"{self.batch_seconds:.2g} s a batch; an epoch over all about {self.epoch_seconds:.2g} s,"
            f" {self.epochs} epochs about {self.total_seconds:.2g} s."
        )


def ablation_run(
    build: Callable[[], keras.Model],
    training: Data,
    *,
    share: float = 0.1,
    epochs: int = 10,
    loss="categorical_crossentropy",
    seed: int = 0,
) -> Ablation:
    """Train one epoch on a small share of the pictures, to see that everything fits before the long run.

    Parameters
    ----------
    build : a function without arguments that returns a new model; an uncompiled one is compiled with SGD, a learning
        rate of 0.01 and a momentum of 0.9.
    training : batches, such as `DataGenerator`; or a pair (images, labels) of arrays.
    share : of the batches, above 0 and at most 1; four of them are taken at least, spread over the whole.
    epochs : of the long run, to foretell its time.
    loss : for a model that is not compiled.
    seed : of the weights.

    Returns
    -------
    `Ablation`, which prints as three lines.

    Raises
    ------
    ValueError : fewer than two batches, a share outside its limits, or pictures or labels of another shape than the
        network's input and output.
    """
    if not 0 < share <= 1:
        raise ValueError(f"ablation_run: share is above 0 and at most 1, e.g. 0.1, not {share!r}.")
    whole = _Batches(*training) if isinstance(training, tuple | list) else training
    if len(whole) < 2:
        raise ValueError("ablation_run: one batch shows no trend; give two or more, e.g. by a smaller batch_size.")
    part = _Share(whole, share)
    keras.utils.set_random_seed(seed)
    model = _compiled(build(), 0.01, loss=loss)
    _check_shapes(model, *part[0])
    _build_optimizer(model)
    history, clock = LossHistory(), _Clock()
    model.fit(part, epochs=1, callbacks=[clock, history, StopOnNaN()], verbose=0)
    labels = np.concatenate([part[index][1] for index in range(len(history.batch_losses))])
    first, *rest = np.diff(clock.times)
    return Ablation(
        batches=len(history.batch_losses),
        all_batches=len(whole),
        images=len(labels),
        classes=len(np.unique(labels, axis=0)),
        input_shape=tuple(part[0][0].shape[1:]),
        losses=tuple(history.batch_losses),
        start_seconds=float(first),
        batch_seconds=float(np.median(rest)) if rest else float(first),
        epochs=epochs,
    )


class LiveCurve(LossHistory):
    """Draws the curves of a training while it goes on.

    In a notebook it is one picture that renews itself in place, at most twice a second, and seldom enough for drawing
    to take no more than a twentieth of the time; the last one stays in the saved notebook. Elsewhere there is a line
    of text at the end of each epoch. One sentence at the end says what has happened, roughly enough to be the same on
    every machine.

    Parameters
    ----------
    batches : False leaves out the loss of each batch, for which a GPU has to wait.
    """

    ALT = (
        "Two curves over the epochs of a training: on the left the loss, batch by batch and as a mean of each epoch;"
        " on the right accuracy, and the area under the ROC curve on the validation images."
    )
    SHOWN = (("accuracy", "C7"), ("val_accuracy", "C0"), ("val_auc", "C1"))
    PAUSE = 0.5  # seconds between two pictures, at least

    def __init__(self, batches: bool = True) -> None:
        super().__init__()
        self._batches = batches

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Show the empty axes in a notebook."""
        super().on_train_begin(logs)
        self._handle, self._next, self._first = None, 0.0, None
        if _in_notebook():
            from IPython.display import display  # nothing but a notebook needs it

            data, metadata = self._picture()
            self._handle = display(data, raw=True, metadata=metadata, display_id=True)
            self._next = time.monotonic() + self.PAUSE

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Remember where the curve begins."""
        super().on_epoch_begin(epoch, logs)
        self._first = epoch if self._first is None else self._first

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Record a batch, and draw if the last picture is old enough."""
        if self._batches:
            super().on_train_batch_end(batch, logs)
        if time.monotonic() >= self._next:
            self._update()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Record an epoch, and say so where nothing can be drawn."""
        super().on_epoch_end(epoch, logs)
        if self._handle is None:
            shown = ", ".join(f"{name} {logs[name]:.3f}" for name in ("loss", "val_loss", "val_auc") if name in logs)
            print(f"Epoch {epoch + 1} of {self.params['epochs']}: {shown}", flush=True)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Draw the last picture, and say how it went."""
        self._update()
        print(self.facts())

    def facts(self) -> str:
        """Say in a sentence how the training went."""
        count = f"{len(self.epochs)} epoch{'' if len(self.epochs) == 1 else 's'}"
        if not self.epochs:
            return "Training ended within its first epoch."
        losses = self.batch_losses or [logs["loss"] for logs in self.epochs]
        if not np.isfinite(losses).all():
            return f"Training loss was no longer a number after {count}."
        quarter = -(-len(losses) // 4)
        fell = np.mean(losses[-quarter:]) < np.mean(losses[:quarter])
        return f"Training loss {'fell' if fell else 'did not fall'} over {count}."

    def _update(self) -> None:
        if self._handle is not None:
            start = time.monotonic()
            data, metadata = self._picture()
            self._handle.update(data, raw=True, metadata=metadata)
            self._next = time.monotonic() + max(self.PAUSE, 19 * (time.monotonic() - start))

    def _picture(self) -> tuple[dict, dict]:
        # The words are the same in each picture: nbval compares those of the first, a saved notebook has the last.
        stream = io.BytesIO()
        self._figure().savefig(stream, format="png", metadata={"Software": None})
        picture = base64.b64encode(stream.getvalue()).decode()
        return {"image/png": picture, "text/plain": self.ALT}, {"image/png": {"alt": self.ALT}}

    def _figure(self):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 2.6), dpi=72)
        figure.subplots_adjust(0.07, 0.18, 0.98, 0.9, wspace=0.18)
        loss, quality = figure.subplots(1, 2)
        first = self._first or 0
        at = first + np.arange(1, len(self.batch_losses) + 1) / (self.params["steps"] or 1)
        loss.plot(at, self.batch_losses, color="C0", alpha=0.35, linewidth=1)
        after = first + np.arange(1, len(self.epochs) + 1)
        for ax, name, color in [(loss, "loss", "C0"), *((quality, *shown) for shown in self.SHOWN)]:
            if self.epochs and name in self.epochs[0]:
                ax.plot(after, [logs[name] for logs in self.epochs], "o-", color=color, markersize=4, label=name)
                ax.legend(loc="lower left" if ax is quality else "upper right", fontsize=8)
        loss.set(xlim=(first, self.params["epochs"]), xlabel="epoch", title="Training loss")
        loss.set_ylim(bottom=0)
        quality.set(xlim=(first, self.params["epochs"]), ylim=(0, 1.02), xlabel="epoch", title="Share right, and AUC")
        return figure


def _in_notebook() -> bool:
    """True in a notebook's kernel; where IPython has not even been imported, this is none."""
    ipython = sys.modules.get("IPython")
    return getattr(ipython and ipython.get_ipython(), "kernel", None) is not None


class _Clock(keras.callbacks.Callback):
    """Notes the time at the start of the training and after each batch."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.times = [time.perf_counter()]

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.times.append(time.perf_counter())


class _Batches(keras.utils.PyDataset):
    """Arrays in batches as large as Keras's, in an order drawn once."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, size: int = 32) -> None:
        super().__init__()
        order = np.random.default_rng(0).permutation(len(images))
        self.images, self.labels = images, labels
        self.order = [order[start : start + size] for start in range(0, len(images), size)]

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int):
        return self.images[self.order[index]], self.labels[self.order[index]]


class _Share(keras.utils.PyDataset):
    """A share of the batches, evenly spread; four at least, if there are as many."""

    def __init__(self, whole: keras.utils.PyDataset, share: float) -> None:
        super().__init__()
        count = min(len(whole), max(4, round(share * len(whole))))
        self.whole, self.indices = whole, np.linspace(0, len(whole) - 1, count).astype(int).tolist()

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int):
        return self.whole[self.indices[index]]


def _as_arguments(data: Data) -> dict:
    """Return what `keras.Model.fit` wants: a pair of arrays as x and y; batches as x, in their own order."""
    return {"x": data[0], "y": data[1]} if isinstance(data, tuple | list) else {"x": data, "shuffle": False}


def _compiled(model: keras.Model, learning_rate: float, *, loss, clipnorm: float | None = None) -> keras.Model:
    if not model.compiled:
        model.compile(keras.optimizers.SGD(learning_rate, momentum=0.9, clipnorm=clipnorm), loss, metrics=["accuracy"])
    return model


def _build_optimizer(model: keras.Model) -> None:
    """Make the optimiser's variables; Keras would do it within the first step, and TensorFlow trace that step twice."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def _check_shapes(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> None:
    for what, array, wanted in (("pictures", images, model.input_shape), ("labels", labels, model.output_shape)):
        if np.shape(array)[1:] != wanted[1:]:
            raise ValueError(
                f"ablation_run: the network is made for {what} of shape {wanted[1:]}, and the batches have"
                f" {np.shape(array)[1:]}."
            )


if __name__ == "__main__":
    from cnnkit.terminal import main  # which stands on this module

    sys.exit(main())
