"""The report of a final run: every number in it can be computed again from what the trainings have left."""

import json

import keras
import numpy as np
import pytest
from matplotlib import image as picture

from cnnkit import report
from cnnkit.evaluate import confusion_matrix, delong_test, roc_auc

SIDE = 8


def judged(rng, count, lift):
    labels = (np.arange(count) % 5 == 0).astype(int)
    scores = np.clip(rng.random(count) * 0.6 + lift * labels, 0, 1)
    names = [f"x/{number}.png" for number in range(count)]
    return {"names": names, "indices": list(range(count)), "labels": labels.tolist(), "scores": scores.tolist()}


def training(seed, *, threshold=0.5, lift=0.4, test=None, weights=((1, 1), (10, 10))):
    rng = np.random.default_rng(seed)
    history = [{"loss": 1.0, "val_auc": 0.6}, {"loss": 0.8, "val_auc": 0.7}]
    own = judged(rng, 40, lift)
    return {
        "weights": weights, "epochs": 2, "best_epoch": 2, "seconds": 1.5, "history": history, "trained_on": 100,
        "threshold": threshold, "validation": judged(rng, 30, lift), "test": test or own, "common": own,
    }  # fmt: skip


FACTS = {
    "name": "cxr", "preset": {"size": (8, 8), "augmentation": {"rotation": 7, "zoom": 0}}, "seed": 4,
    "classes": ["nofinding", "effusion"], "origin": "synthetic", "skipped": 3, "threshold": 0.45,
    "machine": {"devices": ["cpu:0"], "precision": "float32", "cores": 2, "system": "Linux", "python": "3",
                "keras": "3", "backend": "tensorflow", "cnnkit": "0"},
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures():
    inputs = keras.Input((SIDE, SIDE, 1))
    x = keras.layers.Conv2D(2, 3)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, "softmax")(keras.layers.Flatten()(x)))
    return lambda numbers: (model, np.random.default_rng(0).random((len(numbers), SIDE, SIDE, 1), np.float32))


def results():
    folds = {f"fold_{number}": training(number, threshold=0.4, test=judged(np.random.default_rng(9 + number), 20, 0.3))
             for number in (1, 2, 3)}  # fmt: skip
    return {"weighted": training(0), "unweighted": training(7, threshold=0.2, lift=0.2, weights=None), **folds}


def test_every_figure_can_be_computed_again(tmp_path, pictures):
    given = results()
    written = report.write(tmp_path, FACTS, given, pictures)
    assert written == json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail) | {
        "preset": FACTS["preset"], "trainings": written["trainings"]}  # fmt: skip
    test = given["weighted"]["test"]
    confusion = confusion_matrix(test["labels"], test["scores"], 0.5)
    assert written["test"]["auc"]["value"] == roc_auc(test["labels"], test["scores"]).value
    assert written["test"]["confusion"] == vars(confusion) and written["test"]["npv"] == confusion.npv
    plain = given["unweighted"]["test"]
    assert written["comparison"]["p_value"] == delong_test(test["labels"], test["scores"], plain["scores"]).p_value
    folds = [given[f"fold_{number}"] for number in (1, 2, 3)]
    pooled = [np.concatenate([fold["test"][key] for fold in folds]) for key in ("labels", "scores")]
    assert written["cross_validation"]["auc"]["value"] == roc_auc(*pooled).value
    mean = np.mean([each["common"]["scores"] for each in (given["weighted"], *folds)], axis=0)
    assert written["together"]["auc"]["value"] == roc_auc(test["labels"], mean).value
    assert written["together"]["confusion"] == vars(confusion_matrix(test["labels"], mean, 0.45))


def test_the_text_says_what_it_must(tmp_path, pictures):
    written = report.write(tmp_path, FACTS, results(), pictures)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "not for diagnosis" in text and "SYNTHETIC" in text and "3 pictures skipped" in text
    assert written["summary"] in text and "DeLong" in text and "cross-validated" in written["summary"]
    assert all(f"| {auc:.2f} | {words} |" in text for auc, words in report.COURSE)
    confusion = written["test"]["confusion"]
    assert f"| nofinding | {confusion['tn']} | {confusion['fp']} |" in text
    assert f"| effusion | {confusion['fn']} | {confusion['tp']} |" in text
    assert "rotation 7" in text and "zoom" not in text.split("augmentation")[1].split(";")[0].split("weights")[0]
    for name in ("roc.png", "maps.png"):
        assert f"]({name})" in text and picture.imread(tmp_path / name).shape[1] > 500
    assert not list(tmp_path.glob(".*"))


def test_a_run_without_weights_and_folds_says_less(tmp_path, pictures):
    written = report.write(tmp_path, {**FACTS, "name": "flowers"}, {"weighted": training(0, weights=None)}, pictures)
    assert [written[name] for name in ("unweighted", "comparison", "cross_validation", "together")] == [None] * 4
    assert written["course"] == []
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "DeLong" not in text and "course" not in text and "diagnosis" not in text


def test_a_threshold_that_nothing_reaches_and_one_effusion_are_no_error(tmp_path, pictures):
    lonely = {**judged(np.random.default_rng(0), 12, 0.3), "labels": [1] + [0] * 11}
    given = {name: training(0, threshold=np.inf, test=lonely) for name in ("weighted", "unweighted")}
    written = report.write(tmp_path, FACTS, given, pictures)
    assert written["test"]["threshold"] is None and written["test"]["precision"] is None
    assert written["test"]["sensitivity"] == 0 and written["comparison"] is None
    json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    assert "precision none" in (tmp_path / "report.md").read_text(encoding="utf-8")
