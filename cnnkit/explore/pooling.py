"""The pooling explorer: shift a picture, and see how much of it pooling forgives."""

import dataclasses
import functools

import ipywidgets
import numpy as np
from scipy import ndimage

from cnnkit.explore.base import Explorer, Rendering, named
from cnnkit.explore.panels import Chart, Line, Panel
from cnnkit.images import to_gray

__all__ = ["PoolingExplorer", "PoolingParameters"]

MAX_SHIFT = 16
WINDOWS = (1, 2, 4, 8, 16)
POOLINGS = ("max", "average")
# Sobel's filters: each answers where the picture gets brighter to the right, or downwards.
FILTERS = {
    "vertical edges": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "horizontal edges": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
}
STRONGEST = 4 * 255  # what these filters can answer at most

# Of the Okabe-Ito palette, one for each window, and black for the place of the slider.
COLORS = ("#d55e00", "#e69f00", "#009e73", "#0072b2", "#cc79a7")
STYLES = ("solid", "dashed", "dotted", "solid", "dash-dot")


@dataclasses.dataclass(frozen=True)
class PoolingParameters:
    """What the controls say.

    Parameters
    ----------
    picture : name of one of the explorer's pictures.
    filter : "vertical edges" or "horizontal edges", what the one feature answers to.
    pooling : "max" or "average".
    window : side of the pooling window in pixels, 1 (no pooling), 2, 4, 8 or 16; the stride is as large.
    shift : to the right, 0-16 pixels.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    picture: str
    filter: str = "vertical edges"
    pooling: str = "max"
    window: int = 4
    shift: int = 0

    def __post_init__(self) -> None:
        for name, allowed in {"filter": tuple(FILTERS), "pooling": POOLINGS, "window": WINDOWS}.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(map(str, allowed))}, not {getattr(self, name)!r}.")
        if self.shift not in range(MAX_SHIFT + 1):
            raise ValueError(f"shift is a whole number from 0 to {MAX_SHIFT}, not {self.shift!r}.")


class PoolingExplorer(Explorer):
    """Explore how far a picture may move before its pooled features change.

    One convolution with a fixed 3×3 filter, ReLU and pooling: what a first layer of a network does. The picture moves
    behind a window, so that what enters at the left is real.

    Parameters
    ----------
    pictures : uint8 (rows, columns) or (rows, columns, 3), of which grey is taken; one, or a dict of several by name;
        at least 16 rows and 32 columns. By default four of the flowers and two of the films.
    **parameters : where the controls begin, see `PoolingParameters`.

    Raises
    ------
    ValueError : no picture, one that is not uint8 or too small, a parameter out of its range.

    >>> picture = np.zeros((32, 64), np.uint8); picture[8:24, 30:40] = 255
    >>> explorer = PoolingExplorer(picture, shift=1)
    >>> explorer.render(explorer.parameters).pictures["pooled"].shape
    (8, 12)
    """

    Parameters = PoolingParameters
    primary = "shift"
    panels = {  # noqa: RUF012
        "shifted": Panel("Picture, shifted", "The picture, moved to the right."),
        "features": Panel("Feature: strength of the edges", "How strongly the filter answers at every pixel."),
        "change": Panel(
            "How much the features change:",
            "Change of the features against the shift, a line for each window; dots mark the present shift.",
            legend=tuple(
                (color, f"{'no pooling' if window == 1 else f'window {window}'} ({style})")
                for color, window, style in zip(COLORS, WINDOWS, STYLES, strict=True)
            ),
        ),
        "pooled": Panel("After pooling", "The strongest, or average, answer in each window."),
        "pooled_before": Panel("After pooling, without the shift", "The same without the shift.", still=True),
    }

    def __init__(self, pictures: np.ndarray | dict[str, np.ndarray] | None = None, **parameters: object) -> None:
        self.pictures = {name: _gray(name, picture) for name, picture in named(pictures).items()}
        first = PoolingParameters(**{"picture": next(iter(self.pictures)), **parameters})
        self._check_picture(first.picture)
        self._changes = functools.cache(self._measure)
        super().__init__(first)

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `PoolingParameters`."""
        windows = [("no pooling" if window == 1 else f"{window} × {window}", window) for window in WINDOWS]
        return {
            "picture": ipywidgets.Dropdown(options=tuple(self.pictures), description="Picture"),
            "filter": ipywidgets.Dropdown(options=tuple(FILTERS), description="Filter"),
            "pooling": ipywidgets.Dropdown(options=POOLINGS, description="Pooling"),
            "window": ipywidgets.Dropdown(options=windows, description="Window"),
            "shift": ipywidgets.IntSlider(max=MAX_SHIFT, description="Shift, px"),
        }

    @property
    def picture(self) -> np.ndarray:
        """The picture that is shown now, grey: uint8 (rows, columns)."""
        return self.pictures[self.parameters.picture]

    def render(self, parameters: PoolingParameters) -> Rendering:
        """Return the panels; strength 1020, the most that the filter can answer, is white."""
        view = _view(self.pictures[parameters.picture], parameters.shift)
        features = _features(view, parameters.filter)
        pooled = _pooled(features, parameters)
        unshifted = _features(_view(self.pictures[parameters.picture], 0), parameters.filter)
        changes = self._changes(parameters.picture, parameters.filter, parameters.pooling)
        pictures = {
            "shifted": view,
            "features": _visible(features),
            "change": _chart(changes, parameters.shift),
            "pooled": _visible(pooled),
            "pooled_before": _visible(_pooled(unshifted, parameters)),
        }
        return Rendering(pictures, _facts(parameters, changes))

    def code(self, parameters: PoolingParameters) -> str:
        """Return the SciPy and scikit-image code that makes `view`, `features` and `pooled`."""
        pool = f"block_reduce(features, ({parameters.window}, {parameters.window}), {_function(parameters)})"
        return "\n".join(
            [
                "import numpy as np",
                "from scipy.ndimage import correlate",
                "from skimage.measure import block_reduce",
                "",
                "# picture = explorer.picture, a grey NumPy array of uint8",
                "rows, columns = (side // 16 * 16 for side in (picture.shape[0], picture.shape[1] - 16))",
                f"left = {MAX_SHIFT - parameters.shift}  # {MAX_SHIFT} minus the shift",
                "view = picture[:rows, left : left + columns]",
                f"kernel = np.array({FILTERS[parameters.filter].tolist()})  # {parameters.filter}",
                "features = np.maximum(correlate(view.astype(float), kernel), 0)  # convolution, then ReLU",
                f"pooled = {pool}" if parameters.window > 1 else "pooled = features  # no pooling",
            ]
        )

    def _measure(self, picture: str, edges: str, pooling: str) -> dict[int, np.ndarray]:
        """Return for each window how much the features change at each shift, 1 for as much as by mirroring."""
        views = [_features(_view(self.pictures[picture], shift), edges) for shift in range(MAX_SHIFT + 1)]
        mirrored = _features(np.fliplr(_view(self.pictures[picture], 0)), edges)
        changes = {}
        for window in WINDOWS:
            here = PoolingParameters(picture, edges, pooling, window)
            first, *others = [_pooled(view, here) for view in [*views, mirrored]]
            lengths = np.array([0.0, *(np.linalg.norm(other - first) for other in others)])
            changes[window] = lengths[:-1] / (lengths[-1] or 1)
        return changes


def _gray(name: str, picture: np.ndarray) -> np.ndarray:
    rows, columns = picture.shape[:2]
    if rows < 16 or columns < 16 + MAX_SHIFT:
        raise ValueError(f"picture {name!r} needs 16 rows and {16 + MAX_SHIFT} columns at least, not {rows}×{columns}.")
    return to_gray(picture)


def _view(picture: np.ndarray, shift: int) -> np.ndarray:
    """Return what is seen through a window of whole blocks of 16 pixels when the picture moves to the right."""
    rows, columns = (side // 16 * 16 for side in (picture.shape[0], picture.shape[1] - MAX_SHIFT))
    left = MAX_SHIFT - shift
    return np.ascontiguousarray(picture[:rows, left : left + columns])


def _features(view: np.ndarray, edges: str) -> np.ndarray:
    return np.maximum(ndimage.correlate(view.astype(float), FILTERS[edges]), 0)


def _pooled(features: np.ndarray, parameters: PoolingParameters) -> np.ndarray:
    window = parameters.window
    rows, columns = features.shape
    blocks = features.reshape(rows // window, window, columns // window, window)
    return blocks.max(axis=(1, 3)) if parameters.pooling == "max" else blocks.mean(axis=(1, 3))


def _function(parameters: PoolingParameters) -> str:
    return "np.max" if parameters.pooling == "max" else "np.mean"


def _visible(features: np.ndarray) -> np.ndarray:
    """Return features as tones, the square root of their strength, or only the very strongest would be seen."""
    return np.rint(255 * np.sqrt(features / STRONGEST)).astype(np.uint8)


def _chart(changes: dict[int, np.ndarray], shift: int) -> Chart:
    shifts = range(MAX_SHIFT + 1)
    lines = [
        Line(shifts, changes[window], color, style)
        for window, color, style in zip(WINDOWS, COLORS, STYLES, strict=True)
    ]
    dots = [
        Line([shift], [changes[window][shift]], color, "dots") for window, color in zip(WINDOWS, COLORS, strict=True)
    ]
    return Chart((*lines, *dots), "shift in pixels", "change (1: as by mirroring)", (0, MAX_SHIFT), (0, 1.5))


def _facts(parameters: PoolingParameters, changes: dict[int, np.ndarray]) -> str:
    shift = parameters.shift
    told = ", ".join(f"{changes[window][shift]:.0%} with window {window}" for window in WINDOWS[1:])
    return (
        f"Shifted by {shift} pixel{'' if shift == 1 else 's'}, the features change by {changes[1][shift]:.0%} without"
        f" pooling, {told} ({parameters.pooling} pooling; 100% is as much as by mirroring the picture)."
    )
