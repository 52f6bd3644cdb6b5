"""The check-up: all the signs of illness asked for, and what is suspected said in order of likelihood."""

import warnings

import keras

from cnnkit.diagnose.access import Data, checked_model
from cnnkit.diagnose.case import Case, Finding
from cnnkit.diagnose.data_signs import label_trouble, leak, pixels, upside_down, validation_augmented
from cnnkit.diagnose.network_signs import (
    alike_or_dead,
    imbalance,
    last_batch_only,
    learning_rate,
    momentum,
    no_good,
    softmax,
)

__all__ = ["Checkup", "Finding", "checkup"]

SIGNS = (
    softmax,
    alike_or_dead,
    label_trouble,
    validation_augmented,
    upside_down,
    leak,
    last_batch_only,
    momentum,
    imbalance,
)


class Checkup(tuple):
    """The findings of a `checkup`, the likeliest first; empty if there are none."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(finding.name for finding in self)

    def __repr__(self) -> str:
        return f"Checkup: {', '.join(self.names) or 'nothing found'}"

    def __str__(self) -> str:
        if not self:
            return "Nothing found. That proves nothing, but the common illnesses would have shown."
        return "\n".join(f"{number}. {finding}" for number, finding in enumerate(self, 1))


def checkup(model: keras.Model, training: Data, validation: Data, *, verbose: bool = True) -> Checkup:
    """Look for the common illnesses of a training run, and say what to try.

    Best after a training, however short, that has not gone as it should: much is seen from what the network has learnt
    and from the history that Keras has left with it. It takes seconds for a small network, and some minutes for a large
    one that has learnt nothing. What the labels, the pictures or the layers show for certain is asked first; learning
    rates are tried only if nothing of that kind was found and the network is no good.

    Parameters
    ----------
    model, training, validation : see `cnnkit.diagnose`.
    verbose : True to print the findings.

    Returns
    -------
    `Checkup`, a tuple of `Finding`, the likeliest first.

    Raises
    ------
    ValueError : a model that is not compiled or of another kind; data that do not fit it.
    """
    case = Case(checked_model("checkup", model), training, validation)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras's remarks on losses; the signs make their own
        found = list(pixels(case))
        if case.pixels_are_numbers:  # of others nothing that is asked would mean anything
            found += [finding for sign in SIGNS for finding in sign(case)]
        if not any(finding.likelihood >= 0.9 for finding in found):
            found += learning_rate(case)
        if not found:
            found += no_good(case)
    findings = Checkup(sorted(found, key=lambda finding: -finding.likelihood))
    if verbose:
        print(findings)
    return findings
