"""Interactive explorers: one file each, on the base in `base`.

Each shows itself when it stands at the end of a cell: controls, pictures, a line of facts, and the plain code for
what is shown. `render(parameters)` and `code(parameters)` are pure functions, so that all of it can be tested.
"""

from cnnkit.explore.augmentation import AugmentationExplorer
from cnnkit.explore.morphology import MorphologyExplorer
from cnnkit.explore.normalization import NormalizationExplorer
from cnnkit.explore.pooling import PoolingExplorer

__all__ = ["AugmentationExplorer", "MorphologyExplorer", "NormalizationExplorer", "PoolingExplorer"]
