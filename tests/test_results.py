"""What the package computes stays what it was, on pictures that are not square and in numbers; `make notebooks` asks.

A lesson shows a function on one picture and often a square one, an explorer where it begins, and of a training only
what no processor changes. Here the functions of test_speed.py are called and what a final run is made of, explorers
say what they show with each control at its ends, and exercises how they judge each known answer. Results are boiled
down to a few numbers: shapes, means, and means that weigh what comes later more, so that swapped axes count. They are
compared with results.json to a thousandth, as processors round differently. A wanted change is written down with

    python tests/test_results.py
"""

import base64
import dataclasses
import functools
import hashlib
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from explorer_page import EXPLORERS, make
from explorers import _values
from PIL import Image
from test_speed import BATCH, FILM, LABELS, PHOTO, calls, folder

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
    for name, call in (calls(place) | more_calls(place)).items():
        if not name.endswith((": saved", ": begin", ": frames")):
            keras.utils.set_random_seed(0)
            found[name] = json.loads(json.dumps(boiled(call())))
    for explorer in [make(name) for name in EXPLORERS if name != "ReaderExplorer"]:
        found |= ends(explorer)
    return found | answers()


def more_calls(place: Path) -> dict[str, Callable]:
    """Return what later lessons and final runs call, by name; how long it takes is not asked."""
    import keras
    from test_report import FACTS, SIDE
    from test_report import results as trainings

    from cnnkit import diagnose, explain, feed, losses, normalize, plots, report, training
    from cnnkit.augment import Augmentation
    from cnnkit.callbacks import LearningRateDecay
    from cnnkit.generator import DataGenerator

    inputs = keras.Input(BATCH.shape[1:])
    x = keras.layers.Conv2D(3, 5, strides=2, activation="relu", name="map")(inputs)
    x = keras.layers.Dense(2, activation="softmax", name="last")(keras.layers.Flatten()(x))
    model = keras.Model(inputs, x)
    model.set_weights([np.cos(np.arange(weight.size)).reshape(weight.shape) for weight in model.get_weights()])
    small = keras.Sequential([keras.Input((SIDE, SIDE, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten()])
    small.add(keras.layers.Dense(2, activation="softmax"))
    preset = training.PRESETS["cxr"]["smoke"]
    film = place / "film.png"
    Image.fromarray(FILM).save(film)
    augmented = DataGenerator(
        folder(place), size=(64, 80), crop=None, batch_size=8, augment=Augmentation(rotation=40), seed=0
    )

    def epochs() -> list:
        found = [augmented[0]]
        augmented.on_epoch_end()
        return [*found, augmented[0]]

    def pictures_shown() -> list[np.ndarray]:
        kept, before = [], plots.display
        plots.display = lambda data, **_: kept.append(
            np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))))
        )
        try:
            plots.show([PHOTO, FILM, FILM / 510, FILM > 100], list("abcd"), alt="four pictures", columns=3)
        finally:
            plots.display = before
        return kept

    numbers = np.arange(len(BATCH)) % 2
    model.compile("adam", "sparse_categorical_crossentropy")

    def written() -> list[str]:
        report.write(place, FACTS, trainings(), lambda numbers: (small, np.zeros((len(numbers), SIDE, SIDE, 1))))
        return (place / "report.md").read_text(encoding="utf-8").splitlines()

    return {
        "saliency": lambda: explain.saliency(model, BATCH[0], 1),
        "grad_cam": lambda: explain.grad_cam(model, BATCH[0], 1, "map"),
        "overlay": lambda: explain.overlay(PHOTO, np.linspace(0, 1, FILM.size).reshape(FILM.shape)),
        "two epochs of a generator": epochs,
        "a batch of films": lambda: DataGenerator(
            folder(place), size=(64, 80), crop=None, channels=1, normalize=normalize.min_max, batch_size=8, seed=0
        )[0],
        "balanced weights": lambda: losses.balanced_weights(LABELS.astype(int)),
        "pictures shown": pictures_shown,
        "duplicates": lambda: repr(diagnose.find_duplicates((BATCH, numbers), (BATCH[::3] * 0.9, numbers[::3]))),
        "labels checked": lambda: repr(diagnose.check_labels((BATCH, numbers), (BATCH[::-1], numbers))),
        "a batch looked at": lambda: diagnose.look_at_batch((BATCH, numbers)),
        "predictions": lambda: diagnose.prediction_histogram(model, (BATCH, numbers)),
        "gradients": lambda: diagnose.gradient_norms(model, (BATCH, numbers)),
        "decay": lambda: [LearningRateDecay(0.5, 3).rate(1.0, epoch) for epoch in range(8)],
        "a preset's rates": lambda: [preset.rate(epoch) for epoch in range(preset.epochs)],
        "presets": lambda: [f"{name}: {each}" for name, sizes in training.PRESETS.items() for each in sizes.items()],
        "a preset's network": lambda: _settings(training.build(preset)),
        "a film prepared": lambda: feed.prepared(film, preset),
        "films shifted": lambda: feed.shifted(BATCH, 3),
        "a report": written,
    }


def _settings(model) -> list:
    """Return what a network's layers and its optimiser have been told."""
    told = {
        "momentum",
        "epsilon",
        "strides",
        "kernel_size",
        "filters",
        "units",
        "activation",
        "padding",
        "learning_rate",
    }
    configs = [layer.get_config() for layer in model.layers] + [model.optimizer.get_config()]
    return [f"{key}={config[key]}" for config in configs for key in sorted(told & set(config))]


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
