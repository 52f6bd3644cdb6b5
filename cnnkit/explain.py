"""What a network looks at in a picture: gradient saliency, Grad-CAM, and a check of what such maps are worth.

All work for any Keras model that is built as a graph of layers (functional or `Sequential`) with one picture as its
input and a value for each class as its output; none of them changes it. A picture is what the network gets: float
(rows, columns, channels), or (1, rows, columns, channels).

The class is asked about by its logit, the value before the last softmax or sigmoid. A network that is sure of itself
gives a probability of 1, which no small change of the picture moves: the gradient of the probability would be 0.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import ops
from matplotlib import colormaps
from numpy.typing import ArrayLike
from scipy.stats import spearmanr
from skimage.transform import resize

__all__ = ["RandomizedCheck", "grad_cam", "overlay", "randomized_check", "saliency"]

COLORS = "inferno"  # even steps in the map are even steps to the eye, also in grey and for the colour-blind


class RandomizedCheck(NamedTuple):
    """The map of a network and that of one with random weights, and how alike they are."""

    correlation: float
    heat: np.ndarray
    random_heat: np.ndarray


def saliency(model: keras.Model, image: ArrayLike, class_index: int | None = None) -> np.ndarray:
    """Show how much each pixel would move the network's decision: its gradient.

    Parameters
    ----------
    model : see `cnnkit.explain`.
    image : float (rows, columns, channels) or (1, rows, columns, channels), as the network gets it.
    class_index : the class that is asked about, 0 or more; by default the predicted one.

    Returns
    -------
    float32 (rows, columns), 0-1: the largest absolute gradient of the channels, the largest of all being 1. All 0 if
    nothing in the picture matters.

    Raises
    ------
    ValueError : a model, picture or class that does not fit, a network that gives NaN.

    Source: K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks: visualising image classification
    models and saliency maps", 2014, arXiv:1312.6034, section 3.

    >>> inputs = keras.Input((2, 2, 1))
    >>> outputs = keras.layers.Dense(2, use_bias=False)(keras.layers.Flatten()(inputs))
    >>> model = keras.Model(inputs, outputs)
    >>> model.set_weights([np.array([[0, 4], [0, 1], [0, -2], [0, 0]])])
    >>> saliency(model, np.zeros((2, 2, 1)), class_index=1)
    array([[1.  , 0.25],
           [0.5 , 0.  ]], dtype=float32)
    """
    image = _checked_image("saliency", _checked_model("saliency", model), image)
    wanted = _one_hot("saliency", model, image, class_index)
    gradient = _gradient("saliency", model, image, model.inputs[0], image, wanted)
    return _scaled(np.abs(gradient[0]).max(axis=-1))


def grad_cam(
    model: keras.Model, image: ArrayLike, class_index: int | None = None, layer: str | None = None
) -> np.ndarray:
    """Show where a layer finds what speaks for a class.

    Each channel of the layer is weighted by how much it moves the decision on average over the picture, the channels
    are added, and what speaks against the class is left out. A late layer knows best what it sees and worst where.

    Parameters
    ----------
    model, image, class_index : as for `saliency`.
    layer : name of a layer whose output is (rows, columns, channels); by default the last one with more than a single
        position. A model within the model counts as one layer.

    Returns
    -------
    float32 (rows, columns), 0-1, as large as the picture (linear between the positions of the layer), the largest
    value being 1. All 0 if nothing speaks for the class.

    Raises
    ------
    ValueError : as for `saliency`; a layer that there is not, with the names of those there are.

    Source: R. R. Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based localization",
    ICCV 2017, equations 1 and 2.
    """
    image = _checked_image("grad_cam", _checked_model("grad_cam", model), image)
    tensor = _checked_layer(model, layer)
    wanted = _one_hot("grad_cam", model, image, class_index)
    activation = ops.convert_to_numpy(keras.Function(model.inputs[0], tensor)(image))
    weights = _gradient("grad_cam", model, image, tensor, activation, wanted).mean(axis=(1, 2))
    heat = np.maximum(activation[0].astype(np.float32) @ weights[0], 0)
    return _scaled(resize(heat, image.shape[1:3], order=1, anti_aliasing=False))


def overlay(image: ArrayLike, heat: np.ndarray, strength: float = 0.5) -> np.ndarray:
    """Lay a map in colours over its picture: dark is unimportant, bright is important.

    Parameters
    ----------
    image : (rows, columns), (rows, columns, 1), (rows, columns, 3), or one of the last two with a 1 in front; uint8,
        or float. Floats that are not all in 0-1 are stretched, the lowest to black and the highest to white.
    heat : number (rows, columns), 0-1, of the size of the picture.
    strength : 0, the picture alone, to 1, the colours alone.

    Returns
    -------
    uint8 (rows, columns, 3).

    Raises
    ------
    ValueError : shapes that do not fit, values that are not finite or out of their range.

    >>> overlay(np.full((1, 2), 255, np.uint8), np.array([[0.0, 1.0]])).tolist()
    [[[128, 128, 129], [254, 255, 210]]]
    """
    picture, heat = _checked_picture(image), np.asarray(heat, dtype=float)
    if heat.shape != picture.shape[:2]:
        raise ValueError(f"overlay: the map has shape {heat.shape}, and the picture {picture.shape[:2]}.")
    if not (np.isfinite(heat).all() and heat.min() >= 0 and heat.max() <= 1):
        raise ValueError("overlay: heat goes from 0 to 1, as `saliency` and `grad_cam` give it.")
    if not 0 <= strength <= 1:
        raise ValueError(f"overlay: strength goes from 0 to 1, not {strength!r}.")
    glow = 255 * colormaps[COLORS](heat)[:, :, :3]
    return ((1 - strength) * picture + strength * glow).round().astype(np.uint8)


def randomized_check(
    model: keras.Model,
    image: ArrayLike,
    class_index: int | None = None,
    method: Callable[..., np.ndarray] = grad_cam,
    seed: int = 0,
) -> RandomizedCheck:
    """Check that a map depends on what the network has learnt, not only on the picture.

    The map is drawn again with a network of the same layers and fresh weights, for the same class. If both maps are
    alike, the method shows edges in the picture, or the way the layers are wired, and explains nothing. (An initialiser
    with a seed of its own draws the same weights again.)

    Parameters
    ----------
    model, image, class_index : as for `saliency`.
    method : `saliency`, `grad_cam`, or a function that is called like them.
    seed : the same seed draws the same weights. Python's own random numbers go on as if nothing had been drawn.

    Returns
    -------
    `RandomizedCheck`: Spearman's rank correlation of both maps, from -1 to 1, near 0 if they have nothing in common
    and NaN if one of them is the same everywhere; and the two maps.

    Raises
    ------
    ValueError : as for `saliency`.

    Source: J. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018, section 3 (all layers at once).
    """
    image = _checked_image("randomized_check", _checked_model("randomized_check", model), image)
    class_index = int(_one_hot("randomized_check", model, image, class_index).argmax())
    heats = [method(each, image, class_index) for each in (model, _with_fresh_weights(model, seed))]
    if any(heat.min() == heat.max() for heat in heats):
        return RandomizedCheck(float("nan"), *heats)
    return RandomizedCheck(float(spearmanr(heats[0], heats[1], axis=None).statistic), *heats)


class _Gradient(keras.Model):
    """Takes a gradient with whatever is beneath Keras, TensorFlow, JAX or PyTorch: by one step of training.

    Keras has no function for gradients, but every backend trains. The only weight that is trained is `moved`, which is
    added to the values in question and begins at 0. With plain gradient descent at a learning rate of 1 and a loss of
    minus the logit, it is the gradient after one step.
    """

    def __init__(self, logits: Callable, shape: tuple[int, ...]) -> None:
        super().__init__(dtype="float32")
        # Within another function, or Keras would count the weights, losses and metrics of the network as this model's.
        self.logits = lambda *tensors: logits(*tensors)
        self.moved = self.add_weight(shape=shape, initializer="zeros", name="moved")
        # Step by step rather than compiled: compiling takes longer than a dozen pictures.
        self.compile(keras.optimizers.SGD(1.0), run_eagerly=True, auto_scale_loss=False)

    # Without an argument `training`, so that all layers behave as in a prediction.
    def call(self, inputs):
        image, values = inputs
        return self.logits(image, values + self.moved)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return -ops.sum(y * ops.cast(y_pred, "float32"))


def _gradient(where: str, model: keras.Model, image: np.ndarray, tensor, values: np.ndarray, wanted: np.ndarray):
    """Return the gradient of the wanted logit by the values of a tensor of the network: float32, of their shape."""
    before, finish = _logits(model)
    # From the picture as well as from the values: shortcuts may lead around them.
    rest = keras.Function([model.inputs[0], tensor], before)
    taken = _Gradient(lambda image, values: finish(rest([image, values])), values.shape)
    taken.train_on_batch([image, values], wanted)
    gradient = ops.convert_to_numpy(taken.moved)
    if not np.isfinite(gradient).all():
        raise ValueError(f"{where}: the network gives NaN. It has diverged: train it anew, with a lower learning rate.")
    return gradient


def _logits(model: keras.Model) -> tuple[object, Callable]:
    """Return a tensor of the network, and what makes the logits from it."""
    last, before = _made_by(model.outputs[0])
    activation = getattr(last, "activation", None)
    if isinstance(last, keras.layers.Softmax) or activation in (keras.activations.softmax, keras.activations.sigmoid):
        if isinstance(last, keras.layers.Dense):
            bias = 0 if last.bias is None else last.bias
            return before[0], lambda values: ops.matmul(ops.cast(values, "float32"), last.kernel) + bias
        if isinstance(last, (keras.layers.Activation, keras.layers.Softmax)):
            return before[0], lambda values: values
    return model.outputs[0], lambda values: values


def _made_by(tensor) -> tuple[keras.Operation, list]:
    """Return the layer that a tensor of a network comes out of, and the tensors that went into it.

    `layer.input` and `layer.output` would be those of the first network that the layer was used in.
    """
    layer, node, _ = tensor._keras_history
    return layer, layer._inbound_nodes[node].input_tensors


def _layer_outputs(model: keras.Model) -> dict[str, object]:
    """Return the output of each layer that leads to the network's own."""
    found, waiting = {}, [model.outputs[0]]
    while waiting:
        tensor = waiting.pop()
        layer, before = _made_by(tensor)
        if layer.name not in found:
            found[layer.name] = tensor
            waiting += before
    return found


def _one_hot(where: str, model: keras.Model, image: np.ndarray, class_index: int | None) -> np.ndarray:
    """Return float32 (1, classes), 1 for the class that is asked about."""
    classes = model.outputs[0].shape[-1]
    if class_index is None:
        class_index = ops.convert_to_numpy(model(image, training=False))[0].argmax()
    elif class_index not in range(classes):
        raise ValueError(f"{where}: class_index is a whole number from 0 to {classes - 1}, not {class_index!r}.")
    return np.eye(classes, dtype=np.float32)[[class_index]]


def _with_fresh_weights(model: keras.Model, seed: int) -> keras.Model:
    # Keras seeds its initialisers from Python's random numbers. Not with the bare seed: after
    # `keras.utils.set_random_seed(seed)` the network itself may have begun with those very weights.
    state = random.getstate()
    random.seed(f"fresh weights {seed}")
    try:
        # Not of the model itself: that would copy its optimiser and loss as well.
        return keras.models.clone_model(keras.Model(model.inputs, model.outputs))
    finally:
        random.setstate(state)


def _scaled(heat: np.ndarray) -> np.ndarray:
    top = heat.max()
    return (heat / top if top > 0 else np.zeros_like(heat)).astype(np.float32)


def _checked_model(where: str, model: keras.Model) -> keras.Model:
    try:
        tensors = [*model.inputs, *model.outputs]
    except (AttributeError, TypeError, ValueError):
        tensors = []
    if [len(tensor.shape) for tensor in tensors] != [4, 2]:
        raise ValueError(
            f"{where}: the model is a functional or `Sequential` one with an input (rows, columns, channels) and an"
            " output (classes)."
        )
    return model


def _checked_image(where: str, model: keras.Model, image: ArrayLike) -> np.ndarray:
    """Return float32 (1, rows, columns, channels)."""
    try:
        image = np.asarray(image, dtype=np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: image is an array of numbers.") from None
    wanted = model.inputs[0].shape[1:]
    batch = image[None] if image.ndim == 3 else image
    if batch.ndim != 4 or any(side not in (None, got) for side, got in zip((1, *wanted), batch.shape, strict=True)):
        raise ValueError(
            f"{where}: the network takes a picture {wanted} (rows, columns, channels), and this one has shape"
            f" {image.shape}."
        )
    if "float" not in model.inputs[0].dtype:
        raise ValueError(f"{where}: the network takes {model.inputs[0].dtype}, and only floats have a gradient.")
    if not np.isfinite(batch).all():
        raise ValueError(f"{where}: the picture has values that are NaN or infinite.")
    return batch


def _checked_layer(model: keras.Model, name: str | None):
    """Return the output of the layer of this name, or of the last that will do."""
    outputs = _layer_outputs(model)
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    names = [layer.name for layer in layers if _is_map(outputs.get(layer.name))]
    if not names:
        raise ValueError("grad_cam: the network has no layer with more than a single position.")
    name = names[-1] if name is None else name
    if name not in names:
        raise ValueError(f"grad_cam: layer is one of {', '.join(names)}; not {name!r}.")
    return outputs[name]


def _is_map(tensor) -> bool:
    return tensor is not None and len(tensor.shape) == 4 and tensor.shape[1:3] != (1, 1)


def _checked_picture(image: ArrayLike) -> np.ndarray:
    """Return float (rows, columns, 1 or 3), 0-255."""
    image = np.asarray(image)
    picture = image[0] if image.ndim == 4 and len(image) == 1 else image
    picture = picture[:, :, None] if picture.ndim == 2 else picture
    if picture.ndim != 3 or picture.shape[2] not in (1, 3) or not picture.size:
        raise ValueError(f"overlay: image is (rows, columns), or with 1 or 3 channels, not of shape {image.shape}.")
    if image.dtype == np.uint8:
        return picture.astype(float)
    picture = picture.astype(float)
    low, high = picture.min(), picture.max()
    if not np.isfinite([low, high]).all():
        raise ValueError("overlay: the picture has values that are NaN or infinite.")
    if low < 0 or high > 1:
        picture = (picture - low) / (high - low or 1)
    return 255 * picture
