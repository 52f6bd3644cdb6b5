"""Interactive explorers: one file each, on the base in `base`.

Each shows itself when it stands at the end of a cell: controls, pictures, a line of facts, and the plain code for
what is shown. `render(parameters)` and `code(parameters)` are pure functions, so that all of it can be tested.
"""

from typing import TYPE_CHECKING

from cnnkit.explore.architecture import ArchitectureExplorer
from cnnkit.explore.auc_certainty import AucCertaintyExplorer
from cnnkit.explore.augmentation import AugmentationExplorer
from cnnkit.explore.learning_rate import LearningRateExplorer
from cnnkit.explore.morphology import MorphologyExplorer
from cnnkit.explore.normalization import NormalizationExplorer
from cnnkit.explore.pooling import PoolingExplorer
from cnnkit.explore.prevalence import PrevalenceExplorer
from cnnkit.explore.reader import ReaderExplorer
from cnnkit.explore.threshold import ThresholdExplorer
from cnnkit.explore.weights import WeightsExplorer

if TYPE_CHECKING:
    from cnnkit.explore.decision import DecisionExplorer

__all__ = [
    "ArchitectureExplorer",
    "AucCertaintyExplorer",
    "AugmentationExplorer",
    "DecisionExplorer",
    "LearningRateExplorer",
    "MorphologyExplorer",
    "NormalizationExplorer",
    "PoolingExplorer",
    "PrevalenceExplorer",
    "ReaderExplorer",
    "ThresholdExplorer",
    "WeightsExplorer",
]


def __getattr__(name: str):
    # The only one that needs Keras, which takes seconds to import: not before somebody asks for it.
    if name == "DecisionExplorer":
        from cnnkit.explore.decision import DecisionExplorer

        return DecisionExplorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
