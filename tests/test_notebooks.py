"""Every lesson is complete, has been run, says what is true, and keeps nothing that belongs to one machine."""

import itertools
import json
import re
from pathlib import Path

import nbformat
import pytest
from lesson_runs import stored_runs

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.ipynb"))
IGNORED = "nbval-ignore-output"
MINUTES = {"one": 1, "one and a half": 1.5, "two": 2, "three": 3, "four": 4, "five": 5, "ten": 10}
# In prose, a number that code computes has the name of that code's cell behind it: 435<!-- explore-check -->
QUOTED = re.compile(r"(\d[\d.,]*)(?:\$| ?[%a-z]+)?<!-- ([a-z0-9-]+) -->")
HEADER = ("After this lesson you can", "You need first", "Time", "Data")


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(lesson):
    return [cell for cell in lesson.cells if cell.cell_type == "code"]


def is_ignored(cell):
    return IGNORED in cell.metadata.get("tags", []) or "NBVAL_IGNORE_OUTPUT" in cell.source


def words(cell):
    """What a code cell says, without its pictures."""
    outputs = cell.outputs
    return "\n".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs)


def test_it_begins_with_its_question_and_a_header(lesson):
    title = lesson.cells[0].source
    assert re.match(r"# \d\d · \w", title)
    assert re.search(r"\*\*[^*]+\?\*\*", title), "no driving question"
    for entry in HEADER:
        assert f"| {entry} |" in title
    assert lesson.cells[-1].source.startswith("## Key points")


def test_every_cell_has_a_name_and_every_code_cell_was_run_in_order(lesson):
    nbformat.validate(lesson)
    for cell in lesson.cells:
        assert re.fullmatch(r"[a-z]+[a-z0-9-]*", cell.id)
    assert [cell.execution_count for cell in code_cells(lesson)] == list(range(1, len(code_cells(lesson)) + 1))


def test_outputs_have_no_noise_errors_or_views_without_a_kernel(lesson):
    for cell in code_cells(lesson):
        for output in cell.outputs:
            assert output.output_type != "error" and output.get("name") != "stderr", cell.id
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {}), cell.id
            assert len(json.dumps(output)) < 300_000, cell.id
        for one, next_one in itertools.pairwise(cell.get("outputs", [])):
            assert not one.output_type == next_one.output_type == "stream", f"{cell.id}: printed in pieces"
    assert set(lesson.metadata) == {"kernelspec", "language_info"}


def test_every_figure_is_described_in_words(lesson):
    for cell in code_cells(lesson):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert len(output.metadata["image/png"]["alt"]) > 20, cell.id
                assert output.data["text/plain"] == output.metadata["image/png"]["alt"]
    for cell in lesson.cells:
        assert not re.search(r"!\[\s*\]\(", cell.source), f"{cell.id}: a picture without alt text"


def test_links_lead_somewhere(lesson):
    for target in re.findall(r"\]\(([^)#]+)\)", "".join(cell.source for cell in lesson.cells)):
        assert target.startswith("http") or (ROOT / "notebooks" / target).exists(), target


def test_code_stands_in_the_page(lesson):
    """Short enough to be read without scrolling sideways, and without a path of somebody's machine."""
    for cell in code_cells(lesson):
        assert max(map(len, cell.source.splitlines())) <= 106, cell.id
    text = re.sub(r'"image/png": "[^"]*"', "", json.dumps(lesson))
    assert not re.search(r"/(tmp|home|root|Users)/", text)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_file_is_small_enough_for_a_code_hosting_page(path):
    assert path.stat().st_size < 1_500_000


def test_lessons_are_numbered_without_gaps():
    assert [int(path.stem[:2]) for path in LESSONS] == list(range(len(LESSONS)))


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_solutions_have_been_run_without_noise(path):
    cells = code_cells(nbformat.read(path, as_version=4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error" and output.get("name") != "stderr", cell.id
    assert not re.search(r"/(tmp|home|root|Users)/", path.read_text(encoding="utf-8"))


def test_few_outputs_are_ignored():
    cells = [cell for path in LESSONS for cell in code_cells(nbformat.read(path, as_version=4))]
    assert sum(map(is_ignored, cells)) < 0.15 * len(cells)


def test_beside_an_ignored_output_stand_facts_that_are_compared(lesson):
    cells = code_cells(lesson)
    for number, cell in enumerate(cells):
        if is_ignored(cell) or "picture-varies" in cell.metadata.get("tags", []):
            beside = cells[max(number - 1, 0) : number + 2]
            assert any(words(each) and not is_ignored(each) for each in beside), cell.id


def test_a_cell_that_may_fail_does(lesson):
    """For nbval a cell with this tag may as well not fail."""
    for cell in code_cells(lesson):
        if "raises-exception" in cell.metadata.get("tags", []):
            assert [output for output in cell.outputs if output.output_type == "error"], cell.id


def test_numbers_in_prose_are_those_that_the_code_computes(lesson):
    said = {cell.id: words(cell) for cell in code_cells(lesson)}
    for cell in lesson.cells:
        for number, name in QUOTED.findall(cell.source):
            assert name in said, f"{cell.id}: no cell is called {name}"
            assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", said[name]), f"{cell.id}: {number}"


def test_some_numbers_in_prose_are_marked():
    text = "".join(path.read_text(encoding="utf-8") for path in LESSONS)
    assert len(QUOTED.findall(text)) >= 8


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_minutes_in_the_header_are_those_that_it_takes(path):
    """In processor time, which a busy machine leaves as it is, and up to a factor of two."""
    title = nbformat.read(path, as_version=4).cells[0].source
    stated = re.search(
        r"(less than|about)? ?(" + "|".join(sorted(MINUTES, key=len, reverse=True)) + r")( minutes?)? to run", title
    )
    assert stated, "no minutes to run in the header"
    assert path.stem in stored_runs(), f"never measured: make update-notebooks ARGS=notebooks/{path.name}"
    minutes = sum(stored_runs()[path.stem]["cells"].values()) / 60
    assert minutes <= 2 * MINUTES[stated[2]]
    if (stated[1], stated[2]) != ("less than", "one"):
        assert minutes >= MINUTES[stated[2]] / 2
