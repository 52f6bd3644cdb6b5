"""The looks of cnnkit.diagnose: each told apart on data and networks of which the truth is known."""

import keras
import numpy as np
import pytest

from cnnkit import diagnose
from cnnkit.augment import Augmentation
from cnnkit.datasets import ImageFolder
from cnnkit.generator import DataGenerator


def stripes(count, seed=0, size=24):
    """Return pictures (count, size, size, 1), 0 to 1, of upright and lying stripes, and their classes."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(count) % 2
    waves = np.sin(rng.uniform(0.6, 1.2, (count, 1)) * np.arange(size) + rng.uniform(0, 6, (count, 1)))
    images = np.repeat(waves[:, None], size, axis=1)
    images[numbers == 1] = images[numbers == 1].swapaxes(1, 2)
    images = np.clip(0.5 + 0.2 * images + rng.normal(0, 0.1, images.shape), 0, 1)
    return images.astype(np.float32)[..., None], numbers


def one_hot(numbers, classes=2):
    return np.eye(classes, dtype=np.float32)[numbers]


def network(outputs=2, activation="softmax", rate=0.01, loss="categorical_crossentropy", size=24, **dense):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((size, size, 1))
    x = keras.layers.Conv2D(6, 5, strides=2, activation="relu", **dense)(inputs)
    x = keras.layers.Flatten()(keras.layers.MaxPooling2D()(x))
    model = keras.Model(inputs, keras.layers.Dense(outputs, activation=activation, **dense)(x))
    model.compile(keras.optimizers.Adam(rate), loss)
    return model


class Batches(keras.utils.PyDataset):
    def __init__(self, images, labels, size=32):
        super().__init__()
        self.images, self.labels, self.size = images, labels, size

    def __len__(self):
        return -(-len(self.images) // self.size)

    def __getitem__(self, index):
        part = slice(index * self.size, (index + 1) * self.size)
        return self.images[part], self.labels[part]


def as_dataset(images, labels):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(32)


FORMS = {"arrays": lambda images, labels: (images, labels), "PyDataset": Batches, "tf.data": as_dataset}


@pytest.fixture(params=FORMS)
def form(request):
    return FORMS[request.param]


@pytest.fixture
def folder(tmp_path):
    from PIL import Image

    images, numbers = stripes(24)
    for index, (image, number) in enumerate(zip(images, numbers, strict=True)):
        place = tmp_path / "set" / ("upright", "lying")[number]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((255 * image[..., 0]).astype(np.uint8)).save(place / f"{index}.png")
    return ImageFolder(tmp_path / "set")


def test_a_batch_is_shown_as_training_gets_it(form):
    images, numbers = stripes(70)
    batch = diagnose.look_at_batch(form(images, one_hot(numbers)), 2)
    np.testing.assert_array_equal(batch.images, images[64:])
    np.testing.assert_array_equal(batch.numbers, numbers[64:])
    assert "6×24×24×1, float32" in repr(batch) and "3 class 0, 3 class 1" in repr(batch)


def test_a_batch_of_a_generator_is_augmented_and_its_classes_have_names(folder):
    plain, turned = (
        diagnose.look_at_batch(DataGenerator(folder, crop=24, channels=1, shuffle=False, augment=augment))
        for augment in (None, Augmentation(rotation=(30, 30)))
    )
    assert plain.names == ("lying", "upright")
    assert plain.images.shape == turned.images.shape and np.abs(plain.images - turned.images).mean() > 0.02


def test_values_that_are_no_numbers_are_named():
    images, numbers = stripes(4)
    images[0, 0] = np.nan
    assert "NaN or infinite" in repr(diagnose.look_at_batch((images, numbers)))


def test_a_batch_that_is_not_there():
    with pytest.raises(ValueError, match=r"batches 0 to 1, and no 5"):
        diagnose.look_at_batch(stripes(40), 5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("films", "pair .images, labels."),
        ({"images": 1}, "not dict"),
        ((np.ones((4, 8, 8, 1)), np.ones(3)), "with a label for each"),
        (iter([(np.ones((2, 8, 8, 1)), np.ones(2))]), "read more than once"),
        ([np.ones((2, 8, 8, 1))], "each batch is"),
        ((np.ones((2, 8, 8, 1)), np.array([np.nan, 1])), "NaN"),
        ((np.ones((2, 8, 8, 1)), np.array([-1, 1])), "from 0"),
        ((np.ones((2, 8, 8, 1)), np.array(["daisy", "rose"])), "from 0"),
        (Batches(np.ones((0, 8, 8, 1)), np.ones(0)), "no batch"),
    ],
)
def test_data_of_another_kind_get_one_clear_line(data, message):
    with pytest.raises(ValueError, match=message) as caught:
        diagnose.check_labels(data, data)
    assert "\n" not in str(caught.value)


def test_a_dataset_that_was_not_batched():
    import tensorflow as tf

    images, numbers = stripes(8)
    with pytest.raises(ValueError, match=r"batch\(32\)"):
        diagnose.look_at_batch(tf.data.Dataset.from_tensor_slices((images, numbers)))


def test_models_of_another_kind_get_one_clear_line():
    data = stripes(8)
    bare = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"keras.Input"):
        diagnose.gradient_norms(bare, data)
    model = keras.Model(*(lambda tensor: (tensor, keras.layers.Flatten()(tensor)))(keras.Input((24, 24, 1))))
    with pytest.raises(ValueError, match="compile the model first"):
        diagnose.checkup(model, data, data)
    with pytest.raises(ValueError, match=r"pictures of \(24, 24, 1\)"):
        diagnose.checkup(network(), (data[0][:, :20], data[1]), data)
    with pytest.raises(ValueError, match="tells 2 classes apart"):
        diagnose.checkup(network(), (data[0], data[1] * 3), data)


def test_one_batch_is_learnt_by_heart_or_not(form):
    data = form(*stripes(64))
    model = network(loss="sparse_categorical_crossentropy")
    weights = model.get_weights()
    learnt = diagnose.overfit_one_batch(model, data, steps=40, learning_rate=0.01)
    assert learnt.learns and not learnt.explodes and not learnt.flat and learnt.pictures == 16
    lazy = diagnose.overfit_one_batch(model, data, learning_rate=1e-7)
    assert lazy.flat and not lazy.learns
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_rate_that_is_far_too_high_explodes():
    model = network(loss="sparse_categorical_crossentropy")
    model.compile(keras.optimizers.SGD(1e30), "sparse_categorical_crossentropy")
    assert diagnose.overfit_one_batch(model, stripes(32)).explodes


def test_overfitting_asks_for_enough():
    with pytest.raises(ValueError, match="4 steps and 2 pictures"):
        diagnose.overfit_one_batch(network(), stripes(8), steps=1)


def test_gradients_are_those_of_the_loss_by_the_weights():
    """For one dense layer with softmax the gradient is known: x (p - y), the mean over the pictures."""
    images, numbers = stripes(32)
    inputs = keras.Input((24, 24, 1))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(inputs)))
    model.compile("sgd", "categorical_crossentropy")
    found = diagnose.gradient_norms(model, (images, one_hot(numbers)))
    error = keras.ops.convert_to_numpy(model(images)) - one_hot(numbers)
    by_hand = np.vstack([images.reshape(32, -1).T, np.ones((1, 32))]) @ error / 32
    np.testing.assert_allclose(found.norms, [np.linalg.norm(by_hand)], rtol=1e-4)


def test_silent_units_are_counted():
    model = network()
    kernel = model.layers[1].get_weights()[0]
    model.layers[1].set_weights([0 * kernel, np.array([1, 1, -1, -1, -1, 1], np.float32)])
    images, numbers = stripes(16)
    assert list(diagnose.gradient_norms(model, (images, one_hot(numbers))).silent.values()) == [0.5]


def test_answers_are_counted_for_one_output_and_for_two(form):
    images, numbers = stripes(64)
    for outputs in (1, 2):
        model = network(outputs, "sigmoid" if outputs == 1 else "softmax")
        bias = [9.0] if outputs == 1 else [0.0, 9.0]
        model.layers[-1].set_weights([0 * model.layers[-1].get_weights()[0], np.array(bias, np.float32)])
        seen = diagnose.prediction_histogram(model, form(images, numbers))
        assert seen.accuracy == 0.5 and seen.recalls.tolist() == [0, 1]
        assert [share.tolist() for share in seen.shares] == [[0.5, 0.5], [0, 1]]


def test_pictures_are_shown_with_their_description(capsys):
    images, numbers = stripes(32)
    data = images, one_hot(numbers)
    model = network()
    for result in (
        diagnose.look_at_batch(data),
        diagnose.overfit_one_batch(model, data, steps=4),
        diagnose.gradient_norms(model, data),
        diagnose.prediction_histogram(model, data),
        diagnose.find_duplicates(data, data),
    ):
        result.show()
        assert len(repr(result)) > 20


@pytest.mark.parametrize(
    ("change", "mirrored"),
    [
        (lambda images: images, False),
        (lambda images: 0.9 * images + 0.05, False),
        (lambda images: images.astype(np.float16), False),
        (lambda images: images[:, :, ::-1], True),
        (lambda images: images.reshape(-1, 16, 2, 16, 2, 1).mean(axis=(2, 4)), False),
    ],
    ids=["plain", "brighter", "rounded", "mirrored", "halved"],
)
def test_copies_are_found_and_others_are_not(change, mirrored):
    rng = np.random.default_rng(1)
    waves = rng.normal(size=(50, 32, 32, 1)).cumsum(axis=1).cumsum(axis=2)
    images = (waves - waves.min(axis=(1, 2), keepdims=True)) / np.ptp(waves, axis=(1, 2), keepdims=True)
    training, validation = images[:40], change(images[30:])
    found = diagnose.find_duplicates(training, validation)
    assert sorted((pair.training, pair.validation) for pair in found) == [(30 + n, n) for n in range(10)]
    assert all(pair.mirrored == mirrored for pair in found) and found.share == 0.5


def test_empty_pictures_are_no_copies_of_each_other():
    assert len(diagnose.find_duplicates(np.zeros((5, 16, 16, 1)), np.zeros((3, 16, 16, 1)))) == 0


def test_copies_in_other_forms(form):
    images, numbers = stripes(64)
    found = diagnose.find_duplicates(form(images, numbers), form(images[60:], numbers[60:]))
    assert [pair.training for pair in sorted(found, key=lambda pair: pair.validation)] == [60, 61, 62, 63]


def test_labels_are_counted_and_belong_to_the_pictures(form):
    training, validation = stripes(120), stripes(60, seed=1)
    labels = diagnose.check_labels(form(*training), form(*validation))
    assert labels.training == (60, 60) and labels.validation == (30, 30) and not labels.problems
    assert labels.signal > 5 and labels.agreement > 5 and not labels.reordered


def test_shuffled_labels_and_exchanged_classes_are_told_apart():
    (images, numbers), (others, theirs) = stripes(120), stripes(60, seed=1)
    shuffled = diagnose.check_labels((images, np.random.default_rng(0).permutation(numbers)), (others, theirs))
    assert shuffled.signal < 3 < shuffled.validation_signal
    exchanged = diagnose.check_labels((images, numbers), (others, 1 - theirs))
    assert exchanged.reordered and exchanged.order == (1, 0) and exchanged.agreement < 0


def test_classes_in_another_order_are_seen_by_their_names(folder, tmp_path):
    other = ImageFolder(folder.path, classes=("upright", "lying"))
    ours, theirs = (DataGenerator(each, crop=24, channels=1) for each in (folder, other))
    assert "in this order" in diagnose.check_labels(ours, theirs).problems[0]


def test_labels_that_are_formally_wrong_are_named():
    images, numbers = stripes(40)
    both = np.ones((40, 2), np.float32)
    assert "neither one-hot" in diagnose.check_labels((images, both), (images, both)).problems[0]
    assert "no class 1 for validation" in diagnose.check_labels((images, numbers), (images, 0 * numbers)).problems[0]
