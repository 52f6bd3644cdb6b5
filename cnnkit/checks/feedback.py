"""Tells a student at once what came of an answer, gives hints, and unfolds a solution when it is time.

Nothing here ever raises or writes to standard error: under nbgrader either would cost the point.
"""

import ast
import difflib
import hashlib
import re
import sys
import types
import warnings
from html import escape

from cnnkit.checks import board
from cnnkit.checks.calls import run
from cnnkit.checks.exercise import Exercise, all_names, find_exercise, shipped
from cnnkit.checks.judging import Verdict, judge
from cnnkit.checks.plain import dumps

__all__ = ["Card", "Feedback", "check", "hint", "solution"]

TRIES = 3  # different wrong answers before the solution may be unfolded

# Words carry the meaning; the colours (Okabe and Ito's, which the colour-blind can tell apart) only repeat it.
LOOKS = {
    "right": ("✓", "Right so far", "#009e73"),
    "not yet": ("→", "Not yet", "#e69f00"),
    "error": ("!", "Error", "#d55e00"),
    "not started": ("○", "Not started", "#888888"),
}


class Card:
    """A few sentences in a frame."""

    def __init__(self, mark: str, head: str, colour: str, paragraphs: list[str], code: str = "") -> None:
        self.mark, self.head, self.colour, self.paragraphs, self.code = mark, head, colour, paragraphs, code

    def __repr__(self) -> str:
        return "\n".join(filter(None, [self.head, *self.paragraphs, self.code]))

    def _repr_html_(self) -> str:
        body = "".join(f'<div style="margin-top:4px">{escape(text)}</div>' for text in self.paragraphs)
        code = f"<pre>{escape(self.code)}</pre>" if self.code else ""
        return (
            f'<div role="status" style="border-left:5px solid {self.colour};padding:6px 12px;max-width:46em">'
            f"<b>{self.mark} {escape(self.head)}</b>{body}{code}</div>"
        )


class Feedback(Card):
    """What came of an answer; its `repr` is the share of the point as a number, which nbgrader reads.

    Attributes
    ----------
    status : "not started", "error", "not yet" or "right", which says that the visible checks are passed.
    misconception : the name of the mistake, or None.
    message : what happened, why, and what to try.
    share : of the point, 0 to 1.
    """

    def __init__(self, title: str, verdict: Verdict, name: str = "") -> None:
        mark, word, colour = LOOKS[verdict.status]
        help_line = f'Stuck? hint("{name}") helps, and after three different tries solution("{name}").'
        helps = [help_line] if name and verdict.status in ("not yet", "error") else []
        super().__init__(mark, f"{word} · {title}", colour, [verdict.message, *helps])
        self.status, self.misconception, self.message = verdict.status, verdict.misconception, verdict.message
        self.share = verdict.share

    def __repr__(self) -> str:
        return repr(float(self.share))

    def __float__(self) -> float:
        return float(self.share)


def check(name: str, answer: object = None) -> Feedback:
    """Try an answer on the visible cases of an exercise, and say what came of it.

    Parameters
    ----------
    name : of the exercise, as it stands in the notebook.
    answer : the function or the value.

    Returns
    -------
    `Feedback`, which shows itself as a card: its status, misconception and message.

    >>> check("flip_twice", lambda image: image[:, ::-1]).misconception
    'only_left_right'
    """
    try:
        return _check(name, answer)
    except BaseException as error:  # whatever a student's object does when it is looked at
        text = f"The answer could not be looked at ({type(error).__name__}). Run the cell with your answer again."
        return Feedback(str(name)[:60], Verdict("error", 0.0, None, text))


def hint(name: str | None = None) -> Card:
    """Show the next hint of an exercise, below those that were shown before; without a name, the names there are."""
    if name is None:
        return Card("?", "There is no hint without a name", "#0072b2", [f"Choose one: {', '.join(all_names())}"])
    exercise, trouble = _look_up(name)
    if exercise is None:
        return trouble
    asked, last = board.count_hint(exercise.id), len(exercise.hints)
    head = f"Hint {min(asked, last)} of {last} · {exercise.title}"
    end = ["There are no more hints."] if asked > last else []
    return Card("?", head, "#0072b2", [*exercise.hints[:asked], *end])


def solution(name: str) -> Card:
    """Unfold the solution of an exercise after three different tries, where the instructor has left it to be unfolded.

    The solutions are no part of this package. They are read from the folder solutions/ of the project, or from the one
    that CNNKIT_SOLUTIONS names; with CNNKIT_SOLUTIONS empty, or without such a folder, there are none to show.
    """
    exercise, trouble = _look_up(name)
    if exercise is None:
        return trouble
    head = f"Solution · {exercise.title}"
    tries, passed = board.tries(exercise.id)
    if tries < TRIES and not passed:
        left = TRIES - tries
        more = "one more different try" if left == 1 else f"{left} more different tries"
        return Card("…", head, "#0072b2", [f"After {more} it can be unfolded. Have you seen the hints?"])
    code = _solution_text(exercise.id)
    if not code:
        return Card("…", head, "#0072b2", ["Your instructor keeps the solutions. Ask, and bring your last try."])
    return Card("…", head, "#0072b2", ["One way among several:"], code)


def _check(name: str, answer: object) -> Feedback:
    if isinstance(name, types.FunctionType):
        said = answer if isinstance(answer, str) else name.__name__
        text = f'The name goes first, in quotes: check("{said}", {said}).'
        return Feedback(said[:60], Verdict("error", 0.0, None, text))
    exercise, trouble = _look_up(name)
    if exercise is None:
        return trouble
    line = _slip(exercise.id)
    if line is not None:
        text = (
            f"The box with your answer did not run, because of a syntax error in line {line} of it; so an older version"
            " would be judged, or none. Correct it and run it, and then the check."
        )
        return Feedback(exercise.title, Verdict("error", 0.0, None, text))
    assignment, _ = find_exercise(exercise.id)
    cases = shipped(assignment, exercise.id)
    outcomes = run(answer, exercise, [case.arguments for case in cases])
    verdict = judge(exercise, cases, outcomes)
    board.record(assignment, exercise.id, verdict, hashlib.sha256(dumps(outcomes).encode()).hexdigest()[:12])
    return Feedback(exercise.title, verdict, exercise.id)


def _slip(name: str) -> int | None:
    """Return the line of the syntax error in the newest cell that defines the answer; None if there is none."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    manager = getattr(shell, "history_manager", None)
    cells = getattr(manager, "input_hist_raw", [])  # In has one long string for a cell with %%time
    definition = re.compile(rf"^[ \t]*(def[ \t]+{name}\b|{name}[ \t]*=(?!=))|\bimport\b.*\b{name}\b", re.M)
    code = next((each for each in reversed(cells) if definition.search(each)), None)
    if code is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(shell.transform_cell(code), "answer", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return error.lineno or 1
    except Exception:  # such as a transformer of the student's own
        return None
    return None


def _look_up(name: object) -> tuple[Exercise | None, Feedback | None]:
    if isinstance(name, types.FunctionType):
        text = f'The name is given in quotes: "{name.__name__}".'
        return None, Feedback(name.__name__[:60], Verdict("error", 0.0, None, text))
    try:
        return find_exercise(name)[1], None
    except (LookupError, TypeError):
        near = difflib.get_close_matches(str(name), all_names(), 1, 0)
        text = f"There is no exercise of this name. Did you mean {near[0]}?" if near else "There is no such exercise."
        return None, Feedback(str(name)[:60], Verdict("error", 0.0, None, text))


def _solution_text(name: str) -> str:
    from cnnkit.checks.key import load_key

    try:
        return load_key(find_exercise(name)[0]).solution(name)
    except (OSError, LookupError, ValueError):
        return ""
