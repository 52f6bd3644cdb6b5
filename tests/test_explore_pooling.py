"""PoolingExplorer: features are those of the code view, and the change grows as a shift should make it."""

import dataclasses

import numpy as np
import pytest
from explorers import check_saved, move_every_control

from cnnkit.explore import PoolingExplorer
from cnnkit.explore.pooling import FILTERS, POOLINGS, STRONGEST, WINDOWS, PoolingParameters

RNG = np.random.default_rng(0)
PICTURES = {
    "color": RNG.integers(0, 256, (45, 71, 3), dtype=np.uint8),
    "gray": np.kron(RNG.integers(0, 256, (8, 12)), np.ones((5, 7))).astype(np.uint8),
    "constant": np.full((16, 32), 9, np.uint8),
}


@pytest.fixture
def explorer():
    return PoolingExplorer(PICTURES)


def random_parameters(seed):
    rng = np.random.default_rng(seed)
    return PoolingParameters(
        picture=str(rng.choice(list(PICTURES))),
        filter=str(rng.choice(list(FILTERS))),
        pooling=str(rng.choice(POOLINGS)),
        window=int(rng.choice(WINDOWS)),
        shift=int(rng.integers(17)),
    )


def tones(features):
    return np.rint(255 * np.sqrt(features / STRONGEST))


def test_the_code_view_computes_what_is_shown(explorer):
    """Two hundred random settings; averages may be rounded to either side, all else is exact."""
    for seed in range(200):
        parameters = random_parameters(seed)
        names = {"picture": explorer.pictures[parameters.picture]}
        code = explorer.code(parameters)
        assert "cnnkit" not in code
        exec(code, names)
        shown = explorer.render(parameters).pictures
        np.testing.assert_array_equal(names["view"], shown["shifted"])
        np.testing.assert_array_equal(tones(names["features"]), shown["features"])
        tolerance = 0 if parameters.pooling == "max" else 1
        np.testing.assert_allclose(tones(names["pooled"]), shown["pooled"], atol=tolerance)


def test_what_enters_at_the_left_is_the_rest_of_the_picture(explorer):
    for shift in (0, 5, 16):
        view = explorer.render(PoolingParameters("gray", shift=shift)).pictures["shifted"]
        np.testing.assert_array_equal(view, PICTURES["gray"][:32, 16 - shift : 16 - shift + view.shape[1]])


def change(explorer, **parameters):
    """Return the change at every shift for each window."""
    chart = explorer.render(PoolingParameters(**parameters)).pictures["change"]
    return dict(zip(WINDOWS, (np.asarray(line.y) for line in chart.lines[: len(WINDOWS)]), strict=True))


def test_without_a_shift_nothing_changes_and_mirroring_is_one(explorer):
    curves = change(explorer, picture="color")
    assert all(curve[0] == 0 and (curve[1:] > 0).all() for curve in curves.values())
    symmetric = np.concatenate([PICTURES["gray"], np.fliplr(PICTURES["gray"])], axis=1)
    assert max(change(PoolingExplorer(symmetric), picture="picture")[1]) < 5


def test_the_larger_the_window_the_less_a_small_shift_changes(explorer):
    """On a picture of blocks 7 pixels wide, with every filter that answers to a shift to the right."""
    for pooling in POOLINGS:
        curves = change(explorer, picture="gray", pooling=pooling)
        first = [curves[window][1] for window in WINDOWS]
        assert all(first[at] > first[at + 2] for at in range(len(first) - 2))
        assert first[0] > 2 * first[-1]


def test_a_constant_picture_has_no_features_and_no_change(explorer):
    rendering = explorer.render(PoolingParameters("constant", shift=3))
    assert not rendering.pictures["features"].any()
    assert "change by 0% without pooling" in rendering.facts


def test_the_facts_tell_the_change_at_the_present_shift(explorer):
    curves = change(explorer, picture="gray")
    rendering = explorer.render(PoolingParameters("gray", shift=1))
    assert rendering.facts.startswith(f"Shifted by 1 pixel, the features change by {curves[1][1]:.0%} without pooling")
    assert f"{curves[8][1]:.0%} with window 8" in rendering.facts
    dots = rendering.pictures["change"].lines[len(WINDOWS) :]
    assert [line.x for line in dots] == [[1]] * len(WINDOWS)


def test_every_control_may_go_to_both_ends(explorer):
    move_every_control(explorer)
    assert explorer.parameters == PoolingParameters("color")


def test_all_shifts_are_sent_ahead(explorer):
    moments = explorer._frames.frames["moments"]
    assert sorted(map(int, moments)) == list(range(17))
    at = [panel["name"] for panel in explorer._frames.panels].index("pooled")
    rendering = explorer.render(dataclasses.replace(explorer.parameters, shift=11))
    sent = explorer._frames.frames["buffers"][moments["11"]["pictures"][at]]
    assert sent == rendering.pictures["pooled"].tobytes()


def test_the_saved_notebook_keeps_a_picture_and_its_words(explorer):
    check_saved(explorer)


def test_bad_input_is_refused_in_one_line():
    with pytest.raises(ValueError, match="'picture' needs 16 rows and 32 columns at least, not 16×31"):
        PoolingExplorer(np.zeros((16, 31), np.uint8))
    with pytest.raises(ValueError, match="window is one of 1, 2, 4, 8, 16, not 3"):
        PoolingExplorer(PICTURES, window=3)
    with pytest.raises(ValueError, match="shift is a whole number from 0 to 16, not 17"):
        PoolingExplorer(PICTURES, shift=17)
    with pytest.raises(ValueError, match="no picture 'cat'"):
        PoolingExplorer(PICTURES, picture="cat")
