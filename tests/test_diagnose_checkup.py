"""checkup names what a run is sick of, and finds nothing in a healthy one."""

import keras
import numpy as np
import pytest
from test_diagnose import Batches, as_dataset, network, one_hot, stripes

from cnnkit import diagnose
from cnnkit.augment import Augmentation

LABELLED = stripes(160), stripes(80, seed=1)
TRAINING, VALIDATION = ((images, one_hot(numbers)) for images, numbers in LABELLED)


def trained(model, training=TRAINING, validation=VALIDATION, epochs=3):
    if isinstance(training, tuple):
        model.fit(*training, batch_size=16, validation_data=validation, epochs=epochs, verbose=0)
    else:
        model.fit(training, validation_data=validation, epochs=epochs, verbose=0)
    return model


def names(model, training=TRAINING, validation=VALIDATION):
    return diagnose.checkup(model, training, validation, verbose=False).names


@pytest.fixture(scope="module")
def healthy():
    return trained(network(), epochs=6)


def bodies(count, seed=0):
    """Return pictures with an up and a down: dark above, bright below, with a spot to the left or to the right."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(count) % 2
    row, column = np.mgrid[:24, :24]
    spots = np.exp(-((row - 12) ** 2 + (column - np.where(numbers, 17, 6)[:, None, None]) ** 2) / 8)
    images = 0.2 + 0.4 * row / 24 + 0.3 * spots + rng.normal(0, 0.03, (count, 24, 24))
    return np.clip(images, 0, 1).astype(np.float32)[..., None], one_hot(numbers)


def test_a_healthy_run(healthy, capsys):
    found = diagnose.checkup(healthy, TRAINING, VALIDATION)
    assert found == () and "Nothing found" in capsys.readouterr().out
    assert repr(found) == "Checkup: nothing found"


@pytest.mark.parametrize("form", [Batches, as_dataset], ids=["PyDataset", "tf.data"])
def test_a_healthy_run_in_other_forms(healthy, form):
    assert names(healthy, form(*TRAINING), form(*VALIDATION)) == ()


def test_before_training_a_healthy_network_is_left_alone():
    assert names(network()) == ()


def test_a_healthy_run_with_one_output_and_a_rare_class():
    keep = np.flatnonzero((LABELLED[0][1] == 0) | (np.arange(160) % 8 == 1))
    training = TRAINING[0][keep], LABELLED[0][1][keep].astype(np.float32)
    validation = VALIDATION[0], LABELLED[1][1].astype(np.float32)
    model = trained(network(1, "sigmoid", loss="binary_crossentropy"), training, validation, epochs=8)
    assert names(model, training, validation) == ()


def test_nothing_of_the_model_or_the_data_is_changed(healthy):
    before = [*healthy.get_weights(), *TRAINING, *VALIDATION]
    kept = [value.copy() for value in before]
    steps = int(healthy.optimizer.iterations)
    names(healthy)
    for value, now in zip(kept, [*healthy.get_weights(), *TRAINING, *VALIDATION], strict=True):
        np.testing.assert_array_equal(value, now)
    assert int(healthy.optimizer.iterations) == steps


def test_shuffled_labels():
    sick = TRAINING[0], np.random.default_rng(0).permutation(TRAINING[1])
    assert names(trained(network(), sick), sick)[0] == "labels shuffled"


def test_exchanged_classes(healthy):
    assert names(healthy, validation=(VALIDATION[0], VALIDATION[1][:, ::-1]))[0].startswith("class order differs")


def test_three_classes_in_another_order():
    rng = np.random.default_rng(0)
    numbers = rng.integers(3, size=240)
    images = rng.normal(0.3, 0.1, (240, 24, 24, 1)).astype(np.float32)
    images[np.arange(240), :, 4 + 8 * numbers] += 0.5
    labels, other = one_hot(numbers, 3), one_hot((numbers + 1) % 3, 3)
    training, validation = (images[:160], labels[:160]), (images[160:], other[160:])
    assert names(network(3), training, validation)[0].startswith("class order differs")


@pytest.mark.parametrize(
    ("outputs", "activation", "loss", "name"),
    [
        (2, "softmax", keras.losses.CategoricalCrossentropy(from_logits=True), "softmax applied twice"),
        (1, "sigmoid", keras.losses.BinaryCrossentropy(from_logits=True), "softmax applied twice"),
        (2, None, "categorical_crossentropy", "logits given as probabilities"),
        (1, None, "binary_crossentropy", "logits given as probabilities"),
        (2, None, keras.losses.CategoricalCrossentropy(from_logits=True), None),
        (1, None, keras.losses.BinaryCrossentropy(from_logits=True), None),
    ],
)
def test_what_the_network_gives_and_what_the_loss_expects(outputs, activation, loss, name):
    model = network(outputs, activation, loss=loss)
    model.layers[-1].set_weights([3 * part for part in model.layers[-1].get_weights()])
    data = [(images, labels if outputs == 2 else labels[:, 1]) for images, labels in (TRAINING, VALIDATION)]
    assert names(model, *data)[:1] == ((name,) if name else ())


def test_two_layers_of_softmax():
    model = network()
    twice = keras.Model(model.inputs, keras.layers.Softmax()(model.outputs[0]))
    twice.compile("adam", "categorical_crossentropy")
    assert names(twice)[0] == "softmax applied twice"


def test_rates(healthy):
    assert names(trained(network(rate=1e-8)))[0] == "learning rate too low"
    model = network()
    model.compile(keras.optimizers.SGD(1e9), "categorical_crossentropy")
    assert names(trained(model))[0] == "learning rate too high"


def spots(count, seed=0):
    """Return pictures of one class where just one of two spots is bright, so that neither alone says anything."""
    rng = np.random.default_rng(seed)
    bright = rng.integers(2, size=(count, 2))
    images = rng.normal(0.4, 0.15, (count, 24, 24, 1)).astype(np.float32)
    images[:, 4:9, 4:9] += 0.5 * bright[:, :1, None, None]
    images[:, 15:20, 15:20] += 0.5 * bright[:, 1:, None, None]
    return images, one_hot(bright[:, 0] ^ bright[:, 1])


def test_a_rate_that_one_batch_bears_and_a_training_does_not():
    layers = keras.layers
    keras.utils.set_random_seed(0)
    inputs = keras.Input((24, 24, 1))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2, padding="same")(inputs)))
    y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(x)))
    y = layers.Add()([x, layers.Conv2D(8, 3, padding="same")(y)])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.BatchNormalization()(y)))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(x))
    model.compile(keras.optimizers.Adam(0.2), "categorical_crossentropy")
    data = spots(320), spots(120, seed=1)
    assert names(trained(model, *data, epochs=5), *data)[0] == "learning rate too high"


def test_a_training_that_stays_at_guessing_although_it_knows_a_little(healthy):
    model = network(rate=0.06)
    model.set_weights(healthy.get_weights())
    model.history = keras.callbacks.History()
    model.history.history = {"loss": [3.0, 0.694, 0.693, 0.694]}
    assert names(model)[0] == "learning rate too high"
    model.history.history = {"loss": [0.6, 0.3, 0.2, 0.1]}
    assert names(model) == ()


def test_a_rate_whose_lack_of_effect_hides_in_dropouts_noise():
    inputs = keras.Input((24, 24, 1))
    keras.utils.set_random_seed(0)
    x = keras.layers.Conv2D(6, 5, strides=2, activation="relu")(inputs)
    x = keras.layers.Dropout(0.7)(keras.layers.Flatten()(x))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", kernel_initializer="he_normal")(x))
    model.compile(keras.optimizers.Adam(1e-7), "categorical_crossentropy")
    assert names(trained(model, epochs=4))[0] == "learning rate too low"
    model.compile(keras.optimizers.Adam(0.003), "categorical_crossentropy")
    assert names(trained(model, epochs=12)) == ()


def test_pictures_not_scaled():
    sick = [(255 * images, labels) for images, labels in (TRAINING, VALIDATION)]
    assert names(trained(network(), *sick), *sick)[0].startswith("pictures not scaled")


def test_a_network_that_scales_the_pictures_itself_is_made_for_255():
    inputs = keras.Input((24, 24, 1))
    model = keras.Model(inputs, network()(keras.layers.Rescaling(1 / 255)(inputs)))
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy")
    data = [(255 * images, labels) for images, labels in (TRAINING, VALIDATION)]
    assert names(model, *data) == ()


def test_sets_that_were_prepared_differently(healthy):
    assert names(healthy, validation=(255 * VALIDATION[0], VALIDATION[1]))[0].endswith("prepared differently")


def test_validation_that_changes_each_time(healthy):
    class Turned(Batches):
        rng = np.random.default_rng(0)

        def __getitem__(self, index):
            images, labels = super().__getitem__(index)
            return Augmentation(rotation=20)(images, self.rng), labels

    assert names(healthy, validation=Turned(*VALIDATION))[0] == "validation augmented"
    assert "validation augmented" not in names(healthy, training=Turned(*TRAINING))


def test_validation_that_changes_by_the_same_chance_each_time(healthy):
    import tensorflow as tf

    def changed(images, labels):
        return tf.image.random_brightness(images, 0.05), labels

    # With a seed a map draws the same numbers whenever it begins.
    keras.utils.set_random_seed(0)
    training, sick = (as_dataset(*data).map(changed) for data in (TRAINING, VALIDATION))
    assert all(np.array_equal(one[0], other[0]) for one, other in zip(sick, sick, strict=True))
    assert names(healthy, training, sick)[0] == "validation augmented"
    assert names(healthy, validation=as_dataset(*VALIDATION).map(lambda *part: part)) == ()


def test_validation_that_was_augmented_once(healthy):
    turned = Augmentation(rotation=30, width_shift=0.2, fill_mode="nearest")(VALIDATION[0], 0)
    assert names(healthy, validation=(turned, VALIDATION[1]))[0] == "validation augmented"


def test_training_pictures_that_are_sharper_for_another_reason(healthy):
    class Noisy(Batches):
        rng = np.random.default_rng(0)

        def __getitem__(self, index):
            images, labels = super().__getitem__(index)
            return images + self.rng.normal(0, 0.3, images.shape), labels

    assert "validation augmented" not in names(healthy, training=Noisy(*TRAINING))
    soft = VALIDATION[0].copy()  # the second class, of which there is little for training and much for validation
    soft[:, 1:] = (soft[:, 1:] + soft[:, :-1]) / 2
    numbers = LABELLED[1][1]
    sharp, soft = VALIDATION[0][numbers == 0], soft[numbers == 1]
    training, validation = (
        (np.concatenate([sharp[some], soft[others]]), one_hot(np.repeat([0, 1], [len(sharp[some]), len(soft[others])])))
        for some, others in ((slice(4, None), slice(4)), (slice(4), slice(4, None)))
    )
    assert "validation augmented" not in names(healthy, training, validation)


def test_the_same_pictures_in_both(healthy):
    mixed = np.concatenate([0.9 * TRAINING[0][:20], VALIDATION[0]]), np.concatenate([TRAINING[1][:20], VALIDATION[1]])
    assert names(healthy, validation=mixed)[0] == "same pictures in training and validation"


def test_small_pictures_that_are_like_each_other_are_no_copies():
    rng = np.random.default_rng(0)
    drawn = rng.random((2, 8, 8))
    (training, ours), (validation, theirs) = (
        ((drawn[numbers] + rng.normal(0, 0.05, (count, 8, 8))).astype(np.float32)[..., None], one_hot(numbers))
        for count, numbers in ((160, np.arange(160) % 2), (80, np.arange(80) % 2))
    )
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(inputs)))
    model.compile("adam", "categorical_crossentropy")
    copies = "same pictures in training and validation"
    assert copies not in names(model, (training, ours), (validation, theirs))
    validation[:20], theirs[:20] = training[:20], ours[:20]
    assert copies in names(model, (training, ours), (validation, theirs))


def test_pictures_on_their_heads():
    (images, labels), validation = bodies(160), bodies(80, seed=1)
    assert "vertical flips" not in names(network(), (images, labels), validation)
    flipped = np.where(np.random.default_rng(0).random((160, 1, 1, 1)) < 0.4, images[:, ::-1], images)
    assert names(network(), (flipped, labels), validation)[0] == "vertical flips"
    inputs = keras.Input((24, 24, 1))
    model = keras.Model(inputs, network()(keras.layers.RandomFlip("vertical")(inputs)))
    model.compile("adam", "categorical_crossentropy")
    assert names(model, (images, labels), validation)[0] == "vertical flips"


def test_some_bodies_without_a_pattern_do_not_stand_on_their_heads():
    training, (images, labels) = bodies(160), bodies(80, seed=1)
    images[:14] = np.random.default_rng(2).random((14, 24, 24, 1))
    assert "vertical flips" not in names(network(), training, (images, labels))


def test_stripes_have_no_head(healthy):
    flipped = TRAINING[0].copy()
    flipped[::2] = flipped[::2, ::-1]
    assert "vertical flips" not in names(healthy, training=(flipped, TRAINING[1]))


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ({"kernel_initializer": "zeros"}, "zero initialisation"),
        ({"kernel_initializer": "ones"}, "weights all alike"),
        ({"bias_initializer": keras.initializers.Constant(-30)}, "dead ReLUs"),
    ],
    ids=["zeros", "ones", "dead"],
)
def test_networks_that_cannot_start(start, name):
    assert names(trained(network(**start)))[0] == name


@pytest.mark.parametrize(
    "optimizer",
    [keras.optimizers.SGD(0.001, momentum=1.0), keras.optimizers.RMSprop(0.001, momentum=1.0)],
    ids=["sgd", "rmsprop"],
)
def test_a_momentum_that_never_forgets(healthy, optimizer):
    model = keras.models.clone_model(healthy)
    model.set_weights(healthy.get_weights())
    model.compile(optimizer, "categorical_crossentropy")
    assert "momentum too high" in names(model)
    model.compile(keras.optimizers.SGD(0.001, momentum=0.99), "categorical_crossentropy")
    assert "momentum too high" not in names(model)


def test_imbalance_hidden_by_accuracy():
    keep = [np.flatnonzero((numbers == 0) | (np.arange(len(numbers)) % 20 == 1)) for _, numbers in LABELLED]
    training, validation = ((x[each], y[each]) for (x, y), each in zip((TRAINING, VALIDATION), keep, strict=True))
    model = trained(network(rate=0.0005), training, validation, epochs=2)
    assert names(model, training, validation)[0] == "imbalance hidden by accuracy"


class Last(keras.metrics.Metric):
    def __init__(self):
        super().__init__(name="last")
        self.value = self.add_weight(initializer="zeros", name="value")

    def update_state(self, actual, given, sample_weight=None):
        right = keras.ops.equal(keras.ops.argmax(actual, -1), keras.ops.argmax(given, -1))
        self.value.assign(keras.ops.mean(keras.ops.cast(right, "float32")))

    def result(self):
        return self.value + 0.0


def test_a_metric_of_the_last_batch(healthy):
    model = network()
    model.set_weights(healthy.get_weights())
    others = keras.metrics.AUC(), keras.metrics.PrecisionAtRecall(0.6)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy", *others, Last()])
    found = diagnose.checkup(model, TRAINING, VALIDATION, verbose=False)
    assert found.names == ("metric of the last batch only",) and found[0].evidence.startswith("last ")


def test_a_step_that_reports_the_last_batch(healthy):
    class Own(keras.Model):
        def test_step(self, data):
            given = self(data[0], training=False)
            right = keras.ops.equal(keras.ops.argmax(data[1], -1), keras.ops.argmax(given, -1))
            return {"right": keras.ops.mean(keras.ops.cast(right, "float32"))}

    model = Own(healthy.inputs, healthy.outputs)
    model.compile("adam", "categorical_crossentropy")
    assert names(model)[0] == "metric of the last batch only"


def test_a_history_of_the_last_batch(healthy):
    model = network()
    model.set_weights(healthy.get_weights())
    model.history = keras.callbacks.History()
    wrong = VALIDATION[1].copy()
    wrong[-8:] = wrong[-8:, ::-1]  # of the last batch of 16 a half, of all 80 a tenth
    model.history.history = {"loss": [0.1], "val_accuracy": [0.5]}
    assert "metric of the last batch only" in names(model, validation=(VALIDATION[0], wrong))
    # Other weights than those of the last epoch, as after early stopping: a coincidence.
    model.history.history["val_accuracy"] = [0.7125, 0.8375, 0.5]
    assert "metric of the last batch only" not in names(model, validation=(VALIDATION[0], wrong))


def test_values_that_are_no_numbers_and_pictures_that_are_empty(healthy):
    images = TRAINING[0].copy()
    images[:16] = np.nan
    assert names(healthy, training=(images, TRAINING[1]))[0] == "NaN in the pictures"
    images[:16] = 0
    assert names(healthy, training=(images, TRAINING[1]))[0] == "empty pictures"


def test_findings_say_what_to_try(healthy, capsys):
    diagnose.checkup(healthy, TRAINING, (VALIDATION[0], VALIDATION[1][:, ::-1]))
    printed = capsys.readouterr().out
    assert printed.startswith("1. class order differs") and "   seen: " in printed and "   try:  " in printed
