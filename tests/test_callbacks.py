"""The callbacks: what each batch really lost, which rate an epoch has, the exact area, and the stop at NaN."""

import cnnkit  # noqa: F401, I001  before Keras, so that TensorFlow starts quietly

import math

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cnnkit.callbacks import LearningRateDecay, LossHistory, RocAuc, StopOnNaN


class Pairs(keras.utils.PyDataset):
    """Batches in the order of the arrays; `moved` gives each batch in another order whenever it is asked for."""

    def __init__(self, x, y, size, moved=False):
        super().__init__()
        self.x, self.y, self.size, self.moved = x, y, size, moved
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, index):
        part = np.arange(len(self.x))[index * self.size : (index + 1) * self.size]
        part = self.rng.permutation(part) if self.moved else part
        return self.x[part], self.y[part]


def examples(count=70, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3)).astype("float32")
    labels = (x[:, 0] + rng.normal(size=count) > 0.8).astype(int)
    return x, np.eye(2, dtype="float32")[labels]


def network(rate=0.1, normalised=False, **options):
    keras.utils.set_random_seed(1)
    layers = [keras.layers.BatchNormalization()] if normalised else []
    model = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.SGD(rate), "categorical_crossentropy", **options)
    return model


def train(model, callbacks, data=None, epochs=2, **options):
    """Train, with the batches in their own order; Keras would shuffle them once more."""
    data = data or Pairs(*examples(), 32)
    return model.fit(data, epochs=epochs, callbacks=callbacks, verbose=0, shuffle=False, **options)


# LossHistory


def test_batch_losses_are_of_each_batch_alone():
    x, y = examples()
    model, history = network(), LossHistory()
    train(model, [history], Pairs(x, y, 32))
    again, expected = network(), []
    for _ in range(2):
        for images, labels in Pairs(x, y, 32):
            again.reset_metrics()
            expected.append(float(again.train_on_batch(images, labels)))
    assert len(expected) == 6  # 32 + 32 + 6 images, twice
    np.testing.assert_allclose(history.batch_losses, expected, rtol=1e-5)


def test_epochs_hold_what_callbacks_before_and_behind_have_added():
    class Adds(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            logs["added"] = epoch

    history = LossHistory()
    train(network(), [history, Adds()])
    assert [logs["added"] for logs in history.epochs] == [0, 1]
    assert history.epochs[1]["loss"] == pytest.approx(np.average(history.batch_losses[3:], weights=[32, 32, 6]))
    assert repr(history).startswith("LossHistory: 6 batches; loss by epoch 0.") and not history.diverged


def test_one_history_serves_for_two_trainings():
    history = LossHistory()
    train(network(), [history])
    train(network(), [history], epochs=1)
    assert len(history.batch_losses) == 3 and len(history.epochs) == 1


def test_a_history_says_where_it_diverged():
    x, y = examples()
    x[40] = np.nan
    history = LossHistory()
    train(network(), [history], Pairs(x, y, 70), epochs=1)
    assert history.diverged and repr(history) == "LossHistory: diverged at batch 1"


# LearningRateDecay


def rates(model, decay, epochs, initial_epoch=0, before=()):
    return train(model, [*before, decay], epochs=epochs, initial_epoch=initial_epoch).history["learning_rate"]


@pytest.mark.parametrize("factor, every", [(0.5, 1), (0.1, 2), (1, 3)])
def test_each_epoch_has_the_rate_of_its_number(factor, every):
    model = network(0.2)
    expected = [0.2 * factor ** (epoch // every) for epoch in range(5)]
    assert rates(model, LearningRateDecay(factor, every), 5) == pytest.approx(expected)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.2 * factor ** (5 // every))


def test_going_on_with_the_same_model_is_one_unbroken_schedule():
    model = network(0.2)
    first = rates(model, LearningRateDecay(0.5, 2), 3)
    assert first + rates(model, LearningRateDecay(0.5, 2), 6, initial_epoch=3) == pytest.approx(
        [0.2, 0.2, 0.1, 0.1, 0.05, 0.05]
    )


def test_a_fresh_model_that_starts_later_has_the_rate_of_that_epoch():
    assert rates(network(0.2), LearningRateDecay(), 4, initial_epoch=2) == pytest.approx([0.05, 0.025])


def test_a_model_that_was_saved_with_its_optimiser_goes_on(tmp_path):
    saved = tmp_path / "last.keras"
    model = network(0.2)
    train(model, [LearningRateDecay(), keras.callbacks.ModelCheckpoint(saved)], epochs=3)
    again = keras.saving.load_model(saved)
    assert rates(again, LearningRateDecay(), 5, initial_epoch=3) == pytest.approx([0.025, 0.0125])


@pytest.mark.parametrize("decay_first", [True, False])
def test_a_run_that_was_killed_and_restored_has_the_same_rates(tmp_path, decay_first):
    class Killed(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("killed")

    def callbacks():
        pair = [LearningRateDecay(), keras.callbacks.BackupAndRestore(tmp_path / "backup")]
        return pair if decay_first else pair[::-1]

    with pytest.raises(RuntimeError, match="killed"):
        train(network(0.2), [*callbacks(), Killed()], epochs=4)
    assert train(network(0.2), callbacks(), epochs=4).history["learning_rate"] == pytest.approx([0.05, 0.025])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((0,), "factor is above 0"),
        ((1.5,), "factor is above 0"),
        ((math.nan,), "factor is above 0"),
        ((0.5, 0), "every is a number of epochs"),
        ((0.5, 1.5), "every is a number of epochs"),
    ],
)
def test_a_decay_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LearningRateDecay(*arguments)


# RocAuc


@pytest.mark.parametrize("kind", ["arrays", "numbers", "batches", "batches that never come in the same order"])
def test_the_area_is_exact_over_all_images_with_batch_norm_at_rest(kind):
    x, y = examples(101, seed=5)
    validation = {"arrays": (x, y), "numbers": (x, y.argmax(1)), "batches": Pairs(x, y, 32)}.get(kind)
    validation = validation or Pairs(x, y, 32, moved=True)
    areas = []

    class Expected(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            scores = keras.ops.convert_to_numpy(self.model(x, training=False))[:, 1]
            areas.append(roc_auc_score(y.argmax(1), scores))

    history = train(network(normalised=True), [RocAuc(validation), Expected()], epochs=3)
    assert history.history["val_auc"] == pytest.approx(areas, abs=1e-12)
    assert 0.5 < areas[-1] < 1


def test_ties_count_half():
    x, y = examples()
    history = train(network(), [RocAuc((np.zeros_like(x), y))], epochs=1)
    assert history.history["val_auc"] == [0.5]


def test_a_single_output_is_the_score_of_class_1():
    x, y = examples()
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    labels = y.argmax(axis=1)
    history = train(model, [RocAuc((x, labels[:, None]), name="auc")], Pairs(x, labels[:, None], 32), epochs=1)
    assert history.history["auc"][0] == pytest.approx(roc_auc_score(labels, model.predict(x, verbose=0)[:, 0]))


def test_checkpoint_and_early_stopping_behind_it_see_the_area(tmp_path):
    x, y = examples()
    watched = {"monitor": "val_auc", "mode": "max"}
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True, **watched)
    stopping = keras.callbacks.EarlyStopping(patience=1, **watched)
    flat = (np.zeros_like(x), y)  # the area stays 0.5
    history = train(network(), [RocAuc(flat), checkpoint, stopping], epochs=9)
    assert len(history.history["val_auc"]) == 2 and checkpoint.best == 0.5
    assert (tmp_path / "best.keras").exists()


def test_a_checkpoint_that_stands_before_it_is_warned_by_keras(tmp_path):
    checkpoint = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="val_auc", mode="max", save_best_only=True
    )
    with pytest.warns(UserWarning, match="only with val_auc available"):
        train(network(), [checkpoint, RocAuc(examples())], epochs=1)


@pytest.mark.parametrize("as_batches", [True, False])
def test_one_class_only_is_refused_before_training(as_batches):
    x, y = examples()
    model, only = network(), y.argmax(axis=1) == 1
    validation = Pairs(x[only], y[only], 8) if as_batches else (x[only], y[only])
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"of 1 class \(1\), and the area needs both"):
        train(model, [RocAuc(validation)])
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_no_images_and_three_classes_are_refused():
    with pytest.raises(ValueError, match="of 0 classes"):
        train(network(), [RocAuc((np.zeros((0, 3)), np.zeros((0, 2))))])
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = examples()
    with pytest.raises(ValueError, match="two classes, and the network has 3 outputs"):
        train(model, [RocAuc((x, y))], Pairs(x, y.argmax(axis=1), 32))


def test_a_network_that_gives_nan_has_the_area_nan():
    model = network()
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    assert math.isnan(train(model, [RocAuc(examples())], epochs=1).history["val_auc"][0])


# StopOnNaN


def explosive(rate, clipnorm=None):
    """A network without bounds on its output: with a high rate its loss overflows within some steps."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(rate, clipnorm=clipnorm), "mse")
    return model


def test_it_stops_at_the_batch_and_says_what_to_try(capsys):
    stop, history = StopOnNaN(), LossHistory()
    train(explosive(1e6), [stop, history], epochs=50)
    epoch, batch = stop.stopped_at
    assert (epoch - 1) * 3 + batch == len(history.batch_losses)
    assert np.isfinite(history.batch_losses[:-1]).all() and not math.isfinite(history.batch_losses[-1])
    said = capsys.readouterr().out
    assert f"epoch {epoch}, batch {batch}; training has stopped" in said
    assert "lower learning rate than 1e+06" in said and "clipnorm" in said and said.count("\n") == 2


def test_nan_in_the_very_first_batch_points_at_the_input(capsys):
    x, y = examples()
    stop = StopOnNaN()
    train(network(), [stop], Pairs(np.full_like(x, np.nan), y, 32))
    assert stop.stopped_at == (1, 1)
    assert "look at the input first" in capsys.readouterr().out


def test_one_bad_picture_late_in_an_epoch_is_found_there(capsys):
    x, y = examples()
    data = Pairs(x, y, 32)
    data.x = x.copy()
    data.x[-1] = np.inf  # in the third batch
    stop = StopOnNaN(verbose=0)
    train(network(), [stop], data)
    assert stop.stopped_at == (1, 3) and capsys.readouterr().out == ""


def test_a_healthy_training_is_left_alone_and_the_object_serves_again(capsys):
    stop = StopOnNaN(verbose=0)
    train(explosive(1e6), [stop], epochs=50)
    assert stop.stopped_at
    assert len(train(network(), [stop], epochs=2).history["loss"]) == 2
    assert stop.stopped_at is None and capsys.readouterr().out == ""


def test_it_works_with_several_batches_at_once():
    history, stop = LossHistory(), StopOnNaN(verbose=0)
    model = network(steps_per_execution=3)
    train(model, [history, stop], Pairs(*examples(96), 32))
    assert len(history.batch_losses) == 2 and stop.stopped_at is None
