"""How fast normalisation and augmentation are, as ratios measured side by side in one run, in one process.

    python benchmarks/bench_preprocessing.py

Each line takes turns between the ways it compares, some dozen times, and prints the median of the ratios of each turn,
so that whatever else the machine does falls on all of them alike. Exit status 1 if augmentation is less than 5 times
as fast as Keras's old generator.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from cnnkit.augment import FILL_MODES, Augmentation
from cnnkit.normalize import cut_points, divide_by_255, min_max, percentile, standardize

NEEDED = 5
TURNS = 25


def seconds(ways: dict[str, Callable]) -> dict[str, list[float]]:
    """Run each way once to warm up, then all in turn; return the seconds of every turn."""
    for way in ways.values():
        way()
    taken = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - begin)
    return taken


def ratio(taken: dict[str, list[float]], slow: str, fast: str) -> float:
    """Return how many times as fast the second is: the median over the turns."""
    return statistics.median(s / f for s, f in zip(taken[slow], taken[fast], strict=True))


def normalisation() -> None:
    """Print the cut points against numpy.percentile, and what each method takes."""
    image = np.random.default_rng(0).normal(120, 40, (512, 512)).clip(0, 255).astype(np.uint8)
    print("Normalisation, 512×512 uint8")
    for layout, picture in (("", image), (", every other row of a transposed one", image.repeat(2, 1).T[::2])):
        taken = seconds(
            {"numpy": lambda p=picture: np.percentile(p, [5, 95]), "cnnkit": lambda p=picture: cut_points(p)}
        )
        print(f"  cut points against numpy.percentile{layout}: {ratio(taken, 'numpy', 'cnnkit'):.1f} times as fast")
    taken = seconds({f.__name__: lambda f=f: f(image) for f in (divide_by_255, min_max, percentile, standardize)})
    for name, times in taken.items():
        print(f"  {name}: {statistics.median(times) * 1e3:.1f} ms")


def augmentation(shape: tuple[int, int, int], count: int = 32) -> float:
    """Print the ratios for a batch like those of the course; return that of the preset for flowers on uint8."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
    floats = (images / 255).astype(np.float32)
    old = ImageDataGenerator(rotation_range=20, width_shift_range=0.2, height_shift_range=0.2, horizontal_flip=True)
    preset = Augmentation.flowers()
    drawn = [preset.draw(rng).matrix(shape) for _ in images]
    rows = np.linalg.inv(drawn).reshape(count, 9)[:, :8].astype(np.float32)
    ways = {
        "random_transform": lambda: [old.random_transform(image) for image in floats],
        "the flowers' preset, uint8": lambda: preset(images, 0),
        "the flowers' preset, float32": lambda: preset(floats, 0),
        "the bare keras op, float32": lambda: np.asarray(
            keras.ops.image.affine_transform(floats, rows, fill_mode="nearest")
        ),
    }
    for mode in FILL_MODES:
        if mode != preset.fill_mode:
            ways[f"the same, fill mode {mode}, uint8"] = lambda m=mode: Augmentation.flowers(fill_mode=m)(images, 0)
    taken = seconds(ways)
    speed = count / statistics.median(taken["random_transform"])
    print(f"Augmentation, {'×'.join(map(str, shape))}, against ImageDataGenerator.random_transform ({speed:.0f}/s)")
    for name in list(ways)[1:]:
        print(f"  {name}: {ratio(taken, 'random_transform', name):.1f} times as fast")
    return ratio(taken, "random_transform", "the flowers' preset, uint8")


if __name__ == "__main__":
    normalisation()
    reached = [augmentation((100, 100, 3)), augmentation((256, 256, 1))]
    sys.exit(f"Less than {NEEDED} times as fast." if min(reached) < NEEDED else 0)
