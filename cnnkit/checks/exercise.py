"""What an exercise is, and the list of all."""

import importlib
import json
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from cnnkit.checks.compare import Closeness
from cnnkit.checks.plain import decoded

__all__ = ["ASSIGNMENTS", "Case", "Exercise", "all_names", "exercises", "find_exercise", "shipped"]

ASSIGNMENTS = ("flowers_preprocessing", "flowers_training", "cxr_preprocessing", "cxr_weighted_loss", "debugging")


@dataclass(frozen=True)
class Exercise:
    """One exercise, without its solution.

    Parameters
    ----------
    id : also the name of the function or variable that the student writes.
    title : a few words.
    parameters : names of the function's arguments; none for a value.
    misconceptions : for each known mistake, by its name: what happened, why, what to try.
    hints : from the first nudge to the last, none of which is the solution.
    kind : "function", or "value" for a number, a text, or a dictionary of settings.
    close : how near to the expected result is near enough.
    view : name of a function in `cnnkit.checks.views` that says in plain data what a result is that is none, such as
        a Keras model.
    """

    id: str
    title: str
    parameters: tuple[str, ...]
    misconceptions: dict[str, tuple[str, str, str]]
    hints: tuple[str, ...]
    kind: str = "function"
    close: Closeness = field(default_factory=Closeness)
    view: str | None = None


@dataclass(frozen=True)
class Case:
    """Arguments, and the outcome of the right answer and of each known wrong one; see `cnnkit.checks.calls`."""

    arguments: list
    right: dict
    wrong: dict[str, dict]


def exercises(assignment: str) -> tuple[Exercise, ...]:
    """Return the exercises of an assignment, in the order of its notebook."""
    return importlib.import_module(f"cnnkit.checks.{assignment}").EXERCISES


def find_exercise(name: str) -> tuple[str, Exercise]:
    """Return the assignment and the exercise of this id.

    Raises
    ------
    LookupError : there is none.
    """
    return _all()[name]


def all_names() -> list[str]:
    """Return the ids of all exercises."""
    return list(_all())


@cache
def _all() -> dict[str, tuple[str, Exercise]]:
    return {each.id: (assignment, each) for assignment in ASSIGNMENTS for each in exercises(assignment)}


@cache
def shipped(assignment: str, name: str) -> list[Case]:
    """Return the visible cases of an exercise."""
    cases = _file(assignment)[name]
    return [Case(**{part: decoded(value) for part, value in case.items()}) for case in cases]


@cache
def _file(assignment: str) -> dict[str, list]:
    text = resources.files("cnnkit.checks").joinpath(f"{assignment}.json").read_text(encoding="utf-8")
    return json.loads(text)
