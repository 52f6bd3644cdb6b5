"""Saliency and Grad-CAM: true gradients, at any layer, and a network that is left as it was."""

import cnnkit  # noqa: F401, I001  before Keras, so that TensorFlow starts quietly

import functools
import random

import keras
import numpy as np
import pytest
from keras import layers, ops
from matplotlib import colormaps
from scipy.stats import spearmanr
from skimage.transform import resize

from cnnkit.explain import grad_cam, overlay, randomized_check, saliency
from cnnkit.resnet import ResnetBuilder

tape = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes the gradient with TensorFlow's tape")


@pytest.fixture
def image():
    return np.random.default_rng(1).random((16, 20, 3), dtype=np.float32)


@pytest.fixture
def small():
    return convolutional(layers.Dense(3, activation="softmax"))


@pytest.fixture(scope="module")
def resnet():
    """A network as after some training: its batch normalisation knows other means and spreads than 0 and 1."""
    keras.utils.set_random_seed(0)
    model = ResnetBuilder.build((3, 64, 64), 2, "basic", (2, 2, 2, 2), width=8)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, weights.shape) for weights in layer.get_weights()])
    return model


@pytest.fixture
def photo():
    return np.random.default_rng(2).random((64, 64, 3), dtype=np.float32)


def convolutional(*end, size=(16, 20, 3), activation="tanh"):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(size)
    x = layers.Conv2D(4, 3, activation=activation, name="early")(inputs)
    x = layers.Conv2D(5, 3, strides=2, activation=activation, name="late")(x)
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    for layer in end:
        x = layer(x)
    return keras.Model(inputs, x)


def logits(model, image):
    """The logits of a network that ends in a Dense layer with softmax, computed the long way."""
    features = keras.Model(model.input, model.layers[-1].input)(ops.convert_to_tensor(image[None]), training=False)
    kernel, bias = model.layers[-1].get_weights()
    return ops.convert_to_numpy(features).astype(float)[0] @ kernel + bias


def steepness(model, image, class_index, row, column, step=0.02):
    """The largest absolute slope of a logit by one of the channels of a pixel, by finite differences."""
    slopes = []
    for channel in range(image.shape[2]):
        up, down = image.copy(), image.copy()
        up[row, column, channel] += step
        down[row, column, channel] -= step
        slopes.append((logits(model, up)[class_index] - logits(model, down)[class_index]) / (2 * step))
    return np.abs(slopes).max()


def taped(model, layer, image, class_index):
    """The activation of a layer and the gradient of the logit by it, or by the picture, from TensorFlow itself."""
    import tensorflow

    both = keras.Model(model.input, [layer.output, model.layers[-1].input])
    kernel, bias = (variable.value for variable in model.layers[-1].weights)
    picture = tensorflow.constant(image[None])
    with tensorflow.GradientTape() as tape:
        tape.watch(picture)
        activation, features = both(picture, training=False)
        score = (features @ kernel + bias)[0, class_index]
    by_activation, by_picture = tape.gradient(score, [activation, picture])
    return activation.numpy()[0], by_activation.numpy()[0], by_picture.numpy()[0]


def published(model, layer, image, class_index):
    """Grad-CAM by equations 1 and 2 of the paper."""
    activation, gradient, _ = taped(model, layer, image, class_index)
    heat = np.maximum((activation * gradient.mean(axis=(0, 1))).sum(axis=-1), 0)
    heat = resize(heat, image.shape[:2], order=1)
    return heat / heat.max() if heat.max() > 0 else heat


def state(model):
    """All that must not change: weights, flags, wiring, and what the optimiser knows."""
    variables = [*model.variables, *(model.optimizer.variables if model.compiled else [])]
    wiring = [(layer.trainable, len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in model.layers]
    return [ops.convert_to_numpy(each).tobytes() for each in variables], wiring


@pytest.mark.parametrize("class_index", [0, 2])
def test_saliency_agrees_with_finite_differences(small, image, class_index):
    heat = saliency(small, image, class_index)
    assert heat.shape == image.shape[:2]
    assert heat.dtype == np.float32
    assert heat.min() >= 0
    assert heat.max() == 1
    top = steepness(small, image, class_index, *np.unravel_index(heat.argmax(), heat.shape))
    for row, column in [(0, 0), (3, 7), (8, 8), (9, 12), (14, 17)]:
        expected = steepness(small, image, class_index, row, column) / top
        assert heat[row, column] == pytest.approx(expected, abs=2e-3)


def test_the_predicted_class_is_the_default(small, image):
    predicted = int(logits(small, image).argmax())
    for method in (saliency, grad_cam):
        heats = [method(small, image, index) for index in range(3)]
        np.testing.assert_array_equal(method(small, image), heats[predicted])
        assert not np.allclose(heats[0], heats[1])


def test_a_picture_may_come_as_a_batch_of_one(small, image):
    for method in (saliency, grad_cam):
        np.testing.assert_array_equal(method(small, image[None].astype(float)), method(small, image))


@pytest.mark.parametrize(
    "end",
    [
        (layers.Dense(3, activation="softmax"),),
        (layers.Dense(3, use_bias=False, activation="sigmoid"),),
        (layers.Dense(3), layers.Activation("softmax")),
        (layers.Dense(3), layers.Softmax()),
        (layers.Dense(3),),
    ],
)
def test_it_is_the_logit_that_is_asked_about_whatever_comes_after(end, image):
    model, plain = convolutional(*end), convolutional(layers.Dense(3, use_bias=end[0].use_bias))
    plain.set_weights(model.get_weights())
    for method in (saliency, grad_cam):
        np.testing.assert_allclose(method(model, image, 1), method(plain, image, 1), atol=1e-5)


def test_a_network_that_is_quite_sure_still_has_a_map(small, image):
    kernel, bias = small.layers[-1].get_weights()
    expected = saliency(small, image)
    small.layers[-1].set_weights([1e6 * kernel, bias])
    assert ops.convert_to_numpy(small(image[None])).max() == 1
    np.testing.assert_allclose(saliency(small, image), expected, atol=1e-5)


def test_a_network_that_does_not_look_gives_zeros(small, image):
    small.get_layer("early").set_weights([np.zeros((3, 3, 3, 4)), np.zeros(4)])
    for method in (saliency, grad_cam):
        heat = method(small, image)
        assert heat.dtype == np.float32
        np.testing.assert_array_equal(heat, np.zeros(image.shape[:2]))


@tape
@pytest.mark.parametrize("layer", ["early", "late", None])
def test_grad_cam_is_the_published_formula(small, image, layer):
    expected = published(small, small.get_layer(layer or "late"), image, 1)
    np.testing.assert_allclose(grad_cam(small, image, 1, layer), expected, atol=1e-5)
    assert expected.max() == 1


@tape
def test_every_layer_of_a_resnet_can_be_asked(resnet, photo):
    """Inside of the blocks, where a shortcut leads around the layer, and at their ends."""
    maps = [layer for layer in resnet.layers[1:] if layer.output.ndim == 4 and layer.output.shape[1] > 1]
    asked = [maps[0], *maps[1::7], maps[-1]]
    assert {type(layer).__name__ for layer in asked} >= {"Conv2D", "Activation", "Add"}
    for layer in asked:
        expected = published(resnet, layer, photo, 0)
        np.testing.assert_allclose(grad_cam(resnet, photo, 0, layer.name), expected, atol=1e-4, err_msg=layer.name)
    np.testing.assert_array_equal(grad_cam(resnet, photo), grad_cam(resnet, photo, layer=maps[-1].name))


@tape
def test_saliency_of_a_resnet(resnet, photo):
    gradient = taped(resnet, resnet.layers[1], photo, 1)[2]
    expected = np.abs(gradient).max(axis=-1)
    np.testing.assert_allclose(saliency(resnet, photo, 1), expected / expected.max(), atol=1e-4)


def test_grad_cam_finds_the_bright_spot_that_the_network_looks_for():
    inputs = keras.Input((32, 32, 1))
    x = layers.Conv2D(1, 5, padding="same", kernel_initializer="ones", activation="relu")(inputs)
    x = layers.GlobalMaxPooling2D()(layers.MaxPooling2D(4, name="spots")(x))
    model = keras.Model(inputs, layers.Dense(2, kernel_initializer=keras.initializers.Constant([[-1, 1]]))(x))
    image = np.zeros((32, 32, 1))
    image[20:24, 4:8] = 1
    for heat in (grad_cam(model, image, 1), saliency(model, image, 1)):
        row, column = np.argwhere(heat == 1).mean(axis=0)
        assert abs(row - 21.5) <= 2
        assert abs(column - 5.5) <= 2
    np.testing.assert_array_equal(grad_cam(model, image, 0), 0)


def test_the_model_stays_as_it_was(small, image):
    small.get_layer("late").trainable = False
    small.compile(keras.optimizers.Adam(), "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    small.train_on_batch(np.stack([image, 1 - image]), np.eye(3)[:2])
    assert_untouched(small, image, "early")
    result = small.train_on_batch(np.stack([image, 1 - image]), np.eye(3)[:2], return_dict=True)
    assert result.keys() == {"loss", "accuracy"}
    assert small.optimizer.iterations == 2


def test_the_batch_normalisation_and_the_shortcuts_of_a_resnet_stay_as_they_were(resnet, photo):
    assert_untouched(resnet, photo, resnet.layers[9].name)


def assert_untouched(model, image, layer):
    before, predicted = state(model), model(image[None], training=False)
    chance = random.getstate(), np.random.get_state()[1].tolist()
    optimizer = model.optimizer if model.compiled else None
    saliency(model, image)
    grad_cam(model, image, layer=layer)
    randomized_check(model, image)
    with pytest.raises(ValueError, match="layer is one of"):
        grad_cam(model, image, layer="no such layer")
    assert state(model) == before
    assert (random.getstate(), np.random.get_state()[1].tolist()) == chance
    assert (model.optimizer if model.compiled else None) is optimizer
    np.testing.assert_array_equal(model(image[None], training=False), predicted)


def test_a_sequential_model_that_grew_layer_by_layer(image):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((16, 20, 3))])
    model.add(layers.Conv2D(4, 3, activation="tanh", name="early"))
    model.add(layers.Conv2D(5, 3, strides=2, activation="tanh", name="late"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(3, activation="softmax"))
    same = convolutional(layers.Dense(3, activation="softmax"))
    same.set_weights(model.get_weights())
    np.testing.assert_allclose(saliency(model, image, 1), saliency(same, image, 1), atol=1e-6)
    for layer in ("early", "late", None):
        np.testing.assert_allclose(grad_cam(model, image, 1, layer), grad_cam(same, image, 1, layer), atol=1e-6)


def test_a_model_within_a_model_counts_as_a_layer(image):
    inner = keras.Sequential([keras.Input((16, 20, 3)), layers.Conv2D(4, 3, activation="tanh")], name="inner")
    model = keras.Sequential([keras.Input((16, 20, 3)), inner, layers.GlobalAveragePooling2D(), layers.Dense(2)])
    np.testing.assert_array_equal(grad_cam(model, image, 1), grad_cam(model, image, 1, "inner"))
    assert grad_cam(model, image, 1).any() or grad_cam(model, image, 0).any()
    assert saliency(model, image).max() == 1


def test_layers_that_belong_to_two_networks(small, image):
    """The second network has two of the first one's layers, on a picture of its own."""
    inputs = keras.Input((16, 20, 3))
    x = small.get_layer("late")(small.get_layer("early")(layers.Rescaling(2.0)(inputs)))
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    same = convolutional(layers.Dense(2))
    same.set_weights(model.get_weights())
    for method in (saliency, grad_cam):
        np.testing.assert_allclose(method(model, image / 2, 1), method(same, image, 1), atol=1e-6)


def test_a_network_for_pictures_of_any_size(image):
    model = convolutional(layers.Dense(2), size=(None, None, 3))
    same = convolutional(layers.Dense(2))
    for method in (saliency, grad_cam):
        np.testing.assert_allclose(method(model, image, 1), method(same, image, 1), atol=1e-6)


def test_mixed_precision(image):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = convolutional(layers.Dense(3, activation="softmax", dtype="float32"))
    finally:
        keras.config.set_dtype_policy("float32")
    full = convolutional(layers.Dense(3, activation="softmax"))
    for method in (saliency, grad_cam):
        heat = method(half, image, 1)
        assert heat.dtype == np.float32
        np.testing.assert_allclose(heat, method(full, image, 1), atol=0.1)


def test_penalties_on_weights_and_activations_are_no_part_of_the_decision(image):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 20, 3))
    early = layers.Conv2D(
        4, 3, activation="tanh", kernel_regularizer="l2", activity_regularizer=keras.regularizers.L2(9)
    )
    x = layers.Conv2D(5, 3, strides=2, activation="tanh")(early(inputs))
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    same = convolutional(layers.Dense(2))
    same.set_weights(model.get_weights())
    np.testing.assert_allclose(saliency(model, image, 1), saliency(same, image, 1), atol=1e-6)


@pytest.mark.parametrize("method", [saliency, functools.partial(grad_cam, layer="early")])
def test_the_sanity_check_compares_with_fresh_weights(small, image, method):
    check = randomized_check(small, image, 1, method)
    np.testing.assert_array_equal(check.heat, method(small, image, 1))
    assert check.correlation == pytest.approx(spearmanr(check.heat.ravel(), check.random_heat.ravel()).statistic)
    assert abs(check.correlation) < 0.8  # although `small` was built with the same seed
    np.testing.assert_array_equal(randomized_check(small, image, 1, method).random_heat, check.random_heat)
    assert not np.array_equal(randomized_check(small, image, 1, method, seed=1).random_heat, check.random_heat)


def test_the_sanity_check_sees_through_a_method_that_only_looks_at_the_picture(small, image):
    edges = lambda model, image, class_index: np.abs(np.gradient(image[0].mean(axis=-1))[0])  # noqa: E731
    assert randomized_check(small, image, method=edges).correlation == pytest.approx(1)
    flat = lambda model, image, class_index: np.zeros((16, 20), np.float32)  # noqa: E731
    assert np.isnan(randomized_check(small, image, method=flat).correlation)


def test_overlay_mixes_the_picture_with_the_colours():
    rng = np.random.default_rng(0)
    picture, heat = rng.integers(256, size=(5, 7, 3), dtype=np.uint8), rng.random((5, 7))
    glow = 255 * colormaps["inferno"](heat)[:, :, :3]
    mixed = overlay(picture, heat, 0.3)
    assert mixed.dtype == np.uint8
    np.testing.assert_array_equal(mixed, (0.7 * picture + 0.3 * glow).round())
    np.testing.assert_array_equal(overlay(picture, heat, 0), picture)
    np.testing.assert_array_equal(overlay(picture, heat, 1), glow.round())


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (1, 5, 7, 1), (1, 5, 7, 3)])
def test_overlay_takes_what_the_network_takes(shape):
    picture = np.random.default_rng(0).random(shape)
    expected = np.broadcast_to(picture.reshape(5, 7, -1), (5, 7, 3))
    for same in (picture, picture.astype(np.float32)):
        np.testing.assert_array_equal(overlay(same, np.zeros((5, 7)), 0), (255 * expected).round())
    shifted = overlay(3 * picture - 2, np.zeros((5, 7)), 0)
    assert (shifted.min(), shifted.max()) == (0, 255)
    assert not overlay(np.full(shape, 7.0), np.zeros((5, 7)), 0).any()


@pytest.mark.parametrize(
    "image, heat, strength, message",
    [
        (np.zeros((5, 7)), np.zeros((7, 5)), 0.5, r"shape \(7, 5\), and the picture \(5, 7\)"),
        (np.zeros((5, 7)), np.full((5, 7), 1.1), 0.5, "from 0 to 1"),
        (np.zeros((5, 7)), np.full((5, 7), np.nan), 0.5, "from 0 to 1"),
        (np.zeros((5, 7)), np.zeros((5, 7)), 1.5, "strength"),
        (np.zeros((5, 7, 4)), np.zeros((5, 7)), 0.5, "1 or 3 channels"),
        (np.zeros((2, 5, 7, 3)), np.zeros((5, 7)), 0.5, "1 or 3 channels"),
        (np.zeros((0, 7)), np.zeros((0, 7)), 0.5, "1 or 3 channels"),
        (np.full((5, 7), np.inf), np.zeros((5, 7)), 0.5, "NaN or infinite"),
    ],
)
def test_overlay_refuses(image, heat, strength, message):
    with pytest.raises(ValueError, match=message):
        overlay(image, heat, strength)


@pytest.mark.parametrize("method", [saliency, grad_cam, randomized_check])
def test_pictures_and_classes_that_do_not_fit_are_refused(small, image, method):
    for wrong in (image[:8], image[:, :, :1], image[:, :, 0], np.stack([image, image]), image[None, None]):
        with pytest.raises(ValueError, match=rf"{method.__name__}: the network takes a picture \(16, 20, 3\)"):
            method(small, wrong)
    with pytest.raises(ValueError, match="NaN or infinite"):
        method(small, np.full_like(image, np.nan))
    with pytest.raises(ValueError, match="array of numbers"):
        method(small, "picture.png")
    for wrong in (3, -1, 0.5, "flower"):
        with pytest.raises(ValueError, match=f"class_index is a whole number from 0 to 2, not {wrong!r}"):
            method(small, image, wrong)


def test_models_that_do_not_fit_are_refused(image):
    inputs = keras.Input((16, 20, 3))
    pooled = layers.GlobalAveragePooling2D()(inputs)
    for wrong in (
        keras.Model([inputs, keras.Input((2,))], pooled),
        keras.Model(inputs, [pooled, pooled]),
        keras.Model(inputs, inputs * 2),
        keras.Sequential([layers.Flatten(), layers.Dense(2)]),
        "model.keras",
    ):
        with pytest.raises(ValueError, match="saliency: the model is a functional or `Sequential` one"):
            saliency(wrong, image)
    whole = keras.Input((16, 20, 3), dtype="uint8")
    model = keras.Model(whole, layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(whole)))
    with pytest.raises(ValueError, match="takes uint8, and only floats have a gradient"):
        saliency(model, image)


def test_layers_that_do_not_fit_are_refused_with_those_that_do(small, image):
    with pytest.raises(ValueError, match=r"layer is one of early, late; not 'flatten'"):
        grad_cam(small, image, layer="flatten")
    inputs = keras.Input((16, 20, 3))
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(inputs)))
    with pytest.raises(ValueError, match="no layer with more than a single position"):
        grad_cam(model, image)


def test_a_network_that_has_diverged_is_named(small, image):
    small.set_weights([np.full(weights.shape, np.nan) for weights in small.get_weights()])
    for method in (saliency, grad_cam):
        with pytest.raises(ValueError, match=f"{method.__name__}: the network gives NaN. It has diverged"):
            method(small, image)
