"""The answer key: for instructors, the grader and the tests. It reads `solutions/`, which students do not have.

An assignment's key is in two places: the right answers are in the solution cells of its notebook, and beside the
notebook's folder a file of the same name says with what they are tried, and knows the wrong ones. In that file a class
named like the exercise has ``inputs(rng)``, which returns tuples of arguments, and a function (or, for a value, a
value) for each misconception, named like it. Another form of the same mistake has ``__`` and a word after that.
"""

import importlib.util
import json
import os
from functools import cache
from pathlib import Path

import numpy as np

from cnnkit.checks.calls import run
from cnnkit.checks.exercise import Case, exercises, find_exercise
from cnnkit.checks.judging import Verdict, judge
from cnnkit.checks.plain import freeze, rounded

__all__ = ["VISIBLE", "Key", "hidden_check", "load_key", "solutions_folder"]

VISIBLE = 0  # the seed of the cases that are shipped
HIDDEN = (1, 2, 3)  # those of the nbgrader route; `cnnkit.grade` draws its own


def solutions_folder() -> Path | None:
    """Return where the solutions are: where CNNKIT_SOLUTIONS says, or beside the package; None if there are none."""
    said = os.environ.get("CNNKIT_SOLUTIONS")
    if said == "":
        return None
    folder = Path(said) if said else Path(__file__).parents[2] / "solutions"
    return folder if folder.is_dir() else None


def load_key(assignment: str, folder: str | os.PathLike | None = None) -> "Key":
    """Return the key of an assignment.

    Raises
    ------
    FileNotFoundError : there are no solutions here, or none of this assignment.
    """
    folder = solutions_folder() if folder is None else Path(folder)
    if folder is None or not (folder / assignment / f"{assignment}.ipynb").is_file():
        raise FileNotFoundError(
            f"load_key: no solutions of {assignment}. They are in the folder solutions/ of the project; say where it is"
            " with CNNKIT_SOLUTIONS."
        )
    return Key(assignment, folder)


class Key:
    """The right answers of an assignment, the known wrong ones, and what both are tried with."""

    def __init__(self, assignment: str, folder: Path) -> None:
        self.assignment = assignment
        self.exercises = {each.id: each for each in exercises(assignment)}
        self.notebook = json.loads((folder / assignment / f"{assignment}.ipynb").read_text(encoding="utf-8"))
        spec = importlib.util.spec_from_file_location(f"cnnkit_key_{assignment}", folder / f"{assignment}.py")
        self._module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._module)
        self._answers: dict | None = None

    def setup(self) -> str:
        """Return the code of the notebook's first cell, which every answer may rely on."""
        return self._source("setup")

    def solution(self, name: str) -> str:
        """Return the code of an exercise's solution cell, without the marks of the region."""
        (cell,) = (cell for cell in self.notebook["cells"] if _grade_id(cell) == name)
        return "\n".join(line for line in "".join(cell["source"]).splitlines() if "### " not in line)

    def reference(self, name: str) -> object:
        """Return the right answer: a function, or a value."""
        if self._answers is None:
            self._answers = {}
            for code in (self.setup(), *(self.solution(each) for each in self.exercises)):
                exec(compile(code, f"{self.assignment}.ipynb", "exec"), self._answers)
        return self._answers[name]

    def bank(self, name: str) -> dict[str, object]:
        """Return the known wrong answers, by the name of the misconception; of other forms with ``__`` and a word."""
        room, mistakes = vars(getattr(self._module, name)), self.exercises[name].misconceptions
        return {form: room[form] for mistake in mistakes for form in room if form.split("__")[0] == mistake}

    def cases(self, name: str, seed: int) -> list[Case]:
        """Return cases with the outcomes of the right and the known wrong answers; a seed gives always the same."""
        exercise = self.exercises[name]
        make = getattr(getattr(self._module, name), "inputs", lambda rng: [()])
        inputs = [[rounded(freeze(each)) for each in case] for case in make(np.random.default_rng([seed, 6]))]
        right = run(self.reference(name), exercise, inputs)
        wrong = {mistake: run(answer, exercise, inputs) for mistake, answer in self.bank(name).items()}
        return [
            Case(arguments, _kept(outcome), {mistake: _kept(each[number]) for mistake, each in wrong.items()})
            for number, (arguments, outcome) in enumerate(zip(inputs, right, strict=True))
        ]

    def _source(self, cell_id: str) -> str:
        (cell,) = (cell for cell in self.notebook["cells"] if cell["id"] == cell_id)
        return "".join(cell["source"])


def hidden_check(name: str, answer: object) -> float:
    """Return the share of the point for hidden cases: for the hidden tests of the notebooks, under nbgrader.

    Raises
    ------
    FileNotFoundError : there are no solutions here.
    """
    return _hidden_verdict(name, answer).share


def _hidden_verdict(name: str, answer: object) -> Verdict:
    assignment, exercise = find_exercise(name)
    cases = _hidden_cases(assignment, name)
    return judge(exercise, cases, run(answer, exercise, [case.arguments for case in cases]))


@cache
def _hidden_cases(assignment: str, name: str) -> list[Case]:
    key = load_key(assignment)
    seeds = HIDDEN[:1] if key.exercises[name].kind == "value" else HIDDEN  # a value is tried with nothing
    return [case for seed in seeds for case in key.cases(name, seed)]


def _grade_id(cell: dict) -> str | None:
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def _kept(outcome: dict) -> dict:
    """Leave out the line and the text of an error: they would show the code of the key."""
    return {name: rounded(value) for name, value in outcome.items() if name in ("value", "error", "changed")}
