"""Writes what has been graded: the table (CSV), the class report (Markdown), a page for each student (HTML)."""

import csv
import hashlib
import io
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from html import escape
from pathlib import Path

from cnnkit.checks.exercise import Exercise, exercises
from cnnkit.grade.grading import STATUSES, Record

__all__ = ["printable", "write_feedback", "write_report", "write_table"]

COLUMNS = ("student", "exercise", "status", "points", "out_of", "misconception", "seconds", "note")
MOST_NAMED, MOST_UNNAMED = 5, 20  # that the report tells of each exercise
# In words, since colours alone tell nothing to some; each with a colour that has enough contrast on white.
LOOKS = {
    "right": ("✓ right", "#00664a"),
    "partly": ("◐ partly right", "#7a5200"),
    "wrong": ("✗ not right", "#a33b00"),
    "timeout": ("⧗ took too long", "#a33b00"),
    "crashed": ("! crashed", "#a33b00"),
    "unreadable": ("? could not be read", "#555555"),
    "missing": ("○ nothing handed in", "#555555"),
    "suspicious": ("? to be looked at by your instructor", "#555555"),
}
STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "body{color:#222;background:#fff}"
    "section{border-left:.4rem solid;padding:.1rem 1rem;margin:1.2rem 0}section>*{color:#222}"
    "h2{font-size:1.1rem;margin:.3rem 0}pre{overflow-x:auto;background:#f4f4f4;padding:.5rem}"
)


def write_table(path: Path, records: Iterable[Record]) -> None:
    """Write a row for each student and exercise."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for each in records:
        row = (each.student, each.exercise, each.status, f"{each.points:g}", f"{each.out_of:g}")
        row += (each.misconception or "", f"{each.seconds:.2f}", each.note)
        table.writerow([_harmless(cell) for cell in row])
    _write(path, text.getvalue())


def write_report(path: Path, assignment: str, records: list[Record]) -> None:
    """Write what the class got right and wrong."""
    students = len({each.student for each in records})
    lines = [f"# {assignment}: what the class can do", "", f"{students} students. In percent of all of them:", ""]
    head = ["exercise", *STATUSES]
    lines += [_row(head), _row(["---"] + ["--:"] * len(STATUSES))]
    by_exercise = [(each, [one for one in records if one.exercise == each.id]) for each in exercises(assignment)]
    for exercise, mine in by_exercise:
        counts = Counter(each.status for each in mine)
        shares = [f"{100 * counts[status] / len(mine):.0f}" if counts[status] else "·" for status in STATUSES]
        lines.append(_row([f"`{exercise.id}`", *shares]))
    for exercise, mine in by_exercise:
        if said := _mistakes(exercise, mine) + _unnamed(mine):
            lines += ["", f"## {exercise.title} (`{exercise.id}`)", *said]
    _write(path, "\n".join([*lines, "", *_doubts(records)]).rstrip() + "\n")


def write_feedback(
    folder: Path, assignment: str, student: str, records: list[Record], all_students: Collection[str]
) -> Path:
    """Write a student's page into a folder and return its path."""
    titles = {each.id: each.title for each in exercises(assignment)}
    points, out_of = sum(each.points for each in records), sum(each.out_of for each in records)
    sections = []
    for each in records:
        word, colour = LOOKS[each.status]
        score = f"{each.points:g} of {each.out_of:g} points"
        sections.append(
            f'<section style="border-color:{colour}"><h2>{escape(titles[each.exercise])}</h2>'
            f'<p><strong style="color:{colour}">{escape(word)}</strong>, {score}</p>'
            f"<p>{escape(printable(each.message))}</p></section>"
        )
    title = f"{escape(printable(student))}: {assignment}"
    page = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body><main><h1>{title}</h1><p>{points:g} of {out_of:g} points.</p>\n" + "\n".join(sections) + "\n"
        "</main></body>\n</html>\n"
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_file_name(student, all_students)}.html"
    _write(path, page)
    return path


def _mistakes(exercise: Exercise, records: list[Record]) -> list[str]:
    """List the most frequent named mistakes."""
    counts = Counter(each.misconception for each in records if each.misconception)
    if not counts:
        return []
    said = {each.misconception: re.split(r"(?<=[.?]) ", each.message)[0] for each in records if each.misconception}
    said |= {name: parts[0] for name, parts in exercise.misconceptions.items()}
    lines = ["", _row(["students", "mistake", "what happened"]), _row(["--:", "---", "---"])]
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_NAMED]:
        lines.append(_row([str(count), f"`{name}`", _plain(said[name])]))
    return lines


def _unnamed(records: list[Record]) -> list[str]:
    """Show the wrong answers that no known mistake explains, alike ones together."""
    groups: dict[str, list[Record]] = {}
    for each in records:
        if each.code:
            groups.setdefault(" ".join(re.sub(r"#.*", "", each.code).split()), []).append(each)
    if not groups:
        return []
    lines = ["", "Wrong, and nobody has a name for it:"]
    ordered = sorted(groups.values(), key=lambda group: (-len(group), group[0].student))
    for group in ordered[:MOST_UNNAMED]:
        names = ", ".join(_plain(each.student) for each in group[:5]) + (", …" if len(group) > 5 else "")
        fence = "`" * (3 + max(map(len, re.findall("`+", group[0].code)), default=0))
        lines += ["", f"- {len(group)} ({names}): {_plain(group[0].message)}", "", f"  {fence}python"]
        lines += [f"  {printable(line)}" for line in group[0].code.splitlines()] + [f"  {fence}"]
    if len(ordered) > MOST_UNNAMED:
        lines += ["", f"- and {len(ordered) - MOST_UNNAMED} others"]
    return lines


def _doubts(records: list[Record]) -> list[str]:
    """List what somebody has to look at."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for each in records:
        if each.status in ("suspicious", "crashed", "timeout", "unreadable"):
            groups.setdefault((each.student, each.status, each.note), []).append(f"`{each.exercise}`")
    rows = [_row([_plain(one), ", ".join(names), word, _plain(why)]) for (one, word, why), names in groups.items()]
    if not rows:
        return []
    return ["## To be looked at", "", _row(["student", "exercise", "status", "why"]), _row(["---"] * 4), *rows]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Return text in one line, in which Markdown and HTML mean nothing."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", " ".join(printable(text).split()))


def printable(text: str) -> str:
    """Return text without control characters and what else is no text: names of files may have anything in them."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() or letter == "\t" else " " for letter in text)


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula, not even one that parts cells at semicolons."""
    return re.sub(r"(^|[;|\t])(\s*[=+@\uff1d\uff0b\uff0d\uff20-])", r"\1'\2", printable(cell))


def _file_name(student: str, others: Collection[str]) -> str:
    """Return a name for a file that every system takes; no two students have the same, not even in capitals."""
    name = re.sub(r"[^\w.-]", "_", printable(student)).strip(".")[:80]
    if name == student and sum(_folded(name) == _folded(each) for each in others) == 1:
        return name
    return f"{name}-{hashlib.sha256(student.encode(errors='surrogateescape')).hexdigest()[:8]}"


def _folded(name: str) -> str:
    """Return a name as file systems see it that tell neither capitals nor the ways to write an accent apart."""
    return unicodedata.normalize("NFC", name).casefold()


def _write(path: Path, text: str) -> None:
    """Replace a file by a whole new one, or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
