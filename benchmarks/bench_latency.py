"""From a key press to new pixels, in a real browser: the explorers beside `interact` and `imshow`, in one run.

A press counts from its `keydown` event to the first animation frame in which the watched picture differs. A drag is
twenty presses at thirty a second; of the nineteen pictures between first and last, those are counted that were seen.

    python benchmarks/bench_latency.py [240x320 ...]        (240×320 and 512×512 without arguments)
"""

import dataclasses
import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from lab import browser_page, chromium, jupyterlab, open_notebook, run_all  # noqa: E402

PRESSES = 30
DRAG = 20

# Above, a ramp on which every threshold shows; below, a dot that erosion turns into the disk; noise all around.
SETUP = """
import numpy as np
from cnnkit.explore import *

def picture(rows, columns):
    image = np.random.default_rng(0).integers(180, 256, (rows, columns)).astype(np.uint8)
    image[: rows // 4] = np.linspace(0, 255, columns).astype(np.uint8)
    image[5 * rows // 8, columns // 2] = 0
    return image

def photo(rows, columns):
    return np.repeat(picture(rows, columns)[:, :, None], 3, axis=2)

def ramp(rows, columns):
    return np.tile(np.linspace(0, 255, columns).astype(np.uint8)[:, None], (rows, 1, 3))
"""

MORPHOLOGY = "MorphologyExplorer(picture({rows}, {columns}), operation='erosion', radius=3, threshold=100)"
# In a ramp no two percentiles lie at the same brightness, so each key changes the picture.
NORMALIZATION = "NormalizationExplorer(ramp({rows}, {columns}))"
AUGMENTATION = "AugmentationExplorer(photo({rows}, {columns}), rotation=-90)"
POOLING = "PoolingExplorer(photo({rows}, {columns}))"

PLAIN = """
import matplotlib.pyplot as plt
from ipywidgets import interact
from skimage.morphology import disk, erosion

image = picture({rows}, {columns})

@interact(radius=(0, 40))
def show(radius=3):
    binary = image > 100
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    axes[0].imshow(binary, cmap="gray")
    axes[1].imshow(erosion(binary, disk(radius)), cmap="gray")
    plt.show()
"""

# A strip of the canvas is enough to see a change, and reading all of it would cost as much as drawing it.
WATCH = """([selector, top]) => {
    const scratch = document.createElement("canvas");
    [scratch.width, scratch.height] = [600, 120];
    const context = scratch.getContext("2d", { willReadFrequently: true });
    const read = () => {
        const shown = document.querySelector(selector);
        if (!shown || (shown.tagName === "IMG" && !shown.complete)) return null;
        const [width, height] = shown.tagName === "IMG" ? [300, 120] : [shown.width, 8];
        if (shown.tagName === "IMG") context.drawImage(shown, 0, 0, width, height);
        else context.drawImage(shown, 0, top * shown.height, width, height, 0, 0, width, height);
        const data = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
        let hash = 0;
        for (let at = 0; at < data.length; at++) hash = (hash * 31 + data[at]) | 0;
        return hash;
    };
    const cell = document.querySelector(".jp-Cell:has(.jp-OutputArea-output)");
    const seen = { keys: [], changes: [], heights: new Set(), last: read(), running: true };
    window.seen = seen;
    document.addEventListener("keydown", (event) => seen.keys.push(event.timeStamp), true);
    const tick = () => {
        const value = read();
        if (value !== null && value !== seen.last) {
            seen.last = value;
            seen.changes.push(performance.now());
        }
        seen.heights.add(Math.round(cell.getBoundingClientRect().height));
        if (seen.running) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
}"""


@dataclasses.dataclass(frozen=True)
class Case:
    """Which control is pressed, and in which picture the answer is looked for.

    Parameters
    ----------
    source : what stands in the cell.
    control : what stands beside it.
    watched : selector of the picture.
    top : where in it to look, as a share of its height.
    keys : pressed in turn.
    drag : whether it can be dragged through twenty values.
    """

    source: str
    control: str
    watched: str
    top: float
    keys: tuple[str, ...] = ("ArrowRight",)
    drag: bool = True


def canvas(name: str) -> str:
    """Return the selector of a panel's canvas."""
    return f'canvas[data-panel="{name}"]'


TO_AND_FRO = "ArrowRight", "ArrowLeft"
UP_AND_DOWN = "ArrowUp", "ArrowDown"
CASES = {  # the first is what the others are compared with
    "interact + imshow": Case(PLAIN, "radius", ".jp-OutputArea-output img", 0),
    "morphology: radius, in the page": Case(MORPHOLOGY, "Radius", canvas("result"), 5 / 8),
    "morphology: threshold, through the kernel": Case(MORPHOLOGY, "Threshold", canvas("binary"), 1 / 8),
    "normalisation: percentiles, in the page": Case(NORMALIZATION, "Percentiles", canvas("after"), 5 / 8),
    "normalisation: method, through the kernel": Case(
        NORMALIZATION, "Method", canvas("after"), 5 / 8, UP_AND_DOWN, False
    ),
    "augmentation: rotation, in the page": Case(AUGMENTATION, "Rotation °", canvas("after"), 1 / 2),
    "augmentation: contrast, through the kernel": Case(AUGMENTATION, "Contrast", canvas("after"), 1 / 2, TO_AND_FRO),
    "pooling: shift, in the page": Case(POOLING, "Shift, px", canvas("shifted"), 1 / 2, TO_AND_FRO, False),
    "pooling: window, through the kernel": Case(POOLING, "Window", canvas("pooled"), 1 / 2, UP_AND_DOWN, False),
}


def measure(address: str, page, folder: Path, case: Case, size: dict[str, int]) -> dict:
    """Run the case's cell, press its control, and return what was seen of the watched picture."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SETUP + case.source.format(**size))])
    name = f"bench{len(list(folder.iterdir()))}.ipynb"
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / name)
    open_notebook(page, address, name)
    run_all(page)
    page.wait_for_selector(case.watched)
    time.sleep(3)  # until the page has settled
    row = f'.widget-inline-hbox:has(.widget-label:text-is("{case.control}"))'
    page.locator(row).locator("select, .noUi-handle").first.focus()
    page.evaluate(WATCH, [case.watched, case.top])
    for press, key in zip(range(PRESSES), itertools.cycle(case.keys), strict=False):
        page.keyboard.press(key)
        page.wait_for_function(f"window.seen.changes.length > {press}", timeout=20_000)
        time.sleep(0.5)
    seen = page.evaluate("() => ({...window.seen, heights: [...window.seen.heights]})")
    latencies = sorted(change - key for key, change in zip(seen["keys"], seen["changes"], strict=True))
    shown = [str(_drag(page, key)) for key in ("ArrowLeft", "ArrowRight")] if case.drag else ["–"]
    heights = page.evaluate("() => { window.seen.running = false; return [...window.seen.heights]; }")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    return {
        "median": statistics.median(latencies),
        "p95": latencies[int(0.95 * len(latencies))],
        "shown": ", ".join(shown),
        "jump": max(heights) - min(heights),
    }


def _drag(page, key: str) -> int:
    """Return how many of the nineteen pictures between the first press and the last were seen."""
    time.sleep(3)
    before = page.evaluate("window.seen.changes.length")
    start = time.perf_counter()
    for press in range(DRAG):
        time.sleep(max(start + press / 30 - time.perf_counter(), 0))
        page.keyboard.press(key)
    time.sleep(2)
    return min(page.evaluate("window.seen.changes.length") - before, DRAG) - 1


def main() -> None:
    """Measure every case at each size and print them as ratios."""
    if not chromium():
        sys.exit("bench_latency: needs Chromium; on Debian: apt-get install chromium")
    sizes = [tuple(map(int, size.split("x"))) for size in sys.argv[1:]] or [(240, 320), (512, 512)]
    print("| size | way | median ms | p95 ms | × faster | pictures shown of 19, two drags | jump px |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, jupyterlab(Path(name)) as address, browser_page() as page:
        for rows, columns in sizes:
            size = {"rows": rows, "columns": columns}
            first = None
            for way, case in CASES.items():
                seen = measure(address, page, Path(name), case, size)
                first = first or seen["median"]
                print(
                    f"| {rows}×{columns} | {way} | {seen['median']:.1f} | {seen['p95']:.1f}"
                    f" | {first / seen['median']:.1f} | {seen['shown']} | {seen['jump']} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
