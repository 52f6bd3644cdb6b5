"""Callbacks: what to look at, and what to change, while a network trains.

Keras calls them at the start and end of every batch and every epoch. At the end of an epoch all get the same
dictionary of results, one after the other: what one writes into it, those behind it in the list can read. So `RocAuc`
and `LearningRateDecay` stand before `keras.callbacks.ModelCheckpoint`, `EarlyStopping` and their like. `LossHistory`
may stand anywhere.
"""

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops
from scipy.stats import rankdata

__all__ = ["LearningRateDecay", "LossHistory", "RocAuc", "StopOnNaN"]

BATCH_SIZE = 32  # images predicted at once when they come as an array


class _OwnLoss(keras.callbacks.Callback):
    """Knows the loss of each single batch.

    The loss that Keras hands to callbacks is a mean over the epoch so far: it hides a jump, and once NaN it stays so
    to the end of the epoch. Its metric "loss" holds the sum behind that mean and the number of images in the sum; the
    difference from one batch to the next is the batch alone.
    """

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Start a new sum, as Keras does."""
        self._before = (0.0, 0.0)

    def own_loss(self) -> float:
        """Return the mean loss of the images that were trained on since the last call."""
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()  # with JAX the variables lag behind until somebody asks
        mean = next(metric for metric in self.model.metrics if metric.name == "loss")
        total, count = float(ops.convert_to_numpy(mean.total)), float(ops.convert_to_numpy(mean.count))
        loss = (total - self._before[0]) / (count - self._before[1])
        self._before = (total, count)
        return loss


class LossHistory(_OwnLoss):
    """Records the loss of every batch and the results of every epoch.

    Attributes
    ----------
    batch_losses : list of float, the loss of each batch alone, not Keras's mean over the epoch so far. After one that
        is NaN or infinite, the rest of the epoch is NaN.
    epochs : list of dict, what Keras knew at the end of each epoch: loss, metrics, and what other callbacks added,
        whether they stand before or behind.
    diverged : True if a loss was NaN or infinite.
    """

    def __init__(self) -> None:
        super().__init__()
        self.batch_losses: list[float] = []
        self.epochs: list[dict[str, float]] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forget an earlier training, so that one object may serve twice."""
        self.batch_losses, self.epochs = [], []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Record a batch."""
        self.batch_losses.append(self.own_loss())

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Record an epoch: the very dictionary, not a copy, so that later callbacks' entries are in it too."""
        self.epochs.append(logs)

    @property
    def diverged(self) -> bool:
        return not np.isfinite(self.batch_losses).all()

    def __repr__(self) -> str:
        if self.diverged:
            at = int(np.flatnonzero(~np.isfinite(self.batch_losses))[0]) + 1
            return f"LossHistory: diverged at batch {at}"
        losses = " → ".join(f"{logs['loss']:.3f}" for logs in self.epochs)
        return f"LossHistory: {len(self.batch_losses)} batches; loss by epoch {losses}"


class LearningRateDecay(keras.callbacks.Callback):
    """Multiplies the learning rate at the end of every epoch, or of every few.

    The rate of epoch n, counted from 0, is ``initial · factor ** (n // every)``, and written into the results as
    "learning_rate". It is computed anew for each epoch, so that a training that goes on with ``initial_epoch`` has
    the rate that an unbroken one would have. A fresh optimiser is taken to hold the initial rate, one that has been
    used (gone on with, or loaded with its model) the rate of the epoch that it starts with.

    Parameters
    ----------
    factor : above 0, at most 1; 0.5 halves.
    every : epochs, 1 or more.

    Raises
    ------
    ValueError : a factor or a number of epochs outside these limits.

    >>> schedule = LearningRateDecay(factor=0.5, every=2)
    >>> [schedule.rate(0.1, epoch) for epoch in range(5)]
    [0.1, 0.1, 0.05, 0.05, 0.025]
    """

    def __init__(self, factor: float = 0.5, every: int = 1) -> None:
        super().__init__()
        if not 0 < factor <= 1:
            raise ValueError(f"LearningRateDecay: factor is above 0 and at most 1, e.g. 0.5 to halve, not {factor!r}.")
        if not isinstance(every, int) or every < 1:
            raise ValueError(f"LearningRateDecay: every is a number of epochs, 1 or more, not {every!r}.")
        self.factor, self.every = factor, every

    def rate(self, initial: float, epoch: int) -> float:
        """Return the rate of an epoch, counted from 0, of a training that begins with rate `initial`."""
        return initial * self.factor ** (epoch // self.every)

    def set_model(self, model: keras.Model) -> None:
        """Remember the rate before any other callback, such as `BackupAndRestore`, can change it."""
        super().set_model(model)
        self._initial = None
        self._found = (float(model.optimizer.learning_rate), int(model.optimizer.iterations) > 0)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Set the rate of this epoch."""
        if self._initial is None:
            rate, used = self._found
            self._initial = rate / self.rate(1, epoch) if used else rate
        self.model.optimizer.learning_rate = self.rate(self._initial, epoch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write down the rate of this epoch, and set that of the next."""
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        self.model.optimizer.learning_rate = self.rate(self._initial, epoch + 1)


class RocAuc(keras.callbacks.Callback):
    """Adds to the results of every epoch the exact area under the ROC curve over all validation images.

    Keras's own metric `keras.metrics.AUC` estimates it from some hundred thresholds; here every image counts, those
    of the last, smaller batch too. It is the probability that an image of class 1 gets a higher score than one of
    class 0, a tie counting half (Hanley and McNeil, Radiology 143, 1982), computed from ranks. Batch normalisation
    works as it will after training. Where the network gives NaN, so is the area.

    It stands in the list before the callbacks that use its result::

        callbacks=[RocAuc(validation), keras.callbacks.ModelCheckpoint("best.keras", monitor="val_auc", mode="max")]

    Parameters
    ----------
    validation : a pair (images, labels) of arrays; or batches of such pairs, a `keras.utils.PyDataset` such as
        `DataGenerator`. Labels of two classes: one-hot (images, 2), or 0 and 1 (images,).
    name : under which the area stands in the results and in the history.

    Raises
    ------
    ValueError : at the start of training, if the validation images are not of two classes, or the network tells more
        than two apart.
    """

    def __init__(self, validation: tuple | keras.utils.PyDataset, name: str = "val_auc") -> None:
        super().__init__()
        self.validation, self.name = validation, name

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Make sure that there are two classes to tell apart."""
        if self.model.output_shape[-1] > 2:
            raise ValueError(
                f"RocAuc: made for two classes, and the network has {self.model.output_shape[-1]} outputs."
            )
        seen = set()
        for labels in self._label_batches():
            seen |= set(_class_numbers(labels).tolist())
            if seen == {0, 1}:
                return
        raise ValueError(
            f"RocAuc: the validation images are of {len(seen)} class{'es' if len(seen) != 1 else ''}"
            f" ({', '.join(map(str, sorted(seen)))}), and the area needs both 0 and 1. Split the folder again, e.g."
            " folder.split(validation=0.2), which keeps the share of each class."
        )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Predict all validation images, and write the area into the results."""
        if isinstance(self.validation, tuple | list):
            images, labels = self.validation
            scores = self.model.predict(images, batch_size=BATCH_SIZE, verbose=0)
        else:
            batches = _Noted(self.validation)
            scores = self.model.predict(batches, verbose=0)
            labels = np.concatenate(batches.labels)
        logs[self.name] = _area(_class_numbers(labels), scores.reshape(len(scores), -1)[:, -1])

    def _label_batches(self):
        if isinstance(self.validation, tuple | list):
            return [self.validation[1]]
        return (self.validation[index][1] for index in range(len(self.validation)))


class _Noted(keras.utils.PyDataset):
    """The images of batches for `predict`, with the labels noted down beside: both in the order they were given."""

    def __init__(self, batches: keras.utils.PyDataset) -> None:
        super().__init__()
        self.batches, self.labels = batches, [None] * len(batches)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int):
        images, self.labels[index] = self.batches[index]
        return images


class StopOnNaN(_OwnLoss):
    """Stops the training at the first batch whose loss is NaN or infinite, and says what to try.

    Nothing is restored: weights that gave NaN stay as they are.

    Parameters
    ----------
    verbose : 1 to say what happened, 0 to be quiet.

    Attributes
    ----------
    stopped_at : None, or (epoch, batch), both counted from 1.
    """

    def __init__(self, verbose: int = 1) -> None:
        super().__init__()
        self.verbose = verbose
        self.stopped_at: tuple[int, int] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forget an earlier training, so that one object may serve twice."""
        self.stopped_at = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Remember which epoch it is."""
        super().on_epoch_begin(epoch, logs)
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stop if the loss of this batch is no number."""
        loss = self.own_loss()
        if math.isfinite(loss):
            return
        self.model.stop_training = True
        self.stopped_at = (self._epoch, batch + 1)
        if self.verbose:
            print(self._advice("NaN" if math.isnan(loss) else "infinite"))

    def _advice(self, loss: str) -> str:
        epoch, batch = self.stopped_at
        where = f"StopOnNaN: the loss is {loss} in epoch {epoch}, batch {batch}; training has stopped."
        if self.stopped_at == (1, 1):
            return (
                f"{where}\nNo step had been taken yet, so look at the input first: NaN in the images, values far"
                " beyond 0 to 1 (see cnnkit.normalize), or weights that were NaN already."
            )
        rate = float(self.model.optimizer.learning_rate)
        return (
            f"{where}\nTry a lower learning rate than {rate:g}, e.g. {rate / 10:g}; clipnorm=1.0 in the optimiser;"
            ' kernel_initializer="he_normal"; images normalised to 0-1 or to mean 0 and deviation 1.'
        )


def _class_numbers(labels: Sequence) -> np.ndarray:
    """Return int (images,) from one-hot rows or from numbers."""
    labels = np.asarray(labels)
    return labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.ravel().astype(int)


def _area(actual: np.ndarray, scores: np.ndarray) -> float:
    """Return the share of pairs of a 1 and a 0 in which the 1 has the higher score."""
    positives = int(actual.sum())
    pairs = positives * (len(actual) - positives)
    return float((rankdata(scores)[actual == 1].sum() - positives * (positives + 1) / 2) / pairs)
