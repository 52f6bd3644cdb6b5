"""Runs notebooks in place on the synthetic data, stores what is part of the lesson, and shows what changed.

Usage: python tools/update_notebooks.py [notebook ...]      (lessons and solutions without arguments)

How long each cell takes is stored in tests/lesson_runs.json, for `make notebooks` and for the minutes in the headers.
"""

import json
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import nbformat
from check_notebooks import ROOT, draw, environment
from nbclient import NotebookClient
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

sys.path.insert(0, str(ROOT / "tests"))
from lesson_runs import STORED, Clock, reference, stored_runs

VIEW = "application/vnd.jupyter.widget-view+json"
QUIET = ["--log-level=ERROR"]  # or each kernel warns that what it says to this very machine is not encrypted


class Timed(NotebookClient):
    """Runs a notebook and notes the processor time of each cell."""

    def __init__(self, notebook: nbformat.NotebookNode, **options: object) -> None:
        super().__init__(notebook, on_cell_execute=self._begin, on_cell_executed=self._end, **options)
        self.seconds: dict[str, float] = {}

    def _begin(self, cell: nbformat.NotebookNode, **_: object) -> None:
        self._clock = Clock(self.km.provisioner.pid)

    def _end(self, cell: nbformat.NotebookNode, **_: object) -> None:
        self.seconds[cell.id] = round(self._clock.seconds(), 2)


def clean(notebook: nbformat.NotebookNode) -> None:
    """Drop what differs from run to run, and the views of widgets, which without their kernel show nothing."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}
    # Printed lines arrive in one piece or in several, which is a matter of time.
    CoalesceStreamsPreprocessor().preprocess(notebook, {})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "data" in output and len(output.data) > 1:
                output.data.pop(VIEW, None)


def update(path: Path, home: Path) -> float:
    """Run one notebook, write it and its times back, and return how many seconds it took."""
    (home / "cache" / "cnnkit" / "progress.json").unlink(missing_ok=True)  # of the exercises before
    notebook = nbformat.read(path, as_version=4)
    pace, start = reference(), time.perf_counter()
    options = {"timeout": 600, "kernel_name": "python3", "extra_arguments": QUIET}
    client = Timed(notebook, resources={"metadata": {"path": path.parent}}, **options)
    client.execute(env=environment(home))
    wall = time.perf_counter() - start
    clean(notebook)
    nbformat.write(notebook, path)
    measured = {"reference": round(pace, 4), "matplotlib": version("matplotlib")}
    store(path.stem, {**measured, "cells": client.seconds})
    return wall


def store(stem: str, measured: dict) -> None:
    """Write down how long a notebook took, each notebook in a line of its own."""
    found = stored_runs() | {stem: measured}
    lines = [f"{json.dumps(name)}: {json.dumps(found[name])}" for name in sorted(found)]
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def show_changes(paths: list[Path]) -> None:
    """Show with nbdime how the notebooks differ from those that git has; what it calls metadata is left out."""
    names = [str(path.relative_to(ROOT)) for path in paths]
    command = ["-m", "nbdime.nbdiffapp", "--ignore-metadata", "--ignore-details", "--no-color", "HEAD", *names]
    if subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode:
        print("nbdime could not compare them with git's; `git diff --stat` says which files changed.")


def main() -> None:
    """Update the notebooks named on the command line."""
    patterns = ("notebooks/*.ipynb", "solutions/*/*.ipynb")
    paths = [Path(name).resolve() for name in sys.argv[1:]] or sorted(p for each in patterns for p in ROOT.glob(each))
    with tempfile.TemporaryDirectory() as home:
        draw(environment(Path(home)))
        for path in paths:
            print(f"{path.name}: {update(path, Path(home)):.0f} s", flush=True)
    show_changes(paths)


if __name__ == "__main__":
    main()
