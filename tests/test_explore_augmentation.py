"""AugmentationExplorer: picture and matrix are those of the code view, to 1/255, and those of cnnkit.augment."""

import dataclasses

import numpy as np
import pytest
from explorers import check_saved, move_every_control
from scipy import ndimage

from cnnkit.augment import FILL_MODES, XRAY_WARNINGS, Transform
from cnnkit.explore import AugmentationExplorer
from cnnkit.explore.augmentation import ROTATION, SLIDERS, AugmentationParameters

RNG = np.random.default_rng(0)


def blotches(*shape):
    smooth = ndimage.gaussian_filter(RNG.random(shape), (2, 2, 0)[: len(shape)])
    return np.rint(255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


PICTURES = {
    "color": blotches(45, 61, 3),
    "gray": blotches(34, 27),
    "noise": RNG.integers(0, 256, (20, 30, 3), np.uint8),
}


@pytest.fixture
def explorer():
    return AugmentationExplorer(PICTURES)


def random_parameters(seed):
    """Return settings as the sliders give them; every other amount is at rest."""
    rng = np.random.default_rng(seed)
    low, high, step = ROTATION
    amounts = {
        name: low + step * int(rng.integers((high - low) / step + 1)) for name, (low, high, step) in SLIDERS.items()
    }
    amounts |= {"rotation": int(rng.choice(range(low, high + 1, step)))}
    amounts |= {name: bool(rng.integers(2)) for name in ("horizontal_flip", "vertical_flip")}
    return AugmentationParameters(
        picture=str(rng.choice(list(PICTURES))),
        fill_mode=str(rng.choice(FILL_MODES)),
        seed=int(rng.integers(100)),
        **{name: amount for name, amount in amounts.items() if rng.integers(2)},
    )


def test_the_code_view_computes_what_is_shown():
    """Two hundred random settings; interpolation may round to the other side, by 1 of 255."""
    explorer = AugmentationExplorer(PICTURES)
    for seed in range(200):
        parameters = random_parameters(seed)
        names = {"picture": explorer.pictures[parameters.picture]}
        code = explorer.code(parameters)
        assert "cnnkit" not in code
        exec(code, names)
        shown = explorer.render(parameters).pictures["after"]
        difference = np.abs(names["after"].astype(int) - shown)
        assert names["after"].dtype == np.uint8 and names["after"].shape == shown.shape
        assert difference.max() <= 1, (parameters, difference.max())
        matrix = parameters.transform.matrix(shown.shape)
        np.testing.assert_allclose(names["matrix"], matrix, atol=1e-9, err_msg=str(parameters))


def test_the_table_is_the_matrix_of_the_transform(explorer):
    parameters = AugmentationParameters("gray", rotation=30, width_shift=0.1, zoom=2.0)
    table = explorer.render(parameters).pictures["matrix"]
    entries = np.array([row[1:] for row in table.rows], float)
    matrix = Transform(rotation=30, width_shift=0.1, zoom=2.0).matrix((34, 27))
    np.testing.assert_allclose(entries[:, :3], matrix, atol=5e-4)
    np.testing.assert_allclose(entries[:, 3], [2.7, 0, 1], atol=5e-4)  # the centre moves by the shift alone
    assert not any("-0.000" in entry for row in table.rows for entry in row)


def test_at_rest_nothing_changes(explorer):
    rendering = explorer.render(AugmentationParameters("color", rotation=0))
    np.testing.assert_array_equal(rendering.pictures["after"], PICTURES["color"])
    assert rendering.facts.startswith("No change:") and "1.00 times as large" in rendering.facts


def test_the_draws_depend_on_the_seed_alone_and_stay_within_the_amounts(explorer):
    parameters = AugmentationParameters("color", rotation=40, horizontal_flip=True)
    first, again, other = (
        explorer.render(dataclasses.replace(parameters, seed=seed)).pictures["draws"] for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    still = explorer.render(AugmentationParameters("color", rotation=0)).pictures["draws"]
    tiles = still.reshape(2, still.shape[0] // 2, 4, still.shape[1] // 4, 3).swapaxes(1, 2)
    assert (tiles == tiles[0, 0]).all()
    ranges = parameters.augmentation.ranges
    assert ranges["rotation"] == (-40, 40) and ranges["zoom"] == (1, 1) and ranges["noise"] == (0, 0)
    assert AugmentationParameters("color", zoom=0.5).augmentation.ranges["zoom"] == (0.5, 1)


def test_for_films_it_says_in_words_what_is_wrong(explorer):
    film = AugmentationParameters("gray", kind="X-ray film", vertical_flip=True, horizontal_flip=True, crop=0.1)
    facts = explorer.render(film).facts
    assert all(reason in facts for reason in XRAY_WARNINGS.values())
    assert "heart on the wrong side" in facts
    assert "WARNING" not in explorer.render(dataclasses.replace(film, kind="photograph")).facts
    harmless = AugmentationParameters("gray", kind="X-ray film", rotation=10)
    assert "WARNING" not in explorer.render(harmless).facts


def test_every_control_may_go_to_both_ends(explorer):
    move_every_control(explorer)
    assert explorer.parameters == AugmentationParameters("color")


def test_there_is_a_control_for_every_amount():
    amounts = {field.name for field in dataclasses.fields(Transform)} - {"noise_seed"}
    assert amounts <= set(AugmentationExplorer(PICTURES)._controls)


def test_all_rotations_are_sent_ahead(explorer):
    moments = explorer._frames.frames["moments"]
    assert sorted(map(int, moments)) == list(range(-90, 91, 5))
    at = [panel["name"] for panel in explorer._frames.panels].index("after")
    for rotation in (-90, -35, 90):
        sent = explorer._frames.frames["buffers"][moments[str(rotation)]["pictures"][at]]
        assert sent == Transform(rotation=rotation).apply(PICTURES["color"]).tobytes()


def test_the_saved_notebook_keeps_a_picture_and_its_words(explorer):
    check_saved(explorer)


def test_bad_input_is_refused_in_one_line():
    for changes, message in (
        ({"rotation": 7}, "rotation goes from -90 to 90 in steps of 5, not 7"),
        ({"rotation": 95}, "rotation goes from"),
        ({"kind": "painting"}, "kind is one of photograph, X-ray film, not 'painting'"),
        ({"seed": 100}, "seed is a whole number from 0 to 99, not 100"),
        ({"zoom": 5}, "zoom is a number from 0.25 to 4.0, not 5"),
        ({"fill_mode": "mirror"}, "fill_mode is one of constant"),
        ({"horizontal_flip": "yes"}, "horizontal_flip is True or False"),
        ({"picture": "cat"}, "no picture 'cat'"),
    ):
        with pytest.raises(ValueError, match=message):
            AugmentationExplorer(PICTURES, **changes)
