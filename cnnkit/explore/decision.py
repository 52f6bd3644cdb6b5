"""The decision explorer: what a network looks at, and whether that is true: keep only that, or take it away."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import ipywidgets
import keras
import numpy as np

from cnnkit import explain
from cnnkit.explore.base import Explorer, Rendering, named
from cnnkit.explore.panels import Chart, Line, Panel
from cnnkit.normalize import divide_by_255

__all__ = ["MAPS", "PREDICTED", "DecisionExplorer", "DecisionParameters"]

RANDOM = "Grad-CAM with random weights"
MAPS = ("Grad-CAM", "saliency", RANDOM)
PREDICTED = "what it predicts"
SHARES = range(0, 101, 5)  # percent of the pixels
BATCH = 32
STRENGTH = 0.5  # of the colours over the picture

# Of the Okabe-Ito palette: told apart with every common kind of colour blindness; one for each map.
COLORS = ("#0072b2", "#d55e00", "#555555")
STYLES = ("solid", "dashed", "dotted")


@dataclasses.dataclass(frozen=True)
class DecisionParameters:
    """What the controls say.

    Parameters
    ----------
    picture : name of one of the explorer's pictures.
    map : "Grad-CAM", "saliency", or "Grad-CAM with random weights", which should be of no use.
    target : the class that the map is asked about, by name, or `PREDICTED`.
    keep : percent of the pixels, the most important first; 0-100 in steps of 5.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    picture: str
    map: str = MAPS[0]
    target: str = PREDICTED
    keep: int = 20

    def __post_init__(self) -> None:
        if self.map not in MAPS:
            raise ValueError(f"map is one of {'; '.join(MAPS)}; not {self.map!r}.")
        if self.keep not in SHARES:
            raise ValueError(f"keep goes from 0 to 100 in steps of {SHARES.step}, not {self.keep!r}.")


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What one map says of one picture, and what the network says when the map is put to the test.

    Parameters
    ----------
    heat : float (rows, columns), 0-1: how important each pixel is.
    ranks : int (rows, columns): 0 is the most important pixel; of equals, the upper left one.
    kept, removed : for each of `SHARES`, the probability with only that share kept, or with it taken away.
    """

    heat: np.ndarray
    ranks: np.ndarray
    kept: np.ndarray
    removed: np.ndarray


class DecisionExplorer(Explorer):
    """Explore what a trained network looks at in a picture, and test whether the map tells the truth.

    Kept alone, the pixels that a true map calls important are enough for the network; taken away, they are missed.
    What is taken away gets the mean colour of the picture. For each picture and class 126 masked pictures go through
    the network in batches of 32 (3 maps, 21 shares, kept and taken away), when they are first looked at.

    Parameters
    ----------
    model : Keras model with one input (rows, columns, channels) and a probability for each class.
    pictures : uint8 (rows, columns) or (rows, columns, 3), as large as the network wants; one, or a dict of several
        by name. No larger than about 224×224, or the slider will be slow to get ready.
    normalize : what turns such a picture into what the network was trained on, as in `cnnkit.normalize`.
    classes : names, in the order of the network's outputs; by default "class 0", "class 1", …
    **parameters : where the controls begin, see `DecisionParameters`.

    Raises
    ------
    ValueError : a picture that the network does not take, names for more or fewer classes than it has, a parameter
        out of its range.

    Source: V. Petsiuk, A. Das, K. Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC
    2018 (insertion and deletion); J. Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018 (a map that
    random weights do not change explains nothing).
    """

    Parameters = DecisionParameters
    primary = "keep"
    panels = {  # noqa: RUF012
        "picture": Panel("Picture, as the network gets it", "The picture as it is.", still=True),
        "kept": Panel("The most important pixels alone", "The picture with all but its most important pixels greyed."),
        "kept_curve": Panel(
            "With those alone:",
            "Probability of the class against the share of pixels kept, a line for each map; a dot marks the present.",
            legend=tuple(zip(COLORS, ("Grad-CAM", "saliency (dashed)", "random (dotted)"), strict=True)),
        ),
        "overlay": Panel(
            "How important:",
            "The map in colours over the picture: dark is unimportant, bright is important.",
            legend=(("#000004", "little"), ("#bc3754", "more"), ("#fcffa4", "most")),
            still=True,
        ),
        "removed": Panel("The rest, without them", "The picture with its most important pixels greyed."),
        "removed_curve": Panel(
            "Without them:",
            "Probability of the class against the share of pixels taken away, a line for each map.",
            legend=tuple(zip(COLORS, ("Grad-CAM", "saliency (dashed)", "random (dotted)"), strict=True)),
        ),
    }

    def __init__(
        self,
        model: keras.Model,
        pictures: np.ndarray | dict[str, np.ndarray],
        normalize: Callable[[np.ndarray], np.ndarray] = divide_by_255,
        classes: Sequence[str] | None = None,
        **parameters: object,
    ) -> None:
        self.model, self.pictures = model, named(pictures)
        self.classes = _checked_classes(classes, model)
        self._inputs = {name: _checked(name, picture, normalize, model) for name, picture in self.pictures.items()}
        first = DecisionParameters(**{"picture": next(iter(self.pictures)), **parameters})
        self._check_picture(first.picture)
        self._predicted = {name: self._probabilities(image[None])[0] for name, image in self._inputs.items()}
        self._evidence = functools.cache(self._gather)
        self._target(first)
        super().__init__(first)

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `DecisionParameters`."""
        return {
            "picture": ipywidgets.Dropdown(options=tuple(self.pictures), description="Picture"),
            "map": ipywidgets.Dropdown(options=MAPS, description="Map"),
            "target": ipywidgets.Dropdown(options=(PREDICTED, *self.classes), description="Class"),
            "keep": ipywidgets.IntSlider(max=100, step=SHARES.step, description="Keep %"),
        }

    @property
    def picture(self) -> np.ndarray:
        """The picture that is shown now: uint8 (rows, columns) or (rows, columns, 3)."""
        return self.pictures[self.parameters.picture]

    @property
    def heat(self) -> np.ndarray:
        """The map that is shown now: float (rows, columns), 0 for unimportant to 1."""
        return self._evidence(self.parameters.picture, self._target(self.parameters))[self.parameters.map].heat

    def render(self, parameters: DecisionParameters) -> Rendering:
        """Return the panels; the two curves have a dot for the present map and share."""
        picture = self.pictures[parameters.picture]
        evidence = self._evidence(parameters.picture, self._target(parameters))
        shown = evidence[parameters.map]
        keep = _widened(shown.ranks < _count(parameters.keep, shown.ranks.size), picture)
        mean = picture.mean(axis=(0, 1)).round().astype(np.uint8)
        pictures = {
            "picture": picture,
            "kept": np.where(keep, picture, mean),
            "kept_curve": _chart(evidence, "kept", parameters, "kept, % of the pixels"),
            "overlay": explain.overlay(picture, shown.heat, STRENGTH),
            "removed": np.where(keep, mean, picture),
            "removed_curve": _chart(evidence, "removed", parameters, "taken away, % of the pixels"),
        }
        return Rendering(pictures, self._facts(parameters, shown))

    def code(self, parameters: DecisionParameters) -> str:
        """Return the NumPy code that makes `kept`, `removed` and `overlay` from the picture and its map."""
        gray = self.pictures[parameters.picture].ndim == 2
        keep, colors = ("keep", "picture[:, :, None]") if gray else ("keep[:, :, None]", "picture")
        return "\n".join(
            [
                "import numpy as np",
                "from matplotlib import colormaps",
                "",
                "# picture = explorer.picture, a NumPy array of uint8; heat = explorer.heat, its map, 0 to 1",
                'most_important_first = np.argsort(-heat, axis=None, kind="stable")',
                "keep = np.zeros(heat.shape, bool)",
                f"keep.flat[most_important_first[: round({parameters.keep} / 100 * heat.size)]] = True",
                "mean = picture.mean(axis=(0, 1)).round().astype(np.uint8)",
                f"kept = np.where({keep}, picture, mean)",
                f"removed = np.where({keep}, mean, picture)",
                'glow = 255 * colormaps["inferno"](heat)[:, :, :3]',
                f"overlay = {1 - STRENGTH:g} * {colors} + {STRENGTH:g} * glow",
                "overlay = overlay.round().astype(np.uint8)",
            ]
        )

    def _target(self, parameters: DecisionParameters) -> int:
        """Return the number of the class that the map is asked about."""
        if parameters.target == PREDICTED:
            return int(self._predicted[parameters.picture].argmax())
        if parameters.target not in self.classes:
            raise ValueError(f"target is one of {PREDICTED}, {', '.join(self.classes)}; not {parameters.target!r}.")
        return self.classes.index(parameters.target)

    def _gather(self, name: str, target: int) -> dict[str, Evidence]:
        """Return the evidence of each map."""
        image = self._inputs[name]
        check = explain.randomized_check(self.model, image, target)
        heats = (check.heat, explain.saliency(self.model, image, target), check.random_heat)
        return {kind: self._tested(image, heat, target) for kind, heat in zip(MAPS, heats, strict=True)}

    def _tested(self, image: np.ndarray, heat: np.ndarray, target: int) -> Evidence:
        """Ask the network about the picture with shares of its pixels kept, and with the same taken away."""
        ranks = np.empty(heat.size, int)
        ranks[np.argsort(-heat, axis=None, kind="stable")] = np.arange(heat.size)
        ranks = ranks.reshape(heat.shape)
        keeps = [(ranks < _count(share, ranks.size))[:, :, None] for share in SHARES]
        mean = image.mean(axis=(0, 1))
        masked = [np.where(keep, image, mean) for keep in keeps] + [np.where(keep, mean, image) for keep in keeps]
        kept, removed = np.split(self._probabilities(np.stack(masked))[:, target], 2)
        return Evidence(heat, ranks, kept, removed)

    def _probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return what the network says of images (count, rows, columns, channels): (count, classes)."""
        batches = [images[at : at + BATCH] for at in range(0, len(images), BATCH)]
        return np.concatenate([keras.ops.convert_to_numpy(self.model(batch, training=False)) for batch in batches])

    def _facts(self, parameters: DecisionParameters, shown: Evidence) -> str:
        predicted = self._predicted[parameters.picture]
        target, at = self._target(parameters), SHARES.index(parameters.keep)
        kept, removed = (np.trapezoid(curve, np.array(SHARES) / 100) for curve in (shown.kept, shown.removed))
        asked = (
            "" if target == predicted.argmax() else f"; asked about {self.classes[target]} ({predicted[target]:.2f})"
        )
        return (
            f"The network says {self.classes[predicted.argmax()]} ({predicted.max():.2f}){asked}."
            f" The most important {parameters.keep} % of the pixels by {parameters.map}: {shown.kept[at]:.2f} with them"
            f" alone, {shown.removed[at]:.2f} without them. On average over all shares: {kept:.2f} with them alone (the"
            f" higher, the truer the map), {removed:.2f} without them (the lower, the truer)."
        )


def _checked_classes(classes: Sequence[str] | None, model: keras.Model) -> tuple[str, ...]:
    shape = getattr(model, "output_shape", ())  # a model that has not been built yet has none
    if len(shape) != 2 or shape[1] < 2:
        raise ValueError(
            f"DecisionExplorer: the network must give a probability for each of two classes or more, and its output has"
            f" shape {shape}."
        )
    count = shape[1]
    classes = tuple(f"class {number}" for number in range(count)) if classes is None else tuple(classes)
    if len(set(classes)) != count:
        raise ValueError(f"DecisionExplorer: the network has {count} classes, and the names are {', '.join(classes)}.")
    return classes


def _checked(name: str, picture: np.ndarray, normalize: Callable, model: keras.Model) -> np.ndarray:
    """Return a picture as the network takes it: float32 (rows, columns, channels)."""
    image = np.atleast_3d(normalize(picture)).astype(np.float32)
    wanted = model.input_shape[1:]
    if len(wanted) != 3 or any(side not in (None, found) for side, found in zip(wanted, image.shape, strict=True)):
        raise ValueError(
            f"DecisionExplorer: picture {name!r} is {image.shape} for the network, which takes {wanted} (rows, columns,"
            " channels). cnnkit.images has crop_center, resize and to_gray."
        )
    return image


def _count(percent: int, pixels: int) -> int:
    return round(percent / 100 * pixels)


def _widened(mask: np.ndarray, picture: np.ndarray) -> np.ndarray:
    return mask if picture.ndim == 2 else mask[:, :, None]


def _chart(evidence: dict[str, Evidence], curve: str, parameters: DecisionParameters, label: str) -> Chart:
    curves = {kind: getattr(each, curve) for kind, each in evidence.items()}
    lines = [Line(SHARES, curves[kind], color, style) for kind, color, style in zip(MAPS, COLORS, STYLES, strict=True)]
    present = curves[parameters.map][SHARES.index(parameters.keep)]
    dot = Line([parameters.keep], [present], COLORS[MAPS.index(parameters.map)], "dots")
    return Chart((*lines, dot), label, "probability of the class", (0, 100), (0, 1))
