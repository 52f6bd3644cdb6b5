"""The grader: right answers get their points, wrong ones a status, and no submission can fool or fell it."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import unicodedata
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT
from hostile import ANSWERS, RIGHT, WRONG

from cnnkit.checks.exercise import ASSIGNMENTS
from cnnkit.checks.key import load_key
from cnnkit.grade import grading, sandbox, submissions
from cnnkit.grade.main import grade
from cnnkit.grade.report import write_feedback, write_table
from cnnkit.grade.runner import Runner
from cnnkit.grade.sandbox import Limits
from cnnkit.grade.submissions import collect

ASSIGNMENT = "flowers_preprocessing"
SOLUTIONS = ROOT / "solutions"
KEY = load_key(ASSIGNMENT, SOLUTIONS)
NAMES = list(KEY.exercises)
OTHERS = {name: KEY.solution(name) for name in ("gray_from_rgba", "brighten")}  # beside an answer that attacks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the grader needs fork")


def notebook(**answers):
    """Return the notebook that was handed out with these answers in it, as a dictionary."""
    text = (ROOT / "exercises" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_text(encoding="utf-8")
    released = json.loads(text)
    for each in released["cells"]:
        name = each["metadata"].get("nbgrader", {}).get("grade_id")
        each["source"] = answers.get(name, "".join(each["source"]))
    return released


def solved(**answers):
    return notebook(**({name: KEY.solution(name) for name in NAMES} | answers))


def save(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def cell(content, name):
    return next(each for each in content["cells"] if each["metadata"].get("nbgrader", {}).get("grade_id") == name)


def graded(folder, out, **settings):
    """Grade a folder quietly; return what came of each student and exercise."""
    records = grade(folder, ASSIGNMENT, out, say=lambda text: None, **settings)
    return {(each.student, each.exercise): each for each in records}


def command(folder, out, *more):
    line = [sys.executable, "-m", "cnnkit.grade", str(folder), "--assignment", ASSIGNMENT, "--out", str(out), *more]
    return subprocess.run(line, capture_output=True, text=True, cwd=out.parent, timeout=200)


def rows(out):
    with open(out, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("CNNKIT_SOLUTIONS", str(SOLUTIONS))


def possible(walls):
    try:
        with Runner(KEY.setup(), [str(SOLUTIONS)], [walls]):
            return True
    except RuntimeError:
        return False


@pytest.fixture(scope="module", params=["namespaces", "other_user", "limits"])
def walls(request):
    if not possible(request.param):
        pytest.skip(f"this machine has no {request.param}")
    return request.param


@pytest.fixture(scope="module")
def attacked(walls, tmp_path_factory):
    """All attacks, and two honest students, graded together behind each kind of walls."""
    place = tmp_path_factory.mktemp("attacked")
    folder = place / "submissions"
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "QUICK", Limits(seconds=8, memory=2**29))
        patch.setenv("CNNKIT_SOLUTIONS", str(SOLUTIONS))
        words = {"{folder}": str(folder), "{solutions}": str(SOLUTIONS), "{port}": str(server.getsockname()[1])}
        for name, (_, code) in ANSWERS.items():
            for word, meaning in words.items():
                code = code.replace(word, meaning)
            save(folder / f"{name}.ipynb", notebook(flip_twice=code, **OTHERS))
        save(folder / "solved.ipynb", solved())
        save(folder / "zealous.ipynb", solved())
        found = graded(folder, place / "grades.csv", walls=[walls], jobs=4)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    return found


@pytest.mark.slow
@pytest.mark.xdist_group("grade")
@pytest.mark.parametrize("name", ANSWERS)
def test_no_answer_fools_or_fells_the_grader(attacked, name):
    record = attacked[name, "flip_twice"]
    fair = ANSWERS[name][0]
    assert record.status in fair, record
    assert record.points == (record.status == "right")
    assert 0 < len(record.message) <= 2000
    for other in OTHERS:
        assert (attacked[name, other].status, attacked[name, other].points) == ("right", 1), attacked[name, other]


@pytest.mark.slow
@pytest.mark.xdist_group("grade")
def test_a_fork_bomb_is_ended_before_it_fills_the_machine(attacked, walls):
    """For root the system has no limit on processes, so the grader counts."""
    if walls != "limits" or os.getuid() != 0:
        pytest.skip("the system counts")
    record = attacked["fork_bomb", "flip_twice"]
    assert record.status == "crashed" and record.seconds < 6, record


@pytest.mark.slow
@pytest.mark.xdist_group("grade")
def test_the_others_lose_nothing(attacked):
    for student in ("solved", "zealous"):
        assert all(attacked[student, name].status == "right" for name in NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("assignment", [each for each in ASSIGNMENTS if each != ASSIGNMENT])
def test_every_assignment_can_be_graded(key, tmp_path, assignment):
    folder, all_answers = tmp_path / "submissions", load_key(assignment, SOLUTIONS)
    blank = ROOT / "exercises" / assignment / f"{assignment}.ipynb"
    save(folder / "blank.ipynb", blank.read_text(encoding="utf-8"))
    content = json.loads(blank.read_text(encoding="utf-8"))
    for name in all_answers.exercises:
        cell(content, name)["source"] = all_answers.solution(name)
    save(folder / "solved.ipynb", content)
    for each in grade(folder, assignment, tmp_path / "grades.csv", say=lambda text: None):
        assert each.status == ("right" if each.student == "solved" else "missing"), each


# From here on: submissions that are odd, not hostile.
def shuffled():
    content = solved()
    content["cells"].reverse()
    return content


def stripped():
    content = solved()
    for each in content["cells"]:
        each["metadata"] = {}
        each.pop("id")
    content["metadata"] = {}
    return content


def without_checks():
    content = solved()
    content["cells"] = [each for each in content["cells"] if not each["metadata"]["nbgrader"]["grade"]]
    return content


def tampered():
    content = notebook()
    for each in content["cells"]:
        if each["metadata"]["nbgrader"]["grade"]:
            each["source"] = "1.0"
            each["metadata"]["nbgrader"]["points"] = 1000
    return content


def twice():
    content = solved(flip_twice="def flip_twice(image):\n    return image\n")
    first = cell(content, "flip_twice")
    content["cells"].append(json.loads(json.dumps(first)) | {"source": KEY.solution("flip_twice")})
    return content


def without_an_answer():
    content = solved()
    content["cells"].remove(cell(content, "flip_twice"))
    return content


def with_helpers():
    """Constants, imports, helpers and magics in cells of their own; the answer is a lambda."""
    content = solved(flip_twice="%time 1\nflip_twice = lambda image: turned(turned(image, AXES[0]), AXES[1])\n")
    helpers = ["import numpy as numeric", "AXES = []\nAXES.append(0)\nAXES += [1]", "!ls\n%matplotlib inline"]
    helpers.append("def turned(image, axis):\n    return numeric.flip(image, axis)")
    for code in reversed(helpers):
        content["cells"].insert(2, {"cell_type": "code", "metadata": {}, "source": code, "outputs": []})
    return content


def renamed_function():
    return solved(flip_twice="def my_flip(image):\n    return image[::-1, ::-1]\n")


def among_the_tests():
    """The answer is in one check's cell, a helper of another answer in another's."""
    content = solved(flip_twice="pass", brighten="def brighten(image, amount):\n    return cut(image + 1.0 * amount)\n")
    cell(content, "flip_twice_check")["source"] = KEY.solution("flip_twice") + '\ncheck("flip_twice", flip_twice)\n'
    cell(content, "brighten_check")["source"] = (
        "def cut(x):\n    return np.clip(x, 0, 255)\ncheck('brighten', brighten)\n"
    )
    return content


def with_more(name, *codes, **answers):
    """Cells between an answer, or a check, and what follows."""
    content = solved(**answers)
    place = content["cells"].index(cell(content, name)) + 1
    content["cells"][place:place] = [{"cell_type": "code", "metadata": {}, "source": code} for code in codes]
    return content


def magics():
    code = "files = !ls\nhere = %pwd\n%matplotlib inline\nnp.flip?\ndef flip_twice(image):\n    display(image)\n"
    code += "    same = (7\n            % 3\n            != 5)\n    return image[::-1, ::-1]\n"
    return solved(flip_twice="\ufeff" + code)


def old_format():
    content = solved()
    for each in content["cells"]:
        if each["cell_type"] == "code":
            each["input"] = each.pop("source")
    return {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": content["cells"]}]}


def annotated():
    return solved(flip_twice="def flip_twice(image: NDArray) -> NDArray:\n    return image[::-1, ::-1]\n")


def by_a_function():
    return solved(flip_twice="def make():\n    global flip_twice\n    flip_twice = lambda x: x[::-1, ::-1]\nmake()\n")


def attribute():
    code = "def flip_twice(image):\n    return np.flip(image, settings.axes)\n"
    more = ("import types\nsettings = types.SimpleNamespace()", "settings.axes = (0, 1)")
    return with_more("brighten", *more, flip_twice=code)


def strange_cells():
    content = solved()
    content["cells"] += [None, 5, [], {}, {"cell_type": "code"}, {"cell_type": "code", "source": 7}]
    content["cells"].append({"cell_type": "code", "source": ["a = 1", None], "metadata": []})
    content["cells"].append({"cell_type": "code", "source": "def flip_twice(", "metadata": {"nbgrader": 3}})
    return content


ALL, NONE = "right", "missing"
# By name: what was handed in, the status of flip_twice and that of the others.
ODD = {
    "shuffled": (shuffled, ALL, ALL),
    "stripped": (stripped, ALL, ALL),
    "without_checks": (without_checks, ALL, ALL),
    "tampered": (tampered, NONE, NONE),
    "twice": (twice, ALL, ALL),
    "without_an_answer": (without_an_answer, NONE, ALL),
    "with_helpers": (with_helpers, ALL, ALL),
    "renamed_function": (renamed_function, ALL, ALL),
    "strange_cells": (strange_cells, ALL, ALL),
    "among_the_tests": (among_the_tests, ALL, ALL),
    "corrected_below": (lambda: with_more("flip_twice", RIGHT, flip_twice=WRONG), ALL, ALL),
    "spoilt_below": (lambda: with_more("flip_twice", WRONG), "wrong", ALL),
    "scratch_after_the_check": (lambda: with_more("flip_twice_check", WRONG), ALL, ALL),
    "magics": (magics, ALL, ALL),
    "old_format": (old_format, ALL, ALL),
    "annotated": (annotated, ALL, ALL),
    "by_a_function": (by_a_function, ALL, ALL),
    "attribute": (attribute, ALL, ALL),
    "lines": (lambda: with_more("brighten", "\n" * 390_000, flip_twice="\n" * 390_000), NONE, ALL),
    "no_such_package": (
        lambda: solved(flip_twice="import cv2x\ndef flip_twice(x):\n    return cv2x.flip(x)\n"),
        "wrong",
        ALL,
    ),
    "blank": (notebook, NONE, NONE),
    "one_flip": (lambda: solved(flip_twice="def flip_twice(image):\n    return image[::-1]\n"), "wrong", ALL),
    "no_json": (lambda: '{"cells": [', "unreadable", "unreadable"),
    "nothing": (lambda: "", "unreadable", "unreadable"),
    "a_list": (lambda: "[1, 2]", "unreadable", "unreadable"),
    "another_file": (lambda: "%PDF-1.4\n\0\x01", "unreadable", "unreadable"),
    "without_cells": (lambda: '{"cells": 3}', "unreadable", "unreadable"),
    "deep": (lambda: '{"cells": ' + "[" * 10**6, "unreadable", "unreadable"),
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    place = tmp_path_factory.mktemp("odd")
    for name, (make, *_) in ODD.items():
        save(place / "submissions" / f"{name}.ipynb", make())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNKIT_SOLUTIONS", str(SOLUTIONS))
        done = command(place / "submissions", place / "grades.csv")
    assert done.returncode == 0, done.stderr
    assert "solation" in done.stderr.splitlines()[0]
    return place


@pytest.mark.parametrize("name", ODD)
def test_every_submission_gets_what_it_deserves(odd, name):
    mine = {row["exercise"]: row for row in rows(odd / "grades.csv") if row["student"] == name}
    assert list(mine) == NAMES
    _, first, others = ODD[name]
    for exercise, row in mine.items():
        status = first if exercise == "flip_twice" else others
        assert (row["status"], row["points"]) == (status, "1" if status == "right" else "0"), row
        assert row["out_of"] == "1" and float(row["seconds"]) >= 0


def test_a_mistake_is_named_and_notes_say_what_was_odd(odd):
    found = {(row["student"], row["exercise"]): row for row in rows(odd / "grades.csv")}
    assert found["one_flip", "flip_twice"]["misconception"] == "only_up_down"
    assert "found by its name" in found["stripped", "flip_twice"]["note"]
    assert "2 cells" in found["twice", "flip_twice"]["note"]
    assert "my_flip" in found["renamed_function", "flip_twice"]["note"]
    assert "JSON" in found["no_json", "flip_twice"]["note"]
    assert "the file is empty" in found["nothing", "flip_twice"]["note"]
    assert "not a Jupyter notebook; hand in the .ipynb again" in found["another_file", "flip_twice"]["note"]
    assert "changes it" in found["corrected_below", "flip_twice"]["note"]
    assert found["no_such_package", "flip_twice"]["note"] == "raised ModuleNotFoundError"


def test_the_report_counts_and_the_pages_explain(odd):
    report = (odd / "grades_report.md").read_text(encoding="utf-8")
    assert f"{len(ODD)} students" in report and "| 1 | `only_up_down` |" in report
    page = (odd / "grades_feedback" / "one_flip.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in page and "6 of 7 points" in page and "✗ not right" in page
    assert KEY.exercises["flip_twice"].misconceptions["only_up_down"][0].split("'")[0] in page
    assert len(list((odd / "grades_feedback").iterdir())) == len(ODD)


def test_the_same_again_changes_nothing_and_runs_nothing(odd):
    before = (odd / "grades.csv").read_bytes()
    records = (odd / "grades.records.jsonl").read_text().count("\n{")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNNKIT_SOLUTIONS", str(SOLUTIONS))
        command(odd / "submissions", odd / "grades.csv", "--jobs", "1")
    assert (odd / "grades.csv").read_bytes() == before
    assert (odd / "grades.records.jsonl").read_text().count("\n{") == records


def without_seconds(out):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows(out)]


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_and_ends_the_same(key, tmp_path):
    folder = tmp_path / "submissions"
    half = "def flip_twice(image):\n    return image[::-1, ::-1] if image.ndim == 2 else image\n"
    for number in range(12):
        code = [KEY.solution("flip_twice"), half, "def flip_twice(image):\n    return image\n"][number % 3]
        save(folder / f"student{number:02}.ipynb", solved(flip_twice=code))
    (tmp_path / "one").mkdir()
    assert command(folder, tmp_path / "one" / "grades.csv").returncode == 0
    out = tmp_path / "two" / "grades.csv"
    out.parent.mkdir()
    line = [sys.executable, "-m", "cnnkit.grade", str(folder), "--assignment", ASSIGNMENT, "--out", str(out)]
    records = out.with_suffix(".records.jsonl")
    for goal in (10, 30):
        running = subprocess.Popen(line, stderr=subprocess.DEVNULL)
        while running.poll() is None and (not records.exists() or records.read_text().count("\n") < goal):
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL and not out.exists()
    with open(records, "a") as file:
        file.write('{"student": "student00", "exer')  # the kill came while it wrote
    assert command(folder, out).returncode == 0
    assert without_seconds(out) == without_seconds(tmp_path / "one" / "grades.csv")
    kept = [json.loads(each) for each in records.read_text().splitlines()[1:] if each.endswith("}")]
    assert len(kept) == 12 * len(NAMES)  # nothing twice


def test_what_is_handed_in_later_or_again_is_graded_and_the_rest_is_not(key, tmp_path):
    folder, out = tmp_path / "submissions", tmp_path / "grades.csv"
    save(folder / "ada.ipynb", solved())
    save(folder / "bob.ipynb", notebook())
    graded(folder, out)
    lines = (tmp_path / "grades.records.jsonl").read_text().count("\n{")
    save(folder / "bob.ipynb", solved())
    save(folder / "cora.ipynb", solved())
    found = graded(folder, out)
    assert all(each.status == "right" for each in found.values()) and len(found) == 3 * len(NAMES)
    assert (tmp_path / "grades.records.jsonl").read_text().count("\n{") == lines + 2 * len(NAMES)


def put(folder, files):
    for place, content in files.items():
        if place.endswith("/"):
            (folder / place).mkdir(parents=True)
        else:
            save(folder / place, content)


def pack(folder, files):
    with zipfile.ZipFile(folder, "w") as archive:
        for place, content in files.items():
            archive.writestr(place, "" if place.endswith("/") else json.dumps(content))


LAYOUTS = {
    "notebooks": {"ada.ipynb": solved(), "bob.ipynb": notebook(), "README.md": {}, ".hidden.ipynb": {}},
    "folders": {"ada/my work.ipynb": solved(), "ada/.ipynb_checkpoints/x.ipynb": {}, "bob/": None},
    "nbgrader": {
        f"submitted/ada/{ASSIGNMENT}/{ASSIGNMENT}.ipynb": solved(),
        "submitted/ada/debugging/debugging.ipynb": notebook(),
        f"submitted/bob/{ASSIGNMENT}/": None,
    },
    "several": {
        f"ada/{ASSIGNMENT}.ipynb": notebook(),
        f"ada/{ASSIGNMENT} (1).ipynb": solved(),
        "ada/junk.ipynb": {},
        "bob/notes.ipynb.txt": notebook(),
    },
}


@pytest.mark.parametrize("packed", [False, True, "in a folder"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_submissions_are_found_in_every_layout(tmp_path, layout, packed):
    files, folder = LAYOUTS[layout], tmp_path / "handed in"
    if packed:
        files = {f"course/{place}": content for place, content in files.items()} if packed == "in a folder" else files
        folder = tmp_path / "handed in.zip"
        pack(folder, files)
    else:
        put(folder, files)
    ada, bob = collect(folder, ASSIGNMENT).submissions
    assert (ada.student, bob.student) == ("ada", "bob")
    with ada.notebooks[0].open() as stream:
        assert json.load(stream) == (notebook() if layout == "several" else solved())
    assert len(ada.notebooks) == (3 if layout == "several" else 1)
    assert len(bob.notebooks) == (layout in ("notebooks", "several"))


def test_of_several_notebooks_the_one_with_answers_counts_in_a_zip_too(key, tmp_path):
    pack(tmp_path / "handed in.zip", LAYOUTS["several"])
    found = graded(tmp_path / "handed in.zip", tmp_path / "grades.csv")
    assert {found["ada", name].status for name in NAMES} == {"right"}
    assert "(1).ipynb was taken" in found["ada", "flip_twice"].note
    assert {found["bob", name].status for name in NAMES} == {"missing"}


def test_who_handed_in_something_else_is_told_what(key, tmp_path):
    folder = tmp_path / "submissions"
    save(folder / "ada" / "x.ipynb", solved())
    (folder / "bob").mkdir()
    (folder / "bob" / "answers.docx").write_text("x")
    (folder / "cy").mkdir()
    for name in "abcde":
        (folder / "cy" / f"{name}\udcff.pdf").write_text("x")
    for student in ("ada", "ann"):
        (folder / "dan" / student).mkdir(parents=True)
    found = graded(folder, tmp_path / "grades.csv")
    assert "only answers.docx; an .ipynb file" in found["bob", "flip_twice"].message
    assert "and 2 more;" in found["cy", "flip_twice"].message
    assert found["dan", "flip_twice"].message == "No notebook was handed in."
    assert not found["ada", "flip_twice"].note
    (folder / "dan" / "late.txt").write_text("x")  # and whoever adds one is told anew
    again = graded(folder, tmp_path / "grades.csv")
    assert "only late.txt" in again["dan", "flip_twice"].message


def test_links_and_other_things_are_no_submissions(tmp_path):
    folder = tmp_path / "submissions"
    save(folder / "ada.ipynb", solved())
    (folder / "linked.ipynb").symlink_to(folder / "ada.ipynb")
    (folder / "device.ipynb").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "folder.ipynb").mkdir()
    (folder / "essay.pdf").write_text("x")
    found = collect(folder, ASSIGNMENT)
    assert found.left_out == ["essay.pdf"]
    readable = []
    for each in found.submissions:
        for one in each.notebooks:
            try:
                with one.open():
                    readable.append(each.student)
            except ValueError as error:
                assert "cannot be read" in str(error)
    assert readable == ["ada"] and len(found.submissions) == 5


def test_a_zip_file_that_unpacks_without_end_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "LARGEST", 10**6)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ada.ipynb", b"0" * 10**7)
        archive.writestr("../../bob.ipynb", json.dumps(solved()))
    found = {each.student: each for each in collect(tmp_path / "bomb.zip", ASSIGNMENT).submissions}
    with pytest.raises(ValueError, match="more than"), found["ada"].notebooks[0].open():
        pass
    assert found["ada"].digest() == found["ada"].digest()
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.zip"]


def test_a_name_is_no_formula_and_no_markup(key, tmp_path):
    folder = tmp_path / "submissions"
    wrong = solved(
        flip_twice='def flip_twice(image):\n    """```\n<script>alert(1)</script>"""\n    return image * 7 + 1\n',
        brighten='def brighten(image, amount):\n    raise ValueError("<b><script>alert(1)</script>")\n',
    )
    save(folder / "=1+1 <b>|x.ipynb", wrong)
    save(folder / "broken \udcff.ipynb", wrong)
    graded(folder, tmp_path / "grades.csv")
    assert {row["student"] for row in rows(tmp_path / "grades.csv")} == {"'=1+1 <b>|x", "broken \\udcff"}
    for page in (tmp_path / "grades_feedback").iterdir():
        text = page.read_text(encoding="utf-8")
        assert "&lt;script" in text and "<b>" not in text and "<script" not in text
    report = (tmp_path / "grades_report.md").read_text(encoding="utf-8")
    prose = re.sub(r"^ *(`{3,})python.*?\1$", "", report, flags=re.M | re.S)  # without the code of answers
    assert "2 (" in report and "````python" in report and not re.search(r"(?<!\\)<", prose)


def test_a_cell_is_no_formula_for_a_spreadsheet_that_parts_it_elsewhere(tmp_path):
    names = ["ada;=1+1", " @sum", "\uff1d1+1", "bob\t-2", "Ann-Lee", "a; b"]
    records = [grading.Record(name, "x", "right", 1, 1, None, 0.1, "=1", "") for name in names]
    write_table(tmp_path / "grades.csv", records)
    found = rows(tmp_path / "grades.csv")
    assert [row["student"] for row in found] == ["ada;'=1+1", "' @sum", "'\uff1d1+1", "bob\t'-2", "Ann-Lee", "a; b"]
    assert {row["note"] for row in found} == {"'=1"}


def test_no_two_students_share_a_page_anywhere(tmp_path):
    names = ["Ada", "ada", "Jos\u00e9", "Jose\u0301", "bob"]
    pages = [write_feedback(tmp_path, ASSIGNMENT, name, [], names).name for name in names]
    assert len({unicodedata.normalize("NFC", page).casefold() for page in pages}) == 5 and pages[4] == "bob.html"


def test_a_zip_file_with_a_remark_beside_its_folder_and_paths_that_lead_out(tmp_path):
    files = {f"course/week/{name}/x.ipynb": solved() for name in ("ada", "bob")}
    pack(tmp_path / "a.zip", files | {"READ ME.txt": {}, "__MACOSX/course/._x.ipynb": {}})
    pack(tmp_path / "b.zip", {"ada.ipynb": solved(), "../../bob.ipynb": solved(), "/etc/": None})
    for name, more in (("a", []), ("b", ["etc"])):
        found = collect(tmp_path / f"{name}.zip", ASSIGNMENT).submissions
        assert [each.student for each in found] == ["ada", "bob", *more]


def test_one_student_with_several_notebooks_is_asked_about(key, tmp_path):
    save(tmp_path / "submissions" / "week1" / "ada.ipynb", notebook())
    save(tmp_path / "submissions" / "week1" / "bob.ipynb", notebook())
    (tmp_path / "submissions" / "\x1b[31m.txt").write_text("x")
    said = []
    grade(tmp_path / "submissions", ASSIGNMENT, tmp_path / "grades.csv", say=said.append)
    assert any("one student, week1" in line for line in said) and all(line.isprintable() for line in said)


@pytest.mark.parametrize(
    "source, out, word",
    [
        ("nowhere", "grades.csv", "does not exist"),
        ("empty", "grades.csv", "no notebooks"),
        ("file.txt", "grades.csv", "neither a folder nor a zip"),
        ("full", "nowhere/grades.csv", "folder that exists"),
        ("full", "full/grades.csv", "among the submissions"),
    ],
)
def test_bad_arguments_get_one_line(key, tmp_path, monkeypatch, source, out, word):
    from cnnkit.grade.__main__ import main as run

    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("x")
    save(tmp_path / "full" / "ada.ipynb", notebook())
    lines = []
    monkeypatch.setattr("builtins.print", lambda text, file: lines.append(str(text)))
    status = run([str(tmp_path / source), "--assignment", ASSIGNMENT, "--out", str(tmp_path / out)])
    assert status == 2 and len(lines) == 1 and word in lines[0] and "\n" not in lines[0]


def test_records_of_another_assignment_are_left_alone(key, tmp_path):
    save(tmp_path / "submissions" / "ada.ipynb", solved())
    out, table = tmp_path / "grades.csv", "the table of another assignment\n"
    (tmp_path / "grades.records.jsonl").write_text('{"assignment": "debugging", "key": "x", "seed": 7}\n')
    out.write_text(table)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir())
    done = command(tmp_path / "submissions", out)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "another assignment, debugging" in done.stderr and "another --out" in done.stderr
    assert sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir()) == before


def test_weaker_walls_are_announced(key, tmp_path):
    save(tmp_path / "submissions" / "ada.ipynb", solved())
    said = []
    grade(tmp_path / "submissions", ASSIGNMENT, tmp_path / "grades.csv", walls=["limits"], say=said.append)
    assert len([line for line in said if "WEAKER ISOLATION" in line]) == 1
    assert all(row["status"] == "right" for row in rows(tmp_path / "grades.csv"))


@pytest.mark.slow
def test_a_notebook_of_a_hundred_megabytes_is_read(key, tmp_path):
    large = solved()
    cell(large, "flip_twice")["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 10**8}]
    save(tmp_path / "submissions" / "ada.ipynb", large)
    found = graded(tmp_path / "submissions", tmp_path / "grades.csv")
    assert all(each.status == "right" for each in found.values())


def test_a_grader_that_was_killed_leaves_no_server_and_no_folder(key, tmp_path):
    code = "import sys, time; from cnnkit.grade.runner import Runner; runner = Runner('', [])\n"
    code += "print(runner._folder.name, flush=True); time.sleep(300)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as grader:
        folder = grader.stdout.readline().strip()
        assert Path(folder).is_dir()
        grader.kill()
    for _ in range(300):
        if not Path(folder).exists():
            break
        time.sleep(0.1)
    assert not Path(folder).exists()


def test_a_server_that_was_killed_is_started_again(key):
    with Runner(KEY.setup(), [str(SOLUTIONS)]) as runner:
        os.kill(runner._server.pid, signal.SIGKILL)
        runner._server.wait()
        assert runner.run({"do": "probe", "hidden": []}, Limits()).end == "done"


def test_nothing_is_left_running(walls):
    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc")
    code = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork():\n        os._exit(0)\n"
    code += "    time.sleep(300)"
    with Runner("", [], [walls]) as runner:
        mark = f"HOME={runner._folder.name}\0".encode()
        job = {
            "do": "run",
            "id": "x",
            "parameters": [],
            "kind": "value",
            "view": None,
            "arguments": "[[]]",
            "few": False,
        }
        parts = [{"label": "cell 1", "code": f"x = 5\n{code}\n", "all": None}]
        job |= {"exercises": ["x"], "name": "x", "parts": parts, "hidden": []}
        result = runner.run(job, Limits())
        assert result.end == "done" and '"value":5' in result.data()["outcomes"]
    left = []
    for each in Path("/proc").glob("[0-9]*/environ"):
        try:
            left += [each] if mark in each.read_bytes() else []
        except OSError:
            continue
    assert not left


def test_every_status_has_a_look_and_every_wall_a_description():
    from cnnkit.grade.report import LOOKS

    assert set(LOOKS) == set(grading.STATUSES)
    assert set(sandbox.candidates()) <= set(sandbox.DESCRIPTIONS)


def test_hidden_inputs_are_the_same_for_the_same_and_new_for_others(tmp_path):
    save(tmp_path / "ada.ipynb", solved())
    seed = grading.draw_seed("key", collect(tmp_path, ASSIGNMENT).submissions)
    assert grading.draw_seed("key", collect(tmp_path, ASSIGNMENT).submissions) == seed > 3  # not the visible ones
    assert grading.draw_seed("another key", collect(tmp_path, ASSIGNMENT).submissions) != seed
    save(tmp_path / "ada.ipynb", solved(flip_twice="# a remark\n" + KEY.solution("flip_twice")))
    assert grading.draw_seed("key", collect(tmp_path, ASSIGNMENT).submissions) != seed
