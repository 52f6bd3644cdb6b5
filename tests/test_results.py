"""What the package computes stays what it was, on pictures that are not square and in numbers; `make notebooks` asks.

A lesson shows a function on one picture and often a square one, an explorer where it begins, and of a training only
what no processor changes. Here the calls of relied_on.py are made, explorers say what they show with each control at
its ends and after each of their buttons, and exercises how they judge each known answer. Results are boiled down to a
few numbers: shapes, means, and means that weigh what comes later more, so that swapped axes count. They are compared
with results.json to a thousandth, as processors round differently. A wanted change is written down with

    python tests/test_results.py
"""

import dataclasses
import functools
import hashlib
import json
import math
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
from explorer_page import EXPLORERS, make
from explorers import _values, check_shown
from ipywidgets.widgets.widget_link import Link
from relied_on import every_call, open_figures

STORED = Path(__file__).with_name("results.json")
DEEPEST = 6
SAID = ("description", "tooltip", "options", "min", "max", "step", "value", "readout_format", "lines")


def boiled(value: object, depth: int = 0) -> list:
    """Return a few numbers and words that say what a result is."""
    if isinstance(value, bool | np.bool_ | int | np.integer | float | np.floating):
        return [float(value)]
    if isinstance(value, str):
        return [value]
    if isinstance(value, np.ndarray):
        return [f"{value.dtype} {value.shape}", *_means(value)]
    if depth > DEEPEST:
        return []
    if isinstance(value, list | tuple):
        return [part for each in value for part in boiled(each, depth + 1)]
    if isinstance(value, dict):
        return [part for key in sorted(value, key=str) for part in [str(key), *boiled(value[key], depth + 1)]]
    if dataclasses.is_dataclass(value):
        return boiled({name: getattr(value, name) for name in _attributes(value)}, depth)
    if hasattr(value, "count_params"):
        return [float(value.count_params()), str(value.output_shape), len(value.layers)]
    if hasattr(value, "labels") and hasattr(value, "paths"):
        return [[path.name for path in value.paths], *boiled(value.labels)]
    if hasattr(value, "status"):
        return [value.status, repr(value), str(value.message)]
    if hasattr(value, "history"):
        return boiled(value.history, depth)
    if hasattr(value, "shape") or hasattr(value, "numpy"):
        return boiled(np.asarray(value))
    return [type(value).__name__]


def _attributes(value: object) -> list[str]:
    """Return the names of a dataclass's fields and of what it computes of them."""
    properties = [name for name, member in vars(type(value)).items() if isinstance(member, property)]
    return [field.name for field in dataclasses.fields(value)] + [name for name in properties if name[0] != "_"]


def _means(array: np.ndarray) -> list[float]:
    """Return the mean, and one for each axis that weighs what comes later more."""
    array = np.nan_to_num(array.astype(float), posinf=1e6, neginf=-1e6)  # the first threshold of a curve is infinite
    found = [float(array.mean())] if array.size else []
    for axis in range(array.ndim) if array.size else ():
        weights = np.linspace(0, 1, array.shape[axis])
        found.append(float((np.moveaxis(array, axis, -1) * weights).mean()))
    return found


def results(place: Path) -> dict[str, list]:
    """Return what each call gives; a saved explorer's picture is compared elsewhere."""
    import keras

    found = {}
    for name, call in every_call(place).items():
        if not name.endswith((": saved", ": begin", ": frames")):
            keras.utils.set_random_seed(0)
            with open_figures() as figures:
                value = boiled(call())
            found[name] = json.loads(json.dumps([*value, *boiled(figures)]))
    for name in EXPLORERS:
        explorer = make(name)
        found |= built(explorer)
        if name != "ReaderExplorer":  # of which each answer has tests of its own
            found |= pressed(explorer) | ends(explorer)
    return found | answers()


def answers() -> dict[str, list]:
    """Return how each exercise judges its own answer, one that is nearly right, and each known mistake."""
    from test_exercises import NAMES, SOLUTIONS, load_key, shipped, verdict

    found = {}
    for assignment, name in NAMES:
        key = load_key(assignment, SOLUTIONS)
        right, judged = key.reference(name), {}
        for words, answer in {"right": right, "nearly right": _nearly(right), **key.bank(name)}.items():
            said = verdict(answer, name, shipped(assignment, name))
            judged[words] = [said.status, said.share, str(said.misconception)]
        found[f"exercise: {name}"] = boiled(judged)
    return found


def _nearly(right: object) -> object:
    """Return an answer that is off by three thousandths."""
    if callable(right):
        return functools.wraps(right)(lambda *given: _nearly(right(*given)))
    if isinstance(right, float | np.floating) or (isinstance(right, np.ndarray) and right.dtype.kind == "f"):
        return right * 1.003
    return right


def built(explorer) -> dict[str, list]:
    """Return of which widgets an explorer consists, what they say, what is linked to what, and what the page has."""
    widgets, seen = [explorer.widget], []
    while widgets:
        widget = widgets.pop(0)
        said = {name: str(getattr(widget, name, "")) for name in SAID if getattr(widget, name, "") not in ("", None)}
        seen.append(f"{type(widget).__name__} {said}")
        widgets += getattr(widget, "children", ())
    owned = {id(widget): name for name, widget in {**explorer._controls, "the pictures": explorer._frames}.items()}
    for link in _links():
        (source, name), (target, other) = link.source, link.target
        if id(source) in owned and id(target) in owned:
            seen.append(f"{owned[id(source)]}.{name} to {owned[id(target)]}.{other}")
    seen.append(", ".join(explorer._frames.frames["moments"]))  # which the page shows without asking
    return {f"{type(explorer).__name__}: built of": seen}


def _links() -> list:
    """Return all links between widgets that exist; ipywidgets itself has no public list."""
    return [widget for widget in ipywidgets.widgets.widget._instances.values() if isinstance(widget, Link)]


def pressed(explorer) -> dict[str, list]:
    """Return what each button does, from where it begins and from each control's last value."""
    begin = explorer.parameters
    last = {name: _values(control)[-1] for name, control in explorer._controls.items()}
    shown = []
    for others in ({}, last):
        for number, button in enumerate(_buttons(explorer.widget)):
            explorer.parameters = dataclasses.replace(begin, **others)
            button.click()
            check_shown(explorer)
            shown.append(f"{number}: {button.description}: {explorer.parameters}")
    explorer.parameters = begin
    return {f"{type(explorer).__name__}: buttons": shown}


def _buttons(widget) -> list:
    if isinstance(widget, ipywidgets.Button):
        return [widget]
    return [button for child in getattr(widget, "children", ()) for button in _buttons(child)]


def ends(explorer) -> dict[str, list]:
    """Return what an explorer shows with each control at each of its ends: words, pictures, and its code.

    The others are where they begin, and then at their last choice, since some do nothing before another is moved.
    """
    begin = {name: control.value for name, control in explorer._controls.items()}
    last = {name: _values(control)[-1] for name, control in explorer._controls.items() if hasattr(control, "options")}
    explorer._silent = True  # nobody looks, so no frames are needed
    found = {}
    for words, others in {"": begin, ", others last": begin | last}.items():
        for name, control in explorer._controls.items():
            for other, value in others.items():
                explorer._controls[other].value = value
            found[f"{type(explorer).__name__}: {name}{words}"] = shown = []
            for value in _values(control):
                control.value = value
                rendering = explorer.render(explorer.parameters)
                shown += [str(value), rendering.facts, _mark(explorer.code(explorer.parameters))]
                shown += [part for picture in rendering.pictures.values() for part in _seen(picture)]
    return found


def _mark(text: object) -> str:
    """Return eight letters that are others if the text is another."""
    return hashlib.sha256(str(text).encode()).hexdigest()[:8]


def _seen(picture: object) -> list:
    """Return a number or two of a panel's content, a picture, a chart or a table, and a mark of its words."""
    if hasattr(picture, "rows"):
        return [_mark(dataclasses.astuple(picture))]
    if hasattr(picture, "lines"):
        looks = [(line.color, line.style) for line in picture.lines]
        places = [
            (number + 1) * float(np.nanmean(np.asarray(values, float)))
            for number, values in enumerate(each for line in picture.lines for each in (line.x, line.y))
            if len(values)
        ]
        return [_mark((looks, picture.x_label, picture.y_label)), sum(places)]
    array = np.asarray(getattr(picture, "pixels", picture), float)
    slopes = [np.linspace(1, 2 + axis, size) for axis, size in enumerate(array.shape)]
    return [float((array * functools.reduce(np.multiply.outer, slopes)).mean()), str(array.shape)]


def alike(was: object, now: object) -> bool:
    """Return True if two numbers are as good as equal, or two words the same."""
    if isinstance(was, float | int) and isinstance(now, float | int):
        return math.isclose(was, now, rel_tol=1e-3, abs_tol=1e-4) or (math.isnan(was) and math.isnan(now))
    return was == now


KNOWN = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}


@pytest.fixture(scope="module")
def now(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnnkit.plots.display", lambda *_, **__: None)
        return results(tmp_path_factory.mktemp("results"))


@pytest.mark.notebooks
@pytest.mark.parametrize("name", KNOWN)
def test_it_gives_what_it_gave(now, name):
    assert len(now[name]) == len(KNOWN[name])
    for was, is_now in zip(KNOWN[name], now[name], strict=True):
        assert alike(was, is_now), f"was {was}, is {is_now}; if this is wanted: python tests/test_results.py"


if __name__ == "__main__":
    import tempfile

    import cnnkit.plots

    cnnkit.plots.display = lambda *_, **__: None
    with tempfile.TemporaryDirectory() as name:
        lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in results(Path(name)).items()]
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
