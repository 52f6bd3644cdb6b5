"""The check of the notebooks bites: a changed picture, a control that does nothing, a cell that takes too long."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from lesson_runs import limit, reference
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).parents[1]

EXPLORER = """
import numpy as np
from cnnkit.explore import MorphologyExplorer

photo = np.zeros((20, 30), np.uint8)
photo[5:15, 5:25] = 200
MorphologyExplorer(photo)
"""
DEAF = """
class Deaf(MorphologyExplorer):
    def _control_moved(self, change):
        pass

Deaf(photo)
"""
FIGURE = """
from matplotlib.figure import Figure
from cnnkit import plots

figure = Figure(figsize=(5, 3), layout="constrained")
axes = figure.subplots()
axes.imshow(photo, cmap="gray")
axes.set_title("A bright bar on black")
plots.show_figure(figure, "A bar.")
"""

CODE = """
print('''
    def half(x):
        # one more comment
        return (
            x / {number})
''')
"""
PRINTED = """
    def half(x):
        return x / 2
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What `make notebooks` says of a notebook of which some cells do not do what is stored."""
    from nbclient import NotebookClient

    changed = FIGURE.replace("gray", "viridis")
    notebook = new_notebook(
        cells=[new_code_cell(source) for source in (EXPLORER, DEAF, FIGURE, changed, "print(1)", "print(2)")]
        + [new_code_cell(CODE.format(number=n), metadata={"tags": ["shows-code"]}) for n in (2, 3)]
    )
    NotebookClient(notebook, timeout=60).execute()
    notebook.cells[3].source = FIGURE
    notebook.cells[4].outputs = [new_output("stream", name="stdout", text="2\n")]
    for cell in notebook.cells[6:]:
        cell.outputs = [new_output("stream", name="stdout", text=PRINTED)]
    path = tmp_path_factory.mktemp("checked") / "checked.ipynb"
    nbformat.write(notebook, path)
    command = [
        "-m",
        "pytest",
        "--nbval",
        "--nbval-current-env",
        "-p",
        "tests.notebook_checks",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        [sys.executable, *command, "-rA", "--color=no", path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout


def outcome(report, number):
    return re.search(rf"^(PASSED|FAILED) .*::Cell {number}\b", report, re.MULTILINE)[1]


@pytest.mark.slow
@pytest.mark.xdist_group("report")
@pytest.mark.parametrize("number", [0, 2, 5, 6], ids=["explorer", "figure", "text", "code"])
def test_what_is_as_it_was_passes(report, number):
    assert outcome(report, number) == "PASSED"


@pytest.mark.slow
@pytest.mark.xdist_group("report")
@pytest.mark.parametrize("number", [1, 3, 4, 7], ids=["deaf explorer", "other colour map", "other text", "other code"])
def test_what_has_changed_fails(report, number):
    assert outcome(report, number) == "FAILED"


@pytest.mark.slow
@pytest.mark.xdist_group("report")
def test_it_says_what_has_changed(report):
    assert "A control of the explorer does not do what it says." in report
    assert re.search(r"Picture 1 differs from the stored one by \d+", report)


def test_ten_times_as_slow_is_too_slow_and_a_slower_machine_is_not():
    then = reference()
    for stored in (0.2, 1, 30):
        assert 10 * stored > limit(stored, then, then) > 2 * stored
        assert limit(stored, then, 3 * then) == pytest.approx(3 * limit(stored, then, then))
    assert limit(0, then, then) > 0.2  # nothing is measured to the hundredth of a second


@pytest.mark.parametrize("name", ["notebooks/99.ipynb", "/", "notebooks/02"])
def test_a_notebook_that_is_not_there_is_named_before_anything_is_drawn(name):
    command = [sys.executable, ROOT / "tools" / "check_notebooks.py", name]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert answer.returncode == 2 and f"there is no {name}" in answer.stderr and not answer.stdout
