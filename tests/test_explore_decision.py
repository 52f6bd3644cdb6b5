"""DecisionExplorer: masks and overlay are those of the code view, probabilities those of the network."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from explorers import check_saved, moments, move_every_control

from cnnkit import explain
from cnnkit.explore.decision import MAPS, PREDICTED, SHARES, DecisionExplorer, DecisionParameters
from cnnkit.normalize import min_max

RNG = np.random.default_rng(0)
COLORS = ("red", "green", "blue")


def color_network():
    """A network that we know: it answers with the colour of which there is most, and looks nowhere else."""
    inputs = keras.Input((24, 32, 3))
    x = keras.layers.Conv2D(3, 1, activation="relu", name="colors")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(3, activation="softmax", name="probabilities")(x)
    model = keras.Model(inputs, outputs)
    only = 1.5 * np.eye(3) - 0.5  # one colour less the others
    model.get_layer("colors").set_weights([only.reshape(1, 1, 3, 3), np.full(3, -0.2)])
    model.get_layer("probabilities").set_weights([120 * np.eye(3), np.zeros(3)])
    return model


def gray_network():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((21, 17, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(x)
    outputs = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, outputs)


def spot(color):
    """A dim picture with a bright spot of 6 by 8 pixels, a sixteenth of it, in one colour."""
    picture = RNG.integers(20, 60, (24, 32, 3), np.uint8)
    picture[4:10, 20:28, COLORS.index(color)] = 250
    return picture


BOTH = spot("red")
BOTH[15:21, 3:8, 2] = 250  # five eighths as much of blue
PICTURES = {
    "red spot": spot("red"),
    "blue spot": spot("blue"),
    "both": BOTH,
    "nothing": np.full((24, 32, 3), 40, np.uint8),
}
FILM = RNG.integers(0, 256, (21, 17), np.uint8)
SPOT = np.zeros((24, 32), bool)
SPOT[4:10, 20:28] = True


@pytest.fixture(scope="module")
def network():
    return color_network()


@pytest.fixture
def explorer(network):
    return DecisionExplorer(network, PICTURES, classes=COLORS)


def evidence(explorer, parameters):
    return explorer._evidence(parameters.picture, explorer._target(parameters))[parameters.map]


def random_parameters(seed, explorer):
    rng = np.random.default_rng(seed)
    return DecisionParameters(
        picture=str(rng.choice(list(explorer.pictures))),
        map=str(rng.choice(MAPS)),
        target=str(rng.choice([PREDICTED, *explorer.classes])),
        keep=int(rng.choice(SHARES)),
    )


def run(explorer, parameters):
    names = {"picture": explorer.pictures[parameters.picture], "heat": evidence(explorer, parameters).heat}
    code = explorer.code(parameters)
    assert "cnnkit" not in code
    exec(code, names)
    return names


def test_the_code_view_computes_what_is_shown(explorer):
    """Two hundred random settings, in colour and grey; the masks are exact, the colours of the overlay to 1/255."""
    explorers = [explorer, DecisionExplorer(gray_network(), FILM, min_max)]
    for seed in range(200):
        chosen = explorers[seed % 4 == 0]
        parameters = random_parameters(seed, chosen)
        names, shown = run(chosen, parameters), chosen.render(parameters).pictures
        np.testing.assert_array_equal(names["kept"], shown["kept"], err_msg=str(parameters))
        np.testing.assert_array_equal(names["removed"], shown["removed"], err_msg=str(parameters))
        assert names["overlay"].dtype == shown["overlay"].dtype == np.uint8
        np.testing.assert_allclose(names["overlay"].astype(int), shown["overlay"].astype(int), atol=1)


def test_the_curves_are_what_the_network_says_of_what_is_shown():
    network = gray_network()
    explorer = DecisionExplorer(network, {"film": FILM, "darker": FILM // 2}, min_max)
    for seed in range(12):
        parameters = random_parameters(seed, explorer)
        keep = run(explorer, parameters)["keep"]
        image = min_max(explorer.pictures[parameters.picture])
        target = explorer._target(parameters)
        pictures = explorer.render(parameters).pictures
        for name, masked in (
            ("kept", np.where(keep, image, image.mean())),
            ("removed", np.where(keep, image.mean(), image)),
        ):
            *curves, dot = pictures[f"{name}_curve"].lines
            said = float(network(masked[None, :, :, None])[0][target])
            assert (dot.x, dot.y) == ([parameters.keep], pytest.approx([said], abs=1e-5))
            for kind, curve in zip(MAPS, curves, strict=True):
                tested = evidence(explorer, dataclasses.replace(parameters, map=kind))
                np.testing.assert_array_equal(curve.y, getattr(tested, name))


def test_the_maps_are_those_of_the_package(explorer, network):
    image = PICTURES["both"] / np.float32(255)
    for number, name in enumerate(COLORS):
        heats = {
            "Grad-CAM": explain.grad_cam(network, image, number),
            "saliency": explain.saliency(network, image, number),
            MAPS[2]: explain.randomized_check(network, image, number).random_heat,
        }
        for kind, heat in heats.items():
            tested = evidence(explorer, DecisionParameters("both", kind, name))
            np.testing.assert_array_equal(tested.heat, heat)


def test_all_kept_is_the_picture_and_none_kept_its_mean_colour(explorer):
    for name, picture in PICTURES.items():
        everything = explorer.render(DecisionParameters(name, keep=100)).pictures
        nothing = explorer.render(DecisionParameters(name, keep=0)).pictures
        np.testing.assert_array_equal(everything["kept"], picture)
        np.testing.assert_array_equal(nothing["removed"], picture)
        assert (nothing["kept"] == picture.mean(axis=(0, 1)).round()).all()
        for kind in MAPS:
            tested = evidence(explorer, DecisionParameters(name, kind))
            assert tested.kept[-1] == pytest.approx(tested.removed[0]) and tested.kept[0] == tested.removed[-1]


@pytest.mark.parametrize("color", ["red", "blue"])
@pytest.mark.parametrize("kind", ["Grad-CAM", "saliency"])
def test_a_true_map_finds_the_spot_and_passes_the_test(explorer, color, kind):
    parameters = DecisionParameters(f"{color} spot", kind, keep=10)
    kept = (explorer.render(parameters).pictures["kept"] == PICTURES[f"{color} spot"]).all(axis=2)
    assert kept[SPOT].all()
    tested, at = evidence(explorer, parameters), SHARES.index(10)
    predicted = tested.kept[-1]
    assert predicted > 0.9 and tested.kept[at] > 0.9 > 0.5 > tested.removed[at]


def test_exactly_the_wanted_share_is_kept_even_where_the_map_is_flat(explorer):
    for name in PICTURES:
        for kind in MAPS:
            tested = evidence(explorer, DecisionParameters(name, kind))
            assert np.isfinite(tested.heat).all() and np.isfinite(tested.kept).all()
            assert np.array_equal(np.sort(tested.ranks.ravel()), np.arange(24 * 32))
            for keep in (0, 5, 45, 100):
                assert run(explorer, DecisionParameters(name, kind, keep=keep))["keep"].sum() == round(keep * 7.68)


def test_the_map_may_be_asked_about_any_class(explorer, network):
    why = {name: DecisionParameters("red spot", target=name) for name in (PREDICTED, *COLORS)}
    said = network(PICTURES["red spot"][None] / np.float32(255))[0]
    for number, name in enumerate(COLORS):
        assert evidence(explorer, why[name]).kept[-1] == pytest.approx(float(said[number]), abs=1e-5)
    np.testing.assert_array_equal(evidence(explorer, why[PREDICTED]).heat, evidence(explorer, why["red"]).heat)
    assert f"says red ({said[0]:.2f}); asked about blue ({said[2]:.2f})" in explorer.render(why["blue"]).facts
    assert "asked about" not in explorer.render(why["red"]).facts


def test_the_facts_tell_the_numbers_of_the_curves(explorer):
    parameters = DecisionParameters("blue spot", "saliency", keep=15)
    tested, facts = evidence(explorer, parameters), explorer.render(parameters).facts
    assert f"says blue ({tested.kept[-1]:.2f})" in facts
    told = f"{tested.kept[3]:.2f} with them alone, {tested.removed[3]:.2f} without them"
    assert f"most important 15 % of the pixels by saliency: {told}" in facts
    mean = (tested.kept[1:] + tested.kept[:-1]).mean() / 2
    assert f"over all shares: {mean:.2f} with them alone" in facts


def test_what_has_been_computed_is_not_computed_again(network, monkeypatch):
    passed = []
    ask = DecisionExplorer._probabilities
    monkeypatch.setattr(DecisionExplorer, "_probabilities", lambda self, x: passed.append(len(x)) or ask(self, x))
    explorer = DecisionExplorer(network, PICTURES, classes=COLORS)
    assert sum(passed) == len(PICTURES) + 126
    for kind in MAPS:
        explorer._controls["map"].value = kind
        explorer._controls["keep"].value = 50
    assert sum(passed) == len(PICTURES) + 126
    explorer._controls["picture"].value = "nothing"
    assert sum(passed) == len(PICTURES) + 2 * 126


def test_every_control_may_go_to_both_ends(explorer):
    move_every_control(explorer)
    assert explorer.parameters == DecisionParameters("red spot")


def test_all_shares_are_sent_ahead(explorer):
    assert sorted(map(int, moments(explorer))) == list(SHARES)
    names = [panel["name"] for panel in explorer._frames.panels]
    for keep in (0, 35, 100):
        rendering = explorer.render(dataclasses.replace(explorer.parameters, keep=keep))
        sent = [explorer._frames.frames["buffers"][at] for at in moments(explorer)[str(keep)]["pictures"]]
        assert sent[names.index("kept")] == rendering.pictures["kept"].tobytes()
        assert sent[names.index("removed")] == rendering.pictures["removed"].tobytes()
        assert json.loads(sent[names.index("kept_curve")])["lines"][3]["x"] == [keep]
    assert explorer._frames.stills["picture"] == PICTURES["red spot"].tobytes()


def test_picture_and_heat_are_those_that_are_shown(explorer):
    explorer.parameters = DecisionParameters("blue spot", "saliency", keep=10)
    names = {"picture": explorer.picture, "heat": explorer.heat}
    exec(explorer.code(explorer.parameters), names)
    np.testing.assert_array_equal(names["kept"], explorer.render(explorer.parameters).pictures["kept"])


def test_the_saved_notebook_keeps_a_picture_and_its_words(explorer):
    check_saved(explorer)


def test_bad_input_is_refused_in_one_line(network):
    one_output = keras.Sequential([keras.Input((24, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    for model, pictures, changes, message in (
        (network, np.zeros((24, 31, 3), np.uint8), {}, r"is \(24, 31, 3\) for the network, which takes \(24, 32, 3\)"),
        (network, np.zeros((24, 32), np.uint8), {}, r"is \(24, 32, 1\) for the network, .* to_gray"),
        (network, np.zeros((24, 32, 3)), {}, "must be uint8"),
        (network, {}, {}, "at least one picture"),
        (network, PICTURES, {"classes": ("red", "green")}, "has 3 classes, and the names are red, green"),
        (network, PICTURES, {"classes": ("red", "red", "blue")}, "has 3 classes, and the names"),
        (network, PICTURES, {"map": "tea leaves"}, "map is one of Grad-CAM; .*; not 'tea leaves'"),
        (network, PICTURES, {"keep": 7}, "keep goes from 0 to 100 in steps of 5, not 7"),
        (network, PICTURES, {"target": "cat"}, "target is one of what it predicts, class 0, .* not 'cat'"),
        (network, PICTURES, {"picture": "cat"}, "no picture 'cat', only red spot"),
        (keras.Sequential([keras.layers.Dense(2)]), PICTURES, {}, r"two classes or more, .* shape \(\)"),
        (one_output, PICTURES, {}, r"probability for each of two classes .* \(None, 1\)"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            DecisionExplorer(model, pictures, **changes)
        assert "\n" not in str(error.value)
