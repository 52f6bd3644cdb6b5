"""The morphology explorer: threshold a picture, pass a disk over it, and see what comes and goes."""

import dataclasses
import functools

import ipywidgets
import numpy as np
from scipy import ndimage

from cnnkit import morphology
from cnnkit.explore.base import Explorer, Rendering, action_button, named
from cnnkit.explore.panels import BLACK, WHITE, Panel
from cnnkit.images import resize, to_gray

__all__ = ["MorphologyExplorer", "MorphologyParameters"]

MAX_RADIUS = 40
CHANNELS = ("red", "green", "blue", "gray")
OPERATIONS = ("erosion", "dilation", "opening", "closing", "white_tophat", "black_tophat", "gradient")
NOTHING = "nothing"
FRAME = 2 * MAX_RADIUS + 1

# Of the Okabe-Ito palette: told apart with every common kind of colour blindness, and from black and white.
ADDED, REMOVED = "#0072b2", "#e69f00"
OTSU, CHOSEN = "#d55e00", "#0072b2"


@dataclasses.dataclass(frozen=True)
class MorphologyParameters:
    """What the controls say: which pixels are white, and the one or two operations that change them.

    Parameters
    ----------
    picture : name of one of the explorer's pictures.
    channel : "red", "green", "blue" or "gray"; a grey picture has but one.
    threshold : 0-255; white is above it.
    operation, then : names in `cnnkit.morphology`; `then` may be "nothing".
    radius, then_radius : of their disks, 0-40 pixels.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    picture: str
    channel: str = "red"
    threshold: int = 125
    operation: str = "erosion"
    radius: int = 3
    then: str = NOTHING
    then_radius: int = 3

    def __post_init__(self) -> None:
        choices = {"channel": CHANNELS, "operation": OPERATIONS, "then": (NOTHING, *OPERATIONS)}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}, not {getattr(self, name)!r}.")
        for name, largest in {"threshold": 255, "radius": MAX_RADIUS, "then_radius": MAX_RADIUS}.items():
            if getattr(self, name) not in range(largest + 1):
                raise ValueError(f"{name} is a whole number from 0 to {largest}, not {getattr(self, name)!r}.")


class MorphologyExplorer(Explorer):
    """Explore thresholding, erosion, dilation, opening and closing with a disk.

    Parameters
    ----------
    pictures : uint8 (rows, columns) or (rows, columns, 3); one, or a dict of several by name. Those with a side of
        more than 512 pixels are scaled down. By default four of the flowers and two of the films.
    truth : bool (rows, columns), the mask that one would like to get; or a dict of such by the pictures' names.
        Where there is one, the facts say how well the result agrees with it.
    **parameters : where the controls begin, see `MorphologyParameters`.

    Raises
    ------
    ValueError : no picture, one that is not uint8, a mask of another shape, a parameter out of its range.

    >>> photo = np.zeros((20, 30), np.uint8); photo[5:15, 5:25] = 200
    >>> explorer = MorphologyExplorer(photo, operation="erosion", radius=2)
    >>> int(explorer.render(explorer.parameters).pictures["result"].sum())
    96
    """

    Parameters = MorphologyParameters
    primary = "radius"
    panels = {  # noqa: RUF012
        "original": Panel("Picture", "The picture as it is.", still=True),
        "binary": Panel("Above the threshold", "The mask before the operation: white is above the threshold."),
        "histogram": Panel(
            "How many pixels have which value, 0–255:",
            "Histogram of the channel, with the chosen threshold and Otsu's as vertical lines.",
            palette=(WHITE, "#888888", OTSU, CHOSEN),
            legend=((CHOSEN, "threshold"), (OTSU, "Otsu's (dashed)")),
        ),
        "change": Panel(
            "Change:",
            "What the operation added and what it removed.",
            palette=(BLACK, WHITE, ADDED, REMOVED),
            legend=((ADDED, "added"), (REMOVED, "removed")),
        ),
        "result": Panel("Result", "The mask after the operation."),
        "disk": Panel(f"The disk, in a frame of {FRAME}×{FRAME} pixels", "The disk of the chosen radius."),
    }

    def __init__(
        self,
        pictures: np.ndarray | dict[str, np.ndarray] | None = None,
        truth: np.ndarray | dict[str, np.ndarray] | None = None,
        **parameters: object,
    ) -> None:
        self.pictures = named(pictures)
        truth = {} if truth is None else truth if isinstance(truth, dict) else {next(iter(self.pictures)): truth}
        self.truth = {name: self._checked_truth(name, mask) for name, mask in truth.items()}
        first = MorphologyParameters(**{"picture": next(iter(self.pictures)), **parameters})
        self._check_picture(first.picture)
        self._prepared = functools.cache(self._prepare)
        super().__init__(first)

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `MorphologyParameters`."""

        def choice(description: str, options: tuple) -> ipywidgets.Dropdown:
            return ipywidgets.Dropdown(options=options, description=description)

        def slider(description: str, largest: int) -> ipywidgets.IntSlider:
            return ipywidgets.IntSlider(min=0, max=largest, description=description)

        operations = [(name.replace("_", " "), name) for name in OPERATIONS]
        return {
            "picture": choice("Picture", tuple(self.pictures)),
            "channel": choice("Channel", CHANNELS),
            "threshold": slider("Threshold", 255),
            "operation": choice("Operation", operations),
            "radius": slider("Radius", MAX_RADIUS),
            "then": choice("Then", [(NOTHING, NOTHING), *operations]),
            "then_radius": slider("its radius", MAX_RADIUS),
        }

    def arrange(self) -> list[ipywidgets.Widget]:
        """Return each operation beside its radius, and Otsu's button beside the threshold."""
        controls = list(self._controls.values())
        return [
            *controls[:3],
            action_button("Take Otsu's threshold", self.take_otsu),
            *controls[3:],
            self.reset_button(),
        ]

    def take_otsu(self) -> None:
        """Set the threshold to Otsu's for the present channel."""
        parameters = self.parameters
        otsu = self._prepared(parameters.picture, parameters.channel)[1]
        if otsu is not None:
            self.parameters = dataclasses.replace(parameters, threshold=otsu)

    @property
    def picture(self) -> np.ndarray:
        """The picture that is shown now: uint8 (rows, columns) or (rows, columns, 3)."""
        return self.pictures[self.parameters.picture]

    def render(self, parameters: MorphologyParameters) -> Rendering:
        """Return the panels' pictures: "binary" and "result" are masks, in "change" 2 is added and 3 removed."""
        channel, otsu, histogram = self._prepared(parameters.picture, parameters.channel)
        binary = morphology.threshold(channel, parameters.threshold)
        result = binary
        for operation, radius in _steps(parameters):
            result = getattr(morphology, operation)(result, radius)
        pictures = {
            "original": self.pictures[parameters.picture],
            "histogram": _with_line(histogram, parameters.threshold),
            "disk": _framed_disk(parameters.radius),
            "binary": binary,
            "result": result,
            "change": np.array([0, 2, 3, 1], np.uint8)[2 * binary.view(np.uint8) + result.view(np.uint8)],
        }
        return Rendering(pictures, self._facts(parameters, otsu, binary, result))

    def code(self, parameters: MorphologyParameters) -> str:
        """Return the NumPy and scikit-image code that makes `binary`, `result`, `added` and `removed`."""
        steps = list(_steps(parameters))
        names = ", ".join(sorted({"disk", *(operation for operation, _ in steps if operation != "gradient")}))
        if any(operation == "gradient" for operation, _ in steps):
            names = ", ".join(sorted({*names.split(", "), "dilation", "erosion"}))
        lines = [
            f"from skimage.morphology import {names}",
            "",
            "# picture = explorer.picture, a NumPy array of uint8",
            _channel_code(self.pictures[parameters.picture].ndim, parameters.channel),
            f"binary = channel > {parameters.threshold}",
        ]
        for source, (operation, radius) in zip(["binary", "result"], steps, strict=False):
            lines.append(f"result = {_step_code(operation, source, radius)}")
        return "\n".join([*lines, "added = result & ~binary", "removed = binary & ~result"])

    def _prepare(self, name: str, channel_name: str) -> tuple[np.ndarray, int | None, np.ndarray]:
        """Return what no slider changes: the channel's pixels, Otsu's threshold, the histogram."""
        picture = self.pictures[name]
        if picture.ndim == 2:
            channel = picture
        elif channel_name == "gray":
            channel = to_gray(picture)
        else:
            channel = picture[:, :, CHANNELS.index(channel_name)]
        otsu = None if channel.min() == channel.max() else int(morphology.otsu(channel))
        return np.ascontiguousarray(channel), otsu, _histogram(channel, otsu)

    def _facts(self, parameters: MorphologyParameters, otsu: int | None, binary: np.ndarray, result: np.ndarray) -> str:
        did = " then ".join(f"{name.replace('_', ' ')} with radius {radius}" for name, radius in _steps(parameters))
        white = np.count_nonzero(result)
        sentence = (
            f"Above {parameters.threshold} (Otsu's threshold: {'none' if otsu is None else otsu}), {did}:"
            f" {_count(white, 'white pixel')} ({white / result.size:.0%})"
            f" in {_count(_parts(result), 'connected part')} with {_count(_holes(result), 'hole')};"
            f" {np.count_nonzero(result & ~binary):,} added, {np.count_nonzero(binary & ~result):,} removed."
        )
        if parameters.picture not in self.truth:
            return sentence
        overlap = _overlap(result, self.truth[parameters.picture])
        return f"{sentence} Overlap with the true outline (IoU): {overlap:.2f}."

    def _checked_truth(self, name: str, mask: np.ndarray) -> np.ndarray:
        mask = np.asarray(mask)
        self._check_picture(name)
        if mask.dtype != bool or mask.ndim != 2:
            raise ValueError(
                f"the truth of {name!r} must be a bool mask (rows, columns), not {mask.dtype} {mask.shape}."
            )
        if mask.shape != self.pictures[name].shape[:2]:
            mask = resize(mask, self.pictures[name].shape[:2])
        return mask


def _steps(parameters: MorphologyParameters) -> list[tuple[str, int]]:
    steps = [(parameters.operation, parameters.radius), (parameters.then, parameters.then_radius)]
    return [step for step in steps if step[0] != NOTHING]


def _channel_code(dimensions: int, channel: str) -> str:
    if dimensions == 2:
        return "channel = picture  # grey has but one"
    if channel == "gray":
        return "channel = (picture @ [0.2125, 0.7154, 0.0721]).round()"
    return f"channel = picture[:, :, {CHANNELS.index(channel)}]  # {channel}"


def _step_code(operation: str, source: str, radius: int) -> str:
    if operation == "gradient":
        return f"dilation({source}, disk({radius})) & ~erosion({source}, disk({radius}))"
    return f"{operation}({source}, disk({radius}))"


def _histogram(channel: np.ndarray, otsu: int | None) -> np.ndarray:
    """Draw the histogram as indices into the panel's palette: bars 1, Otsu's threshold 2."""
    counts = np.bincount(channel.ravel(), minlength=256)
    heights = np.ceil(96 * np.sqrt(counts / counts.max()))  # square root, or one bright sky would flatten the rest
    drawn = (np.arange(100, 0, -1)[:, None] <= heights).astype(np.uint8)
    if otsu is not None:
        drawn[::2, otsu] = 2  # dashed, so that the two lines differ by more than their colour
    return drawn


def _with_line(histogram: np.ndarray, threshold: int) -> np.ndarray:
    drawn = histogram.copy()
    drawn[:, threshold] = 3
    return drawn


def _framed_disk(radius: int) -> np.ndarray:
    return np.pad(morphology.disk(radius).astype(bool), MAX_RADIUS - radius)


def _parts(mask: np.ndarray) -> int:
    """Count connected parts; pixels that touch at a corner belong together, as in `skimage.measure.label`."""
    return ndimage.label(mask, structure=np.ones((3, 3)))[1]


def _holes(mask: np.ndarray) -> int:
    """Count the black parts that do not reach the border."""
    return ndimage.label(np.pad(~mask, 1, constant_values=True))[1] - 1


def _overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    """Return intersection over union, 0 to 1."""
    union = (mask | truth).sum()
    return float((mask & truth).sum() / union) if union else 1.0


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
