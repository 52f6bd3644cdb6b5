"""The exercises are what the solutions make of them; solutions pass, blanks run, no answer is shipped."""

import inspect
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from cnnkit.checks.calls import run
from cnnkit.checks.exercise import ASSIGNMENTS, exercises, find_exercise, shipped
from cnnkit.checks.feedback import check
from cnnkit.checks.judging import judge
from cnnkit.checks.key import hidden_check, load_key
from cnnkit.checks.signs import SIGNS, SORTS

ROOT = Path(__file__).parents[1]
TOOL = "make_exercises"
SOLUTIONS = ROOT / "solutions"
NAMES = [(assignment, each.id) for assignment in ASSIGNMENTS for each in exercises(assignment)]
each_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS)
each_exercise = pytest.mark.parametrize("assignment, name", NAMES, ids=[name for _, name in NAMES])
FRESH = 41  # a seed that neither the package nor the hidden tests of the notebooks use


@pytest.fixture(scope="module")
def keys():
    return {assignment: load_key(assignment, SOLUTIONS) for assignment in ASSIGNMENTS}


def both_kinds_of_cases(keys, assignment, name):
    return [shipped(assignment, name), keys[assignment].cases(name, FRESH)]


def verdict(answer, name, cases):
    exercise = find_exercise(name)[1]
    return judge(exercise, cases, run(answer, exercise, [case.arguments for case in cases]))


def notebook(folder, assignment):
    return nbformat.read(ROOT / folder / assignment / f"{assignment}.ipynb", as_version=4)


@each_exercise
def test_the_solution_is_right(keys, assignment, name):
    for cases in both_kinds_of_cases(keys, assignment, name):
        found = verdict(keys[assignment].reference(name), name, cases)
        assert (found.status, found.share, found.misconception) == ("right", 1.0, None), found.message


@each_exercise
def test_every_known_mistake_gets_its_own_message(keys, assignment, name):
    exercise = find_exercise(name)[1]
    assert len(exercise.misconceptions) >= 4
    for cases in both_kinds_of_cases(keys, assignment, name):
        for mistake, answer in keys[assignment].bank(name).items():
            found = verdict(answer, name, cases)
            mistake = mistake.split("__")[0]
            assert found.misconception == mistake, found.message
            assert found.status in ("not yet", "error") and found.share < 1
            assert all(part in found.message for part in exercise.misconceptions[mistake])


@each_exercise
def test_trivial_answers_get_nothing(keys, assignment, name):
    exercise = find_exercise(name)[1]
    if exercise.kind == "value":
        answers = [None, ..., "", 0, 1, [], {}, np.zeros(0), np.zeros((2, 2)), lambda: 0]
    else:
        values = [0, 1, 0.5, -1, True, "", [], {}, (), (0.0, 0.0), np.zeros(0), np.zeros((3, 4))]
        answers = [None, ..., 3, "text", *(lambda *given, value=value: value for value in values)]
        answers += [lambda *given: None, lambda *given: given[0], lambda *given: given[-1], lambda *given: given]
        answers += [lambda *given: np.zeros_like(given[0]), lambda *given: np.mean(given[0])]
    for cases in both_kinds_of_cases(keys, assignment, name):
        for answer in answers:
            found = verdict(answer, name, cases)
            assert found.status != "right" and found.share == 0, (answer, found)


@each_exercise
def test_a_function_that_remembers_the_visible_cases_fails_the_hidden_ones(keys, assignment, name):
    exercise = find_exercise(name)[1]
    if exercise.kind == "value" or len(shipped(assignment, name)) != len(keys[assignment].cases(name, FRESH)):
        return
    remembered = [case.right.get("value") for case in shipped(assignment, name)]
    answers = iter(remembered)
    found = verdict(lambda *given: next(answers), name, keys[assignment].cases(name, FRESH))
    assert found.status != "right"


@each_exercise
def test_messages_and_hints_explain_and_do_not_give_the_answer_away(keys, assignment, name):
    exercise = find_exercise(name)[1]
    assert len(exercise.hints) >= 3
    texts = [*exercise.hints, *(part for parts in exercise.misconceptions.values() for part in parts)]
    for text in texts:
        assert not text[0].islower() or re.split(r"\W", text)[0] in CODE, text
        assert text.rstrip()[-1] in ".?", text
    body = [line.strip() for line in keys[assignment].solution(name).splitlines()]
    lines = [line for line in body if len(line) > 12 and not line.startswith(("def ", "#"))]
    for line in lines:
        assert not any(line in text for text in texts), line
    assert len(set(exercise.misconceptions.values())) == len(exercise.misconceptions)


# Words of code that a sentence may begin with.
CODE = {"np", "image", "skimage", "label", "warp", "uint8", "rows", "keras", "argmax", "roses", "batch", "sigmoid"}


@each_exercise
def test_the_declaration_agrees_with_the_solution(keys, assignment, name):
    exercise, answer = find_exercise(name)[1], keys[assignment].reference(name)
    if exercise.kind == "function":
        assert tuple(inspect.signature(answer).parameters) == exercise.parameters
    else:
        assert exercise.parameters == ()
    room = vars(getattr(keys[assignment]._module, name))
    assert {key.split("__")[0] for key in room if not key.startswith("_")} - {"inputs"} == set(exercise.misconceptions)


@each_exercise
def test_the_hidden_check_agrees(keys, assignment, name):
    assert hidden_check(name, keys[assignment].reference(name)) == 1.0
    mistake = next(iter(keys[assignment].bank(name).values()))
    assert hidden_check(name, mistake) < 1


def test_ids_are_words_and_no_two_are_alike():
    ids = [name for _, name in NAMES]
    assert len(ids) == len(set(ids)) >= 24
    general = {name for name, *_ in SIGNS} | {name for name, *_ in SORTS} | {"always_the_same", "changed_the_argument"}
    for _, name in NAMES:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        for mistake in find_exercise(name)[1].misconceptions:
            assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", mistake)
            assert mistake not in general - {"clipped", "rounded", "ran_over"}, (name, mistake)


@each_assignment
def test_the_shipped_cases_are_those_that_the_solutions_make(tool, assignment):
    made = json.loads(tool.make_cases(assignment, SOLUTIONS))
    stored = json.loads((ROOT / "cnnkit" / "checks" / f"{assignment}.json").read_text(encoding="utf-8"))
    assert _close(made, stored), "run tools/make_exercises.py"


def _close(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_close, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return one == other or abs(one - other) <= 1e-5 * max(1, abs(one)) or (one != one and other != other)
    return one == other


@each_assignment
def test_the_notebooks_are_those_that_the_solutions_make(tool, assignment, tmp_path):
    made = tool.make_notebook(assignment, SOLUTIONS, tmp_path)
    stored = ROOT / "exercises" / assignment / f"{assignment}.ipynb"
    assert made.read_bytes() == stored.read_bytes(), "run tools/make_exercises.py"
    again = tool.make_notebook(assignment, SOLUTIONS, tmp_path / "again")
    assert made.read_bytes() == again.read_bytes()


def test_what_was_run_makes_no_difference(tool, tmp_path):
    assignment = ASSIGNMENTS[0]
    source = notebook("solutions", assignment)
    for number, cell in enumerate(cell for cell in source.cells if cell.cell_type == "code"):
        cell.execution_count = number + 1
        cell.metadata["execution"] = {"iopub.execute_input": f"2031-01-01T00:00:{number:02}Z"}
        cell.outputs = [nbformat.v4.new_output("stream", text="noise")]
    folder = tmp_path / "solutions" / assignment
    folder.mkdir(parents=True)
    nbformat.write(source, folder / f"{assignment}.ipynb")
    made = tool.make_notebook(assignment, tmp_path / "solutions", tmp_path)
    assert made.read_bytes() == (ROOT / "exercises" / assignment / f"{assignment}.ipynb").read_bytes()


@each_assignment
def test_exercises_hold_no_solution_and_the_same_cells(assignment):
    source, released = notebook("solutions", assignment), notebook("exercises", assignment)
    assert [cell.id for cell in source.cells] == [cell.id for cell in released.cells]
    text = json.dumps(released)
    for word in ("SOLUTION", "HIDDEN", "hidden_check", "NotImplementedError"):
        assert word not in text
    for cell in released.cells:
        assert re.fullmatch(r"[a-z]+[a-z0-9-]*", cell.id)
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None
    ids = [cell.metadata.nbgrader.grade_id for cell in released.cells if "nbgrader" in cell.metadata]
    for exercise in exercises(assignment):
        assert {f"{exercise.id}_task", exercise.id, f"{exercise.id}_check"} <= set(ids)
        (graded,) = (cell for cell in released.cells if cell.metadata.nbgrader.grade_id == f"{exercise.id}_check")
        assert graded.metadata.nbgrader.points == 1
        assert graded.source == f'check("{exercise.id}", {exercise.id})'


@each_assignment
def test_links_of_solutions_lead_somewhere(assignment):
    source = notebook("solutions", assignment)
    nbformat.validate(source)
    for cell in source.cells:
        for target in re.findall(r"\]\(([^)#]+)\)", cell.source):
            assert (SOLUTIONS / assignment / target).exists(), target
        assert max(map(len, cell.source.splitlines() or [""])) <= 100 or cell.cell_type == "markdown"


@each_assignment
def test_a_blank_notebook_runs_and_nothing_is_started(assignment):
    blank = notebook("exercises", assignment)
    NotebookClient(blank, timeout=120, kernel_name="python3").execute()
    results = [cell for cell in blank.cells if cell.id.endswith("-check")]
    assert len(results) == len(exercises(assignment))
    for cell in results:
        (output,) = cell.outputs
        assert output.data["text/plain"] == "0.0"
        assert "Not started" in output.data["text/html"]
    assert not [each for cell in blank.cells for each in cell.get("outputs", []) if each.get("name") == "stderr"]


@each_assignment
def test_in_a_solved_notebook_all_is_right(assignment):
    """As it is stored; that it comes out again is asked by `make notebooks`."""
    results = [cell for cell in notebook("solutions", assignment).cells if cell.id.endswith("-check")]
    assert len(results) == len(exercises(assignment))
    for cell in results:
        assert cell.outputs[0].data["text/plain"] == "1.0", cell.id


@each_assignment
def test_the_package_holds_no_line_of_a_solution(keys, assignment):
    package = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "cnnkit" / "checks").glob("*.py"))
    for exercise in exercises(assignment):
        for line in keys[assignment].solution(exercise.id).splitlines():
            if len(line.strip()) > 25 and not line.startswith(("def ", "    #")):
                assert line.strip() not in package, line


@each_exercise
def test_a_check_takes_less_than_a_tenth_of_a_second(keys, assignment, name):
    import time

    if find_exercise(name)[1].view == "network":
        return
    answer = keys[assignment].reference(name)
    check(name, answer)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        check(name, answer)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.1
