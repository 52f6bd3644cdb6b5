"""The second way to grade: nbgrader itself, with the configuration at the top of the project."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from cnnkit.checks.key import load_key

pytest.importorskip("nbgrader")

ASSIGNMENT = "flowers_preprocessing"
NOISY = """import sys
def flip_twice(image):
    print("warming up", file=sys.stderr)
    return image[::-1, ::-1]
"""


def notebook(answers):
    """Return the exercise notebook with these answers in it."""
    path = ROOT / "exercises" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    content = json.loads(path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        name = cell["metadata"]["nbgrader"]["grade_id"]
        cell["source"] = answers.get(name, "".join(cell["source"]))
    return content


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_autograde_gives_each_what_it_deserves(tmp_path):
    key = load_key(ASSIGNMENT, ROOT / "solutions")
    full = {name: key.solution(name) for name in key.exercises}
    handed_in = {"full": notebook(full), "blank": notebook({}), "noisy": notebook({"flip_twice": NOISY})}
    cut = notebook(full)
    cut["cells"] = [cell for cell in cut["cells"] if not cell["metadata"]["nbgrader"]["grade"]]
    handed_in["cut"] = cut
    for student, content in handed_in.items():
        folder = tmp_path / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / f"{ASSIGNMENT}.ipynb").write_text(json.dumps(content), encoding="utf-8")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(ROOT / "solutions" / ASSIGNMENT, tmp_path / "solutions" / ASSIGNMENT)
    for step in (["generate_assignment", ASSIGNMENT, "--create", "--force"], ["autograde", ASSIGNMENT], ["export"]):
        run(tmp_path, *step)
    made = tmp_path / "exercises" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    assert made.read_bytes() == (ROOT / "exercises" / ASSIGNMENT / made.name).read_bytes()
    with open(tmp_path / "grades.csv", encoding="utf-8", newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {"full": 7, "blank": 0, "noisy": 1, "cut": 7}


def run(course, *arguments):
    """Run nbgrader in a course; its helper programs are found only on the path."""
    programs = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "CNNKIT_SOLUTIONS": str(ROOT / "solutions"),
        "PYTHONWARNINGS": "ignore",
    }
    line = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(line, cwd=course, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
