"""What is wrong with a training run: one look for each symptom, and a check-up that makes them all.

`look_at_batch`, `check_labels` and `find_duplicates` look at the data, `gradient_norms` and `prediction_histogram` at
the network, `overfit_one_batch` at both together. `checkup` asks them all and says what it suspects.

Data are given as `keras.Model.fit` takes them: batches that can be read again and again, such as a `DataGenerator`,
another `PyDataset` or a `tf.data.Dataset`; or a pair (images, labels) of arrays, the labels one-hot (pictures, classes)
or numbers (pictures,). Of a `DataGenerator` the pictures are looked at as they are without augmentation, unless it says
otherwise. The model is a compiled functional or `Sequential` one; nothing here changes it, or the data.
"""

from cnnkit.diagnose.checkup import Checkup, Finding, checkup
from cnnkit.diagnose.duplicates import Duplicate, Duplicates, find_duplicates
from cnnkit.diagnose.labels import Labels, check_labels
from cnnkit.diagnose.look import (
    Batch,
    Gradients,
    Overfit,
    Predictions,
    gradient_norms,
    look_at_batch,
    overfit_one_batch,
    prediction_histogram,
)

__all__ = [
    "Batch",
    "Checkup",
    "Duplicate",
    "Duplicates",
    "Finding",
    "Gradients",
    "Labels",
    "Overfit",
    "Predictions",
    "check_labels",
    "checkup",
    "find_duplicates",
    "gradient_norms",
    "look_at_batch",
    "overfit_one_batch",
    "prediction_histogram",
]
