"""Every explorer in a real browser: its slider moves the page at once, its controls work by keyboard, nothing jumps."""

import base64
import dataclasses

import numpy as np
import pytest
from explorer_page import EXPLORERS, cell_of, make, wait_for_facts

import cnnkit.explore

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(400)]

# The whole of a canvas as one number, to see whether it changes.
HASH = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Uint32Array(data.buffer).reduce((hash, value) => (hash * 31 + value) | 0, 0);
}"""

# The bytes of a canvas as text: as a list of numbers they take Playwright some 90 times as long.
PIXELS = """async (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const reader = new FileReader();
    await new Promise((resolve) => {
        reader.onload = resolve;
        reader.readAsDataURL(new Blob([data]));
    });
    return reader.result.split(",")[1];
}"""


@pytest.fixture(params=EXPLORERS)
def explorer(request, page):
    """The cell of one explorer, and its twin in this process, which knows what should be shown."""
    cell, twin = cell_of(page, request.param), make(request.param)
    cell.get_by_role("button", name="Reset").click()
    wait_for_facts(cell, twin)
    return cell, twin


def press(page, twin, key="ArrowRight"):
    """Press an arrow key on the primary slider, here and in the twin."""
    page.keyboard.press(key)
    slider = twin._slider
    if isinstance(slider.value, tuple):
        twin._controls[twin.primary].value = (slider.value[0] + slider.step, slider.value[1])
    else:
        slider.value += slider.step


def test_the_slider_moves_the_page_at_once_and_nothing_jumps(page, explorer):
    cell, twin = explorer
    page.wait_for_timeout(500)  # the kernel has heard of the reset, and
    cell.locator(f'.cnnkit-frames[data-moments="{len(set(twin._primary_values()))}"]').wait_for()  # so are the frames
    handle = cell.locator(".widget-slider", has_text=twin._slider.description).locator(".noUi-handle").first
    handle.focus()
    canvases = cell.locator("canvas[data-panel]")
    before = [canvases.nth(at).evaluate(HASH) for at in range(canvases.count())]
    height = cell.bounding_box()["height"]
    for _ in range(4):
        press(page, twin)
        facts = twin.render(twin.parameters).facts
        assert cell.locator(".cnnkit-facts").inner_text() == facts  # at once: nothing was asked of the kernel
        assert cell.bounding_box()["height"] == height
    after = [canvases.nth(at).evaluate(HASH) for at in range(canvases.count())]
    assert before != after
    shown = [canvases.nth(at).get_attribute("data-panel") for at in range(canvases.count())]  # tables have none
    for at, name in enumerate(shown):
        if name in twin.panels and twin.panels[name].still:
            assert before[at] == after[at]


@pytest.mark.parametrize("explorer", [name for name, (_, label, _) in EXPLORERS.items() if label], indirect=True)
def test_another_control_asks_the_kernel_by_keyboard(page, explorer):
    cell, twin = explorer
    _, label, key = EXPLORERS[type(twin).__name__]
    control = cell.locator(".widget-inline-hbox", has_text=label).locator("select, .noUi-handle").first
    control.focus()
    page.keyboard.press(key)
    name = next(name for name, widget in twin._controls.items() if widget.description.startswith(label))
    widget = twin._controls[name]
    if hasattr(widget, "options"):
        values = [option[1] if isinstance(option, tuple) else option for option in widget.options]
        changed = values[values.index(widget.value) + 1]
    else:
        changed = widget.value + widget.step
    twin.parameters = dataclasses.replace(twin.parameters, **{name: changed})
    wait_for_facts(cell, twin)
    cell.get_by_role("button", name="Reset").click()
    twin.reset()
    wait_for_facts(cell, twin)


def test_pixels_arrive_as_they_are(page, explorer):
    cell, twin = explorer
    pictures = twin.render(twin.parameters).pictures
    for name, picture in pictures.items():
        pixels = picture.tones[picture.pixels] if hasattr(picture, "tones") else picture
        if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
            continue
        colors = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
        if name in twin.panels and twin.panels[name].palette:
            continue
        canvas = cell.locator(f'canvas[data-panel="{name}"]')
        data = np.frombuffer(base64.b64decode(canvas.evaluate(PIXELS)), np.uint8)
        np.testing.assert_array_equal(data.reshape(*colors.shape[:2], 4)[:, :, :3], colors, err_msg=name)


def test_every_panel_and_control_has_a_name(page, explorer):
    cell, twin = explorer
    named = cell.locator(".cnnkit-frames canvas, .cnnkit-frames table")
    assert named.count() == len(twin.panels)
    for at in range(named.count()):
        assert len(named.nth(at).get_attribute("aria-label")) > 15
    labels = cell.locator(".widget-label:visible, .widget-checkbox:visible").all_inner_texts()
    for widget in twin._controls.values():
        assert any(widget.description in label for label in labels), widget.description


@pytest.mark.parametrize("explorer", ["ReaderExplorer"], indirect=True)
def test_films_are_read_by_keyboard_alone(page, explorer):
    """Twelve answers by their keys, one changed on the way; the truth at the end, and no answer after it."""
    cell, twin = explorer
    count = page.locator(".jp-CodeCell").count()
    cell.locator(".widget-slider .noUi-handle").focus()
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.cnnkit-reader') !== null"):
            break
    answers = [6, 1, 3, 4, 2, 5, 1, 6, 4, 3, 2, 5]
    for film, answer in enumerate(answers[:11], 1):
        page.keyboard.press(str(answer))
        twin.parameters = dataclasses.replace(twin.parameters, film=film + 1, answers=padded(answers[:film]))
        wait_for_facts(cell, twin)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("1")  # and on to the only film without an answer
    answers[10] = 1
    twin.parameters = dataclasses.replace(twin.parameters, film=12, answers=padded(answers[:11]))
    wait_for_facts(cell, twin)
    assert "effusion" not in twin.render(twin.parameters).pictures["answers"].rows[3][2]
    assert cell.locator(".cnnkit-reader canvas").get_attribute("aria-label") == "Chest film 12 of 12"
    page.keyboard.press(str(answers[11]))
    twin.parameters = dataclasses.replace(twin.parameters, answers=padded(answers))
    wait_for_facts(cell, twin)
    for name in ("answers", "results"):
        cells = cell.locator(f'table[data-panel="{name}"] td').all_inner_texts()
        assert cells == [text for row in twin.render(twin.parameters).pictures[name].rows for text in row]
    page.keyboard.press("2")
    cell.locator(".cnnkit-reader button").last.click(force=True)
    page.wait_for_timeout(500)
    wait_for_facts(cell, twin)
    assert page.locator(".jp-CodeCell").count() == count  # or JupyterLab has made a heading of the cell


@pytest.mark.parametrize("explorer", ["ReaderExplorer"], indirect=True)
def test_films_are_read_by_buttons_and_a_held_key_is_one_answer(page, explorer):
    cell, twin = explorer
    buttons = cell.locator(".cnnkit-reader button")
    assert buttons.all_inner_texts()[3] == "4  perhaps effusion"
    buttons.nth(3).click()
    twin.parameters = dataclasses.replace(twin.parameters, film=2, answers=padded([4]))
    wait_for_facts(cell, twin)
    for _ in range(3):
        page.keyboard.down("5")
    page.keyboard.up("5")
    twin.parameters = dataclasses.replace(twin.parameters, film=3, answers=padded([4, 5]))
    wait_for_facts(cell, twin)
    page.keyboard.press("ArrowLeft")
    assert [button.get_attribute("aria-pressed") for button in buttons.all()] == [*["false"] * 4, "true", "false"]
    readout = cell.locator(".widget-slider .widget-readout")
    readout.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("11")  # a number that is typed is no answer
    page.keyboard.press("Enter")
    twin.parameters = dataclasses.replace(twin.parameters, film=11)
    wait_for_facts(cell, twin)


def padded(answers):
    return tuple(answers) + (0,) * (12 - len(answers))


def test_every_explorer_is_tried_here():
    assert set(cnnkit.explore.__all__) == set(EXPLORERS)
