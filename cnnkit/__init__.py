"""Helpers of the CNN teaching kit, in the order in which an image travels through them.

`datasets` finds or draws the pictures, `images` reads them, `morphology` changes their shape, `normalize` their
values, `augment` where things are in them, `generator` makes batches of them; `resnet` is the network, `losses` weighs
its mistakes, `callbacks` watch it learn, `training` runs it; `evaluate` says how good it is, `explain` where it looks.
`engine` does all of it in one run that can be interrupted; `feed`, `machine`, `report` and `terminal` are its parts.
`explore` holds the interactive explorers and `plots` the few figures that lessons share. Lessons import the room they
need, for example ``from cnnkit import morphology``.
"""

import os
import platform

from cnnkit import _quiet

__version__ = "0.1.0"

# All are defaults: what the user has set stays.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if platform.machine() in ("x86_64", "AMD64"):
    # Without AVX-512 TensorFlow 2.21 leaves oneDNN off, which halves a training step there: docs/decisions.md.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
_quiet.install()


def progress():
    """Return the board of all exercises, with what was reached in each; in a notebook it shows itself."""
    from cnnkit import checks  # only now, so that a lesson does not load the exercises

    return checks.progress()
