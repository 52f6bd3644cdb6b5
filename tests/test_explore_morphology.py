"""MorphologyExplorer: what is shown is what the code view computes, at every setting of every control."""

import dataclasses

import numpy as np
import pytest
import skimage.measure
import skimage.morphology
from explorers import move_every_control, shown_facts

from cnnkit.explore import MorphologyExplorer
from cnnkit.explore.morphology import CHANNELS, OPERATIONS, MorphologyParameters

RNG = np.random.default_rng(0)


def blotches(rows, columns, *channels):
    noise = RNG.random((rows, columns, *channels))
    return np.round(255 * skimage.filters.gaussian(noise, 2, channel_axis=-1 if channels else None)).astype(np.uint8)


PICTURES = {"color": blotches(45, 61, 3), "gray": blotches(33, 27), "black": np.zeros((20, 30), np.uint8)}


@pytest.fixture
def explorer():
    return MorphologyExplorer(PICTURES, threshold=127)


def random_parameters(seed):
    rng = np.random.default_rng(seed)
    return MorphologyParameters(
        picture=str(rng.choice(list(PICTURES))),
        channel=str(rng.choice(CHANNELS)),
        threshold=int(rng.integers(256)) if seed % 2 else int(rng.integers(100, 150)),
        operation=str(rng.choice(OPERATIONS)),
        radius=int(rng.integers(0, 41)) if seed % 4 == 0 else int(rng.integers(0, 6)),
        then=str(rng.choice(["nothing", *OPERATIONS])),
        then_radius=int(rng.integers(0, 4)),
    )


def test_the_code_view_computes_exactly_what_is_shown(explorer):
    """Two hundred random settings, run as a student would run them: with `picture` and nothing else."""
    for seed in range(200):
        parameters = random_parameters(seed)
        names = {"picture": explorer.pictures[parameters.picture]}
        code = explorer.code(parameters)
        assert "cnnkit" not in code
        exec(code, names)
        shown = explorer.render(parameters).pictures
        np.testing.assert_array_equal(names["binary"], shown["binary"], err_msg=str(parameters))
        np.testing.assert_array_equal(names["result"], shown["result"], err_msg=str(parameters))
        np.testing.assert_array_equal(names["added"], shown["change"] == 2)
        np.testing.assert_array_equal(names["removed"], shown["change"] == 3)


def test_every_control_may_go_to_both_ends(explorer):
    move_every_control(explorer)
    assert explorer.parameters == MorphologyParameters("color", threshold=127)


def test_all_radii_are_sent_ahead_and_each_is_the_right_picture(explorer):
    frames = explorer._frames
    moments = frames.frames["moments"]
    assert sorted(map(int, moments)) == list(range(41))
    names = [panel["name"] for panel in frames.panels]
    result = names.index("result")
    for radius in range(41):
        rendering = explorer.render(dataclasses.replace(explorer.parameters, radius=radius))
        data = frames.frames["buffers"][moments[str(radius)]["pictures"][result]]
        mask = rendering.pictures["result"]
        unpacked = np.unpackbits(np.frombuffer(data, np.uint8))[: mask.size].reshape(mask.shape)
        np.testing.assert_array_equal(unpacked, mask)
        assert moments[str(radius)]["facts"] == rendering.facts


def test_two_bit_and_colour_pictures_arrive_whole(explorer):
    frames = explorer._frames
    at = [panel["name"] for panel in frames.panels].index("change")
    moment = frames.frames["moments"]["3"]
    packed = np.frombuffer(frames.frames["buffers"][moment["pictures"][at]], np.uint8)
    change = explorer.render(explorer.parameters).pictures["change"]
    unpacked = (packed[:, None] >> np.array([6, 4, 2, 0])) & 3
    np.testing.assert_array_equal(unpacked.ravel()[: change.size].reshape(change.shape), change)
    assert frames.stills["original"] == PICTURES["color"].tobytes()


def test_facts_agree_with_scikit_image():
    rng = np.random.default_rng(4)
    mask = skimage.filters.gaussian(rng.random((60, 80)), 1.5) > 0.5
    explorer = MorphologyExplorer(mask.astype(np.uint8) * 255, operation="closing", radius=1)
    closed = skimage.morphology.closing(mask, skimage.morphology.disk(1))
    parts = skimage.measure.label(closed).max()
    holes = parts - skimage.measure.euler_number(closed, connectivity=2)
    facts = explorer.render(explorer.parameters).facts
    assert f"closing with radius 1: {closed.sum():,} white pixels" in facts
    assert f"in {parts} connected parts with {holes} hole" in facts
    assert f"{(closed & ~mask).sum():,} added, 0 removed" in facts


def test_the_overlap_is_told_where_the_truth_is_known():
    picture = np.zeros((40, 40), np.uint8)
    picture[10:30, 10:30] = 200
    explorer = MorphologyExplorer(picture, truth=picture > 0, radius=0)
    assert "Overlap with the true outline (IoU): 1.00." in explorer.render(explorer.parameters).facts
    eroded = dataclasses.replace(explorer.parameters, operation="erosion", radius=5)
    assert "(IoU): 0.25." in explorer.render(eroded).facts


def test_otsu_is_one_press_away(explorer):
    explorer.take_otsu()
    assert explorer.parameters.threshold == int(skimage.filters.threshold_otsu(PICTURES["color"][:, :, 0]))
    explorer.parameters = dataclasses.replace(explorer.parameters, picture="black")
    before = explorer.parameters
    explorer.take_otsu()  # a constant picture has none
    assert explorer.parameters == before
    assert "Otsu's threshold: none" in shown_facts(explorer)


def test_a_large_picture_is_scaled_to_what_can_be_dragged():
    explorer = MorphologyExplorer(blotches(1024, 700), truth=np.ones((1024, 700), bool))
    assert explorer.picture.shape == (512, 350)
    assert explorer.render(explorer.parameters).pictures["result"].shape == (512, 350)


def test_without_pictures_it_takes_some_of_the_kits_and_names_their_kind(drawn):
    explorer = MorphologyExplorer()
    assert list(explorer.pictures) == [
        "daisy 1 (synthetic)",
        "daisy 2 (synthetic)",
        "rose 1 (synthetic)",
        "rose 2 (synthetic)",
        "nofinding 1 (synthetic)",
        "effusion 1 (synthetic)",
    ]
    assert explorer.picture.shape == (40, 50)


def test_the_saved_notebook_keeps_a_picture_and_its_words(explorer):
    data, metadata = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert len(data["image/png"]) > 5000
    assert data["text/plain"] == metadata["image/png"]["alt"] == explorer.render(explorer.parameters).facts


def test_bad_input_is_refused_in_one_line():
    with pytest.raises(ValueError, match="at least one picture"):
        MorphologyExplorer({})
    with pytest.raises(ValueError, match=r"must be uint8 .* float64 \(4, 5\)"):
        MorphologyExplorer(np.zeros((4, 5)))
    with pytest.raises(ValueError, match="threshold is a whole number from 0 to 255, not 256"):
        MorphologyExplorer(PICTURES, threshold=256)
    with pytest.raises(ValueError, match="operation is one of erosion, .*, not 'ersoion'"):
        MorphologyExplorer(PICTURES, operation="ersoion")
    with pytest.raises(ValueError, match="no picture 'cat', only color, gray, black"):
        MorphologyExplorer(PICTURES, picture="cat")
    with pytest.raises(ValueError, match="must be a bool mask"):
        MorphologyExplorer(PICTURES, truth=np.zeros((45, 61)))
