"""How fast morphology is and how it grows with the disk and the picture, as ratios to scikit-image in one run.

    python benchmarks/bench_morphology.py

Both erode the same mask with the same disk, taking turns; the median of the ratios of each turn is printed.
scikit-image is asked as the course does, ``erosion(mask, disk(radius))``. Exit status 1 if the results differ or the
kit's is slower anywhere.
"""

import statistics
import sys
import time

import numpy as np
from skimage.morphology import disk
from skimage.morphology import erosion as plain

from cnnkit.morphology import erosion

TURNS = 5
SIDES = (128, 256, 512)
RADII = (1, 5, 10, 20)


def turn(mask: np.ndarray, radius: int) -> tuple[float, float]:
    """Return the seconds of both ways."""
    begin = time.perf_counter()
    ours = erosion(mask, radius)
    middle = time.perf_counter()
    theirs = plain(mask, disk(radius))
    end = time.perf_counter()
    if not np.array_equal(ours, theirs):
        sys.exit(f"The results differ at radius {radius}.")
    return middle - begin, end - middle


def main() -> None:
    """Print a line for each size of picture and disk."""
    slowest = np.inf
    print("| picture | radius | cnnkit ms | scikit-image ms | × faster |")
    print("|---|---|---|---|---|")
    for side in SIDES:
        mask = np.random.default_rng(0).random((side, side)) > 0.02
        for radius in RADII:
            turn(mask, radius)  # to warm up
            taken = [turn(mask, radius) for _ in range(TURNS)]
            ours, theirs = (statistics.median(column) * 1000 for column in zip(*taken, strict=True))
            ratio = statistics.median(slow / fast for fast, slow in taken)
            slowest = min(slowest, ratio)
            print(f"| {side}×{side} | {radius} | {ours:.1f} | {theirs:.1f} | {ratio:.0f} |", flush=True)
    sys.exit(slowest < 1)


if __name__ == "__main__":
    main()
