"""What the package computes stays what it was, on pictures that are not square and in numbers; `make notebooks` asks.

A lesson shows a function on one picture and often a square one, and an explorer where it begins. Here the functions of
test_speed.py are called, and explorers are asked what they show with each control at its ends. The results are boiled
down to a few numbers: shapes, means, and means that weigh what comes later more, so that swapped axes count. They are
compared with results.json to a thousandth, as processors round differently. A wanted change is written down with

    python tests/test_results.py
"""

import dataclasses
import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
from explorers import _values
from test_speed import PHOTO, calls

STORED = Path(__file__).with_name("results.json")
DEEPEST = 4


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
        return boiled({field.name: getattr(value, field.name) for field in dataclasses.fields(value)}, depth)
    if hasattr(value, "count_params"):
        return [float(value.count_params()), str(value.output_shape), len(value.layers)]
    if hasattr(value, "labels") and hasattr(value, "paths"):
        return [[path.name for path in value.paths], *boiled(value.labels)]
    if hasattr(value, "status"):
        return [value.status, repr(value), str(value.message)]
    if hasattr(value, "shape") or hasattr(value, "numpy"):
        return boiled(np.asarray(value))
    return [type(value).__name__]


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
    for name, call in calls(place).items():
        if not name.endswith((": saved", ": begin")):
            keras.utils.set_random_seed(0)
            found[name] = json.loads(json.dumps(boiled(call())))
    for explorer in explorers():
        found |= ends(explorer)
    return found


def explorers() -> list:
    """Return the explorers that need no network."""
    from cnnkit import explore

    with_pictures = (
        explore.MorphologyExplorer,
        explore.NormalizationExplorer,
        explore.AugmentationExplorer,
        explore.PoolingExplorer,
    )
    alone = (
        explore.ArchitectureExplorer,
        explore.AucCertaintyExplorer,
        explore.LearningRateExplorer,
        explore.PrevalenceExplorer,
        explore.WeightsExplorer,
    )
    return [
        *(each({"photo": PHOTO}) for each in (*with_pictures, explore.PoolingExplorer)),
        *(each() for each in alone),
    ]


def ends(explorer) -> dict[str, list]:
    """Return what an explorer shows with each control at each of its ends: its words, and a mark of its code."""
    found = {}
    explorer._silent = True  # nobody looks, so no frames are needed
    for name, control in explorer._controls.items():
        begin, shown = control.value, []
        for value in _values(control):
            control.value = value
            code = hashlib.sha256(explorer.code(explorer.parameters).encode()).hexdigest()[:8]
            shown += [str(value), explorer.render(explorer.parameters).facts, code]
        control.value = begin
        found[f"{type(explorer).__name__}: {name}"] = shown
    return found


def alike(was: object, now: object) -> bool:
    """Return True if two numbers are as good as equal, or two words the same."""
    if isinstance(was, float | int) and isinstance(now, float | int):
        return math.isclose(was, now, rel_tol=1e-3, abs_tol=1e-4)
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
