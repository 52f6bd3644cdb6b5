"""How fast the final training is fed and steps, as measured side by side in one run, in one process.

    python benchmarks/bench_engine.py [folder of films]

Films a second: batches at 256×256 from the cache, normalised, each film with the matrix of its augmentation, as the
engine makes them for two workers. A step: ResNet-18 of this kit at the papers' width against the course's network,
written down here layer by layer as it was, on the same batch and with the same optimiser, in turns; the median of the
ratios. Exit status 1 if there are fewer than 3,000 films a second, or if the step takes more than 1.05 times as long
(that is the noise of such a measurement).
"""

import statistics
import sys
import time
from dataclasses import replace

import cnnkit  # isort: skip  # noqa: F401  before Keras, so that TensorFlow is quiet
import keras
import numpy as np
from bench_generator import epoch, seconds
from keras import layers

from cnnkit.augment import Augmentation
from cnnkit.datasets import ImageFolder, load
from cnnkit.feed import Batches, Films
from cnnkit.resnet import ResnetBuilder
from cnnkit.training import PRESETS

NEEDED_FILMS, ALLOWED_STEP = 3000, 1.05
TURNS, SIDE, BATCH = 5, 128, 8


def reference(side: int) -> keras.Model:
    """Return the course's ResNet-18 for grey pictures, 2 classes."""

    def convolution(x, filters: int, size: int = 3, strides: int = 1):
        options = {
            "padding": "same",
            "kernel_initializer": "he_normal",
            "kernel_regularizer": keras.regularizers.l2(1e-4),
        }
        return layers.Conv2D(filters, size, strides=strides, **options)(x)

    def activated(x):
        return layers.Activation("relu")(layers.BatchNormalization(axis=3)(x))

    inputs = keras.Input((side, side, 1))
    x = layers.MaxPooling2D((3, 3), strides=(2, 2), padding="same")(activated(convolution(inputs, 64, 7, 2)))
    for stage in range(4):
        filters = 64 * 2**stage
        for number in range(2):
            strides = 2 if stage and not number else 1
            inside = x if not (stage or number) else activated(x)
            inside = convolution(activated(convolution(inside, filters, 3, strides)), filters)
            changes = strides > 1 or x.shape[-1] != filters
            x = layers.add([convolution(x, filters, 1, strides) if changes else x, inside])
    x = activated(x)
    x = layers.Flatten()(layers.AveragePooling2D(pool_size=x.shape[1:3], strides=(1, 1))(x))
    return keras.Model(inputs, layers.Dense(2, kernel_initializer="he_normal", activation="softmax")(x))


def films(folder: ImageFolder) -> float:
    """Print how many films a second come from the cache, and return it."""
    preset = replace(PRESETS["cxr"]["full"], size=(256, 256))
    fed = Films(folder, preset, seed=0)
    batches = Batches(
        fed, np.arange(len(fed.paths)), 32, training=True, augmentation=Augmentation(**preset.augmentation), seed=0
    )
    taken = [seconds(lambda: epoch(batches, threads=2)) for _ in range(TURNS)]
    speed = 32 * len(batches) / statistics.median(taken)
    print(f"{32 * len(batches)} films of 256×256 with their matrices, two threads: {speed:,.0f} films/s")
    return speed


def step() -> float:
    """Print what a step of the kit takes, as a multiple of one of the course's network, and return it."""
    networks = {"the course's": reference(SIDE), "the kit's": ResnetBuilder.build_resnet_18((1, SIDE, SIDE), 2)}
    rng = np.random.default_rng(0)
    batch = rng.random((BATCH, SIDE, SIDE, 1), np.float32), np.eye(2, dtype=np.float32)[rng.integers(0, 2, BATCH)]
    taken: dict[str, list[float]] = {name: [] for name in networks}
    sizes = {network.count_params() for network in networks.values()}
    assert len(sizes) == 1, sizes
    for network in networks.values():
        network.compile(keras.optimizers.SGD(0.01, momentum=0.9), "categorical_crossentropy")
        for _ in range(2):
            network.train_on_batch(*batch)
    for _ in range(TURNS):
        for name, network in networks.items():
            begin = time.perf_counter()
            network.train_on_batch(*batch)
            taken[name].append(time.perf_counter() - begin)
    course, kit = taken.values()
    ratio = statistics.median(ours / theirs for theirs, ours in zip(course, kit, strict=True))
    print(
        f"one step, {BATCH} films of {SIDE}×{SIDE}, {sizes.pop():,} parameters: {ratio:.2f} times the course's network"
    )
    return ratio


def main(path: str | None = None) -> int:
    """Measure, and return the exit status."""
    missed = [
        *(
            ["There are too few films a second."]
            if films(ImageFolder(path) if path else load("cxr")) < NEEDED_FILMS
            else []
        ),
        *(["A step takes too long."] if step() > ALLOWED_STEP else []),
    ]
    print(*missed, sep="\n", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
