"""How fast batches come from folders, as ratios measured side by side in one run, in one process.

    python benchmarks/bench_generator.py [folder of flowers] [folder of films]

Without folders, the kit's own data sets are used. `DataGenerator`, which decodes each file once, is compared with
Keras's old `ImageDataGenerator.flow_from_directory`, which does so in every epoch: the same files, 100×100×3, divided
by 255, once as they are and once with the augmentation for flowers. Both take turns, and the median of the ratios of
each turn is printed, so that whatever else the machine does falls on both alike. Exit status 1 if a second epoch is
less than 10 times as fast, if a first one (with all the decoding) is slower, or if there are fewer than 3,000 films a
second.
"""

import contextlib
import io
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cnnkit  # isort: skip  # noqa: F401  before Keras, so that TensorFlow is quiet
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from cnnkit.augment import Augmentation
from cnnkit.datasets import ImageFolder, load
from cnnkit.generator import DataGenerator
from cnnkit.normalize import min_max

NEEDED_LATER, NEEDED_FIRST, NEEDED_FILMS = 10, 1, 3000
TURNS = 5


def seconds(way: Callable) -> float:
    """Return how long a call takes."""
    begin = time.perf_counter()
    way()
    return time.perf_counter() - begin


def epoch(batches, threads: int = 1) -> None:
    """Ask for every batch of an epoch once, and keep none."""
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda index: len(batches[index]), range(len(batches))):
            pass


def flowers(folder: ImageFolder, title: str, augment: Augmentation | None, **old: object) -> tuple[float, float]:
    """Print what an epoch takes; return how many times as fast the first and the second are."""
    taken: dict[str, list[float]] = {}
    transform = ImageDataGenerator(rescale=1 / 255, **old)

    def before() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            batches = transform.flow_from_directory(folder.path, (100, 100))
        epoch(batches)

    def after() -> None:
        epoch(DataGenerator(folder, augment=augment))

    later = DataGenerator(folder, augment=augment)
    ways = {
        "ImageDataGenerator, every epoch": before,
        "first epoch, with the decoding": after,
        "second epoch": lambda: epoch(later),
        "second epoch, two threads": lambda: epoch(later, threads=2),
    }
    for _ in range(TURNS):
        later.on_epoch_end()
        for name, way in ways.items():
            taken.setdefault(name, []).append(seconds(way))
    slow, *rest = taken
    print(f"{title}\n  {slow}: {len(folder) / statistics.median(taken[slow]):,.0f} pictures/s")
    ratios = [statistics.median(s / f for s, f in zip(taken[slow], taken[name], strict=True)) for name in rest]
    for name, ratio in zip(rest, ratios, strict=True):
        speed = len(folder) / statistics.median(taken[name])
        print(f"  {name}: {ratio:.1f} times as fast ({speed:,.0f} pictures/s)")
    return ratios[0], ratios[1]


def films(folder: ImageFolder) -> float:
    """Print how many films a second come from the cache, and return how many with two threads."""
    generator = DataGenerator(folder, size=(256, 256), crop=None, channels=1, normalize=min_max)
    print(generator)
    taken: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(TURNS):
        for threads, values in taken.items():
            values.append(seconds(lambda threads=threads: epoch(generator, threads)))
    speeds = [len(folder) / statistics.median(values) for values in taken.values()]
    print(f"  min_max: {speeds[0]:,.0f} films/s, with two threads {speeds[1]:,.0f}")
    return speeds[1]


def main(flowers_path: str | None = None, films_path: str | None = None) -> int:
    """Measure, and return the exit status."""
    given = ImageFolder(flowers_path) if flowers_path else load("flowers")
    usable = DataGenerator(given)
    print(usable)
    with tempfile.TemporaryDirectory() as place:
        for path in usable.paths:  # the files that both can use
            copy = Path(place, path.parent.name, path.name)
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(path, copy)
        folder = ImageFolder(place)
        plain = flowers(folder, "As they are", None)
        old = {"rotation_range": 20, "width_shift_range": 0.2, "height_shift_range": 0.2, "horizontal_flip": True}
        changed = flowers(folder, "With the augmentation for flowers", Augmentation.flowers(), **old)
    rate = films(ImageFolder(films_path) if films_path else load("cxr"))
    missed = [
        *(["A second epoch is too slow."] if plain[1] < NEEDED_LATER else []),
        *(["A first epoch is slower."] if min(plain[0], changed[0]) < NEEDED_FIRST else []),
        *(["There are too few films a second."] if rate < NEEDED_FILMS else []),
    ]
    print(*missed, sep="\n", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
