"""Judges outcomes: one function for the check in the notebook and for the grader.

It sees plain data only, never anything that a student's code could have prepared.
"""

from dataclasses import dataclass

import numpy as np

from cnnkit.checks.compare import as_array, same
from cnnkit.checks.exercise import Case, Exercise
from cnnkit.checks.plain import Unknown
from cnnkit.checks.signs import Wrong, read_sign

__all__ = ["Verdict", "judge"]

PLAIN_WORDS = {
    "NameError": "A name is used that nothing has been given to: misspelt, or from a cell that was not run.",
    "UnboundLocalError": "A variable is read before anything has been put into it.",
    "TypeError": "Something is used as what it is not, or a function gets too few or too many arguments.",
    "ValueError": "The values do not fit; often two arrays have shapes that do not go together.",
    "IndexError": "A position is asked for that the array or list does not have. The last of n is n - 1.",
    "KeyError": "A dictionary is asked for an entry that it does not have.",
    "AttributeError": "The part after the dot does not exist for what stands before it.",
    "ZeroDivisionError": "Something is divided by zero. When does that happen?",
    "OverflowError": "A whole number does not fit into its type: uint8 holds 0 to 255. Change to a larger type, or to"
    " floating point, before you calculate (lesson 01).",
    "RecursionError": "The function calls itself and finds no end.",
    "MemoryError": "An array is larger than the memory. Are two sides multiplied that should not be?",
    "ModuleNotFoundError": "A package is imported that is not installed, or its name is misspelt.",
    "ImportError": "The package exists, and has nothing of that name.",
    "AssertionError": "An assert of yours does not hold.",
    "KeyboardInterrupt": "It was stopped before it came to an end. Is there a loop that never ends?",
    "SystemExit": "The code ends the program; a function should only return.",
    "StopIteration": "next() was called where nothing was left.",
    "SyntaxError": "Python cannot read this line.",
    "NotAFunction": "The name should belong to a function. Was it given something else further down?"
    " Or did you call it? Give the function without brackets.",
}

CHANGED = (
    "The result is as it should be, but the argument that went in is not what it was.",
    "Whoever called your function still needs the original; assigning to image[...] changes it for everyone.",
    "Make a copy first, or build a new array.",
)


@dataclass(frozen=True)
class Verdict:
    """What came of an answer.

    Parameters
    ----------
    status : "not started", "error", "not yet" or "right".
    share : of the point, 0, 0.5 (half of the cases right, or more) or 1.
    misconception : the name of the mistake, one of the exercise's or a general one; None if there is none to name.
    message : what to tell the student.
    passed, cases : how many cases came out right, of how many.
    """

    status: str
    share: float
    misconception: str | None
    message: str
    passed: int = 0
    cases: int = 0


def judge(exercise: Exercise, cases: list[Case], outcomes: object) -> Verdict:
    """Return the verdict on the outcomes of an answer, one for each case, in their order.

    `outcomes` may come from a process that is not to be trusted: whatever is malformed counts as an error.
    """
    if not _well_formed(outcomes, len(cases)):
        return Verdict("error", 0.0, None, "Nothing that can be judged came back.", 0, len(cases))
    if all(outcome.get("stub") is True for outcome in outcomes):
        return Verdict("not started", 0.0, None, "Not started yet.", 0, len(cases))
    right = [_agrees(case.right, outcome, exercise) for case, outcome in zip(cases, outcomes, strict=True)]
    passed = sum(right)
    if passed == len(cases):
        return Verdict("right", 1.0, None, _praise(exercise, passed), passed, passed)
    share = 0.5 if 2 * passed >= len(cases) else 0.0
    known = _known_mistake(exercise, cases, outcomes, right) or _mistake_among_others(exercise, cases, outcomes)
    error = next((outcome for outcome in outcomes if "error" in outcome), None)
    if error is not None:
        text = [_say_error(error), *(exercise.misconceptions[known] if known else ())]
        return Verdict("error", share, known, " ".join(text), passed, len(cases))
    name, text = (known, exercise.misconceptions[known]) if known else _name(exercise, cases, outcomes, right)
    tail = f"{passed} of {len(cases)} checks passed." if passed else ""
    return Verdict("not yet", share, name, " ".join(filter(None, [*text, tail])), passed, len(cases))


def _well_formed(outcomes: object, count: int) -> bool:
    return (
        isinstance(outcomes, list)
        and len(outcomes) == count > 0
        and all(isinstance(each, dict) and {"value", "error", "stub"} & each.keys() for each in outcomes)
    )


def _agrees(expected: dict, outcome: dict, exercise: Exercise) -> bool:
    """Return True if an outcome is the expected one, be that a value or a kind of error."""
    if bool(expected.get("changed")) != bool(outcome.get("changed")):
        return False
    if "error" in expected or "error" in outcome:
        return expected.get("error") == outcome.get("error")
    if "value" not in outcome or "value" not in expected:
        return "value" not in outcome and "value" not in expected
    return same(expected["value"], outcome["value"], exercise.close)


def _known_mistake(exercise: Exercise, cases: list[Case], outcomes: list[dict], right: list[bool]) -> str | None:
    """Return the mistake of the bank that explains every wrong outcome, and the most of all outcomes."""
    best, most = None, 0
    for name in cases[0].wrong:
        fits = [_agrees(case.wrong[name], each, exercise) for case, each in zip(cases, outcomes, strict=True)]
        if all(fit or fine for fit, fine in zip(fits, right, strict=True)) and sum(fits) > most:
            best, most = name.split("__")[0], sum(fits)
    return best


def _mistake_among_others(exercise: Exercise, cases: list[Case], outcomes: list[dict]) -> str | None:
    """Return the known mistake that spoils the most entries of a dictionary in the way in which the given one does.

    Somebody who has made two mistakes in a set of settings is told of one of them.
    """
    given = outcomes[0].get("value")
    if exercise.kind != "value" or not isinstance(given, dict) or not isinstance(cases[0].right.get("value"), dict):
        return None
    best, most = None, 0
    for name in exercise.misconceptions:
        wrong, right = cases[0].wrong[name].get("value"), cases[0].right["value"]
        if not isinstance(wrong, dict) or not wrong.keys() == right.keys() == given.keys():
            continue
        spoilt = [key for key in right if not same(right[key], wrong[key], exercise.close)]
        if len(spoilt) > most and all(same(wrong[key], given[key], exercise.close) for key in spoilt):
            best, most = name, len(spoilt)
    return best


def _name(exercise: Exercise, cases: list[Case], outcomes: list[dict], right: list[bool]) -> tuple:
    """Return a name, if there is one, and a text for a wrong answer that the bank does not know."""
    all_cases = [
        Wrong(case.arguments, case.right.get("value"), outcome.get("value"), exercise.close)
        for case, outcome in zip(cases, outcomes, strict=True)
    ]
    wrong = [case for case, fine in zip(all_cases, right, strict=True) if not fine]
    if all(same(case.right, case.given, case.close) for case in wrong):
        return "changed_the_argument", CHANGED
    sign = read_sign(wrong, [case for case, fine in zip(all_cases, right, strict=True) if fine])
    return sign or (None, _difference(exercise, wrong[0]))


def _difference(exercise: Exercise, case: Wrong) -> tuple[str, ...]:
    """Say where a result first differs, without saying what it should be."""
    if not case.arguments:
        return (
            "This is not the answer, and no slip that we know of.",
            "If the task lists what can be chosen: is yours spelt as it is there? Otherwise ask for a hint.",
        )
    told = ", ".join(
        f"{name} {_in_words(value)}" for name, value in zip(exercise.parameters, case.arguments, strict=False)
    )
    right, given = as_array(case.right), as_array(case.given)
    if isinstance(case.right, np.ndarray) and given is not None and right.shape == given.shape:
        with np.errstate(invalid="ignore"):
            far = ~(np.abs(right.astype(float) - given.astype(float)) <= case.close.tolerance)
        first = tuple(np.argwhere(far)[0].tolist()) if far.any() else ()
        what = f"{np.count_nonzero(far)} of {far.size} values differ, the first at {first}."
    else:
        what = f"you return {_in_words(case.given)}."
    return (f"With {told}: {what}", "Work this out by hand for a smaller example, and compare line by line.")


def _in_words(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{'×'.join(map(str, value.shape))} ({value.dtype})"
    if isinstance(value, Unknown):
        return f"a {value.kind}"
    text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _say_error(outcome: dict) -> str:
    name, text = str(outcome["error"]), str(outcome.get("text", ""))
    if name == "NotAFunction":
        return f"This is not a function but of type {text}. {PLAIN_WORDS[name]}"
    line, code = outcome.get("line"), outcome.get("code")
    where = f"Line {line} of your code" if line else "Your code"
    said = f"{where}, {code}, raised {name}: {text}" if line and code else f"{where} raised {name}: {text}"
    return f"{said.rstrip('. ')}. {PLAIN_WORDS.get(name, 'Read the message from its end: what does it complain of?')}"


def _praise(exercise: Exercise, passed: int) -> str:
    if exercise.kind == "value" and exercise.view is None:
        return "Visible check passed."
    return f"Visible checks passed, {passed} of {passed}. Hidden ones, with other inputs, are run when it is graded."
