"""ThresholdExplorer: every number is that of the code view, and that of scikit-learn."""

import dataclasses
import json

import numpy as np
import pytest
import sklearn.metrics
from explorers import check_saved, moments, move_every_control

from cnnkit import evaluate
from cnnkit.explore.threshold import CASES, OWN_COSTS, ThresholdExplorer, ThresholdParameters

RNG = np.random.default_rng(0)


def scored(negatives, positives):
    """Return labels in no order, and scores that overlap."""
    y_true = RNG.permutation(np.repeat([0, 1], [negatives, positives]))
    return y_true, np.where(y_true == 1, RNG.beta(3, 2, len(y_true)), RNG.beta(2, 3, len(y_true)))


ROUNDED = scored(200, 60)[0], np.round(scored(200, 60)[1], 2)  # many scores equal to a threshold, and to each other
SETS = {
    "usual": scored(300, 70),
    "on the threshold": ROUNDED,
    "one of each": (np.array([1, 0]), np.array([0.3, 0.8])),
    "0 and 1 alone": (np.array([0, 1, 0, 1, 1]), np.array([0.0, 1.0, 1.0, 0.0, 1.0])),
    "all the same": (np.array([0, 1, 1]), np.full(3, 0.29)),
}


@pytest.fixture
def explorer():
    return ThresholdExplorer(*SETS["usual"], classes=("nofinding", "effusion"))


def random_parameters(seed):
    rng = np.random.default_rng(seed)
    return ThresholdParameters(
        case=str(rng.choice([*CASES, OWN_COSTS])),
        threshold=int(rng.choice([0, 29, 57, 100, *rng.integers(101, size=8)])),
        false_alarm=int(rng.integers(1, 51)),
        miss=int(rng.integers(1, 51)),
    )


def run(explorer, parameters):
    """Run the code view as a student would, and return what it made."""
    names = {"y_true": explorer.y_true, "scores": explorer.scores}
    code = explorer.code(parameters)
    assert "cnnkit" not in code
    exec(code, names)
    return names


def counts(table):
    return np.array([[int(cell.split()[0].replace(",", "")) for cell in row[1:]] for row in table.rows])


def test_the_code_view_computes_exactly_what_is_shown():
    """Two hundred random settings; no count and no digit may differ, and nothing is divided by 0."""
    explorers = [ThresholdExplorer(*given) for given in SETS.values()]
    with np.errstate(all="raise"):
        for seed in range(200):
            explorer, parameters = explorers[seed % len(explorers)], random_parameters(seed)
            names = run(explorer, parameters)
            pictures = explorer.render(parameters).pictures
            np.testing.assert_array_equal(names["confusion"], counts(pictures["confusion"]), err_msg=str(parameters))
            for row, name in zip(
                pictures["measures"].rows, ("precision", "recall", "specificity", "f1", "accuracy"), strict=True
            ):
                assert row[1] == ("none" if np.isnan(names[name]) else f"{names[name]:.3f}"), (parameters, name)
            assert names["cost"] == pictures["cost"].lines[2].y[0]
            assert f" = {names['cost']:,};" in explorer.render(parameters).facts


def test_what_is_shown_is_what_scikit_learn_gives():
    for given in SETS.values():
        explorer = ThresholdExplorer(*given)
        y_true, scores = given
        for threshold in (0, 17, 29, 57, 80, 100):
            names = run(explorer, ThresholdParameters(threshold=threshold))
            called = scores >= threshold / 100
            np.testing.assert_array_equal(names["confusion"], sklearn.metrics.confusion_matrix(y_true, called))
            precision = sklearn.metrics.precision_score(y_true, called, zero_division=np.nan)
            assert names["precision"] == pytest.approx(precision, nan_ok=True)
            assert names["recall"] == pytest.approx(sklearn.metrics.recall_score(y_true, called))
            assert names["specificity"] == pytest.approx(sklearn.metrics.recall_score(y_true, called, pos_label=0))
            assert names["f1"] == pytest.approx(sklearn.metrics.f1_score(y_true, called))
            assert names["accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(y_true, called))


@pytest.mark.parametrize("name", SETS)
def test_the_roc_curve_and_its_area_are_those_of_scikit_learn(name):
    explorer = ThresholdExplorer(*SETS[name])
    curve = explorer.render(explorer.parameters).pictures["roc"].lines[1]
    alarms, recall, _ = sklearn.metrics.roc_curve(*SETS[name], drop_intermediate=False)
    corners = set(zip(np.round(curve.x, 9), np.round(curve.y, 9), strict=True))
    assert corners <= set(zip(np.round(alarms, 9), np.round(recall, 9), strict=True))
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(sklearn.metrics.roc_auc_score(*SETS[name]))
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    assert f"area {sklearn.metrics.roc_auc_score(*SETS[name]):.2f}" in explorer.panels["roc"].title


def test_the_point_lies_on_the_curve_and_moves_down_it(explorer):
    last = (1, 1)
    for threshold in range(101):
        _, curve, _, point = explorer.render(ThresholdParameters(threshold=threshold)).pictures["roc"].lines
        x, y = point.x[0], point.y[0]
        steps = zip(zip(curve.x, curve.y, strict=True), zip(curve.x[1:], curve.y[1:], strict=True), strict=False)
        detours = [np.hypot(x - a, y - b) + np.hypot(c - x, d - y) - np.hypot(c - a, d - b) for (a, b), (c, d) in steps]
        assert min(detours) < 1e-9 and x <= last[0] and y <= last[1]
        last = (x, y)


def test_the_curve_of_many_pictures_is_thinned_out_and_still_right():
    y_true, scores = scored(20_000, 5_000)
    explorer = ThresholdExplorer(y_true, scores)
    curve = explorer.render(explorer.parameters).pictures["roc"].lines[1]
    assert len(curve.x) == 300
    alarms, recall, _ = sklearn.metrics.roc_curve(y_true, scores)
    np.testing.assert_allclose(np.interp(alarms, curve.x, curve.y), recall, atol=0.01)
    assert sum(map(len, explorer._frames.frames["buffers"])) < 2e6


def test_the_cheapest_threshold_is_cheapest_and_uses_want_opposite_ones(explorer):
    cheapest = {}
    for case, (false_alarm, miss) in CASES.items():
        explorer.parameters = ThresholdParameters(case, threshold=90)
        costs = explorer.render(explorer.parameters).pictures["cost"].lines[0].y
        for threshold in (0, 30, 61, 100):
            (_, fp), (fn, _) = run(explorer, ThresholdParameters(case, threshold))["confusion"]
            assert costs[threshold] == false_alarm * fp + miss * fn
        explorer.take_cheapest()
        cheapest[case] = explorer.parameters.threshold
        assert costs[cheapest[case]] == min(costs)
    equal, screening, operation = cheapest.values()
    assert screening < equal < operation


def test_own_costs_are_looked_at_in_their_case_alone(explorer):
    dear = ThresholdParameters(OWN_COSTS, 50, false_alarm=3, miss=40)
    (_, fp), (fn, _) = run(explorer, dear)["confusion"]
    assert explorer.render(dear).pictures["cost"].lines[2].y == [3 * fp + 40 * fn]
    equal = dataclasses.replace(dear, case=next(iter(CASES)))
    assert explorer.render(equal).pictures["cost"].lines[2].y == [fp + fn]


def test_the_facts_say_in_words_what_is_counted():
    explorer = ThresholdExplorer([0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.4, 0.9], classes=("healthy", "ill"))
    assert explorer.render(ThresholdParameters(threshold=50)).facts == (
        "Threshold 50 %. Called ill: 2 of 5, 1 of them rightly (precision 0.50); 1 of 2 ill found (recall 0.50);"
        " 1 false alarm among 3 (specificity 0.67). Cost: 1 × 1 false alarm + 1 × 1 miss = 2;"
        " the cheapest threshold is 21 %, with 1."
    )
    assert "Made-up" not in explorer.render(explorer.parameters).facts


def test_where_nothing_is_called_positive_there_is_no_precision():
    explorer = ThresholdExplorer([0, 1], [0.2, 0.6])
    rendering = explorer.render(ThresholdParameters(threshold=80))
    assert "No picture is called positive, so there is no precision; 0 of 1 positive found" in rendering.facts
    assert rendering.pictures["measures"].rows[0] == ("precision", "none", "0 / 0")
    assert np.isnan(run(explorer, ThresholdParameters(threshold=80))["precision"])


def test_it_takes_what_a_network_gives():
    y_true, scores = SETS["usual"]
    one_hot, probabilities = np.eye(2)[y_true], np.stack([1 - scores, scores], axis=1)
    plain, given = (ThresholdExplorer(*each) for each in ((y_true, scores), (one_hot, probabilities)))
    for threshold in (0, 42, 77, 100):
        parameters = ThresholdParameters(threshold=threshold)
        assert given.render(parameters).facts == plain.render(parameters).facts
        np.testing.assert_array_equal(run(given, parameters)["confusion"], run(plain, parameters)["confusion"])
        counted = evaluate.confusion_matrix(one_hot, probabilities, threshold / 100)
        np.testing.assert_array_equal(run(given, parameters)["confusion"], counted.array())


def test_each_class_is_shown_by_its_own_share_with_every_score_counted(explorer):
    negative, positive, line = explorer.render(ThresholdParameters(threshold=37)).pictures["scores"].lines
    assert np.sum(negative.y) == pytest.approx(2) and np.sum(positive.y) == pytest.approx(2)  # each bar has two ends
    assert line.x == (37, 37)


def test_without_scores_it_shows_some_that_it_calls_made_up():
    explorer = ThresholdExplorer()
    assert explorer.render(explorer.parameters).facts.startswith("Made-up scores.")
    assert "made up" in explorer.panels["scores"].title
    assert np.array_equal(ThresholdExplorer().scores, explorer.scores)
    assert 0.7 < sklearn.metrics.roc_auc_score(explorer.y_true, explorer.scores) < 0.95


def test_every_control_may_go_to_both_ends(explorer):
    move_every_control(explorer)
    assert explorer.parameters == ThresholdParameters()


def test_all_thresholds_are_sent_ahead(explorer):
    assert sorted(map(int, moments(explorer))) == list(range(101))
    names = [panel["name"] for panel in explorer._frames.panels]
    for threshold in (0, 50, 100):
        rendering = explorer.render(ThresholdParameters(threshold=threshold))
        sent = [explorer._frames.frames["buffers"][at] for at in moments(explorer)[str(threshold)]["pictures"]]
        table = json.loads(sent[names.index("confusion")])
        assert table["rows"] == [list(row) for row in rendering.pictures["confusion"].rows]
        assert json.loads(sent[names.index("scores")])["lines"][2]["x"] == [threshold, threshold]


def test_the_saved_notebook_keeps_a_picture_and_its_words(explorer):
    check_saved(explorer)


def test_bad_input_is_refused_in_one_line():
    for given, message in (
        (([0, 1], [0.2, 0.3, 0.4]), "2 labels and 3 scores"),
        (([], []), "there are no images"),
        (([1, 1], [0.2, 0.3]), "images of both classes, and all 2 are of class 1"),
        (([0, 1, 2], [0.2, 0.3, 0.4]), "y_true is 0 or 1 for each image, and there is 2"),
        (([0, 1, 1], [0.2, np.nan, np.nan]), "2 of 3 scores are NaN or infinite"),
        (([0, 1, 1], [0.2, 0.5, 1.5]), "probabilities from 0 to 1, and these go from 0.2 to 1.5"),
        (([0, 1, 1], [-0.1, 0.5, 1.0]), "these go from -0.1 to 1"),
        (([0, 1], None), r"scores are \(images,\)"),
        ((None, [0.2, 0.3]), r"y_true is \(images,\)"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            ThresholdExplorer(*given)
        assert "\n" not in str(error.value)
    for changes, message in (
        ({"threshold": 101}, "threshold is a whole number from 0 to 100, not 101"),
        ({"threshold": 0.5}, "threshold is a whole number from 0 to 100, not 0.5"),
        ({"miss": 0}, "miss is a whole number from 1 to 50, not 0"),
        ({"case": "war"}, "case is one of equal: .*; not 'war'"),
        ({"classes": "effusion"}, "classes are two names"),
        ({"classes": ("a", "b", "c")}, "classes are two names"),
    ):
        with pytest.raises(ValueError, match=message):
            ThresholdExplorer([0, 1], [0.2, 0.6], **changes)
