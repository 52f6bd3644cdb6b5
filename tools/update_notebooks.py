"""Runs notebooks in place on the synthetic data and keeps of the outputs what is part of the lesson.

Usage: python tools/update_notebooks.py [notebook ...]      (all of notebooks/ without arguments)
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
VIEW = "application/vnd.jupyter.widget-view+json"


def clean(notebook: nbformat.NotebookNode) -> None:
    """Drop what differs from run to run, and the views of widgets, which without their kernel show nothing."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "data" in output and len(output.data) > 1:
                output.data.pop(VIEW, None)


def update(path: Path, home: Path) -> float:
    """Run one notebook, write it back, and return how many seconds it took."""
    os.environ |= {"CNNKIT_DATA": str(home / "data"), "XDG_CACHE_HOME": str(home / "cache")}
    notebook = nbformat.read(path, as_version=4)
    start = time.perf_counter()
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    clean(notebook)
    nbformat.write(notebook, path)
    return time.perf_counter() - start


def main() -> None:
    """Update the notebooks named on the command line."""
    from cnnkit import datasets

    paths = [Path(name).resolve() for name in sys.argv[1:]] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"CNNKIT_DATA": f"{home}/data", "XDG_CACHE_HOME": f"{home}/cache"}
        for name in ("flowers", "cxr"):
            datasets.load(name)  # drawn and checked before any lesson is timed
        for path in paths:
            print(f"{path.name}: {update(path, Path(home)):.0f} s", flush=True)


if __name__ == "__main__":
    main()
