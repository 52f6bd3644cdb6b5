"""Says in plain data what a result is that is none: a Keras model, a set of augmentation settings."""

import numpy as np

__all__ = ["film_settings", "network", "training_settings"]


def network(model) -> dict | str | None:
    """Return what tells one Keras model from another, whatever its layers are called and in what order they were made.

    Of something else only the name of its type is returned, and of None None.

    Every weight is set to a fixed pattern that depends on its shape and role only; so what comes out for a fixed
    picture is a fact of the way in which the layers are connected.
    """
    import keras

    if not isinstance(model, keras.Model):
        return None if model is None else type(model).__name__
    for variable in model.weights:
        variable.assign(_pattern(tuple(variable.shape), variable.path.rsplit("/", 1)[-1]))
    shape = tuple(model.input_shape[1:])
    pictures = np.stack([np.sin(np.arange(np.prod(shape)) * step).reshape(shape) for step in (0.7, 1.3)])
    return {
        "kind": "Model",
        "input": list(shape),
        "output": [side for side in model.output_shape[1:]],
        "parameters": int(model.count_params()),
        "result": np.asarray(model(pictures.astype(np.float32), training=False)),
    }


def _pattern(shape: tuple[int, ...], role: str) -> np.ndarray:
    count = int(np.prod(shape))
    if role in ("gamma", "moving_variance"):
        return np.ones(shape, np.float32)
    if role in ("beta", "moving_mean"):
        return np.zeros(shape, np.float32)
    scale = 1 / max(1, np.sqrt(np.prod(shape[:-1]))) if len(shape) > 1 else 0.1
    return (scale * np.sin(1 + 0.9 * np.arange(count))).reshape(shape).astype(np.float32)


def film_settings(settings) -> dict | None:
    """Return what is said of a set of augmentation settings for films: each is allowed, or not, or missing."""
    if not isinstance(settings, dict):
        return None
    try:
        rotation, shift = float(settings["rotation"]), float(settings["shift"])
        return {
            "names": sorted(map(str, settings)),
            "rotation": _band(rotation, 0, 15),
            "shift": _band(shift, 0, 0.1),
            "crop": _band(float(settings["crop"]), 0, 0.49),
            "vertical_flip": bool(settings["vertical_flip"]),
            "only_in_training": bool(settings["only_in_training"]),
        }
    except (KeyError, TypeError, ValueError):
        return {"names": sorted(map(str, settings))}


def _band(amount: float, low: float, high: float) -> str:
    """Say whether an amount is none at all, small enough, or too large."""
    if amount == low:
        return "none"
    return "some" if low < amount <= high else "too much"


def training_settings(settings) -> dict | None:
    """Return what is said of a training's settings: whether each suits, and how many times softmax is applied."""
    if not isinstance(settings, dict):
        return None
    try:
        softmax = (settings["last_activation"] == "softmax") + bool(settings["from_logits"])
        return {
            "names": sorted(map(str, settings)),
            "pixels": _place(255 / float(settings["divide_by"]), 1, 1),
            "learning_rate": _place(float(settings["learning_rate"]), 1e-3, 0.3),
            "softmax": int(softmax),
            **{name: bool(settings[name]) for name in ("augment_training", "augment_validation", "shuffle_training")},
        }
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return {"names": sorted(map(str, settings))}


def _place(amount: float, low: float, high: float) -> str:
    if low <= amount <= high:
        return "fits"
    return "too small" if amount < low else "too large"
