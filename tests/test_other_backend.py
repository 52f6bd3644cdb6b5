"""The package under Keras's JAX backend: the same code builds, trains, saves, measures and explains."""

import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed"),
]

# In a process of its own, since Keras chooses its backend once.
SCRIPT = """
import cnnkit  # first, so that nothing chatters
import keras, numpy as np
from pathlib import Path
from PIL import Image

assert keras.backend.backend() == "jax"
from cnnkit.augment import Augmentation
from cnnkit.callbacks import LearningRateDecay
from cnnkit.datasets import ImageFolder
from cnnkit.evaluate import confusion_matrix, roc_auc
from cnnkit.explain import grad_cam, randomized_check, saliency
from cnnkit.generator import DataGenerator
from cnnkit.losses import WeightedCategoricalCrossentropy
from cnnkit.resnet import ResnetBuilder, basic_block
from cnnkit.training import ablation_run, fit, learning_rate_sweep

rng = np.random.default_rng(0)
for label, name in enumerate(("daisy", "rose")):
    Path(name).mkdir()
    for number in range(12):
        noise = rng.integers(0, 100, (40, 40, 3)) + [0, 0, 0 if label else 150]
        Image.fromarray(noise.astype(np.uint8)).save(f"{name}/{number}.png")
folder = ImageFolder(".", ("daisy", "rose"))
data = DataGenerator(folder, batch_size=8, crop=(32, 32), augment=Augmentation.flowers(), seed=0)
validation = DataGenerator(folder, batch_size=8, crop=(32, 32), shuffle=False)

def new():
    model = ResnetBuilder.build((3, 32, 32), 2, basic_block, [1, 1], width=4)  # JAX compiles slowly
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9
    model.compile("adam", WeightedCategoricalCrossentropy([[1, 5], [5, 1]]), metrics=["accuracy"])
    return model

keras.utils.set_random_seed(0)
model = new()
history = fit(model, data, validation, epochs=6, out="run", callbacks=[LearningRateDecay(0.5, 3)], live=False).history
best = keras.saving.load_model("run/best.keras")
y_true = np.concatenate([validation[at][1] for at in range(len(validation))])
scores = best.predict(validation, verbose=0)
measured = roc_auc(y_true, scores, resamples=50)
assert abs(measured.value - max(history["val_auc"])) < 1e-6
assert measured.value > 0.9, measured
assert history["learning_rate"][-1] < history["learning_rate"][0]
confusion_matrix(y_true, scores)
image = validation[0][0][0]

def small():
    layers = [keras.layers.Conv2D(4, 3, 4), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, "softmax")]
    return keras.Sequential([keras.Input((32, 32, 3)), *layers])

assert saliency(best, image).max() == 1
assert grad_cam(small(), image).max() in (0, 1)  # 0 if nothing speaks for the class
assert set(randomized_check(small(), image)._fields) == {"correlation", "heat", "random_heat"}
assert ablation_run(small, data, share=0.5).batches == 3
assert set(learning_rate_sweep(small, data, rates=(0.1, 0.001), epochs=1)) == {0.1, 0.001}
keras.config.set_dtype_policy("mixed_bfloat16")
assert new()(image[None]).dtype == "float32"
print("all of it works")
"""


def test_everything_works_with_jax(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout == "all of it works\n"
    assert run.stderr == ""
