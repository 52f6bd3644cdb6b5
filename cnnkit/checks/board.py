"""The student's progress: kept in a small file, shown as a board.

The file is in the user's cache folder. Where it cannot be read or written, progress lasts as long as the notebook.
"""

import json
import os
import tempfile
from contextlib import suppress
from html import escape
from pathlib import Path

import platformdirs

from cnnkit.checks.exercise import ASSIGNMENTS, exercises
from cnnkit.checks.judging import Verdict

__all__ = ["Board", "count_hint", "progress", "record", "tries"]

RANK = ("not started", "error", "not yet", "right")  # what was reached once stays reached
MOST_TRIES = 20  # remembered of an exercise
MARKS = {"right": "✓", "not yet": "→", "error": "!", "not started": "○"}

_unsaved: dict[str, dict] = {}  # where the disk will not have it
_hints: dict[str, int] = {}


def progress() -> "Board":
    """Return the board of all exercises, with what was reached in each; in a notebook it shows itself."""
    return Board(_read())


class Board:
    """What was reached in every exercise.

    Attributes
    ----------
    states : for each assignment, for each exercise: "not started", "error", "not yet" or "right".
    """

    def __init__(self, found: dict[str, dict]) -> None:
        self.states = {
            assignment: {each.id: found.get(each.id, {}).get("status", RANK[0]) for each in exercises(assignment)}
            for assignment in ASSIGNMENTS
        }

    def __repr__(self) -> str:
        return "\n".join(
            f"{assignment:22} {_passed(states):2} of {len(states)} passed" for assignment, states in self.states.items()
        )

    def _repr_html_(self) -> str:
        rows = "".join(self._row(assignment) for assignment in self.states)
        return (
            '<table><caption style="text-align:left">Visible checks passed; ✓ passed, → not yet, ! error, ○ not'
            f" started</caption><tbody>{rows}</tbody></table>"
        )

    def _row(self, assignment: str) -> str:
        states = self.states[assignment]
        titles = {each.id: each.title for each in exercises(assignment)}
        marks = " ".join(
            f'<span title="{escape(titles[name])}: {state}" aria-label="{escape(titles[name])}: {state}">'
            f"{MARKS[state]}</span>"
            for name, state in states.items()
        )
        return (
            f'<tr><th scope="row" style="text-align:left">{assignment}</th><td style="text-align:left">{marks}</td>'
            f"<td>{_passed(states)} of {len(states)}</td></tr>"
        )


def record(assignment: str, name: str, verdict: Verdict, outcome: str) -> None:
    """Note down a verdict; `outcome` tells one try from another."""
    if verdict.status == RANK[0]:
        return
    found = _read()
    entry = found.setdefault(name, {"status": RANK[0], "tries": []})
    entry["status"] = max(entry["status"], verdict.status, key=RANK.index)
    if verdict.status != RANK[-1] and outcome not in entry["tries"]:
        entry["tries"] = [*entry["tries"], outcome][-MOST_TRIES:]
    _write(found)


def tries(name: str) -> tuple[int, bool]:
    """Return how many different wrong answers were tried, and whether the visible checks have been passed."""
    entry = _read().get(name, {"status": RANK[0], "tries": []})
    return len(entry["tries"]), entry["status"] == RANK[-1]


def count_hint(name: str) -> int:
    """Return how many hints to show now, one more each time."""
    _hints[name] = _hints.get(name, 0) + 1
    return _hints[name]


def _passed(states: dict[str, str]) -> int:
    return sum(state == RANK[-1] for state in states.values())


def _file() -> Path:
    return platformdirs.user_cache_path("cnnkit") / "progress.json"


def _read() -> dict[str, dict]:
    """Return the entries that are sound; a damaged file counts as none."""
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
        sound = {name: entry for name, entry in found.items() if _sound(entry)}
    except (OSError, ValueError, AttributeError, RuntimeError):
        sound = {}
    return sound | _unsaved


def _sound(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("status") in RANK and isinstance(entry.get("tries"), list)


def _write(found: dict[str, dict]) -> None:
    """Replace the file in one step, so that two notebooks at once cannot damage it."""
    try:
        path = _file()
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as part:
            json.dump(found, part)
        try:
            os.replace(part.name, path)
        except OSError:
            with suppress(OSError):
                os.unlink(part.name)
            raise
        _unsaved.clear()
    except (OSError, RuntimeError):
        _unsaved.update(found)
