"""Grades: from a notebook to a record for each exercise. Here, and only here, results are compared with the right ones.

Each record is written down as soon as it is known, so that a run that was killed goes on where it was.
"""

import contextlib
import hashlib
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cnnkit.checks import plain
from cnnkit.checks.exercise import Case, Exercise
from cnnkit.checks.judging import judge
from cnnkit.checks.key import Key
from cnnkit.grade.runner import Result, Runner
from cnnkit.grade.sandbox import Limits
from cnnkit.grade.submissions import Submission

__all__ = ["STATUSES", "Grader", "Journal", "Record", "draw_seed", "key_digest"]

STATUSES = ("right", "partly", "wrong", "timeout", "crashed", "unreadable", "missing", "suspicious")
DRAWS = 3  # sets of hidden inputs for a function
READING = Limits(seconds=60)
QUICK, NETWORK = Limits(), Limits(seconds=90, memory=4 * 2**30)
LONGEST_CODE = 3000  # characters of an answer that go into the report
LONGEST_MESSAGE = 2000
# Where the answers are kept. Nobody who solves an exercise names these.
KEY = re.compile(r"\bcnnkit\s*\.\s*(grade|checks\s*\.)|\b(load_key|hidden_check|CNNKIT_SOLUTIONS)\b")
ENDS = {
    "time": ("timeout", "It did not come to an end in {seconds:.0f} seconds. Is there a loop that never ends?"),
    "memory": ("crashed", "It needed more memory than there is for it. Are two sides multiplied that should not be?"),
    "processes": ("crashed", "It started more processes than it may. A function needs none."),
    "disk": ("crashed", "It wrote more to the disk than it may."),
    "output": ("crashed", "Its result is far larger than any right one."),
}
CRASHED = ("crashed", "The process that ran it has died ({end}): it was ended by its own code, or it used too much.")


@dataclass(frozen=True)
class Record:
    """What came of one exercise of one student; `status` is one of `STATUSES`."""

    student: str
    exercise: str
    status: str
    points: float
    out_of: float
    misconception: str | None
    seconds: float
    note: str  # for the instructor
    message: str  # for the student
    code: str = ""  # of a wrong answer that has no name
    digest: str = ""  # of the submission


class Journal:
    """The records of a run, one a line in a file, after a line that says what they belong to.

    Parameters
    ----------
    path : the file; if it has records of the same assignment, with the same answer key, the run goes on from there.
    assignment, key : the name, and a digest of the answer key.
    seed : from which the hidden inputs are drawn, if this is a new run.

    Raises
    ------
    ValueError : the file has records of another assignment; it stays as it is.
    """

    def __init__(self, path: Path, assignment: str, key: str, seed: int) -> None:
        head = {"assignment": assignment, "key": key, "seed": seed}
        lines = list(_parsed(path)) if path.is_file() else []
        if lines and lines[0].get("assignment", assignment) != assignment:
            raise ValueError(
                f"grade: {path.name} has records of another assignment, {lines[0]['assignment']}; nothing was changed."
                " Use another --out."
            )
        going_on = bool(lines) and {**lines[0], "seed": seed} == head
        self.seed = lines[0]["seed"] if going_on else seed
        self.records: dict[tuple[str, str], Record] = {}
        self._lock = threading.Lock()
        if not going_on and lines:
            os.replace(path, path.with_name(path.name + ".old"))
        self._stream = open(path, "a", encoding="utf-8", errors="surrogateescape")
        if going_on:
            self._stream.write("\n")  # the last line may be half a one
            for each in lines[1:]:
                with contextlib.suppress(TypeError):
                    self._keep(Record(**each))
        else:
            self._write(head)

    def add(self, record: Record) -> None:
        """Keep a record, on the disk before this returns."""
        with self._lock:
            self._write(asdict(record))
            self._keep(record)

    def known(self, student: str, exercise: str, digest: str) -> bool:
        """Return True if this has been graded, and the submission is still the same."""
        record = self.records.get((student, exercise))
        return record is not None and record.digest == digest

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _keep(self, record: Record) -> None:
        self.records[record.student, record.exercise] = record

    def _write(self, line: dict) -> None:
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()


def _only(names: list[str]) -> str:
    """Return words that name the files that were handed in instead of a notebook; of many, three."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f", only {', '.join(names[:3])}{more}; an .ipynb file is needed" if names else ""


def _parsed(path: Path) -> Iterator[dict]:
    for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        with contextlib.suppress(ValueError):
            data = json.loads(line)
            if isinstance(data, dict):
                yield data


class Grader:
    """Grades the submissions of one assignment.

    Parameters
    ----------
    key : the answers.
    runner : where students' code runs.
    journal : where the records go; its seed draws the hidden inputs.
    hidden : files and folders that students' code must not see.
    """

    def __init__(self, key: Key, runner: Runner, journal: Journal, hidden: list[str]) -> None:
        self._key, self._runner, self._journal, self._hidden = key, runner, journal, hidden
        self._cases = {name: self._draw(each) for name, each in key.exercises.items()}
        self._points = {name: _points(key, name) for name in key.exercises}

    def grade(self, submissions: list[Submission], jobs: int) -> Iterator[Submission]:
        """Grade so many submissions at a time; yields each as soon as all of its records are kept."""
        pool = ThreadPoolExecutor(jobs)
        waiting = {pool.submit(self._grade_one, each): each for each in submissions}
        try:
            for done in as_completed(waiting):
                done.result()
                yield waiting[done]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _grade_one(self, submission: Submission) -> None:
        digest = submission.digest()
        names = [name for name in self._key.exercises if not self._journal.known(submission.student, name, digest)]
        if not names:
            return
        answers, note = self._read(submission)
        for name in names:
            if answers is None:
                status = "unreadable" if submission.notebooks else "missing"
                record = self._record(name, status, note=note, message=note)
            else:
                record = self._answer(name, answers[name])
                record = replace(record, note="; ".join(filter(None, [note, record.note])))
            self._journal.add(replace(record, student=submission.student, digest=digest))

    def _draw(self, exercise: Exercise) -> list[Case]:
        draws = 1 if exercise.kind == "value" else DRAWS  # a value is tried with nothing
        return [case for draw in range(draws) for case in self._key.cases(exercise.id, self._journal.seed + draw)]

    def _read(self, submission: Submission) -> tuple[dict | None, str]:
        """Return the answers of the notebook that has the most of them, and a note; None if none can be read."""
        if not submission.notebooks:
            return None, f"No notebook was handed in{_only(submission.others)}."
        best, most, notes, chosen = None, -1, [], None
        for notebook in submission.notebooks:
            found = self._read_one(notebook)
            if isinstance(found, str):
                notes.append(f"{notebook.place}: {found}")
                continue
            count = sum("parts" in answer for answer in found.values())
            if count > most:
                best, most, chosen = found, count, notebook
        if best is None:
            return None, f"The notebook cannot be read. {'; '.join(notes)}"
        several = len(submission.notebooks) > 1
        return best, f"of {len(submission.notebooks)} files {chosen.place} was taken" if several else ""

    def _read_one(self, notebook) -> dict | str:
        names = list(self._key.exercises)
        try:
            with notebook.open() as stream:
                result = self._runner.run({"do": "read", "exercises": names}, READING, stream.fileno())
        except ValueError as error:
            return str(error)
        data = result.data()
        if data is None:
            return f"too much to read ({result.end})"
        return data["unreadable"] if "unreadable" in data else data["answers"]

    def _answer(self, name: str, answer: dict) -> Record:
        if "parts" not in answer:
            return self._record(name, "missing", note=answer["note"], message="There is no answer to this exercise.")
        code = answer["parts"][-1]["code"]
        exercise = self._key.exercises[name]
        imports = any(re.search(r"\b(keras|tensorflow)\b", part["code"]) for part in answer["parts"])
        limits = NETWORK if exercise.view == "network" or imports else QUICK
        job = {
            "do": "run",
            "id": name,
            "parameters": exercise.parameters,
            "kind": exercise.kind,
            "view": exercise.view,
            "arguments": plain.dumps([case.arguments for case in self._cases[name]]),
            "exercises": list(self._key.exercises),
            "name": answer["name"],
            "parts": answer["parts"],
            "hidden": self._hidden,
        }
        result = self._runner.run({**job, "few": False}, limits)
        seconds = result.seconds
        if result.data() is None and any("few" in part for part in answer["parts"]):
            result = self._runner.run({**job, "few": True}, limits)  # without the rest of the cell
            seconds += result.seconds
        record = self._judged(name, result, code, limits)
        spied = [found.group() for part in answer["parts"] if (found := KEY.search(part["code"]))]
        if spied:
            record = self._suspicious(record, f"the code names {spied[0]}")
        return replace(record, seconds=round(seconds, 3), note="; ".join(filter(None, [answer["note"], record.note])))

    def _judged(self, name: str, result: Result, code: str, limits: Limits) -> Record:
        data = result.data()
        if data is None:
            if result.end == "done":
                return self._suspicious(self._record(name, "wrong"), "what came back is nothing that our code sends")
            status, text = ENDS.get(result.end, CRASHED)
            text = text.format(end=result.end, seconds=limits.seconds)
            return self._record(name, status, note=f"ended: {result.end}", message=text)
        try:
            outcomes = plain.loads(data["outcomes"])
            verdict = judge(self._key.exercises[name], self._cases[name], outcomes)
            changed, touched = [[str(each)[:80] for each in data[part]] for part in ("changed", "touched")]
        except Exception as error:  # whatever a hostile process sends
            why = f"what came back cannot be judged ({type(error).__name__})"
            return self._suspicious(self._record(name, "wrong"), why)
        others = "partly" if verdict.share else "wrong"
        status = {"right": "right", "not started": "missing"}.get(verdict.status, others)
        message = verdict.message
        if status == "right":
            message = f"Right: all {verdict.cases} checks with new inputs passed." if verdict.cases > 1 else "Right."
        errors = {each["error"] for each in outcomes if isinstance(each, dict) and "error" in each}
        if errors == {"MemoryError"} and status == "wrong":
            status = "crashed"
        unnamed = status in ("wrong", "partly") and verdict.misconception is None
        note = f"raised {', '.join(sorted(map(str, errors)))[:80]}" if errors and status != "right" else ""
        record = self._record(name, status, verdict.share, verdict.misconception, note, message)
        record = replace(record, code=code[:LONGEST_CODE] if unnamed else "")
        if changed or touched:
            why = [f"it puts something of its own in the place of {', '.join(changed)}"] if changed else []
            why += [f"it asks for {', '.join(touched)}"] if touched else []
            return self._suspicious(record, "; ".join(why))
        return record

    def _suspicious(self, record: Record, why: str) -> Record:
        """Withhold the points until somebody has looked at the answer."""
        note = f"{why}; without that it would be {record.status}, {record.points:g} of {record.out_of:g} points"
        text = "This answer has to be looked at by your instructor before it can be given points."
        return replace(record, status="suspicious", points=0.0, note=note, message=text)

    def _record(
        self,
        name: str,
        status: str,
        share: float = 0.0,
        misconception: str | None = None,
        note: str = "",
        message: str = "",
    ) -> Record:
        out_of = self._points[name]
        return Record("", name, status, share * out_of, out_of, misconception, 0.0, note, message[:LONGEST_MESSAGE])


def key_digest(folder: Path, assignment: str) -> str:
    """Return what changes when the answer key does."""
    files = (folder / assignment / f"{assignment}.ipynb", folder / f"{assignment}.py")
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()


def draw_seed(key: str, submissions: Iterable[Submission]) -> int:
    """Return a seed that nobody can know beforehand, and that is the same for the same key and submissions."""
    digest = hashlib.sha256(key.encode())
    for each in submissions:
        digest.update(f"{each.student}\n{each.digest()}\n".encode(errors="surrogateescape"))
    return int.from_bytes(digest.digest()[:6], "big")


def _points(key: Key, name: str) -> float:
    (cell,) = (each for each in key.notebook["cells"] if _grade_id(each) == f"{name}_check")
    return float(cell["metadata"]["nbgrader"]["points"])


def _grade_id(cell: dict) -> str | None:
    return cell["metadata"].get("nbgrader", {}).get("grade_id")
