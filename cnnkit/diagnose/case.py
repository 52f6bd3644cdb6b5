"""A training run that is looked into: the network, both sets, and what the signs of illness ask for."""

from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from keras import ops

from cnnkit.diagnose.access import Data, Sample, read
from cnnkit.diagnose.labels import Labels, agreement, labels_of
from cnnkit.diagnose.look import Gradients, Predictions, Trial, gradients_of, predictions_of


@dataclass(frozen=True)
class Finding:
    """What `checkup` suspects.

    Attributes
    ----------
    name : of the illness.
    evidence : what was seen.
    advice : what to try.
    likelihood : 0 to 1, by which findings are put in order: 1 was read from the model or the data themselves, less was
        inferred from how they behave.
    """

    name: str
    evidence: str
    advice: str
    likelihood: float

    def __str__(self) -> str:
        return f"{self.name}\n   seen: {self.evidence}\n   try:  {self.advice}"


class Case:
    """All that the signs ask for, each found out once."""

    def __init__(self, model: keras.Model, training: Data, validation: Data) -> None:
        self.model, self.data, self.exam_data = model, training, validation
        self.training, self.validation = (
            _fitting(model, what, read("checkup", data))
            for what, data in (("training", training), ("validation", validation))
        )
        self.history = dict(getattr(getattr(model, "history", None), "history", None) or {})

    @property
    def pixels_are_numbers(self) -> bool:
        return all(np.isfinite(each.images).all() for each in (self.training, self.validation))

    @cached_property
    def labels(self) -> Labels:
        return labels_of(
            self.training, self.validation, [getattr(data, "classes", None) for data in (self.data, self.exam_data)]
        )

    @cached_property
    def gradients(self) -> Gradients:
        return gradients_of(self.model, self.training)

    @cached_property
    def predictions(self) -> tuple[Predictions, Predictions]:
        return predictions_of(self.model, self.training), predictions_of(self.model, self.validation)

    @cached_property
    def numbers(self) -> bool:
        """True if the network gives numbers for every picture."""
        return all(np.isfinite(each.outputs).all() for each in self.predictions)

    @cached_property
    def agreement(self) -> tuple[tuple, tuple]:
        """What `agreement` says of the network's outputs, for training and validation; nothing for what is NaN."""
        if not self.numbers:
            nothing = (0.0, tuple(range(self.predictions[0].outputs.shape[1])), 0.0)
            return nothing, nothing
        return tuple(agreement(each.outputs, each.numbers) for each in self.predictions)

    @cached_property
    def any_good(self) -> bool:
        """True if the network knows the validation pictures better than by chance, and has learnt the others."""
        return bool(self.numbers and self.agreement[0][0] > 4 and self.agreement[1][0] > 2.5)

    @cached_property
    def trained(self) -> bool:
        """True if the network has been trained, as far as one can tell."""
        steps = int(ops.convert_to_numpy(self.model.optimizer.iterations)) if self.model.optimizer else 0
        return bool(self.history or steps or not self.numbers or self.agreement[0][0] > 5)

    @cached_property
    def trial(self) -> Trial:
        return Trial(self.model, self.training)


def _fitting(model: keras.Model, what: str, sample: Sample) -> Sample:
    wanted, got, count = model.inputs[0].shape[1:], sample.images.shape[1:], max(2, model.outputs[0].shape[-1])
    if got == (*wanted, 1):
        sample = sample._replace(images=sample.images[..., 0])
    elif wanted == (*got, 1):
        sample = sample._replace(images=sample.images[..., None])
    elif len(wanted) != len(got) or any(w not in (None, g) for w, g in zip(wanted, got, strict=True)):
        raise ValueError(f"checkup: the network takes pictures of {wanted}, and those of {what} are {got}.")
    if sample.everything.max() >= count:
        raise ValueError(
            f"checkup: the network tells {count} classes apart, numbered from 0, and the labels of {what} go up to"
            f" {sample.everything.max()}."
        )
    return sample
