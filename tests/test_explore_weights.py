"""WeightsExplorer: loss and gradient are those of the kit's loss, the answers those of a search and of a descent."""

import json

import cnnkit  # noqa: F401  before Keras, so that TensorFlow starts quietly

import keras  # isort: skip
import numpy as np
import pytest
from explorers import check_saved, moments, move_every_control

from cnnkit.explore.weights import (
    CELLS,
    CHANCES,
    MATRICES,
    PREDICTED,
    WEIGHTS,
    WeightsExplorer,
    WeightsParameters,
    answers,
)
from cnnkit.losses import WeightedCategoricalCrossentropy

BISTABLE = ((9, 2), (3, 8))  # being right costs more than being wrong: both answers hold


@pytest.fixture(scope="module")
def explorer():
    return WeightsExplorer()


def random_parameters(seed):
    rng = np.random.default_rng(seed)
    return WeightsParameters(
        predicted=int(rng.choice([5, 49, 50, 51, 95, *rng.choice(PREDICTED, 8)])),
        chance=int(rng.choice([1, 20, 50, 99, *rng.choice(CHANCES, 8)])),
        **{cell: int(rng.choice([1, 20, *rng.choice(WEIGHTS, 4)])) for cell in CELLS},
    )


def run(explorer, parameters):
    """Run the code view as a student would, and return what it made."""
    names = {}
    code = explorer.code(parameters)
    assert "cnnkit" not in code
    exec(code, names)
    return names


def dots(chart, color=None):
    return [(line.x[0], line.y[0]) for line in chart.lines if line.style == "dots" and color in (None, line.color)]


def numbers(table):
    return {title: [float(cell) for cell in cells] for title, *cells in table.rows}


def kit_losses(matrix, predicted):
    """What the kit's loss gives a film without a finding and an effusion: float64 (2,)."""
    loss = WeightedCategoricalCrossentropy(matrix, reduction="none", dtype="float64")
    return keras.ops.convert_to_numpy(loss(np.eye(2), np.tile([1 - predicted, predicted], (2, 1))))


def logistic(logit):
    return 1 / (1 + np.exp(-logit))


def test_the_code_view_computes_exactly_what_is_shown(explorer):
    """Two hundred random settings, with both answers of each kind among them."""
    seen = set()
    for seed in range(200):
        parameters = random_parameters(seed)
        names, pictures = run(explorer, parameters), explorer.render(parameters).pictures
        shown = numbers(pictures["film"])
        called = ("nofinding", "effusion")[names["called"]]
        np.testing.assert_array_equal(shown[f"weight, called {called}"], names["weight"], err_msg=str(parameters))
        for title, name in (("cross-entropy", "entropy"), ("loss", "loss"), ("gradient", "gradient")):
            np.testing.assert_allclose(shown[title], names[name], atol=5.01e-4, err_msg=str(parameters))
        for chart, name in (("loss", "loss"), ("gradient", "gradient")):
            np.testing.assert_allclose(
                dots(pictures[chart]), [(parameters.predicted, value) for value in names[name]], atol=1e-9
            )
        least, here = dots(pictures["expected"])
        np.testing.assert_allclose(here, (parameters.predicted, names["expected"]))
        np.testing.assert_allclose(least, (100 * names["least"], names["cost"].min()))
        places = [100 * answer for answer in (*names["rests"], names["least"])]
        np.testing.assert_allclose(dots(pictures["answers"]), [(parameters.chance, place) for place in places])
        by = dict(pictures["decision"].rows)
        held = names["held_from"], names["held_to"]
        assert by["least loss: effusion above"] == f"{names['called_from']:.1f} %"
        assert (by["gradient: nofinding below"], by["gradient: effusion above"]) == tuple(
            f"{value:.1f} %" for value in sorted(held)
        )
        seen.add((names["side"], len(names["rests"]), by["in between"]))
    assert len(seen) >= 6


def test_the_loss_is_that_of_the_kit(explorer):
    for seed in range(40):
        parameters = random_parameters(seed)
        shown = dots(explorer.render(parameters).pictures["loss"])
        expected = kit_losses(parameters.matrix, parameters.predicted / 100)
        np.testing.assert_allclose([loss for _, loss in shown], expected, rtol=1e-6)


def test_the_gradient_is_the_slope_of_that_loss_along_the_logit(explorer):
    step = 1e-5
    for seed in range(40):
        parameters = random_parameters(seed)
        if parameters.predicted == 50:  # there is no slope at a jump
            continue
        logit = np.log(parameters.predicted / (100 - parameters.predicted))
        ahead, behind = (kit_losses(parameters.matrix, logistic(logit + side)) for side in (step, -step))
        shown = dots(explorer.render(parameters).pictures["gradient"])
        np.testing.assert_allclose([slope for _, slope in shown], (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-7)


def test_no_answer_costs_less_than_the_least():
    """A search through many probabilities, on both sides of the jump, finds the same loss."""
    places = np.concatenate([np.linspace(1e-4, 0.5, 2001), np.nextafter(0.5, 1) + np.linspace(0, 0.4999, 2001)])
    losses = -np.log([1 - places, places])
    called = (places > 0.5).astype(int)
    for seed in range(60):
        parameters = random_parameters(seed)
        weighted = np.array(parameters.matrix)[:, called] * losses
        expected = ((100 - parameters.chance) * weighted[0] + parameters.chance * weighted[1]) / 100
        found = answers(parameters.matrix, parameters.chance)
        assert found.cost == pytest.approx(expected.min(), rel=1e-3)
        assert found.cost <= expected.min() + 1e-12
        assert found.side == (found.least > 0.5) or found.least == 0.5


def descended(matrix, chance, logit):
    """Where gradient descent on the expected loss ends: long steps, then short ones."""
    weights = np.array(matrix, float)
    for step in [1.0] * 600 + [0.02] * 400:
        predicted = logistic(logit)
        now = weights[:, int(predicted > 0.5)]
        gradient = ((100 - chance) * now[0] * predicted + chance * now[1] * (predicted - 1)) / 100
        logit -= step / weights.max() * gradient
    return logistic(logit)


@pytest.mark.parametrize("matrix", [*MATRICES.values(), BISTABLE])
@pytest.mark.parametrize("chance", [8, 25, 45, 70])
def test_gradient_descent_comes_to_rest_where_it_is_said(matrix, chance):
    rests = answers(matrix, chance).rests
    ends = [descended(matrix, chance, start) for start in (-4.0, -0.3, 0.3, 4.0)]
    for end in ends:
        assert min(abs(end - rest) for rest in rests) < 0.01, (end, rests)
    for rest in rests:
        assert min(abs(end - rest) for end in ends) < 0.01, (ends, rest)


def test_the_decision_moves_once_and_where_it_is_said(explorer):
    for seed in range(60):
        parameters = random_parameters(seed)
        switch = run(explorer, parameters)["called_from"]
        sides = [answers(parameters.matrix, chance).side for chance in range(1, 100)]
        assert sides == [int(chance > switch + 1e-6) for chance in range(1, 100)], parameters


def test_what_the_named_matrices_do(explorer):
    """The plain loss leaves the decision at 50 %, class weights move it, and the course's errors only blur it."""
    tables = {}
    for name in MATRICES:
        explorer.take(name)
        assert explorer.parameters.matrix == MATRICES[name]
        tables[name] = dict(explorer.render(explorer.parameters).pictures["decision"].rows)
    explorer.reset()
    assert list(tables["Plain"].values()) == ["50.0 %", "50.0 %", "50.0 %", "nothing"]
    assert list(tables["Class weights"].values()) == ["9.1 %", "9.1 %", "9.1 %", "nothing"]
    assert list(tables["Course: errors 5"].values()) == ["50.0 %", "16.7 %", "83.3 %", "held at 50 %"]
    assert list(tables["Course, last run"].values()) == ["60.6 %", "9.1 %", "33.3 %", "held at 50 %"]
    for chance in (5, 30, 80):
        plain = answers(MATRICES["Plain"], chance)
        assert (plain.least, *plain.rests) == pytest.approx((chance / 100,) * 2)


def test_curves_jump_at_fifty_percent_by_the_weights_and_run_through_their_dots(explorer):
    for seed in range(30):
        parameters = random_parameters(seed)
        pictures, weights = explorer.render(parameters).pictures, np.array(parameters.matrix)
        for chart in ("loss", "gradient"):
            curves = [line for line in pictures[chart].lines if len(line.x) > 2]
            for actual in (0, 1):
                below, above = curves[2 * actual : 2 * actual + 2]
                assert below.x[-1] == above.x[0] == 50
                assert above.y[0] / below.y[-1] == pytest.approx(weights[actual, 1] / weights[actual, 0])
                x, y = dots(pictures[chart])[actual]
                curve = above if x > 50 else below
                assert np.interp(x, curve.x, curve.y) == pytest.approx(y, rel=0.02)
        for chart in ("loss", "gradient", "expected", "answers"):
            low, high = pictures[chart].y_range
            assert all(low <= y <= high for _, y in dots(pictures[chart])), (chart, parameters)


def test_the_facts_say_what_happens(explorer):
    facts = explorer.render(WeightsParameters()).facts
    assert "if it is an effusion the loss is 5 × 1.20 = 6.02, its gradient -3.50; if not, 1 × 0.36 = 0.36" in facts
    assert "at 50 % (nofinding), and gradient descent rests at 50 %." in facts
    assert facts.endswith("by gradient descent above 83 %; from 17 % up to there it is driven to 50 % from both sides.")
    (right, alarm), (miss, found) = BISTABLE
    both = explorer.render(WeightsParameters(50, 60, right, alarm, miss, found))
    assert "rests at 33 % or 86 %." in both.facts and "from 20 % up to there the start decides." in both.facts
    assert both.pictures["decision"].rows[-1] == ("in between", "the start decides")
    edge = explorer.render(WeightsParameters(50, 30, 1, 1, 10, 1)).facts
    assert "at just above 50 % (effusion)" in edge


def test_every_control_may_go_to_both_ends(explorer):
    move_every_control(explorer)
    assert explorer.parameters == WeightsParameters()


def test_all_probabilities_are_sent_ahead_as_json(explorer):
    assert sorted(map(int, moments(explorer))) == list(PREDICTED)
    for buffer in (*explorer._frames.frames["buffers"], *explorer._frames.stills.values()):
        json.loads(buffer, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_the_saved_notebook_keeps_a_picture_and_its_words(explorer):
    check_saved(explorer)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"predicted": 0}, "predicted is a whole number from 5 to 95, not 0"),
        ({"chance": 100}, "chance is a whole number from 1 to 99, not 100"),
        ({"miss": 0}, "miss is a whole number from 1 to 20, not 0"),
        ({"false_alarm": 2.5}, "false_alarm is a whole number from 1 to 20, not 2.5"),
    ],
)
def test_bad_input_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as error:
        WeightsExplorer(**changes)
    assert "\n" not in str(error.value)
