"""From starting JupyterLab to the first slider that moves, in a real browser.

    python benchmarks/bench_start.py

The data are there already, as they are after `make lab` has run once; lesson 00 is opened and run, and its slider is
pressed until another picture is seen. Beside it stands what a plain notebook with `interact` takes for the same, in the
same run.
"""

import sys
import tempfile
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools")]
from check_notebooks import draw, environment  # noqa: E402
from lab import browser_page, chromium, jupyterlab, open_notebook, run_all  # noqa: E402

PLAIN = """
import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import interact
from skimage.morphology import disk, erosion

image = np.random.default_rng(0).integers(0, 256, (240, 320)) > 20

@interact(radius=(0, 40))
def show(radius=0):
    plt.imshow(erosion(image, disk(radius)), cmap="gray")
    plt.show()
"""
LOOK = {
    "lesson 00": "() => document.querySelector('canvas[data-panel=\"result\"]')?.toDataURL()",
    "interact + imshow": "() => document.querySelector('.jp-OutputArea-output img')?.src",
}


def seconds(name: str, notebook: Path, home: Path) -> float:
    """Return how long it takes from starting JupyterLab until a press of the slider has changed the picture."""
    folder = home / name.split()[0]
    folder.mkdir()
    nbformat.write(nbformat.read(notebook, as_version=4), folder / "page.ipynb")
    begin = time.perf_counter()
    with jupyterlab(folder, **environment(home)) as address, browser_page() as page:
        open_notebook(page, address, "page.ipynb")
        run_all(page)
        page.wait_for_function(LOOK[name], timeout=120_000)
        before = page.evaluate(LOOK[name])
        page.locator('.widget-inline-hbox:has(.widget-label:text-matches("^radius$", "i")) .noUi-handle').first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"before => ({LOOK[name]})() !== before", arg=before, timeout=60_000)
        return time.perf_counter() - begin


def main() -> None:
    """Print both times."""
    if not chromium():
        sys.exit("bench_start: needs Chromium; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        draw(environment(home))
        plain = home / "plain.ipynb"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(PLAIN)])
        # Without one JupyterLab asks which kernel is wanted.
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, plain)
        ours = seconds("lesson 00", ROOT / "notebooks" / "00_start_here.ipynb", home)
        theirs = seconds("interact + imshow", plain, home)
    print(f"From starting JupyterLab to the first moving slider: lesson 00 {ours:.1f} s (with TensorFlow in it),")
    print(f"a plain notebook with interact {theirs:.1f} s: {ours / theirs:.1f} times as long.")


if __name__ == "__main__":
    main()
