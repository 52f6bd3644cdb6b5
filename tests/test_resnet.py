"""cnnkit.resnet: the published networks in size, order of weights and behaviour."""

import cnnkit  # noqa: F401, I001  before Keras, so that TensorFlow starts quietly

import keras
import numpy as np
import pytest

from cnnkit.resnet import REPETITIONS, ResnetBuilder, basic_block, bottleneck

COUNTS = {18: 11_188_354, 34: 21_307_650, 50: 23_576_450, 101: 42_646_914, 152: 58_359_682}


def batch(rows, columns, channels, count=2):
    return np.random.default_rng(0).random((count, rows, columns, channels), dtype=np.float32)


@pytest.mark.parametrize(
    "depth", [18, 34, 50, pytest.param(101, marks=pytest.mark.slow), pytest.param(152, marks=pytest.mark.slow)]
)
def test_each_depth_has_the_parameters_of_the_reference(depth):
    model = getattr(ResnetBuilder, f"build_resnet_{depth}")((3, 100, 100), 2)
    assert model.count_params() == COUNTS[depth]
    convolutions = sum(isinstance(layer, keras.layers.Conv2D) and layer.kernel_size != (1, 1) for layer in model.layers)
    per_block = 2 if depth <= 34 else 1
    assert convolutions == 1 + per_block * sum(REPETITIONS[depth])


def test_one_channel_films():
    assert ResnetBuilder.build_resnet_18((1, 256, 256), 2).count_params() == 11_182_082


def reference_shapes(channels, classes):
    """Return the weights of the reference's ResNet-18 in their order; a shortcut's come before its block's last."""

    def norm(filters):
        return [(filters,)] * 4

    def convolution(side, before, after):
        return [(side, side, before, after), (after,)]

    shapes = convolution(7, channels, 64) + norm(64)
    before = 64
    for stage, after in enumerate((64, 128, 256, 512)):
        for number in range(2):
            shapes += [] if stage == number == 0 else norm(before)
            shapes += convolution(3, before, after) + norm(after)
            shapes += convolution(1, before, after) if before != after else []
            shapes += convolution(3, after, after)
            before = after
    return [*shapes, *norm(512), (512, classes), (classes,)]


def test_weights_are_in_the_order_of_the_reference():
    model = ResnetBuilder.build_resnet_18((3, 64, 48), 5)
    assert [tuple(weight.shape) for weight in model.weights] == reference_shapes(3, 5)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 45, 71), (4, 33, 64)])
@pytest.mark.parametrize(
    "options", [{}, {"preactivation": False}, {"plain": True}, {"preactivation": False, "plain": True}]
)
def test_every_variant_gives_probabilities(shape, options):
    channels, rows, columns = shape
    model = ResnetBuilder.build(shape, 3, "basic", (1, 1), width=4, **options)
    result = keras.ops.convert_to_numpy(model(batch(rows, columns, channels)))
    assert result.shape == (2, 3) and np.isfinite(result).all()
    np.testing.assert_allclose(result.sum(axis=1), 1, rtol=1e-5)


def test_a_plain_network_has_no_shortcuts_and_a_narrow_one_fewer_parameters():
    shape = (3, 64, 64)
    plain = ResnetBuilder.build_resnet_18(shape, 2, plain=True, width=8)
    residual = ResnetBuilder.build_resnet_18(shape, 2, width=8)
    assert not any(isinstance(layer, keras.layers.Add) for layer in plain.layers)
    assert sum(isinstance(layer, keras.layers.Add) for layer in residual.layers) == 8
    assert plain.count_params() < residual.count_params() < COUNTS[18] / 50


def test_the_original_block_ends_in_relu_and_the_improved_one_does_not():
    for block in (basic_block, bottleneck):
        model = ResnetBuilder.build((4, 32, 32), 2, block, (1,), width=4, preactivation=False)
        last_sum = max(i for i, layer in enumerate(model.layers) if isinstance(layer, keras.layers.Add))
        assert isinstance(model.layers[last_sum + 1], keras.layers.Activation)
        model = ResnetBuilder.build((4, 32, 32), 2, block, (1,), width=4)
        last_sum = max(i for i, layer in enumerate(model.layers) if isinstance(layer, keras.layers.Add))
        assert isinstance(model.layers[last_sum + 1], keras.layers.BatchNormalization)


def test_the_last_softmax_stays_in_32_bits():
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = ResnetBuilder.build((3, 32, 32), 2, "bottleneck", (1, 1), width=4)
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    assert model.layers[1].compute_dtype == "bfloat16"
    result = keras.ops.convert_to_numpy(model(batch(32, 32, 3)))
    assert result.dtype == np.float32 and np.isfinite(result).all()


def test_it_is_saved_and_loaded_without_custom_objects(tmp_path):
    model = ResnetBuilder.build((3, 32, 32), 2, "basic", (1, 1), width=4)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = batch(32, 32, 3)
    results = [keras.ops.convert_to_numpy(each(x)) for each in (model, again)]
    np.testing.assert_allclose(*results, rtol=1e-5)


@pytest.mark.parametrize("block, width", [("basic", 8), ("bottleneck", 2)])
def test_a_narrow_network_learns_from_an_odd_number_of_pictures(block, width):
    """On processors with AVX-512, TensorFlow's oneDNN wrote past its memory here, and Python died."""
    model = ResnetBuilder.build((3, 64, 64), 2, block, (1, 1), width=width)
    model.compile("sgd", "categorical_crossentropy", jit_compile=False)
    for count in (1, 5):
        assert np.isfinite(model.train_on_batch(batch(64, 64, 3, count), np.eye(2)[np.arange(count) % 2]))


@pytest.mark.slow
def test_it_learns():
    """Four pictures, two of each kind, are learnt by heart."""
    keras.utils.set_random_seed(0)
    model = ResnetBuilder.build((1, 32, 32), 2, "basic", (1, 1), width=4)
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    x, y = batch(32, 32, 1, 4), np.eye(2)[[0, 1, 1, 0]]
    history = model.fit(x, y, epochs=30, verbose=0).history
    assert history["accuracy"][-1] == 1 and history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (((100, 100, 3), 2, "basic", (1,)), r"\(channels, rows, columns\).*Did you mean \(3, 100, 100\)"),
        (((3, 16, 16), 2, "basic", (1,)), "32 pixels or more"),
        (((3, 100), 2, "basic", (1,)), r"not \(3, 100\)"),
        ((("a", 1, 2), 2, "basic", (1,)), "input_shape is"),
        (((3, 64, 64), 1, "basic", (1,)), "2 or more, not 1"),
        (((3, 64, 64), 2, "wide", (1,)), "block is one of basic, bottleneck, not 'wide'"),
        (((3, 64, 64), 2, "basic", ()), "blocks per stage"),
        (((3, 64, 64), 2, "basic", (2, 0)), "blocks per stage"),
    ],
)
def test_what_cannot_be_built_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ResnetBuilder.build(*arguments)


def test_an_unknown_depth_is_refused():
    with pytest.raises(ValueError, match="depth is one of 18, 34, 50, 101, 152, not 20"):
        ResnetBuilder.build_resnet(20, (3, 64, 64), 2)
    with pytest.raises(ValueError, match="width is a number of channels"):
        ResnetBuilder.build_resnet_18((3, 64, 64), 2, width=0)
