"""From a key press to new pixels, in a real browser: the explorer beside `interact` and `imshow`, in one run.

A press counts from its `keydown` event to the first animation frame in which the watched picture differs. A drag is
twenty presses at thirty a second; of the nineteen pictures between first and last, those are counted that were seen.
"""

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
from cnnkit.explore import MorphologyExplorer

def picture(rows, columns):
    image = np.random.default_rng(0).integers(180, 256, (rows, columns)).astype(np.uint8)
    image[: rows // 4] = np.linspace(0, 255, columns).astype(np.uint8)
    image[5 * rows // 8, columns // 2] = 0
    return image
"""

EXPLORER = "MorphologyExplorer(picture({rows}, {columns}), operation='erosion', radius=3, threshold=100)"

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


def measure(address: str, page, folder: Path, source: str, slider: int, watched: str, top: float) -> dict:
    """Run `source`, press keys on its slider, and return what was seen of the picture `watched` at height `top`."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SETUP + source)])
    name = f"bench{len(list(folder.iterdir()))}.ipynb"
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / name)
    open_notebook(page, address, name)
    run_all(page)
    page.wait_for_selector(watched)
    time.sleep(3)  # until the page has settled
    page.locator(".widget-slider .noUi-handle").nth(slider).focus()
    page.evaluate(WATCH, [watched, top])
    for press in range(PRESSES):
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"window.seen.changes.length > {press}", timeout=20_000)
        time.sleep(0.5)
    seen = page.evaluate("() => ({...window.seen, heights: [...window.seen.heights]})")
    latencies = sorted(change - key for key, change in zip(seen["keys"], seen["changes"], strict=True))
    shown = [_drag(page, key) for key in ("ArrowLeft", "ArrowRight")]
    heights = page.evaluate("() => { window.seen.running = false; return [...window.seen.heights]; }")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    return {
        "median": statistics.median(latencies),
        "p95": latencies[int(0.95 * len(latencies))],
        "shown": shown,
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
    """Measure the three ways at two sizes and print them as ratios."""
    if not chromium():
        sys.exit("bench_latency: needs Chromium; on Debian: apt-get install chromium")
    result, image = 'canvas[data-panel="result"]', ".jp-OutputArea-output img"
    cases = {
        "in the page": (EXPLORER, 1, result, 5 / 8),
        "through the kernel": (EXPLORER, 0, 'canvas[data-panel="binary"]', 1 / 8),
        "interact + imshow": (PLAIN, 0, image, 0),
    }
    print("| size | way | median ms | p95 ms | × faster | pictures shown of 19, two drags | jump px |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, jupyterlab(Path(name)) as address, browser_page() as page:
        for rows, columns in ((240, 320), (512, 512)):
            found = {
                way: measure(address, page, Path(name), code.format(rows=rows, columns=columns), slider, *watched)
                for way, (code, slider, *watched) in cases.items()
            }
            for way, seen in found.items():
                ratio = found["interact + imshow"]["median"] / seen["median"]
                print(
                    f"| {rows}×{columns} | {way} | {seen['median']:.1f} | {seen['p95']:.1f} | {ratio:.1f}"
                    f" | {seen['shown'][0]}, {seen['shown'][1]} | {seen['jump']} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
