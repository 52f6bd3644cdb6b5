"""Calls a student's function and notes down what comes of it: the only place where students' code runs.

An outcome is a dictionary of plain data (`cnnkit.checks.plain`):

- ``value``: what came back; or ``error``, ``text``, ``line``, ``code``: which exception, where in the student's code;
- ``changed``: True if the function changed one of its arguments;
- ``stub``: True if nothing has been written yet.
"""

import contextlib
import copy
import io
import linecache
import warnings
from collections.abc import Callable

import numpy as np

from cnnkit.checks.exercise import Exercise
from cnnkit.checks.plain import freeze

__all__ = ["run"]


def run(answer: object, exercise: Exercise, arguments: list[list]) -> list[dict]:
    """Return an outcome for each list of arguments, or the only one of a value; nothing is raised or printed.

    KeyboardInterrupt is noted as an error, too, and ends the run: the other cases get the same outcome.
    """
    if answer is None or answer is ... or _raises_not_implemented(answer):
        return [{"stub": True} for _ in arguments]
    view = _view(exercise)
    if exercise.kind == "value":
        return [_attempt(lambda: view(answer), answer)]
    if not callable(answer):
        return [{"error": "NotAFunction", "text": type(answer).__name__, "line": None, "code": ""} for _ in arguments]
    outcomes = []
    for each in arguments:
        mine = copy.deepcopy(each)
        outcome = _attempt(lambda mine=mine: view(answer(*mine)), answer)
        if not _identical(mine, each):
            outcome["changed"] = True
        if _is_stub(answer):
            outcome["stub"] = True
        outcomes.append(outcome)
        if outcome.get("error") == "KeyboardInterrupt":
            return [outcome for _ in arguments]
    return outcomes


def _attempt(call: Callable, answer: object) -> dict:
    try:
        with _quiet():
            return {"value": freeze(call())}
    except NotImplementedError:
        return {"stub": True}
    except BaseException as error:  # SystemExit and KeyboardInterrupt, too
        line, code = _where(error, answer)
        return {"error": type(error).__name__, "text": _text(error), "line": line, "code": code}


@contextlib.contextmanager
def _quiet():
    """Keep what the code prints and warns of to ourselves: it is called many times."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


def _view(exercise: Exercise) -> Callable:
    if exercise.view is None:
        return lambda value: value
    from cnnkit.checks import views

    return getattr(views, exercise.view)


def _where(error: BaseException, answer: object) -> tuple[int | None, str]:
    """Return the last line of the student's own code that the error came through."""
    mine = getattr(answer, "__globals__", None)
    found, trace = (None, ""), error.__traceback__
    while trace is not None:
        if mine is not None and trace.tb_frame.f_globals is mine:
            name = trace.tb_frame.f_code.co_filename
            found = (trace.tb_lineno, linecache.getline(name, trace.tb_lineno).strip()[:200])
        trace = trace.tb_next
    return found


def _text(error: BaseException) -> str:
    try:
        return str(error)[:300]
    except Exception:
        return ""


def _identical(one: object, other: object) -> bool:
    if isinstance(other, np.ndarray):
        return (
            isinstance(one, np.ndarray)
            and one.shape == other.shape
            and one.dtype == other.dtype
            and np.array_equal(one, other, equal_nan=other.dtype.kind == "f")
        )
    if isinstance(other, list):
        return isinstance(one, list) and len(one) == len(other) and all(map(_identical, one, other))
    return one == other or one != one  # NaN


def _stub(argument): ...


def _documented_stub(argument):
    """Nothing but a docstring."""


def _is_stub(answer: object) -> bool:
    """Return True for a function without a body: its instructions are those of one that does nothing.

    To return a constant takes the same instructions, and one constant more.
    """
    code = getattr(answer, "__code__", None)
    if code is None or not set(code.co_consts) <= {None, getattr(answer, "__doc__", None)}:
        return False
    return code.co_code in (_stub.__code__.co_code, _documented_stub.__code__.co_code)


def _raises_not_implemented(answer: object) -> bool:
    return answer is NotImplemented or answer is NotImplementedError
