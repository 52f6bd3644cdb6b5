"""A final run in miniature: a few drawn pictures, and a small network in the place of ResNet-18.

Also a program, for tests that kill it or run it on several devices: ``python engine_runs.py DATA OUT [options]``. With
CNNKIT_TEST_DEVICES=2 TensorFlow gets two logical devices on the processor.
"""

import os
import sys
from pathlib import Path

import cnnkit  # isort: skip  # noqa: F401  before Keras, so that TensorFlow is quiet
import keras
import numpy as np
from PIL import Image

from cnnkit import engine
from cnnkit.training import Preset, compile_as

TINY = {
    "size": (32, 32),
    "crop": None,
    "channels": 1,
    "normalize": "min_max",
    "augmentation": {"rotation": 10, "width_shift": 0.1, "contrast": 0.1},
    "optimizer": "sgd",
    "learning_rate": 0.02,
    "decay": "cosine",
    "warmup": 1,
    "batch_size": 16,
    "average": 0.5,
    "epochs": 3,
}


def draw(folder: Path, well: int = 60, ill: int = 40) -> Path:
    """Draw films of two for each patient; the ill ones have a bright corner."""
    rng = np.random.default_rng(0)
    for name, count, first in (("nofinding", well, 1000), ("effusion", ill, 5000)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            film = rng.integers(0, 120, (40, 44))
            film[25:, :15] += 60 * (name == "effusion")
            file = f"{first + number // 2:08}_{number % 2:03}.png"
            Image.fromarray(film.astype(np.uint8)).save(folder / name / file)
    return folder


def small(preset: Preset, *, classes: int = 2, **_) -> keras.Model:
    """Build a network that is ready at once, with all that has a state: weights, momentum, running means."""
    inputs = keras.Input((*preset.shape, preset.channels))
    x = keras.layers.BatchNormalization(momentum=preset.average or 0.9)(keras.layers.Conv2D(6, 5, 4)(inputs))
    x = keras.layers.Conv2D(6, 3, 1, activation="relu")(x)
    outputs = keras.layers.Dense(classes, "softmax", dtype="float32")(keras.layers.Flatten()(x))
    model = keras.Model(inputs, outputs)
    compile_as(model, preset)
    return model


def weights(place: Path) -> list[np.ndarray]:
    """Return the weights of the network that a training has kept, and all of its last state."""
    kept = keras.saving.load_model(place / "best.keras", compile=False).get_weights()
    with np.load(place / "state.npz") as state:
        return [*kept, *(state[name] for name in state.files if name != "progress")]


def main(data: str, out: str, epochs: str) -> None:
    """Train once, without a comparison."""
    if devices := int(os.environ.get("CNNKIT_TEST_DEVICES", "0")):
        import tensorflow as tf

        processor = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * devices)
    engine.build = small
    engine.run("cxr", out, preset=Preset(**{**TINY, "epochs": int(epochs)}), data=data, live=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
