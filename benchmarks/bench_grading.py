"""How long it takes to grade a class of 200, and how much faster that is than nbgrader, in one run.

    python benchmarks/bench_grading.py

Grades 200 submissions of flowers_preprocessing with two at a time; once from beginning to end, and once killed with
SIGKILL in the middle and begun again, which must give the same table. Then nbgrader autogrades three of the same. Exit
status 1 if the class takes more than ten minutes or the tables differ.
"""

import csv
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cnnkit.checks.key import load_key

ROOT = Path(__file__).parents[1]
ASSIGNMENT = "flowers_preprocessing"
STUDENTS = 200
FOR_NBGRADER = 3
MOST_SECONDS = 600


def hand_in(folder: Path) -> None:
    """Write the submissions: some have made known mistakes, some have not come to the end, some loop for ever."""
    key = load_key(ASSIGNMENT, ROOT / "solutions")
    released = json.loads((ROOT / "exercises" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_text(encoding="utf-8"))
    for student in range(STUDENTS):
        answers = {name: key.solution(name) for name in list(key.exercises)[: 7 - student % 3]}
        if student % 4 == 1:
            answers["flip_twice"] = "def flip_twice(image):\n    return image[::-1]\n"
        if student % 5 == 1:
            answers["brighten"] = "def brighten(image, amount):\n    return image + np.uint8(amount % 256)\n"
        if student % 50 == 49:
            answers["center_crop"] = "def center_crop(image, size):\n    while True:\n        pass\n"
        cells = [dict(cell) for cell in released["cells"]]
        for cell in cells:
            name = cell["metadata"]["nbgrader"]["grade_id"]
            cell["source"] = answers.get(name, cell["source"])
        path = folder / f"student{student:03}" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({**released, "cells": cells}), encoding="utf-8")


def grading(submitted: Path, out: Path) -> subprocess.Popen:
    """Start the grader."""
    out.parent.mkdir(exist_ok=True)
    line = [sys.executable, "-m", "cnnkit.grade", str(submitted), "--assignment", ASSIGNMENT, "--jobs", "2"]
    return subprocess.Popen([*line, "--out", str(out)], stderr=subprocess.DEVNULL)


def read(path: Path) -> list[dict]:
    """Return the rows of a table."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def without_seconds(rows: list[dict]) -> list[dict]:
    """Leave out what differs each time."""
    return [{name: cell for name, cell in row.items() if name != "seconds"} for row in rows]


def autograde(course: Path) -> float:
    """Let nbgrader grade a few of the same; return the seconds for one."""
    shutil.copy(ROOT / "nbgrader_config.py", course)
    shutil.copytree(ROOT / "solutions", course / "solutions")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONWARNINGS": "ignore", "CNNKIT_SOLUTIONS": str(ROOT / "solutions")}
    for name in sorted(os.listdir(course / "submitted"))[FOR_NBGRADER:]:
        shutil.rmtree(course / "submitted" / name)
    for step in (["generate_assignment", ASSIGNMENT, "--create", "--force"], ["autograde", ASSIGNMENT]):
        begin = time.perf_counter()
        line = [sys.executable, "-m", "nbgrader", *step]
        subprocess.run(line, cwd=course, env=environment, check=True, capture_output=True)
    return (time.perf_counter() - begin) / FOR_NBGRADER


def main() -> int:
    """Measure, print, and return 1 if something is not as it should be."""
    with tempfile.TemporaryDirectory() as place:
        course = Path(place)
        hand_in(course / "submitted")
        begin = time.perf_counter()
        grading(course / "submitted", course / "whole" / "grades.csv").wait()
        whole = time.perf_counter() - begin
        full = read(course / "whole" / "grades.csv")
        rows, seconds = without_seconds(full), [float(row["seconds"]) for row in full]
        print(f"{STUDENTS} students, {len(rows)} exercises: {whole:.0f} s, {whole / STUDENTS:.2f} s a student")
        print(f"an exercise: {statistics.median(filter(None, seconds)):.2f} s in the middle")

        running = grading(course / "submitted", course / "killed" / "grades.csv")
        records = course / "killed" / "grades.records.jsonl"
        while running.poll() is None and (not records.exists() or records.read_bytes().count(b"\n") < len(rows) / 2):
            time.sleep(0.05)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        grading(course / "submitted", course / "killed" / "grades.csv").wait()
        same = without_seconds(read(course / "killed" / "grades.csv")) == rows
        print(f"killed in the middle and begun again: {'the same table' if same else 'ANOTHER TABLE'}")

        each = autograde(course)
        print(f"nbgrader autograde: {each:.1f} s a student, {each * STUDENTS / whole:.0f} times as long")
    return 0 if same and whole <= MOST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
