"""ArchitectureExplorer: what it counts is what the code view counts, and what the real Keras models have."""

import cnnkit  # noqa: F401, I001  before Keras, so that TensorFlow starts quietly

import dataclasses
import json

import keras
import numpy as np
from explorers import check_saved, moments, move_every_control
import pytest

from cnnkit import resnet
from cnnkit.explore.architecture import (
    CHANNELS,
    CLASSES,
    REPETITIONS,
    SIDES,
    STYLES,
    TONES,
    VIEW,
    WIDTHS,
    ArchitectureExplorer,
    ArchitectureParameters,
    network,
)
from cnnkit.resnet import ResnetBuilder

OPTIONS = {"pre-activation": {}, "original": {"preactivation": False}, "plain": {"plain": True}}
DEPTHS = [18, 50, *(pytest.param(depth, marks=pytest.mark.slow) for depth in (34, 101, 152))]


@pytest.fixture
def explorer():
    return ArchitectureExplorer()


def random_parameters(seed):
    rng = np.random.default_rng(seed)
    depth = int(rng.choice(list(REPETITIONS)))
    return ArchitectureParameters(
        depth=depth,
        style=str(rng.choice(STYLES)),
        side=int(rng.choice(SIDES)),
        channels=int(rng.choice(CHANNELS)),
        width=int(rng.choice(WIDTHS)),
        classes=int(rng.choice(CLASSES)),
        block=int(rng.integers(sum(REPETITIONS[depth]) + 2)),
    )


def run(explorer, parameters):
    names = {}
    code = explorer.code(parameters)
    assert "cnnkit" not in code and "keras" not in code.lower()
    exec(code, names)
    return names["table"]


def build(parameters):
    shape = (parameters.channels, parameters.side, parameters.side)
    options = OPTIONS[parameters.style] | {"width": parameters.width}
    return ResnetBuilder.build_resnet(parameters.depth, shape, parameters.classes, **options)


def kept(model):
    """Return how many numbers all layers but the input give for one picture."""
    return sum(int(np.prod(layer.output.shape[1:])) for layer in model.layers[1:])


def test_the_code_view_counts_what_is_shown(explorer):
    """Two hundred random settings; each number of the charts and tables comes from its table."""
    for seed in range(200):
        parameters = random_parameters(seed)
        table = run(explorer, parameters)
        parts, pictures = network(parameters), explorer.render(parameters).pictures
        rows = [(part.side, part.channels, part.field, part.seen[0], part.parameters, part.outputs) for part in parts]
        assert table == rows, parameters
        side, channels, field, first, _, _ = table[parameters.block]
        assert list(pictures["field"].lines[1].y) == [row[2] for row in table]
        assert pictures["field"].lines[2].y == [field]
        for at, column in ((0, 4), (2, 5)):
            sums = np.cumsum([row[column] for row in table])
            np.testing.assert_allclose(pictures["shares"].lines[at].y, 100 * sums / sums[-1])
            assert pictures["shares"].lines[at + 1].y == [pictures["shares"].lines[at].y[parameters.block]]
        weights, outputs = sum(row[4] for row in table), sum(row[5] for row in table)
        assert pictures["costs"].rows[-1] == (
            "all",
            f"{weights:,}",
            f"{4 * weights / 1e6:.2f}",
            f"{4 * outputs / 1e6:.2f}",
        )
        layers = [row for row in pictures["layers"].rows if row[1]]
        assert layers[-1][1] == f"{side}×{side}×{channels}" and len(pictures["layers"].rows) == 8
        assert sum(int(row[2].replace(",", "") or 0) for row in layers) == table[parameters.block][4]
        bright = np.flatnonzero((pictures["seen"] < TONES).any(axis=0))
        low, high = (edge * VIEW / parameters.side for edge in (first, first + field))
        assert bright[0] == pytest.approx(max(low, 0) + 2, abs=1)  # inside a frame of 2 pixels
        assert bright[-1] + 1 == pytest.approx(min(high, VIEW) - 2, abs=1)


def test_stages_are_the_sums_of_their_blocks(explorer):
    for seed in range(40):
        parameters = random_parameters(seed)
        parts, pictures = network(parameters), explorer.render(parameters).pictures
        stages, costs = pictures["stages"], pictures["costs"]
        assert [row[1] for row in stages.rows[1:-1]] == [str(count) for count in REPETITIONS[parameters.depth]]
        assert stages.rows[-1][2:] == (f"1×1×{parameters.classes}", str(parts[-1].field))
        for row, cost in zip(stages.rows, costs.rows, strict=False):
            own = [part for part in parts if part.name == row[0]]
            assert row[2] == f"{own[-1].side}×{own[-1].side}×{own[-1].channels}"
            assert cost[0] == row[0] and cost[1] == f"{sum(part.parameters for part in own):,}"
        (marked,) = stages.marked
        assert costs.marked == (marked,) and stages.rows[marked][0] == parts[parameters.block].name


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("depth", DEPTHS)
def test_parameters_outputs_and_shapes_are_those_of_the_keras_model(depth, style):
    parameters = ArchitectureParameters(depth, style, side=100, width=16, classes=5, block=0)
    model, parts = build(parameters), network(parameters)
    assert sum(part.parameters for part in parts) == model.count_params()
    assert sum(part.outputs for part in parts) == kept(model)
    sums = [layer.output.shape[1:] for layer in model.layers if isinstance(layer, keras.layers.Add)]
    if style == "plain":
        assert not sums
    else:
        assert sums == [(part.side, part.side, part.channels) for part in parts[1:-1]]
    ones = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (1, 1)]
    in_the_paths = 0 if depth <= 34 else 2 * sum(REPETITIONS[depth])
    assert len(ones) == in_the_paths + sum(part.shortcut for part in parts)


def test_it_holds_at_other_sides_and_widths_too():
    for style, side, channels, width in (("plain", 32, 1, 16), ("original", 36, 3, 32), ("pre-activation", 220, 1, 64)):
        parameters = ArchitectureParameters(18, style, side, channels, width, classes=10, block=0)
        model = build(parameters)
        assert sum(part.parameters for part in network(parameters)) == model.count_params()
        assert sum(part.outputs for part in network(parameters)) == kept(model)


def test_the_repetitions_are_those_of_the_builder():
    assert REPETITIONS == resnet.REPETITIONS


def test_receptive_fields_by_hand():
    """The recursion of Araujo et al. written out: each window adds (kernel - 1) · the strides before it."""
    stem = 1 + 6 * 1 + 2 * 2
    first, second = [stem + 16, stem + 32], [43 + 8 + 16, 67 + 32]
    third, fourth = [99 + 16 + 32, 147 + 64], [211 + 32 + 64, 307 + 128]
    fields = [part.field for part in network(ArchitectureParameters(18))]
    assert fields == [stem, *first, *second, *third, *fourth, 435 + (4 - 1) * 32]
    last = {depth: network(ArchitectureParameters(depth))[-2].field for depth in REPETITIONS}
    # With bottlenecks the stride is in a 1×1 window, which adds nothing.
    assert last[50] == 11 + 3 * 8 + 4 * 16 + 6 * 32 + 3 * 64 == 483
    assert last[101] == 483 + 17 * 32 == 1027
    assert last[152] == 483 + 4 * 16 + 30 * 32 == 1507
    assert last[34] == 11 + 6 * 8 + (8 + 7 * 16) + (16 + 11 * 32) + (32 + 5 * 64) == 899


@pytest.mark.parametrize("depth, style, blocks", [(18, "original", (1, 3, 5, 6)), (50, "pre-activation", (3, 4, 8))])
def test_the_output_in_the_middle_sees_exactly_its_square(depth, style, blocks):
    """A lit row at the edge of the square changes the output, a lit row next to it does not; so do columns."""
    parameters = ArchitectureParameters(depth, style, side=256, channels=1, width=16, block=0)
    model, parts = build(parameters), network(parameters)
    model.set_weights([np.abs(weights) for weights in model.get_weights()])  # nothing cancels
    sums = [layer.output for layer in model.layers if isinstance(layer, keras.layers.Add)]
    part_of = keras.Model(model.input, [sums[block - 1] for block in blocks])
    pictures = []
    for block in blocks:
        first, last = parts[block].seen
        assert first > 0 and last < 255 and last - first + 1 == parts[block].field
        for line in (first, last, first - 1, last + 1):
            for turned in (False, True):
                picture = np.zeros((256, 256), np.float32)
                picture[line] = 100
                pictures.append(picture.T if turned else picture)
    pictures = np.stack([np.zeros((256, 256), np.float32), *pictures])[..., None]
    for number, outputs in enumerate(part_of(pictures, training=False)):
        middle = keras.ops.convert_to_numpy(outputs)[:, parts[blocks[number]].side // 2, :, :]
        middle = middle[:, parts[blocks[number]].side // 2]
        changed = np.abs(middle[1 + 8 * number : 9 + 8 * number] - middle[0]).max(axis=1) > 0
        assert changed.tolist() == [True] * 4 + [False] * 4, blocks[number]


def test_the_facts_say_it_in_words(explorer):
    facts = explorer.render(ArchitectureParameters()).facts
    assert "Block 3 of 8, in stage 2: 13×13 outputs in 128 channels, each of which sees 67×67 pixels" in facts
    assert "has 11,188,354 parameters in 44.75 MB" in facts
    assert "shortcuts of blocks 3, 5 and 7 need a 1×1 convolution" in facts
    assert "There are no shortcuts." in explorer.render(ArchitectureParameters(style="plain")).facts
    assert explorer.render(ArchitectureParameters(block=0)).facts.startswith("The stem: 25×25 outputs in 64")
    assert explorer.render(ArchitectureParameters(block=9)).facts.startswith("The head: 1×1 outputs in 2")


def test_every_control_may_go_to_both_ends(explorer):
    move_every_control(explorer)
    assert explorer.parameters == ArchitectureParameters()


def test_a_shallower_network_has_fewer_blocks_to_look_at(explorer):
    explorer.parameters = ArchitectureParameters(152, block=51)
    assert explorer.parameters.block == 51 and sorted(map(int, moments(explorer))) == list(range(52))
    explorer._controls["depth"].value = 18
    assert explorer.parameters == ArchitectureParameters(18, block=9)
    assert sorted(map(int, moments(explorer))) == list(range(10))
    explorer._controls["depth"].value = 34
    assert explorer._controls["block"].max == 17 and explorer.parameters.block == 9
    assert sorted(map(int, moments(explorer))) == list(range(18))


def test_all_blocks_are_sent_ahead():
    explorer = ArchitectureExplorer(depth=50, side=224)
    assert sorted(map(int, moments(explorer))) == list(range(18))
    names = [panel["name"] for panel in explorer._frames.panels]
    for block in (0, 7, 17):
        rendering = explorer.render(dataclasses.replace(explorer.parameters, block=block))
        moment = moments(explorer)[str(block)]
        sent = [explorer._frames.frames["buffers"][at] for at in moment["pictures"]]
        assert sent[names.index("seen")] == rendering.pictures["seen"].tobytes()
        assert json.loads(sent[names.index("field")])["lines"][2]["x"] == [block]
        assert moment["facts"] == rendering.facts


def test_the_frames_of_the_deepest_network_are_few_bytes():
    explorer = ArchitectureExplorer(depth=152, side=512)
    assert sum(map(len, explorer._frames.frames["buffers"])) < 3e6


def test_the_saved_notebook_keeps_a_picture_and_its_words(explorer):
    check_saved(explorer)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"depth": 20}, "depth is one of 18, 34, 50, 101, 152, not 20"),
        ({"style": "dense"}, "style is one of pre-activation, original, plain, not 'dense'"),
        ({"side": 30}, "side goes from 32 to 512 pixels in steps of 4, not 30"),
        ({"side": 101}, "side goes from 32 to 512 pixels in steps of 4, not 101"),
        ({"channels": 4}, "channels is one of 3, 1, not 4"),
        ({"width": 8}, "width is one of 64, 32, 16, not 8"),
        ({"classes": 1}, "classes is one of 2, 5, 10, 100, 1000, not 1"),
        ({"block": 10}, "block is a whole number from 0 to 9 in ResNet-18, not 10"),
        ({"depth": 152, "block": "all"}, "block is a whole number from 0 to 51 in ResNet-152, not 'all'"),
    ],
)
def test_bad_input_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as error:
        ArchitectureExplorer(**changes)
    assert "\n" not in str(error.value)
