"""What a lesson or a slider calls often stays fast; `make notebooks` asks that too.

In a lesson, a function that has become ten times as slow mostly hides behind what else its cell does. Here each is
called alone and measured in processor time against a fixed piece of work, so that slow or busy machines do not matter:
of several tries the quickest counts, and up to six times what is written down in speed.json is fast enough. That is
the smallest of some machines; `python tests/test_speed.py` writes down what is new, and of what is named behind it,
what it takes now.
"""

import dataclasses
import functools
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from explorer_page import EXPLORERS, make
from lesson_runs import reference
from relied_on import BATCH, FILM, LABELS, MASK, OTHERS, PHOTO, SCORES, folder, more_calls

pytestmark = pytest.mark.notebooks

STORED = Path(__file__).with_name("speed.json")
SLACK = 6
TRIES = 3
AGAIN = 4
LEAST = 0.01  # seconds; the clock of processor time is coarse


def calls(place) -> dict[str, Callable]:
    """What is measured, by name."""
    from cnnkit import evaluate, images, morphology, normalize, plots
    from cnnkit.augment import Augmentation, Transform
    from cnnkit.checks import check
    from cnnkit.datasets import ImageFolder
    from cnnkit.datasets.draw_flowers import draw_daisy_in_grass
    from cnnkit.explore import MorphologyExplorer, NormalizationExplorer, PoolingExplorer
    from cnnkit.generator import DataGenerator
    from cnnkit.losses import WeightedCategoricalCrossentropy
    from cnnkit.resnet import ResnetBuilder

    pictures = folder(place)
    # So small that no memory need be asked for, which takes now little time and now much.
    generator = DataGenerator(pictures, 4, size=(40, 48), crop=None)
    transform = Transform(rotation=20, zoom=1.2, brightness=0.1)
    explorers = {cls.__name__: cls(PHOTO) for cls in (MorphologyExplorer, NormalizationExplorer, PoolingExplorer)}
    loss, one_hot = WeightedCategoricalCrossentropy([[1, 5], [10, 10]]), np.eye(2)[LABELS.astype(int)]
    guessed = np.stack([1 - SCORES, SCORES], axis=1)
    found = {
        **{name: functools.partial(getattr(morphology, name), MASK, 10) for name in ("erosion", "dilation")},
        **{name: functools.partial(getattr(morphology, name), FILM, 10) for name in ("opening", "closing", "gradient")},
        "otsu": lambda: morphology.otsu(FILM),
        **{name: functools.partial(getattr(normalize, name), PHOTO) for name in normalize.__all__},
        "to_gray": lambda: images.to_gray(PHOTO),
        "crop_center": lambda: images.crop_center(PHOTO, (100, 140)),
        "resize": lambda: images.resize(PHOTO, (64, 96)),
        "read_image": lambda: images.read_image(pictures.paths[0]),
        "transform": lambda: transform.matrix((240, 320)),
        "threshold": lambda: morphology.threshold(FILM, 125),
        "disk": lambda: morphology.disk(7),
        "drawn": lambda: Augmentation.chest_xray().draw(np.random.default_rng(0)),
        "split": lambda: pictures.split(validation=0.2, seed=0),
        "folder opened again": lambda: ImageFolder(place / "flowers"),
        "apply": lambda: transform.apply(PHOTO),
        "augmentation": lambda: Augmentation.flowers()(BATCH, 0),
        "generator": lambda: DataGenerator(pictures, size=(64, 80), crop=None),
        "batch": lambda: generator[0],
        "generator's defaults": lambda: str(DataGenerator(pictures)).partition(": ")[2],
        "loss": lambda: loss(one_hot, guessed),
        "resnet": lambda: ResnetBuilder.build_resnet_18((3, 64, 64), 2, width=8),
        "roc_auc": lambda: evaluate.roc_auc(LABELS, SCORES),
        "roc_curve": lambda: evaluate.roc_curve(LABELS, SCORES),
        "confusion_matrix": lambda: evaluate.confusion_matrix(LABELS, SCORES),
        "delong_test": lambda: evaluate.delong_test(LABELS, SCORES, OTHERS),
        "calibration_curve": lambda: evaluate.calibration_curve(LABELS, SCORES),
        "daisy": lambda: draw_daisy_in_grass(np.random.default_rng(0)),
        "check": lambda: check("flip_twice", lambda image: image[::-1, ::-1]),
        "show": lambda: plots.show([PHOTO, FILM], ["a", "b"], alt="two pictures"),
    }
    for name, explorer in explorers.items():
        found[f"{name}: render"] = functools.partial(explorer.render, explorer.parameters)
        found[f"{name}: begin"] = functools.partial(type(explorer), PHOTO)
        found[f"{name}: saved"] = explorer._repr_mimebundle_
    for name in set(EXPLORERS) - set(explorers) - {"ReaderExplorer"}:
        found[f"{name}: frames"] = functools.partial(frames, make(name))
    return found


def frames(explorer) -> list:
    """Return all that its main slider shows, as is computed when another control is moved."""
    at = [{explorer.primary: value} for value in explorer._primary_values()]
    return [explorer.render(dataclasses.replace(explorer.parameters, **each)) for each in at]


def multiples(call: Callable, pace: float) -> float:
    """Return how many times as long as the reference a call takes."""
    begin = time.process_time()
    call()  # what is made once is not counted
    long = time.process_time() - begin > 20 * LEAST
    best, count = np.inf, 1
    for _ in range(1 if long else TRIES):
        while True:
            begin = time.process_time()
            for _ in range(count):
                call()
            taken = time.process_time() - begin
            if taken >= LEAST:
                break
            count *= 4
        best = min(best, taken / count)
    return best / pace


def measured(place) -> dict[str, float]:
    """Return the multiples of all calls; the pace is the quickest of three, as theirs are."""
    import cnnkit.plots

    cnnkit.plots.display = lambda *_, **__: None
    found = {}
    every = calls(place) | more_calls(place)
    # What seems slow is measured again: perhaps it was the machine, which others use as well.
    for _ in range(AGAIN):
        slow = [
            name for name in every if found.get(name, np.inf) > SLACK * KNOWN.get(name, np.inf) or name not in found
        ]
        pace = min(reference() for _ in range(3))
        found |= {name: min(multiples(every[name], pace), found.get(name, np.inf)) for name in slow}
    return found


KNOWN = json.loads(STORED.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def now(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnnkit.plots.display", lambda *_, **__: None)
        patch.setattr("sys.stdout", io.StringIO())
        return measured(tmp_path_factory.mktemp("speed"))


@pytest.mark.parametrize("name", KNOWN)
def test_it_is_not_much_slower_than_it_was(now, name):
    assert now[name] <= SLACK * KNOWN[name], f"{name} takes {now[name] / KNOWN[name]:.1f} times as long as before"


if __name__ == "__main__":
    import contextlib
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(None):
        found = measured(Path(name))
    # A quick machine and a slow one differ by up to three: the smaller is kept, unless a call is named.
    best = {name: now if name in sys.argv else min(now, KNOWN.get(name, now)) for name, now in found.items()}
    lines = [f"{json.dumps(name)}: {multiple:.2g}" for name, multiple in best.items()]
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
