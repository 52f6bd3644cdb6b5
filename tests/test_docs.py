"""The pages of docs/ are true: each walk is followed in a copy of the kit, what they quote is there, links lead on."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
WALKS = ("adding_a_lesson", "adding_an_explorer", "adding_an_exercise")
BLOCK = re.compile(r"^```(\w+) ?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LISTING = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
NEXT = f"{len(list((ROOT / 'notebooks').glob('*.ipynb'))):02}"  # the number of the next lesson


def blocks(page):
    """Return the fenced blocks of a page as (language, what stands behind it, text)."""
    return BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").replace("NN", NEXT))


def content(path):
    """Return the text of a file, of a notebook that of its cells."""
    if path.suffix == ".ipynb":
        return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    return path.read_text(encoding="utf-8")


@pytest.fixture
def copy(tmp_path):
    """A copy of the working tree without what git ignores."""
    listing = subprocess.run(LISTING, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    if not listing:
        pytest.skip("needs a git checkout")
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def apply(change, path):
    """Change a file as a block of lines with " ", "-" and "+" says; what stands there now must be there just once."""
    lines = change.splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
    new = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has {text.count(old)} times\n{old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def run(command, folder, sets):
    """Run a line of a page with this Python and the copy's package; what it would draw first is there already."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CNNKIT_TEST_SETS": str(sets),
    }
    answer = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, f"{command}\n{answer.stdout[-3000:]}\n{answer.stderr[-2000:]}"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform == "win32", reason="the pages' commands are for a Unix shell")
@pytest.mark.parametrize("page", WALKS)
def test_the_walk_works(page, copy, whole_sets):
    followed = 0
    for language, note, text in blocks(page):
        if note.startswith("excerpt "):
            continue
        followed += 1
        if language == "sh":
            for command in text.splitlines():
                run(command, copy, whole_sets)
        elif language == "diff":
            apply(text, copy / note)
        elif note.startswith("append "):
            with open(copy / note.removeprefix("append "), "a", encoding="utf-8") as file:
                file.write(f"\n\n{text}")
        else:
            assert note and not (copy / note).exists(), f"the page does not say where this belongs: {text[:80]}"
            (copy / note).write_text(text, encoding="utf-8")
    assert followed >= 3


@pytest.mark.parametrize("page", WALKS)
def test_what_a_walk_quotes_is_there(page):
    quoted = [(note.removeprefix("excerpt "), text) for _, note, text in blocks(page) if note.startswith("excerpt ")]
    assert quoted
    for name, text in quoted:
        assert text.rstrip("\n") in content(ROOT / name), f"{name} has no\n{text}"


def headings(path):
    """Return the anchors of a Markdown page, as code-hosting pages make them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in headings(path), f"{target}: no such heading"


def test_every_page_can_be_found_from_the_readme():
    found, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in found or page.suffix != ".md":
            continue
        found.add(page)
        targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        waiting += [(page.parent / target).resolve() for target in targets if not target.startswith("http")]
    assert not [page.name for page in PAGES if page not in found]


def test_pictures_are_small_and_described():
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.stat().st_size < 150_000, picture.name
    for page in PAGES:
        for alt in re.findall(r"!\[(.*?)\]\(", page.read_text(encoding="utf-8")):
            assert len(alt) > 20, page.name
