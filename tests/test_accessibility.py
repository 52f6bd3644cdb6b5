"""Every explorer for everyone: by keyboard alone, with names, without colour, and with nothing that axe objects to."""

import itertools
import os
from pathlib import Path

import axe_playwright_python
import numpy as np
import pytest
from explorer_page import EXPLORERS, cell_of, make, wait_for_facts
from lab import picture_of
from skimage.color import deltaE_ciede2000, rgb2lab

from cnnkit.explore import morphology
from cnnkit.explore.panels import Chart, Panel, Table, draw


def in_browser(test):
    """Mark a test that drives a browser, as test_browser.py marks all of its own."""
    for mark in (pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(400)):
        test = mark(test)
    return test


# How colours look to those who lack one of the three kinds of cones, in linear RGB. Source: G. M. Machado, M. M.
# Oliveira, L. A. F. Fernandes: A Physiologically-based Model for Simulation of Color Vision Deficiency. IEEE
# Transactions on Visualization and Computer Graphics 15 (2009), the supplement's matrices for severity 1.0.
EYES = {
    "common": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
# Differences of colour by CIEDE2000, in which about 2 is the least that is seen when two patches touch.
CLEAR, SEEN = 20, 10
# Lines on white below the 3:1 of WCAG 2.2 (1.4.11), and why they may be: the first is dashed and its values stand in
# the facts, the second belongs to lines of orientation (equal loss, guessing), without which all can be read.
PALE = {"#e69f00": 2.2, "#999999": 2.8}


def linear(color):
    values = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def seen(color, eyes):
    values = np.clip(np.asarray(EYES[eyes]) @ linear(color), 0, 1)
    return rgb2lab(np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055))


def difference(one, other):
    """The difference of two colours to the eyes to which they are most alike."""
    return min(float(deltaE_ciede2000(seen(one, eyes), seen(other, eyes))) for eyes in EYES)


def contrast(one, other="#ffffff"):
    """WCAG's ratio of two colours, 1 to 21."""
    light, dark = sorted((float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(scope="module", params=EXPLORERS)
def shown(request):
    """One explorer and what it shows at the beginning, by panel."""
    explorer = make(request.param)
    pictures = explorer.render(explorer.parameters).pictures
    return [(name, panel, pictures[name]) for name, panel in explorer.panels.items()]


def test_the_simulation_knows_a_famous_pair():
    assert difference("#00a000", "#a06a00") < SEEN  # told apart by red and green alone
    assert difference("#0072b2", "#e69f00") > CLEAR
    assert contrast("#000000") == pytest.approx(21) and contrast("#777777") == pytest.approx(4.48, abs=0.01)


def test_colors_of_one_chart_are_told_apart_or_drawn_in_another_style(shown):
    for name, _, chart in shown:
        if not isinstance(chart, Chart):
            continue
        styles = {}
        for line in chart.lines:
            styles.setdefault(line.color, set()).add(line.style)
        for one, other in itertools.combinations(styles, 2):
            apart = difference(one, other)
            differ = (styles[one] - {"dots"}) != (styles[other] - {"dots"})
            assert apart >= CLEAR or (apart >= SEEN and differ), (name, one, other, apart)


def test_colors_of_a_legend_are_told_apart_or_named_with_their_style(shown):
    words = ("solid", "dashed", "dotted", "dash-dot", "(dot")
    for name, panel, _ in shown:
        for (one, meaning), (other, meant) in itertools.combinations(panel.legend, 2):
            styles = [{word for word in words if word in text} for text in (meaning, meant)]
            apart = difference(one, other)
            assert apart >= CLEAR or (apart >= SEEN and styles[0] != styles[1]), (name, meaning, meant, apart)


def test_colors_of_a_picture_are_told_apart(shown):
    for name, panel, _ in shown:
        colors = [color for color in panel.palette if len({color[1:3], color[3:5], color[5:]}) > 1]  # but not tones
        for one, other in itertools.combinations(colors, 2):
            assert difference(one, other) >= CLEAR, (name, one, other)


def test_morphology_s_marks_differ_from_black_and_white_too():
    for color in (morphology.ADDED, morphology.REMOVED):
        assert min(difference(color, "#000000"), difference(color, "#ffffff")) >= CLEAR
    assert difference(morphology.ADDED, morphology.REMOVED) >= 2 * CLEAR


def test_lines_stand_out_from_their_ground(shown):
    for name, _, chart in shown:
        if isinstance(chart, Chart):
            for line in chart.lines:
                assert contrast(line.color) >= PALE.get(line.color, 3), (name, line.color, contrast(line.color))


def test_every_panel_says_in_words_what_it_shows(shown):
    alts = [panel.alt for _, panel, _ in shown]
    assert len(set(alts)) == len(alts)
    assert all(len(alt) > 15 and alt.endswith(".") for alt in alts)


def test_marked_rows_are_bold_in_a_saved_picture_too():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    draw(ax, Table(("part", "size"), (("stem", "1"), ("head", "2"), ("all", "3")), marked=(1,)), Panel("A", "A table."))
    (drawn,) = ax.tables
    weights = {key: cell.get_text().get_weight() for key, cell in drawn.get_celld().items()}
    assert [at for at in range(4) if weights[at, 0] == weights[at, 1] == "bold"] == [2]


PICTURES = os.environ.get("CNNKIT_PICTURES")  # where the README's pictures go: make picture
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
RUN_AXE = "(box) => axe.run(box, { resultTypes: ['violations'] })"
THEME = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
@in_browser
def test_axe_finds_nothing(page, theme):
    """In both of JupyterLab's themes; axe looks at names, roles and contrast among much else."""
    page.evaluate(AXE)
    page.evaluate(THEME, theme)
    page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
    page.wait_for_timeout(1000)  # its colours come a little later than its name
    for name in EXPLORERS:
        found = cell_of(page, name).locator(".widget-vbox").first.evaluate(RUN_AXE)
        said = [(each["id"], each["impact"], each["nodes"][0]["html"][:200]) for each in found["violations"]]
        assert not said, name
    if PICTURES and theme == "JupyterLab Light":
        for name in ("Architecture", "Prevalence"):
            box = cell_of(page, f"{name}Explorer").locator(".widget-vbox").first
            picture_of(page, box, Path(PICTURES, f"{name.lower()}_explorer.png"))


# What has the focus: whether it is the explorer's, what kind of control, its name, and the value that keys change.
FOCUS = """(cell) => {
    const it = document.activeElement;
    const beside = it.closest(".widget-inline-hbox")?.querySelector(".widget-label")?.textContent;
    const group = it.closest("fieldset")?.querySelector("legend")?.textContent ?? "";
    const own = it.closest("label")?.textContent ?? (beside || it.textContent);
    return {
        inside: cell.querySelector(".widget-vbox").contains(it),
        kind: it.matches("select, input, button, summary, pre") ? it.localName : it.getAttribute("role") ?? "none",
        name: group + (it.getAttribute("aria-label") ?? own),
        value: it.matches("input") ? it.checked : it.value ?? it.getAttribute("aria-valuetext"),
        choices: it.options?.length ?? 2,
    };
}"""


@pytest.mark.parametrize("name", EXPLORERS)
@in_browser
def test_every_control_is_reached_and_moved_by_keyboard_alone(page, name):
    cell, twin = cell_of(page, name), make(name)
    page.keyboard.press("Escape")
    cell.evaluate("(cell) => cell.focus()")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focus = cell.evaluate(FOCUS)
        if not focus["inside"]:
            if reached:
                break
            continue
        reached.append((focus["kind"], focus["name"].strip()))
        for there, back in KEYS.get(focus["kind"], ()):
            if focus["choices"] > 1:
                page.keyboard.press(there)
                if cell.evaluate(FOCUS)["value"] != focus["value"]:
                    page.keyboard.press(back)
                    break
        else:
            assert focus["kind"] not in KEYS or focus["choices"] == 1, f"{reached[-1]} cannot be moved"
        if reached[-1] == ("button", "Reset"):
            page.keyboard.press("Enter")
    else:
        pytest.fail("the keyboard does not come out of the explorer again")
    assert all(label for _, label in reached)
    names = [label for _, label in reached]
    for control in twin._controls.values():
        assert any(label.startswith(control.description) for label in names), control.description
    assert {("button", "Reset"), ("summary", "Show code")} <= set(reached)
    wait_for_facts(cell, twin)


# For each kind of control the keys that change it and change it back; of a slider at its end only one of the two does.
KEYS = {
    "slider": [("ArrowRight", "ArrowLeft"), ("ArrowLeft", "ArrowRight")],
    "select": [("ArrowDown", "ArrowUp"), ("ArrowUp", "ArrowDown")],
    "input": [("Space", "Space")],
}
