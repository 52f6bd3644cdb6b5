"""The weighted cross-entropy: the course's formula, its gradient, and what must not be fed to it."""

import cnnkit  # noqa: F401, I001  before Keras, so that TensorFlow starts quietly

import keras
import numpy as np
import pytest

from cnnkit.losses import WeightedCategoricalCrossentropy, balanced_weights

COURSE = [[1, 5], [5, 1]]
FINAL = [[1, 5], [10, 10]]
THREE = [[1, 2, 3], [4, 1, 6], [7, 8, 1]]


def examples(classes, count=64, seed=0):
    rng = np.random.default_rng(seed)
    y_true = np.eye(classes, dtype=np.float32)[rng.integers(classes, size=count)]
    return y_true, rng.dirichlet(np.ones(classes), count).astype(np.float32)


def number(value):
    return keras.ops.convert_to_numpy(value)


@pytest.mark.parametrize("weights", [COURSE, FINAL, THREE])
def test_it_is_the_cross_entropy_times_the_weight_of_actual_and_predicted(weights):
    y_true, y_pred = examples(len(weights))
    actual, predicted = y_true.argmax(axis=1), y_pred.argmax(axis=1)
    picked = y_pred[np.arange(len(y_pred)), actual].astype(float)
    expected = np.array(weights)[actual, predicted] * -np.log(np.clip(picked, 1e-7, 1 - 1e-7))
    loss = WeightedCategoricalCrossentropy(weights, reduction="none")
    np.testing.assert_allclose(number(loss(y_true, y_pred)), expected, rtol=1e-6, atol=1e-6)
    mean = WeightedCategoricalCrossentropy(weights)(y_true, y_pred)
    np.testing.assert_allclose(number(mean), expected.mean(), rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"from_logits": True}])
def test_all_ones_is_the_ordinary_cross_entropy(options):
    y_true, y_pred = examples(3)
    ours = WeightedCategoricalCrossentropy(np.ones((3, 3)), **options)
    theirs = keras.losses.CategoricalCrossentropy(**options)
    weight = np.linspace(0, 2, len(y_true))
    for more in ({}, {"sample_weight": weight}):
        np.testing.assert_allclose(
            number(ours(y_true, y_pred, **more)), number(theirs(y_true, y_pred, **more)), rtol=1e-6
        )


def test_smoothing_does_not_change_which_class_is_the_actual_one():
    y_true, y_pred = examples(2)
    loss = WeightedCategoricalCrossentropy(FINAL, label_smoothing=0.9, reduction="none")
    plain = keras.losses.CategoricalCrossentropy(label_smoothing=0.9, reduction="none")
    ratio = number(loss(y_true, y_pred)) / number(plain(y_true, y_pred))
    np.testing.assert_allclose(ratio, np.array(FINAL)[y_true.argmax(1), y_pred.argmax(1)], rtol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes the gradient with TensorFlow's tape")
@pytest.mark.parametrize("weights", [FINAL, THREE])
def test_its_gradient_agrees_with_finite_differences(weights):
    import tensorflow

    y_true, y_pred = examples(len(weights), 12, seed=3)
    logits = np.log(y_pred).astype(np.float64)
    loss = WeightedCategoricalCrossentropy(weights, from_logits=True, dtype="float64")
    tensor = tensorflow.constant(logits)
    with tensorflow.GradientTape() as tape:
        tape.watch(tensor)
        value = loss(y_true, tensor)
    gradient = tape.gradient(value, tensor).numpy()
    step = 1e-6
    for row, column in np.ndindex(*logits.shape):
        moved = [logits.copy(), logits.copy()]
        moved[0][row, column] += step
        moved[1][row, column] -= step
        up, down = (float(number(loss(y_true, each))) for each in moved)
        assert gradient[row, column] == pytest.approx((up - down) / (2 * step), abs=1e-7)


def test_a_saved_model_loads_without_custom_objects(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", WeightedCategoricalCrossentropy(FINAL, label_smoothing=0.05))
    x, (y_true, _) = np.random.default_rng(0).random((64, 4), dtype=np.float32), examples(2)
    model.fit(x, y_true, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.loss.get_config() == model.loss.get_config()
    assert again.evaluate(x, y_true, verbose=0) == pytest.approx(model.evaluate(x, y_true, verbose=0))


def test_it_counts_in_32_bits_what_a_network_gives_in_16():
    y_true, y_pred = examples(2)
    loss = WeightedCategoricalCrossentropy(COURSE)
    half = loss(y_true, keras.ops.cast(y_pred, "bfloat16"))
    assert number(half).dtype == np.float32
    assert float(half) == pytest.approx(float(loss(y_true, y_pred)), rel=0.05)


@pytest.mark.parametrize(
    "weights, message",
    [
        ([[1, 2, 3], [4, 5, 6]], r"square, .*\(2, 3\)"),
        ([1, 2], "square"),
        ([[1]], "square"),
        ([[1, 2], [3]], "rows of numbers"),
        ([[1, 0], [1, 1]], "above 0"),
        ([[1, -1], [1, 1]], "above 0"),
        ([[1, np.nan], [1, 1]], "finite"),
        ([[1, np.inf], [1, 1]], "finite"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        WeightedCategoricalCrossentropy(weights)


def test_another_number_of_classes_is_refused():
    with pytest.raises(ValueError, match="2×2 weights, and predictions of 3 classes"):
        WeightedCategoricalCrossentropy(COURSE)(*examples(3))


def test_balanced_weights_come_from_the_prevalence():
    labels = np.repeat([0, 1], [1000, 107])
    expected = [[1, 1], [1000 / 107, 1000 / 107]]
    np.testing.assert_allclose(balanced_weights(labels), expected)
    np.testing.assert_allclose(balanced_weights(np.eye(2)[labels]), expected)
    WeightedCategoricalCrossentropy(balanced_weights(labels))
    with pytest.raises(ValueError, match=r"every class needs an image.*\[2, 0, 1\]"):
        balanced_weights([0, 0, 2])
    with pytest.raises(ValueError, match="whole numbers"):
        balanced_weights([-1, 1])
    with pytest.raises(ValueError, match="every class needs an image"):
        balanced_weights(np.array([], dtype=int))
