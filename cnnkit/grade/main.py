"""Grades a class: from a folder of submissions to the table, the report and the pages of feedback."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from cnnkit.checks.exercise import ASSIGNMENTS
from cnnkit.checks.key import load_key, solutions_folder
from cnnkit.grade.grading import Grader, Journal, Record, draw_seed, key_digest
from cnnkit.grade.report import printable, write_feedback, write_report, write_table
from cnnkit.grade.runner import Runner
from cnnkit.grade.sandbox import DESCRIPTIONS
from cnnkit.grade.submissions import collect

__all__ = ["grade"]


def grade(
    submissions: str | os.PathLike,
    assignment: str,
    out: str | os.PathLike,
    jobs: int | None = None,
    walls: list[str] | None = None,
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
) -> list[Record]:
    """Grade all submissions of an assignment.

    Beside `out`, here called grades.csv, there will be grades.records.jsonl, from which a run that was cut off goes on;
    grades_report.md, about the class; and the folder grades_feedback with a page for each student.

    Parameters
    ----------
    submissions : folder or zip file; see `cnnkit.grade.submissions.collect`.
    assignment : one of `cnnkit.checks.exercise.ASSIGNMENTS`.
    out : the table to write.
    jobs : how many submissions at a time; as many as there are processors if not given.
    walls : those of `cnnkit.grade.sandbox.candidates` to try; all if not given. The strongest that stands is used.
    say : gets the few lines that a person should read.

    Returns
    -------
    The records, by student and in the order of the exercises.

    Raises
    ------
    ValueError : no such assignment, nothing to grade, no place to write to, or records of another assignment there.
    FileNotFoundError : there are no solutions here.
    RuntimeError : this machine cannot shut a process in at all.
    """
    if assignment not in ASSIGNMENTS:
        raise ValueError(f"grade: there is no assignment {assignment!r}. Choose one of {', '.join(ASSIGNMENTS)}.")
    submissions, out = Path(submissions).absolute(), Path(out).absolute()
    if out.is_dir() or not out.parent.is_dir():
        raise ValueError(f"grade: {out} cannot be written. Name a file in a folder that exists.")
    if out.resolve().is_relative_to(submissions.resolve()):
        raise ValueError("grade: the table cannot be written among the submissions. Choose another folder for --out.")
    key = load_key(assignment)
    found = collect(submissions, assignment)
    for place in found.left_out[:10]:
        say(f"Left out, since it is no notebook: {printable(place)}")
    if len(found.submissions) == 1 and len(found.submissions[0].notebooks) > 1:
        say(
            f"All notebooks are taken as those of one student, {printable(found.submissions[0].student)}."
            " If they are of several, give the folder that they lie in."
        )
    folder = solutions_folder()
    digest = key_digest(folder, assignment)
    records_file = out.with_suffix(".records.jsonl")
    journal = Journal(records_file, assignment, digest, draw_seed(digest, found.submissions))
    secret = (submissions, folder, folder.parent / "tests", folder.parent / ".git", records_file, out.parent)
    hidden = [str(each) for each in secret if _may_hide(each)]
    with Runner(key.setup(), hidden, walls) as runner:
        say(DESCRIPTIONS[runner.walls] + ".")
        grader = Grader(key, runner, journal, hidden)
        for number, _ in enumerate(grader.grade(found.submissions, jobs or os.cpu_count() or 1), 1):
            if number % 20 == 0 or number == len(found.submissions):
                say(f"{number} of {len(found.submissions)} students")
    journal.close()
    records = [journal.records[each.student, name] for each in found.submissions for name in key.exercises]
    students = [each.student for each in found.submissions]
    for each in found.submissions:
        mine = [record for record in records if record.student == each.student]
        write_feedback(out.with_name(f"{out.stem}_feedback"), assignment, each.student, mine, students)
    write_report(out.with_name(f"{out.stem}_report.md"), assignment, records)
    write_table(out, records)
    return records


def _may_hide(path: Path) -> bool:
    """Return False for what holds Python, the package or the folders of the jobs: without these nothing runs."""
    needed = [sys.prefix, sys.base_prefix, Path(__file__).parents[1], tempfile.gettempdir()]
    return not any(Path(each).resolve().is_relative_to(path.resolve()) for each in needed)
