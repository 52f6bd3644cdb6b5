"""NormalizationExplorer: what is shown is what the code view computes, and what cnnkit.normalize gives."""

import asyncio
import dataclasses
import json

import numpy as np
import pytest
from explorers import check_saved, moments, move_every_control

from cnnkit import normalize
from cnnkit.explore import NormalizationExplorer
from cnnkit.explore.normalization import METHODS, NormalizationParameters

RNG = np.random.default_rng(0)
PICTURES = {
    "color": RNG.normal(120, 40, (45, 61, 3)).clip(0, 255).astype(np.uint8),
    "gray": RNG.integers(30, 200, (33, 27), dtype=np.uint8),
    "constant": np.full((20, 30), 7, np.uint8),
    "two values": np.repeat(np.array([[0, 255]], np.uint8), 13, axis=0).repeat((40, 3), axis=1),
}


@pytest.fixture
def explorer():
    return NormalizationExplorer(PICTURES)


def random_parameters(seed):
    rng = np.random.default_rng(seed)
    return NormalizationParameters(
        picture=str(rng.choice(list(PICTURES))),
        method=str(rng.choice(METHODS)) if seed % 2 else "percentile",
        percentiles=tuple(np.sort(rng.integers(0, 101, 2)).tolist()),
        clip=bool(rng.integers(2)),
    )


def shown(picture):
    return picture.tones[picture.pixels]


def tones(values):
    return np.rint(255 * np.clip(values, 0, 1))


def test_the_code_view_computes_exactly_what_is_shown(explorer):
    """Two hundred random settings, run as a student would run them; no pixel may differ."""
    with np.errstate(all="raise"):
        for seed in range(200):
            parameters = random_parameters(seed)
            names = {"picture": explorer.pictures[parameters.picture]}
            code = explorer.code(parameters)
            assert "cnnkit" not in code
            exec(code, names)
            pictures = explorer.render(parameters).pictures
            np.testing.assert_array_equal(tones(names["after"]), shown(pictures["after"]), err_msg=str(parameters))
            np.testing.assert_array_equal(tones(names["slip"]), shown(pictures["slip"]), err_msg=str(parameters))


@pytest.mark.parametrize("name", ["color", "gray", "constant", "two values"])
def test_what_is_shown_is_what_the_package_gives(explorer, name):
    ways = {
        "divide by 255": normalize.divide_by_255,
        "min-max": normalize.min_max,
        "percentile": lambda picture: normalize.percentile(picture, 20, 70),
        "standardize": normalize.standardize,
    }
    for method, way in ways.items():
        parameters = NormalizationParameters(name, method, (20, 70))
        after = explorer.render(parameters).pictures["after"]
        np.testing.assert_allclose(shown(after), tones(way(PICTURES[name])), atol=1)


def test_histograms_count_every_value_once(explorer):
    for seed in range(40):
        pictures = explorer.render(random_parameters(seed)).pictures
        for name in ("histogram", "histogram_after", "histogram_slip"):
            heights = np.asarray(pictures[name].lines[0].y)
            assert np.sum(heights**2) == pytest.approx(1)


def test_the_facts_tell_the_share_of_clipped_values():
    ramp = np.arange(100, dtype=np.uint8).reshape(10, 10)
    explorer = NormalizationExplorer(ramp, percentiles=(10, 80))
    facts = explorer.render(explorer.parameters).facts
    assert "9.9 becomes 0 and 79.2 becomes 1; 10.0% of the values lie below and 20.0% above, clipped" in facts
    unclipped = explorer.render(dataclasses.replace(explorer.parameters, clip=False)).facts
    assert "20.0% above, not clipped" in unclipped
    assert "Without the brackets the values still go from -0.1 to 98.9." in facts


def test_both_cut_points_stand_in_the_histogram(explorer):
    parameters = NormalizationParameters("gray", "percentile", (25, 75))
    low, high = np.percentile(PICTURES["gray"], [25, 75])
    _, first, second = explorer.render(parameters).pictures["histogram"].lines
    assert set(first.x) == {low} and set(second.x) == {high}


def test_every_place_to_which_one_handle_can_be_dragged_is_sent_ahead(explorer):
    assert set(moments(explorer)) == {f"{low},95" for low in range(96)} | {f"5,{high}" for high in range(5, 101)}
    rendering = explorer.render(dataclasses.replace(explorer.parameters, percentiles=(5, 60)))
    moment = moments(explorer)["5,60"]
    names = [panel["name"] for panel in explorer._frames.panels]
    sent = explorer._frames.frames["buffers"][moment["pictures"][names.index("after")]]
    assert sent == rendering.pictures["after"].tones.tobytes()
    assert explorer._frames.stills["after"] == PICTURES["color"].tobytes()
    chart = json.loads(explorer._frames.frames["buffers"][moment["pictures"][names.index("histogram")]])
    assert chart["lines"][2]["x"][0] == pytest.approx(rendering.pictures["histogram"].lines[2].x[0], abs=1e-4)
    assert moment["facts"] == rendering.facts


def test_when_one_handle_rests_the_other_may_be_dragged():
    async def drag():
        explorer = NormalizationExplorer(PICTURES["gray"])
        for low in range(6, 21):
            explorer._controls["percentiles"].value = (low, 95)
        assert "20,95" in moments(explorer) and "20,80" not in moments(explorer)
        await explorer._waiting
        assert {"20,80", "20,95", "0,95"} <= set(moments(explorer))
        explorer._controls["method"].value = "min-max"  # asks the kernel, which answers at once and fills up later
        assert set(moments(explorer)) == {"20,95"}
        explorer._controls["percentiles"].value = (20, 94)
        assert set(moments(explorer)) == {"20,94"}
        await explorer._waiting
        assert {"20,30", "20,95", "3,94"} <= set(moments(explorer))

    asyncio.run(drag())


def test_every_control_may_go_to_both_ends(explorer):
    move_every_control(explorer)
    assert explorer.parameters == NormalizationParameters("color")


def test_the_saved_notebook_keeps_a_picture_and_its_words(explorer):
    check_saved(explorer)


def test_bad_input_is_refused_in_one_line():
    with pytest.raises(ValueError, match="method is one of divide by 255, .*, not 'z-score'"):
        NormalizationExplorer(PICTURES, method="z-score")
    for wrong in ((95, 5), (-1, 5), (0, 101), 5, (1, 2, 3), ("a", "b")):
        with pytest.raises(ValueError, match="two whole numbers from 0 to 100, the lower first"):
            NormalizationExplorer(PICTURES, percentiles=wrong)
    with pytest.raises(ValueError, match="no picture 'cat', only color"):
        NormalizationExplorer(PICTURES, picture="cat")
