"""A real browser opens JupyterLab, runs lesson 02, moves the sliders by keyboard and looks at the pictures."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from lab import browser_page, chromium, jupyterlab, open_notebook, picture_of, run_all

from cnnkit.datasets import synthetic
from cnnkit.explore import MorphologyExplorer

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(400)]

# Where the README's picture goes: make picture
PICTURE = os.environ.get("CNNKIT_PICTURE")

COUNT_WHITE = """(canvas) => {
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let white = 0;
    for (let at = 0; at < data.length; at += 4) white += data[at] === 255;
    return white;
}"""


@pytest.fixture(scope="module")
def lesson(tmp_path_factory, whole_sets):
    """Lesson 02 in JupyterLab, run from top to bottom."""
    if not chromium():
        message = "needs Chromium (on Debian: apt-get install chromium)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    place = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", place / "notebooks")
    home = {"CNNKIT_DATA": str(whole_sets), "XDG_CACHE_HOME": str(place / "cache")}
    with jupyterlab(place / "notebooks", **home) as address, browser_page() as page:
        open_notebook(page, address, "02_flowers_morphology.ipynb")
        run_all(page)
        yield page


@pytest.fixture(scope="module")
def twin():
    """The same explorer here, to know what the page should show."""
    daisy, outline = synthetic.draw_daisy_in_grass(np.random.default_rng(0))
    return MorphologyExplorer(daisy, outline, operation="erosion", radius=0)


def explorer_cell(page):
    return page.locator(".jp-CodeCell", has=page.locator(".cnnkit-frames")).first


def slider(cell, label):
    return cell.locator(".widget-slider", has_text=label).filter(has_not_text="its").locator(".noUi-handle")


def white(cell, panel):
    return cell.locator(f'canvas[data-panel="{panel}"]').evaluate(COUNT_WHITE)


def expected(twin, **changes):
    rendering = twin.render(type(twin.parameters)(picture="picture", **{"radius": 0, **changes}))
    return int(rendering.pictures["result"].sum()), rendering.facts


def wait_for_facts(cell, facts):
    cell.locator(".cnnkit-facts", has_text=facts).wait_for(timeout=60_000)


def test_the_radius_moves_the_picture_in_the_page(lesson, twin):
    cell = explorer_cell(lesson)
    cell.scroll_into_view_if_needed()
    count, facts = expected(twin)
    wait_for_facts(cell, facts)
    assert white(cell, "result") == count
    height = cell.bounding_box()["height"]
    handle = slider(cell, "Radius")
    handle.focus()
    for radius in range(1, 9):
        lesson.keyboard.press("ArrowRight")
        count, facts = expected(twin, radius=radius)
        assert cell.locator(".cnnkit-facts").inner_text() == facts  # at once: nothing was asked of the kernel
        assert white(cell, "result") == count
        assert cell.bounding_box()["height"] == height
    if PICTURE:
        picture_of(lesson, cell.locator(".widget-vbox").first, Path(PICTURE))


def test_a_number_can_be_typed(lesson, twin):
    cell = explorer_cell(lesson)
    readout = cell.locator(".widget-slider", has_text="Radius").filter(has_not_text="its").locator(".widget-readout")
    readout.click()
    lesson.keyboard.press("Control+a")
    lesson.keyboard.type("25")
    lesson.keyboard.press("Enter")
    wait_for_facts(cell, expected(twin, radius=25)[1])
    assert white(cell, "result") == expected(twin, radius=25)[0]


def test_the_threshold_asks_the_kernel_and_then_the_radius_moves_again(lesson, twin):
    cell = explorer_cell(lesson)
    cell.get_by_role("button", name="Reset").click()
    wait_for_facts(cell, expected(twin)[1])
    slider(cell, "Threshold").focus()
    for _ in range(3):
        lesson.keyboard.press("ArrowRight")
    wait_for_facts(cell, expected(twin, threshold=128)[1])
    assert white(cell, "result") == expected(twin, threshold=128)[0]
    slider(cell, "Radius").focus()
    for radius in range(1, 4):  # the frames around are still being computed, so these too may come from the kernel
        lesson.keyboard.press("ArrowRight")
        wait_for_facts(cell, expected(twin, threshold=128, radius=radius)[1])
        assert white(cell, "result") == expected(twin, threshold=128, radius=radius)[0]


def test_the_code_can_be_opened_by_keyboard(lesson):
    cell = explorer_cell(lesson)
    code = cell.locator(".cnnkit-code pre")
    assert not code.is_visible()
    cell.locator(".cnnkit-code summary").focus()
    lesson.keyboard.press("Enter")
    code.wait_for(state="visible")
    assert "from skimage.morphology import disk, erosion" in code.inner_text()
    lesson.keyboard.press("Enter")
    assert not code.is_visible()


def test_every_canvas_says_what_it_shows(lesson):
    canvases = lesson.locator(".cnnkit-frames canvas")
    assert canvases.count() == 12  # six panels in each of the two explorers
    for at in range(canvases.count()):
        assert len(canvases.nth(at).get_attribute("aria-label")) > 15
