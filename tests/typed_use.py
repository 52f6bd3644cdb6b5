"""The public names as lessons call them; `make lint` lets a type checker read this, and nothing runs it.

A line with an ignored error is wrong on purpose: the checker complains if it is not.
"""

from pathlib import Path

import numpy as np

from cnnkit import datasets, evaluate, morphology, normalize
from cnnkit.augment import Augmentation, Transform
from cnnkit.callbacks import LearningRateDecay, LossHistory, RocAuc, StopOnNaN
from cnnkit.checks import check
from cnnkit.explore import MorphologyExplorer
from cnnkit.generator import DataGenerator
from cnnkit.images import crop_center, read_image, resize, to_gray
from cnnkit.losses import WeightedCategoricalCrossentropy
from cnnkit.resnet import ResnetBuilder


def data() -> tuple[datasets.ImageFolder, datasets.ImageFolder]:
    """Use what brings pictures."""
    folder = datasets.load("flowers")
    paths: list[Path] = folder.paths
    classes: tuple[str, ...] = folder.classes
    labels: np.ndarray = folder.labels
    skipped: list[tuple[Path, str]] = folder.skipped
    print(paths, classes, labels, skipped)
    datasets.ImageFolder("data/flowers", classes=["daisy", "rose"])
    datasets.load(3)  # type: ignore[arg-type]
    return folder.split(validation=0.2, seed=0)


def pixels(path: Path) -> np.ndarray:
    """Use what changes pictures."""
    image: np.ndarray = resize(crop_center(to_gray(read_image(path)), (100, 100)), (64, 64))
    mask: np.ndarray = morphology.opening(morphology.threshold(image, 125), 3)
    for each in (morphology.erosion, morphology.dilation, morphology.closing):
        mask = each(mask, 2)
    for scale in (normalize.divide_by_255, normalize.min_max, normalize.standardize):
        image = scale(image)
    resize(image, 64)  # type: ignore[arg-type]
    morphology.disk("3")  # type: ignore[arg-type]
    return normalize.percentile(image, 5, 95, clip=True)


def batches(folder: datasets.ImageFolder, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Use what makes batches."""
    matrix: np.ndarray = Transform(rotation=90).matrix((5, 7))
    transform: Transform = Augmentation(rotation=20, zoom=(1, 1.5)).draw(rng)
    print(matrix, transform.apply(np.zeros((5, 7))))
    generator = DataGenerator(folder, batch_size=32, crop=(100, 100), augment=Augmentation.flowers(), ablation=0.2)
    DataGenerator(folder, augment="flowers")  # type: ignore[arg-type]
    return generator[0]


def training(folder: datasets.ImageFolder) -> None:
    """Use what trains and judges."""
    model = ResnetBuilder.build_resnet_18((3, 100, 100), 2)
    loss = WeightedCategoricalCrossentropy([[1, 5], [10, 10]])
    print(model, loss, LossHistory(), LearningRateDecay(0.5, every=2), RocAuc(DataGenerator(folder)), StopOnNaN())
    auc = evaluate.roc_auc([0, 1, 1], [0.2, 0.4, 0.9])
    interval: tuple[float, float, float] = (auc.low, auc.value, auc.high)
    threshold: float = evaluate.threshold_for_recall([0, 1, 1], [0.2, 0.4, 0.9], recall=0.9)
    print(interval, evaluate.confusion_matrix([0, 1], [0.1, 0.7], threshold).recall)
    ResnetBuilder.build_resnet_18(100, 2)  # type: ignore[arg-type]


def lesson(photo: np.ndarray) -> str:
    """Use what lessons show."""
    explorer = MorphologyExplorer({"photo": photo}, operation="erosion", radius=2)
    facts: str = explorer.render(explorer.parameters).facts
    status: str = check("flip_twice", None).status
    return facts + status + explorer.code(explorer.parameters)
