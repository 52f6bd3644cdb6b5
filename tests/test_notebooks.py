"""Every lesson is complete, has been run, and keeps nothing that belongs to one machine."""

import json
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HEADER = ("After this lesson you can", "You need first", "Time", "Data")


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(lesson):
    return [cell for cell in lesson.cells if cell.cell_type == "code"]


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
