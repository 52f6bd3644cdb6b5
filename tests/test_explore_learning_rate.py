"""LearningRateExplorer: the descent is the code view's to the last bit, and that of Keras's optimiser and callbacks."""

import cnnkit  # noqa: F401, I001  before Keras, so that TensorFlow starts quietly

import dataclasses
import json

import keras
import numpy as np
from explorers import check_saved, moments, move_every_control
import pytest

from cnnkit.callbacks import LearningRateDecay
from cnnkit.explore.learning_rate import (
    CONSTANT,
    DECAY,
    EPOCHS,
    EVERY,
    FACTORS,
    HIGHEST,
    LOWEST,
    MOMENTA,
    ON_PLATEAU,
    RATES,
    SCHEDULES,
    LearningRateExplorer,
    LearningRateParameters,
    descend,
    rate_limit,
)


@pytest.fixture
def explorer():
    return LearningRateExplorer()


def random_parameters(seed):
    rng = np.random.default_rng(seed)
    return LearningRateParameters(
        rate=int(rng.choice(RATES)),
        momentum=float(rng.choice(MOMENTA)),
        schedule=str(rng.choice(SCHEDULES)),
        factor=float(rng.choice(FACTORS)),
        every=int(rng.choice(EVERY)),
        epochs=int(rng.choice(EPOCHS)),
        noise=bool(rng.integers(2)),
    )


def logarithms(losses):
    return np.log10(np.maximum(losses[np.isfinite(losses)].astype(float), 10.0**LOWEST))


def test_the_code_view_computes_exactly_what_is_shown(explorer):
    """Two hundred random settings, run as a student would run them; no bit may differ, nor what becomes of it."""
    ends = set()
    for seed in range(200):
        parameters = random_parameters(seed)
        names = {}
        code = explorer.code(parameters)
        assert "cnnkit" not in code
        exec(code, names)
        descent, pictures = descend(parameters), explorer.render(parameters).pictures
        path, losses, rates = (np.array(names[name]) for name in ("path", "losses", "rates"))
        assert path.dtype == losses.dtype == np.float32
        for mine, theirs in ((path, descent.path), (losses, descent.losses), (rates, descent.rates)):
            np.testing.assert_array_equal(mine, theirs, err_msg=str(parameters))
        np.testing.assert_allclose(pictures["losses"].lines[-2].y, logarithms(losses), atol=1e-3)
        np.testing.assert_allclose(pictures["schedule"].lines[1].y, np.repeat(np.log10(rates), 2))
        for step, *weights, loss in pictures["numbers"].rows:
            np.testing.assert_allclose(np.array(weights, float), path[int(step)], rtol=6e-3, atol=1e-44)
            np.testing.assert_allclose(float(loss), losses[int(step)], rtol=6e-3)
        ends.add("nan" if np.isnan(losses[-1]) else "inf" if np.isinf(losses[-1]) else "number")
    assert ends == {"nan", "inf", "number"}


def test_what_goes_to_the_page_is_json(explorer):
    """JSON knows no NaN: what is not finite may not be among the points of a line."""
    for parameters in map(random_parameters, range(60)):
        for picture in explorer.render(parameters).pictures.values():
            for line in getattr(picture, "lines", ()):
                assert np.isfinite(np.asarray(line.x, float)).all() and np.isfinite(np.asarray(line.y, float)).all()
    explorer.parameters = LearningRateParameters(rate=100)

    def refuse(constant):
        raise AssertionError(constant)

    for buffer in explorer._frames.frames["buffers"]:
        json.loads(buffer, parse_constant=refuse)


@pytest.mark.parametrize("momentum", MOMENTA)
def test_a_step_is_that_of_keras(momentum):
    parameters = LearningRateParameters(rate=20, momentum=momentum, epochs=5)
    weights = keras.Variable(np.array([-8, 1], np.float32))
    optimizer = keras.optimizers.SGD(0.02, momentum)
    optimizer.build([weights])
    for expected in descend(parameters).path[1:20]:
        optimizer.apply([np.array([1, 40], np.float32) * keras.ops.convert_to_numpy(weights)], [weights])
        np.testing.assert_allclose(keras.ops.convert_to_numpy(weights), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("every", [1, 3])
def test_the_schedules_are_those_of_the_callbacks(every):
    for rate in (10, 45, 90):
        parameters = LearningRateParameters(rate, schedule=DECAY, factor=0.9, every=every, noise=True)
        rates = [LearningRateDecay(0.9, every).rate(rate / 1000, epoch) for epoch in range(parameters.epochs)]
        np.testing.assert_array_equal(descend(parameters).rates, rates)
        parameters = dataclasses.replace(parameters, schedule=ON_PLATEAU, factor=0.5)
        descent = descend(parameters)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(rate / 1000), "mse")
        callback = keras.callbacks.ReduceLROnPlateau("loss", 0.5, patience=every)
        callback.set_model(model)
        callback.on_train_begin()
        for epoch, expected in enumerate(descent.rates):
            assert float(model.optimizer.learning_rate) == pytest.approx(expected, rel=1e-5)
            callback.on_epoch_end(epoch, {"loss": float(descent.losses[10 * (epoch + 1)])})
    assert len(set(descent.rates)) > 1


@pytest.mark.parametrize("momentum", MOMENTA)
def test_above_the_limit_it_diverges_and_below_it_does_not(momentum):
    limit = 1000 * rate_limit(momentum)
    for rate in (1, 20, int(limit) - 3, int(limit) + 3, 120, 150):
        across = np.abs(descend(LearningRateParameters(rate, momentum, epochs=30)).path[:, 1])
        finite = across[np.isfinite(across)]
        assert (finite[-30:].max() > 100) == (rate > limit), rate
        assert (across[-1] < 1) == (rate < limit)


def test_the_facts_say_what_happens(explorer):
    for changes, words in (
        ({"rate": 1}, "below the limit of this valley, 0.05: across the valley it goes down to the bottom without"),
        ({"rate": 24}, "goes down to the bottom without passing it"),
        ({"rate": 26}, "goes past the bottom and comes back, each time less far"),
        ({"rate": 10, "momentum": 0.9}, "below the limit of this valley, 0.095: across the valley it goes past"),
        ({"rate": 50}, "at the limit of this valley, 0.05: across the valley it jumps from side to side for ever"),
        ({"rate": 75, "momentum": 0.5}, "at the limit of this valley, 0.075:"),
        ({"rate": 95, "momentum": 0.9}, "at the limit of this valley, 0.095:"),
        ({"rate": 51}, "above the limit of this valley, 0.05: each step across the valley lands farther up"),
        ({"rate": 100}, "In 32 bits the loss is infinite after 39 steps and NaN after 80."),
        ({"rate": 60}, "In 32 bits the loss is infinite after 127 steps."),
        ({"rate": 10}, "In 200 steps the loss goes from 52 to 0.574; along the valley weight 1 comes from -8 to -1.1."),
        ({"rate": 100, "schedule": DECAY}, "brings the rate down to 1.9e-07, below the limit from epoch 3 on."),
        ({"rate": 10, "schedule": DECAY, "every": 10}, "The schedule brings the rate down to 0.005. In"),
        ({"rate": 10}, "Of all rates here, 0.048 ends lowest."),
    ):
        assert words in explorer.render(LearningRateParameters(**changes)).facts


def test_at_the_limit_it_neither_nears_nor_leaves_and_three_facts_are_computed():
    np.testing.assert_array_equal(np.abs(descend(LearningRateParameters(50)).path[:, 1]), 1)
    losses = descend(LearningRateParameters(100)).losses
    assert np.isfinite(losses[38]) and np.isinf(losses[39]) and np.isinf(losses[79]) and np.isnan(losses[80])
    below, above = (descend(LearningRateParameters(rate)).path[1:, 1] for rate in (24, 26))
    assert (below >= 0).all() and (above[:10] * above[1:11] < 0).all()


def test_with_noise_a_falling_rate_ends_lower_and_without_it_does_not():
    """Why a high rate first, and a lower one later."""
    calm = {"schedule": DECAY, "factor": 0.5, "every": 5, "epochs": 30}
    for noise in (True, False):
        fixed = descend(LearningRateParameters(45, epochs=30, noise=noise)).losses[-50:].mean()
        falling = descend(LearningRateParameters(45, noise=noise, **calm)).losses[-50:].mean()
        assert (falling < fixed / 5) == noise


def test_the_sweep_is_the_last_loss_of_every_rate(explorer):
    parameters = LearningRateParameters(rate=30, epochs=10)
    limit, curve, broken, dot = explorer.render(parameters).pictures["sweep"].lines
    losses = np.array([descend(dataclasses.replace(parameters, rate=rate)).losses[-1] for rate in RATES])
    finite = np.isfinite(losses)
    assert curve.x == [rate for rate, fine in zip(RATES, finite, strict=True) if fine]
    assert broken.x == [rate for rate, fine in zip(RATES, finite, strict=True) if not fine] and 100 in broken.x
    np.testing.assert_allclose(curve.y, logarithms(losses), atol=1e-3)
    assert limit.x == (50, 50) and dot.x == [30] and dot.y == [curve.y[29]]
    diverged = explorer.render(dataclasses.replace(parameters, rate=140)).pictures
    assert diverged["sweep"].lines[-1].y == [HIGHEST] and len(diverged["losses"].lines[-1].x) == 1


def test_what_would_be_without_the_schedule_is_drawn_beside_it(explorer):
    parameters = LearningRateParameters(90, schedule=DECAY)
    dotted = explorer.render(parameters).pictures["losses"].lines[0]
    constant = explorer.render(dataclasses.replace(parameters, schedule=CONSTANT)).pictures["losses"]
    np.testing.assert_array_equal(dotted.y, constant.lines[0].y)
    assert dotted.style == "dotted" and len(constant.lines) == 2


def test_every_control_may_go_to_both_ends(explorer):
    move_every_control(explorer)
    assert explorer.parameters == LearningRateParameters()


def test_all_rates_are_sent_ahead(explorer):
    assert sorted(map(int, moments(explorer))) == list(RATES)
    at = [panel["name"] for panel in explorer._frames.panels].index("numbers")
    for rate in (1, 50, 150):
        rendering = explorer.render(LearningRateParameters(rate))
        moment = moments(explorer)[str(rate)]
        sent = json.loads(explorer._frames.frames["buffers"][moment["pictures"][at]])
        assert sent["rows"] == [list(row) for row in rendering.pictures["numbers"].rows]
        assert moment["facts"] == rendering.facts


def test_the_frames_are_few_bytes():
    explorer = LearningRateExplorer(epochs=30, schedule=ON_PLATEAU, momentum=0.9, noise=True)
    assert sum(map(len, explorer._frames.frames["buffers"])) < 3e6


def test_the_saved_notebook_keeps_a_picture_and_its_words(explorer):
    check_saved(explorer)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"rate": 0}, "rate is a whole number from 1 to 150, not 0"),
        ({"rate": 0.1}, "rate is a whole number from 1 to 150, not 0.1"),
        ({"momentum": 1.0}, "momentum is one of 0.0, 0.5, 0.9, not 1.0"),
        ({"schedule": "cosine"}, "schedule is one of constant, every n epochs, on a plateau, not 'cosine'"),
        ({"factor": 2}, "factor is one of 0.9, 0.5, 0.1, not 2"),
        ({"every": 0}, "every is a whole number from 1 to 10, not 0"),
        ({"epochs": 7}, "epochs is a whole number from 5 to 30 in steps of 5, not 7"),
        ({"noise": "much"}, "noise is one of False, True, not 'much'"),
    ],
)
def test_bad_input_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as error:
        LearningRateExplorer(**changes)
    assert "\n" not in str(error.value)
