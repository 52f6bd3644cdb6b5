"""make html: pages without a kernel, a server or a network, in which the main sliders still move the pictures."""

import importlib.util
import os
import re
from pathlib import Path

import nbformat
import pytest
from lab import browser_page, chromium

ROOT = Path(__file__).parents[1]
TOOL = "export_html"
TEXT = """# A page

A formula, $a_1 * b$, another $c * d$, and one apart:

$$\\begin{pmatrix}x'\\\\y'\\end{pmatrix} = \\left\\lfloor \\frac{n + 2p - k}{s} \\right\\rfloor$$

`$not$ a formula`, [a lesson](01_flowers_images_and_channels.ipynb), [a page](../docs/not_for_diagnosis.md),
[code](../cnnkit/images.py), [elsewhere](https://example.org).

![A drawing of an effusion](images/effusion.svg)
"""
CODE = """import numpy as np
from cnnkit.explore import MorphologyExplorer, NormalizationExplorer

rows, columns = np.mgrid[:60, :80]
picture = np.stack([4 * rows, 3 * columns, 2 * rows], axis=2).astype(np.uint8)
MorphologyExplorer(picture)"""
HASH = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Uint32Array(data.buffer).reduce((hash, value) => (hash * 31 + value) | 0, 0);
}"""


@pytest.fixture(scope="module")
def exported(tool, tmp_path_factory):
    """The page of a small notebook with two explorers."""
    place = tmp_path_factory.mktemp("export")
    cells = [
        nbformat.v4.new_markdown_cell(TEXT),
        nbformat.v4.new_code_cell(CODE),
        nbformat.v4.new_code_cell("NormalizationExplorer(picture)"),
        nbformat.v4.new_code_cell(
            "from cnnkit import plots\nplots.show([picture], ['all'], alt='A \"drawn\" picture.')"
        ),
        nbformat.v4.new_code_cell("import sys\n\nprint('a progress bar', file=sys.stderr)"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, place / "page.ipynb")
    before = dict(os.environ)
    try:
        ran = tool.execute(place / "page.ipynb", place)
    finally:
        os.environ.clear()
        os.environ.update(before)
    source = ROOT / "notebooks" / "99_page.ipynb"
    pages = {ROOT / "notebooks" / "01_flowers_images_and_channels.ipynb", ROOT / "docs" / "not_for_diagnosis.md"}
    page = place / "page.html"
    page.write_text(tool.to_page(ran, "A page", source, pages), encoding="utf-8")
    return page


def test_nothing_in_a_page_is_fetched_from_elsewhere(exported):
    text = exported.read_text(encoding="utf-8")
    text = re.sub(r'<a href="https://example.org".*?</a>', "", text)
    for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", text):
        assert not re.search(r"(?:src|href)=[\"'](?!data:)", tag), tag[:200]
    assert not re.search(r"@import|url\((?!['\"]?data:)", text)


def test_formulas_are_drawn_by_the_browser_itself(exported):
    text = exported.read_text(encoding="utf-8")
    assert len(re.findall(r"<math\b", text)) == 3
    assert "<code>$not$ a formula</code>" in text
    assert "<em>" not in text  # the stars are of the formulas


def test_links_lead_to_pages_or_nowhere(exported):
    text = exported.read_text(encoding="utf-8")
    assert '<a href="01_flowers_images_and_channels.html">a lesson</a>' in text
    assert '<a href="../docs/not_for_diagnosis.html">a page</a>' in text
    assert '<span title="../cnnkit/images.py, in a copy of the kit">code</span>' in text
    assert re.search(r'<img alt="A drawing of an effusion" src="data:image/svg\+xml;base64,', text)


def test_pictures_keep_their_words(exported):
    text = exported.read_text(encoding="utf-8")
    assert re.search(r"""<img alt=['"]A (?:"|&quot;)drawn(?:"|&quot;) picture\.['"] src=""", text)
    assert re.search(r'<noscript><img alt="Above 125 ', text)
    assert "No description" not in text


def test_progress_bars_are_left_out(exported):
    text = exported.read_text(encoding="utf-8")
    assert text.count("a progress bar") == 1  # in the code


def test_readme_and_every_linked_page_can_be_exported(tool):
    sources = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    for source in sources:
        page = tool.to_page(tool.as_notebook(source), "A page", source, set(sources))
        assert "cnnkit-models" not in page and "</html>" in page
    assert tool.page_of(ROOT / "README.md", Path("out")) == Path("out/index.html")
    assert tool.page_of(ROOT / "docs" / "glossary.md", Path("out")) == Path("out/docs/glossary.html")


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
@pytest.mark.timeout(400)
def test_the_slider_moves_the_pictures_with_the_network_off(exported):
    if not chromium():
        pytest.skip("needs Chromium (on Debian: apt-get install chromium)")
    with browser_page() as page:
        page.context.set_offline(True)
        troubles = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("requestfailed", lambda request: troubles.append(request.url[:100]))
        page.goto(exported.as_uri())
        players = page.locator(".cnnkit-player")
        players.nth(1).locator("canvas").first.wait_for()
        for number, (label, first, facts) in enumerate(
            [("Radius", "3", "radius 5"), ("Percentiles, lower end", "5", "of the values lie below")]
        ):
            player = players.nth(number)
            slider = player.get_by_role("slider", name=label, exact=True)
            canvases = player.locator("canvas").all()
            before = [canvas.evaluate(HASH) for canvas in canvases]
            assert slider.input_value() == first
            slider.focus()
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
            assert slider.input_value() == str(int(first) + 2)
            assert facts in player.locator(".cnnkit-facts").inner_text()
            assert [canvas.evaluate(HASH) for canvas in canvases] != before
            player.get_by_role("button", name="Reset").press("Enter")
            assert slider.input_value() == first
            assert [canvas.evaluate(HASH) for canvas in canvases] == before
        assert players.first.get_by_role("slider", name="Threshold").is_disabled()
        upper = players.nth(1).get_by_role("slider", name="Percentiles, upper end")
        upper.press("ArrowLeft")
        assert "Percentiles" in players.nth(1).inner_text() and upper.input_value() == "94"
        assert not troubles
        page.evaluate((AXE).read_text(encoding="utf-8"))
        found = page.evaluate("() => axe.run('.cnnkit-player', { resultTypes: ['violations'] })")
        assert not [each["id"] for each in found["violations"]]


AXE = Path(importlib.util.find_spec("axe_playwright_python").origin).with_name("axe.min.js")
