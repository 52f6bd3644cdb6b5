"""Makes from solutions/ what students get: the notebooks in exercises/ and the cases that the checks try.

Usage: python tools/make_exercises.py [assignment ...]      (all of them without arguments)

Needs nbgrader and nbstripout. The notebooks are the same byte for byte from run to run.
"""

import contextlib
import json
import logging
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import nbformat

from cnnkit.checks.compare import fingerprint
from cnnkit.checks.exercise import ASSIGNMENTS, Case
from cnnkit.checks.key import VISIBLE, load_key
from cnnkit.checks.plain import Secret, dumps

ROOT = Path(__file__).parents[1]
# What stands in the place of a solution. It runs, so that a notebook that nothing has been written into has no errors.
STUB = "pass  # your code here"


def make_notebook(assignment: str, solutions: Path, folder: Path) -> Path:
    """Write the notebook of an assignment, without its solutions and hidden tests, into a folder of its name."""
    with tempfile.TemporaryDirectory() as course:
        source = Path(course, "source", assignment, f"{assignment}.ipynb")
        source.parent.mkdir(parents=True)
        shutil.copy(solutions / assignment / source.name, source)
        strip(source)
        release(Path(course), assignment)
        target = folder / assignment / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(course, "release", assignment, source.name), target)
    return target


def strip(path: Path) -> None:
    """Drop outputs, counts and times of running, but not the cells' ids."""
    import nbstripout

    notebook = nbformat.read(path, as_version=4)
    keys = ["metadata.signature", "cell.metadata.execution", "cell.metadata.collapsed", "cell.metadata.scrolled"]
    nbformat.write(
        nbstripout.strip_output(notebook, keep_output=False, keep_count=False, keep_id=True, extra_keys=keys), path
    )


def release(course: Path, assignment: str) -> None:
    """Run nbgrader's generate_assignment without its database, from the folder source to the folder release."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SQLAlchemy, each time
        from nbgrader.converters import GenerateAssignment
        from nbgrader.coursedir import CourseDirectory
        from traitlets.config import Config

        config = Config()
        config.ClearSolutions.code_stub = {"python": STUB}
        config.SaveCells.enabled = False
        config.CourseDirectory.root = str(course)
        config.CourseDirectory.assignment_id = assignment
        converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, no_database=True)
        converter.log = logging.getLogger("make_exercises")
        converter.start()


def make_cases(assignment: str, solutions: Path) -> str:
    """Return the visible cases of an assignment as text, one case in a line."""
    key = load_key(assignment, solutions)
    blocks = []
    for exercise in key.exercises.values():
        hide = exercise.kind == "value" and exercise.view is None
        lines = [_as_text(case, hide) for case in key.cases(exercise.id, VISIBLE)]
        blocks.append(f"{json.dumps(exercise.id)}:[\n" + ",\n".join(lines) + "\n]")
    return "{" + ",\n".join(blocks) + "}\n"


def _as_text(case: Case, hide: bool) -> str:
    keep = _hidden if hide else dict
    parts = {
        "arguments": dumps(case.arguments),
        "right": dumps(keep(case.right)),
        "wrong": dumps({name: keep(outcome) for name, outcome in case.wrong.items()}),
    }
    return json.dumps({name: json.loads(text) for name, text in parts.items()}, separators=(",", ":"))


def _hidden(outcome: dict) -> dict:
    """Of a value keep only what it takes to recognise it."""
    return outcome | {"value": Secret(fingerprint(outcome["value"]))} if "value" in outcome else outcome


def main() -> None:
    """Make the assignments that are named on the command line."""
    for assignment in sys.argv[1:] or ASSIGNMENTS:
        cases = make_cases(assignment, ROOT / "solutions")
        (ROOT / "cnnkit" / "checks" / f"{assignment}.json").write_text(cases, encoding="utf-8")
        with contextlib.redirect_stderr(open(os.devnull, "w")):
            path = make_notebook(assignment, ROOT / "solutions", ROOT / "exercises")
        print(f"{path.relative_to(ROOT)}: {len(cases) / 1000:.0f} kB of cases")


if __name__ == "__main__":
    main()
