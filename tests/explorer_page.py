"""One notebook with every explorer in it, open in a browser, for all tests that look at explorers there."""

import os
from contextlib import contextmanager

import nbformat
import pytest
from lab import browser_page, chromium, jupyterlab, open_notebook, run_all

SETUP = """
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from cnnkit.datasets import ImageFolder
from cnnkit.explore import *
rows, columns = np.mgrid[:240, :320]
checks = (rows // 16 + columns // 16) % 2
picture = np.stack([rows, columns * 3 // 4, 40 + 120 * checks + rows // 6], axis=2).astype(np.uint8)

import keras
inputs = keras.Input((240, 320, 3))
x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 8, 8, activation="relu")(inputs))
model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
model.set_weights([np.cos(np.arange(w.size)).reshape(w.shape) for w in model.get_weights()])

place = Path(tempfile.mkdtemp())
for number in range(16):
    kind = place / ("effusion" if number % 2 else "nofinding")
    kind.mkdir(exist_ok=True)
    Image.fromarray(np.roll(picture[:, :, 2], 15 * number, axis=1)).save(kind / f"{number}.png")
folder = ImageFolder(place, ["nofinding", "effusion"])
scores = (0.2 + folder.labels + np.arange(16) % 5) / 6
"""

# How each is made, and the label of a control that asks the kernel, with the key that moves it; the reader's answers
# are no such control, and have tests of their own.
EXPLORERS = {
    "MorphologyExplorer": ("MorphologyExplorer(picture)", "Threshold", "ArrowRight"),
    "NormalizationExplorer": ("NormalizationExplorer(picture)", "Method", "ArrowDown"),
    "AugmentationExplorer": ("AugmentationExplorer(picture)", "Shear", "ArrowRight"),
    "PoolingExplorer": ("PoolingExplorer(picture)", "Window", "ArrowDown"),
    "ArchitectureExplorer": ("ArchitectureExplorer()", "Style", "ArrowDown"),
    "LearningRateExplorer": ("LearningRateExplorer()", "Momentum", "ArrowDown"),
    "ThresholdExplorer": ("ThresholdExplorer()", "Use", "ArrowDown"),
    "DecisionExplorer": ("DecisionExplorer(model, picture)", "Map", "ArrowDown"),
    "PrevalenceExplorer": ("PrevalenceExplorer()", "Prevalence", "ArrowRight"),
    "AucCertaintyExplorer": ("AucCertaintyExplorer()", "Nofinding", "ArrowDown"),
    "WeightsExplorer": ("WeightsExplorer()", "Chance", "ArrowRight"),
    "ReaderExplorer": ("ReaderExplorer(folder, scores)", "", ""),
}


def make(name):
    """Return an explorer of this name in this process, made as in the page."""
    names = {}
    exec(SETUP, names)
    return eval(EXPLORERS[name][0], names)


def cell_of(page, name):
    """Return the cell of one explorer, in sight."""
    cell = page.locator(".jp-CodeCell").nth(1 + list(EXPLORERS).index(name))
    cell.scroll_into_view_if_needed()
    return cell


def wait_for_facts(cell, twin):
    """Wait until the page shows the facts of the twin's present parameters."""
    cell.locator(".cnnkit-facts", has_text=twin.render(twin.parameters).facts).wait_for(timeout=20_000)


@contextmanager
def explorer_page(folder):
    """Run the notebook in a JupyterLab on `folder`; whatever the page's console complains of is an error."""
    if not chromium():
        message = "needs Chromium (on Debian: apt-get install chromium)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    sources = [SETUP, *(source for source, _, _ in EXPLORERS.values())]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "explorers.ipynb")
    with jupyterlab(folder) as address, browser_page() as page:
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        open_notebook(page, address, "explorers.ipynb")
        run_all(page)
        yield page
        assert not errors
