"""Training: the checkpoint that is always whole, the interrupt, the live curve, and the two runs that come before."""

import cnnkit  # noqa: F401, I001  before Keras, so that TensorFlow starts quietly

import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import time

import keras
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from cnnkit import training
from cnnkit.augment import Augmentation
from cnnkit.callbacks import LearningRateDecay
from cnnkit.datasets import ImageFolder
from cnnkit.generator import DataGenerator
from cnnkit.training import PRESETS, BestCheckpoint, LiveCurve, ablation_run, build, fit, learning_rate_sweep


class Pairs(keras.utils.PyDataset):
    """Batches that come in another order in each epoch, as `DataGenerator` gives them."""

    def __init__(self, x, y, size=16):
        super().__init__()
        self.x, self.y, self.size, self.epoch = x, y, size, 0

    def __len__(self):
        return -(-len(self.x) // self.size)

    def on_epoch_begin(self):
        self.epoch += 1

    def __getitem__(self, index):
        order = np.random.default_rng(self.epoch).permutation(len(self.x))
        part = order[index * self.size : (index + 1) * self.size]
        return self.x[part], self.y[part]


def examples(count=80, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 4, 4, 1)).astype("float32")
    return x, np.eye(2, dtype="float32")[(x.mean(axis=(1, 2, 3)) > 0).astype(int)]


def plain():
    layers = [keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")]
    return keras.Sequential([keras.Input((4, 4, 1)), *layers])


def network(rate=0.1):
    keras.utils.set_random_seed(1)
    model = plain()
    model.compile(keras.optimizers.SGD(rate), "categorical_crossentropy", metrics=["accuracy"])
    return model


class Act(keras.callbacks.Callback):
    """Does something at the end of a batch or of an epoch."""

    def __init__(self, batch=lambda epoch, batch: None, epoch=lambda epoch, logs: None):
        super().__init__()
        self.batch, self.epoch, self.number = batch, epoch, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.number = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.batch(self.number, batch)

    def on_epoch_end(self, epoch, logs=None):
        self.epoch(epoch, logs)


# fit


@pytest.mark.parametrize("as_batches", [True, False])
def test_fit_logs_the_area_and_keeps_the_best_model(tmp_path, as_batches, capsys):
    data = Pairs(*examples()) if as_batches else examples()
    x, y = examples(50, seed=1)
    history = fit(network(0.5), data, (x, y), epochs=4, out=tmp_path / "new" / "run").history
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy", "val_auc"}
    assert len(history["val_auc"]) == 4 and history["val_auc"][-1] > 0.8
    best = keras.saving.load_model(tmp_path / "new" / "run" / "best.keras")
    scores = best.predict(x, verbose=0)[:, 1]
    positive = y[:, 1] == 1
    area = np.mean(scores[positive][:, None] > scores[~positive])
    assert area == pytest.approx(max(history["val_auc"]))
    assert os.listdir(tmp_path / "new" / "run") == ["best.keras"]
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Epoch 1 of 4: loss \d\.\d{3}, val_loss \d\.\d{3}, val_auc 0\.\d{3}", said[0])
    assert said[-1] == "Training loss fell over 4 epochs."


@pytest.mark.parametrize("as_batches", [True, False])
def test_one_seed_gives_the_same_weights_twice(as_batches):
    weights = []
    for _ in range(2):
        data, model = Pairs(*examples()) if as_batches else examples(), network()
        fit(model, data, examples(seed=1), epochs=2, live=False, seed=3)
        weights.append(model.get_weights()[0])
    np.testing.assert_array_equal(*weights)


def test_batches_are_trained_on_in_their_own_order():
    told = []

    class Told(Pairs):
        def __getitem__(self, index):
            told.append(index)
            return super().__getitem__(index)

    fit(network(), Told(*examples()), examples(seed=1), epochs=3, live=False)
    assert told[-15:] == [0, 1, 2, 3, 4] * 3


def test_callbacks_see_the_area_and_what_they_change_is_saved(tmp_path):
    seen = []
    mine = [LearningRateDecay(), Act(epoch=lambda epoch, logs: seen.append(logs["val_auc"]))]
    fit(network(0.2), examples(), examples(seed=1), epochs=1, out=tmp_path, callbacks=mine, live=False)
    assert len(seen) == 1
    assert float(keras.saving.load_model(tmp_path / "best.keras").optimizer.learning_rate) == pytest.approx(0.1)


def test_a_later_epoch_goes_on_where_the_first_ended():
    model, schedule = network(0.2), LearningRateDecay()
    first = fit(model, examples(), examples(seed=1), epochs=2, callbacks=[schedule], live=False).history
    more = fit(model, examples(), examples(seed=1), epochs=3, initial_epoch=2, callbacks=[schedule], live=False).history
    assert first["learning_rate"] + more["learning_rate"] == pytest.approx([0.2, 0.1, 0.05])


def test_a_training_that_goes_on_keeps_a_better_model_from_before(tmp_path, capsys):
    good, poor = network(0.5), network(1e-9)
    fit(good, examples(), examples(seed=1), epochs=4, out=tmp_path, live=False)
    kept = (tmp_path / "best.keras").read_bytes()
    fit(poor, examples(), examples(seed=1), epochs=6, initial_epoch=4, out=tmp_path, live=False)
    assert (tmp_path / "best.keras").read_bytes() == kept
    stop = Act(batch=lambda epoch, batch: signal.raise_signal(signal.SIGINT))
    fit(poor, examples(), examples(seed=1), epochs=6, initial_epoch=4, out=tmp_path, callbacks=[stop], live=False)
    assert "Interrupted after 4 of 6 epochs. best.keras is of an earlier run, val_auc 0." in capsys.readouterr().out
    fit(good, examples(), examples(seed=1), epochs=9, initial_epoch=4, out=tmp_path, live=False)
    assert (tmp_path / "best.keras").read_bytes() != kept
    fit(poor, examples(), examples(seed=1), epochs=1, out=tmp_path, live=False)  # begun anew
    assert (tmp_path / "best.keras").exists()


@pytest.mark.parametrize("epochs", [0, -1, 2.5])
def test_what_cannot_be_trained_is_refused(epochs):
    with pytest.raises(ValueError, match="epochs is a whole number above initial_epoch"):
        fit(network(), examples(), examples(), epochs=epochs)
    with pytest.raises(ValueError, match="compile the model first"):
        fit(plain(), examples(), examples(), epochs=1)
    with pytest.raises(ValueError, match="of 1 class"):
        fit(network(), examples(), (np.zeros((3, 4, 4, 1)), np.eye(2)[[0, 0, 0]]), epochs=1)


def test_a_loss_that_is_nan_ends_the_training_and_is_never_the_best(tmp_path, capsys):
    x, y = examples()
    x[7] = np.nan
    history = fit(network(), (x, y), examples(seed=1), epochs=5, out=tmp_path).history
    assert len(history["loss"]) == 1 and math.isnan(history["val_auc"][0])
    assert os.listdir(tmp_path) == []
    said = capsys.readouterr().out
    assert "StopOnNaN: the loss is NaN" in said and "no longer a number after 1 epoch." in said


# the interrupt


def test_an_interrupt_leaves_the_best_model_and_says_one_line(tmp_path, capsys):
    def interrupt(epoch, batch):
        if (epoch, batch) == (2, 1):
            signal.raise_signal(signal.SIGINT)

    history = fit(
        network(), examples(), examples(seed=1), epochs=9, out=tmp_path, callbacks=[Act(batch=interrupt)], live=False
    )
    best = 1 + int(np.argmax(history.history["val_auc"]))
    assert len(history.history["loss"]) == 2
    said = capsys.readouterr().out
    assert said == (
        f"Interrupted after 2 of 9 epochs. best.keras is of epoch {best},"
        f" val_auc {max(history.history['val_auc']):.3f}.\n"
    )
    keras.saving.load_model(tmp_path / "best.keras")


def test_an_interrupt_in_the_first_epoch_is_no_error_either(tmp_path, capsys):
    interrupt = Act(batch=lambda epoch, batch: signal.raise_signal(signal.SIGINT))
    for out, ending in ((None, ""), (tmp_path, " There is no checkpoint yet.")):
        history = fit(network(), examples(), examples(seed=1), epochs=2, out=out, callbacks=[interrupt])
        assert history.history == {}
        said = capsys.readouterr().out
        assert said == f"Training ended within its first epoch.\nInterrupted after 0 of 2 epochs.{ending}\n"


def test_an_interrupt_while_the_model_is_written_leaves_the_old_one_whole(tmp_path, monkeypatch):
    kept = BestCheckpoint(tmp_path / "best.keras")
    model = network()
    model.fit(*examples(), verbose=0)
    kept.set_model(model)
    kept.on_epoch_end(0, {"val_auc": 0.6})
    old = (tmp_path / "best.keras").read_bytes()

    def cut_off(path, overwrite):
        with open(path, "wb") as file:
            file.write(old[: len(old) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(model, "save", cut_off)
    with pytest.raises(KeyboardInterrupt):
        kept.on_epoch_end(1, {"val_auc": 0.7})
    assert os.listdir(tmp_path) == ["best.keras"] and kept.best_epoch == 1
    assert (tmp_path / "best.keras").read_bytes() == old


def test_the_checkpoint_changes_only_for_the_better(tmp_path):
    kept = BestCheckpoint(tmp_path / "best.keras")
    model = network()
    kept.set_model(model)
    kept_epochs = []
    for epoch, area in enumerate([math.nan, 0.6, 0.5, math.nan, 0.6, 0.7]):
        kept.on_epoch_end(epoch, {"val_auc": area})
        kept_epochs.append(kept.best_epoch)
    assert kept_epochs == [None, 2, 2, 2, 2, 6]


KILLED = """
import cnnkit, keras, numpy as np
from cnnkit.training import fit
x = np.random.default_rng(0).normal(size=(64, 4, 4, 1)).astype("float32")
y = np.eye(2)[(x.mean(axis=(1, 2, 3)) > 0).astype(int)]
model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")])
model.compile("sgd", "categorical_crossentropy")
history = fit(model, (x, y), (x, y), epochs=1_000_000, out="out")
print("still here", len(history.history["loss"]) > 0)
"""


@pytest.mark.slow
def test_ctrl_c_in_a_terminal(tmp_path):
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        next(line for line in process.stdout if line.startswith("Epoch 3 "))
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        assert process.wait(60) == 0
    assert "Interrupted after" in said and "still here True" in said
    keras.saving.load_model(tmp_path / "out" / "best.keras")


# the live curve


class Notebook:
    """Stands in for a notebook: takes the pictures, and when they came."""

    def __init__(self, monkeypatch):
        self.pictures, self.times = [], []
        monkeypatch.setattr(training, "_in_notebook", lambda: True)
        monkeypatch.setattr("IPython.display.display", self.display)

    def display(self, data, raw, metadata, display_id):
        assert raw and display_id is True
        self.update(data, raw, metadata)
        return self

    def update(self, data, raw, metadata):
        assert metadata["image/png"]["alt"] == data["text/plain"]
        self.pictures.append(data)
        self.times.append(time.monotonic())


def test_in_a_notebook_one_picture_renews_itself(monkeypatch, capsys):
    notebook = Notebook(monkeypatch)
    fit(network(), examples(), examples(seed=1), epochs=6, callbacks=[Act(batch=lambda *_: time.sleep(0.15))])
    assert 2 < len(notebook.pictures) < 12  # of 18 batches, in 2.7 s and more
    assert min(np.diff(notebook.times)[:-1]) > 0.5  # the last comes at once
    assert {picture["text/plain"] for picture in notebook.pictures} == {LiveCurve.ALT}
    images = [Image.open(io.BytesIO(training.base64.b64decode(each["image/png"]))) for each in notebook.pictures]
    assert len({image.size for image in images}) == 1
    assert not np.array_equal(np.asarray(images[0]), np.asarray(images[-1]))
    assert max(len(picture["image/png"]) for picture in notebook.pictures) < 40_000
    assert capsys.readouterr().out == "Training loss fell over 6 epochs.\n"


CELL = """
import os
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import cnnkit, keras, numpy as np
from cnnkit.training import fit
x = np.random.default_rng(0).normal(size=(64, 4, 4, 1)).astype("float32")
y = np.eye(2)[(x.mean(axis=(1, 2, 3)) > 0).astype(int)]
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")])
model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy")
history = fit(model, (x, y), (x, y), epochs=5)
"""


@pytest.mark.slow
def test_a_saved_notebook_has_one_picture_and_nbval_finds_nothing_changed(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.strip())])
    NotebookClient(notebook, kernel_name="python3", timeout=100).execute()
    picture, words = notebook.cells[0].outputs
    assert picture.output_type == "display_data" and set(picture.data) == {"image/png", "text/plain"}
    assert picture.metadata["image/png"]["alt"] == picture.data["text/plain"] == LiveCurve.ALT
    assert words.text == "Training loss fell over 5 epochs.\n"
    nbformat.write(notebook, tmp_path / "lesson.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "lesson.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_facts_say_what_happened():
    curve = LiveCurve()
    assert curve.facts() == "Training ended within its first epoch."
    curve.epochs = [{}]
    for losses, said in (([3, 2, 2, 1], "fell"), ([1, 2, 2, 3], "did not fall"), ([1, math.nan], "was no longer")):
        curve.batch_losses = losses
        assert f"Training loss {said}" in curve.facts() and curve.facts().endswith(" 1 epoch.")


def test_a_curve_can_be_used_with_keras_alone(capsys):
    network().fit(*examples(), epochs=2, verbose=0, callbacks=[LiveCurve()])
    assert "Epoch 2 of 2: loss" in capsys.readouterr().out


# the sweep


@pytest.mark.parametrize("as_batches", [True, False])
def test_a_sweep_starts_each_rate_from_the_same_weights_and_batches(as_batches):
    data = Pairs(*examples()) if as_batches else examples()
    histories = learning_rate_sweep(plain, data, rates=(0.1, 0.01, 0.1), epochs=2)
    assert list(histories) == [0.1, 0.01]  # the last of the three is that of the repeated rate
    again = learning_rate_sweep(plain, data, rates=(0.01, 0.1), epochs=2)
    for rate in (0.1, 0.01):
        assert histories[rate].batch_losses == pytest.approx(again[rate].batch_losses, rel=1e-6)
    assert histories[0.1].batch_losses[0] == histories[0.01].batch_losses[0]
    assert histories[0.1].batch_losses[1] != histories[0.01].batch_losses[1]
    assert histories[0.1].epochs[-1]["loss"] < histories[0.01].epochs[-1]["loss"]


def open_ended():
    return keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])


def test_a_rate_that_diverges_is_marked_and_the_next_one_is_healthy(capsys):
    x, y = examples()
    rates = {"rates": (1e9, 0.01), "epochs": 6, "loss": "mse"}
    histories = learning_rate_sweep(open_ended, (x, y), clipnorm=None, **rates)
    assert histories[1e9].diverged and "diverged at batch" in repr(histories[1e9])
    assert not histories[0.01].diverged and len(histories[0.01].epochs) == 6
    assert capsys.readouterr().out == ""


def test_clipping_shortens_the_steps():
    options = {"rates": (1e9,), "epochs": 3, "loss": "mse"}
    free = learning_rate_sweep(open_ended, examples(), clipnorm=None, **options)[1e9]
    clipped = learning_rate_sweep(open_ended, examples(), clipnorm=1.0, **options)[1e9]
    assert clipped.batch_losses[1] < free.batch_losses[1] / 10 or free.diverged


def test_a_compiled_model_keeps_its_optimiser():
    def compiled():
        model = plain()
        model.compile("adam", "categorical_crossentropy")
        return model

    adam = learning_rate_sweep(compiled, examples(), rates=(0.01,), epochs=2)[0.01]
    sgd = learning_rate_sweep(plain, examples(), rates=(0.01,), epochs=2)[0.01]
    assert adam.batch_losses[0] == sgd.batch_losses[0] and adam.batch_losses[1] != sgd.batch_losses[1]


@pytest.mark.parametrize("rates", [(), (0.1, 0), (-1,)])
def test_rates_that_make_no_sense_are_refused(rates):
    with pytest.raises(ValueError, match="rates are numbers above 0"):
        learning_rate_sweep(plain, examples(), rates=rates)


# the ablation run


@pytest.mark.parametrize("as_batches", [True, False])
def test_an_ablation_run_counts_and_foretells(as_batches):
    x, y = examples(330)
    result = ablation_run(plain, Pairs(x, y, 32) if as_batches else (x, y), share=0.5, epochs=7)
    assert (result.batches, result.all_batches, result.classes) == (6, 11, 2)  # of 10.3: 32 · 10 + 10
    assert result.images == 5 * 32 + 10 and result.input_shape == (4, 4, 1)
    assert len(result.losses) == 6 and result.learns == (np.mean(result.losses[3:]) < np.mean(result.losses[:3]))
    assert result.epoch_seconds == pytest.approx(11 * result.batch_seconds)
    assert result.total_seconds == pytest.approx(result.start_seconds + 7 * result.epoch_seconds)
    words = repr(result).splitlines()
    assert words[0] == "Ablation run over 6 of 11 batches: 170 pictures of 4×4×1, 2 classes."
    assert words[1].startswith("Loss ") and len(words) == 3


def test_a_small_share_still_has_batches_enough_to_see_a_trend():
    result = ablation_run(plain, Pairs(*examples(), 8), share=0.01)
    assert (result.batches, result.all_batches) == (4, 10)
    assert ablation_run(plain, Pairs(*examples(), 40), share=0.01).batches == 2


def test_an_ablation_run_says_when_nothing_is_learnt():
    result = ablation_run(plain, Pairs(*examples(), 8), share=1)
    losing = training.Ablation(**{**vars(result), "losses": (1.0, 1.0, 2.0, 2.0)})
    assert not losing.learns and "it does not fall" in repr(losing)


def test_what_does_not_fit_together_is_named():
    x, y = examples()
    with pytest.raises(ValueError, match=r"pictures of shape \(4, 4, 1\), and the batches have \(4, 4\)"):
        ablation_run(plain, (x[..., 0], y))
    with pytest.raises(ValueError, match=r"labels of shape \(2,\), and the batches have \(\)"):
        ablation_run(plain, (x, y.argmax(axis=1)))
    with pytest.raises(ValueError, match="one batch shows no trend"):
        ablation_run(plain, (x[:9], y[:9]))
    with pytest.raises(ValueError, match="share is above 0"):
        ablation_run(plain, (x, y), share=0)


# the presets


def test_presets_of_all_three_sizes_build_and_differ_in_numbers_alone():
    assert set(PRESETS["flowers"]) == {"smoke", "lesson", "full"}
    smoke = build(PRESETS["flowers"]["smoke"])
    assert smoke.compiled and smoke.input_shape == (None, 100, 100, 3) and smoke.output_shape == (None, 2)
    assert {layer.momentum for layer in smoke.layers if isinstance(layer, keras.layers.BatchNormalization)} == {0.9}
    assert PRESETS["flowers"]["full"].width == 64
    with pytest.raises(AttributeError, match="cannot assign"):
        PRESETS["flowers"]["smoke"].epochs = 3
    json.dumps(vars(PRESETS["flowers"]["lesson"]))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_lesson_preset_learns_real_photographs(real_pictures):
    preset = PRESETS["flowers"]["lesson"]
    learn, keep = ImageFolder(real_pictures / "flowers224", ("daisy", "rose")).split(0.2, seed=0)
    options = {"batch_size": preset.batch_size, "size": preset.size, "crop": preset.crop}
    batches = DataGenerator(learn, augment=Augmentation.flowers(), **options)
    keras.utils.set_random_seed(0)
    decay = LearningRateDecay(preset.decay, preset.decay_every)
    history = fit(
        build(preset), batches, DataGenerator(keep, shuffle=False, **options), epochs=preset.epochs, callbacks=[decay]
    )
    assert max(history.history["val_auc"]) >= 0.9
