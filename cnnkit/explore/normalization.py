"""The normalisation explorer: a picture brought to a common scale in four ways, and what forgotten brackets do."""

import dataclasses
import functools

import ipywidgets
import numpy as np

from cnnkit.explore.base import Explorer, Rendering, named
from cnnkit.explore.panels import Chart, Line, Panel, Toned
from cnnkit.normalize import cut_points

__all__ = ["METHODS", "NormalizationExplorer", "NormalizationParameters"]

METHODS = ("divide by 255", "min-max", "percentile", "standardize")

LEVELS = np.arange(256)  # all that a pixel of 8 bits can be
BARS = 64

# Of the Okabe-Ito palette: told apart with every common kind of colour blindness.
LOW, HIGH, BAR = "#0072b2", "#d55e00", "#888888"


@dataclasses.dataclass(frozen=True)
class NormalizationParameters:
    """What the controls say.

    Parameters
    ----------
    picture : name of one of the explorer's pictures.
    method : "divide by 255", "min-max", "percentile" or "standardize", as in `cnnkit.normalize`.
    percentiles : (low, high), whole numbers from 0 to 100; only the method "percentile" looks at them.
    clip : cut off below 0 and above 1; only the method "percentile" looks at it.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    picture: str
    method: str = "percentile"
    percentiles: tuple[int, int] = (5, 95)
    clip: bool = True

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method is one of {', '.join(METHODS)}, not {self.method!r}.")
        try:
            low, high = self.percentiles
            in_order = low in range(101) and high in range(101) and low <= high
        except (TypeError, ValueError):
            in_order = False
        if not in_order:
            raise ValueError(
                f"percentiles are two whole numbers from 0 to 100, the lower first, not {self.percentiles!r}."
            )


class NormalizationExplorer(Explorer):
    """Explore what normalisation does to the numbers of a picture; all its channels are treated together.

    Parameters
    ----------
    pictures : uint8 (rows, columns) or (rows, columns, 3); one, or a dict of several by name. Those with a side of
        more than 512 pixels are scaled down. By default four of the flowers and two of the films.
    **parameters : where the controls begin, see `NormalizationParameters`.

    Raises
    ------
    ValueError : no picture, one that is not uint8, a parameter out of its range.

    >>> explorer = NormalizationExplorer(np.arange(100, dtype=np.uint8).reshape(10, 10), percentiles=(25, 75))
    >>> explorer.render(explorer.parameters).facts.split(";")[0]
    'percentile: 24.75 becomes 0 and 74.25 becomes 1'
    """

    Parameters = NormalizationParameters
    primary = "percentiles"
    panels = {  # noqa: RUF012
        "before": Panel("Before: 0 is black, 255 white", "The picture as it is.", still=True),
        "after": Panel("After: 0 is black, 1 white", "The normalised picture on the fixed scale from 0 to 1."),
        "slip": Panel(
            "Brackets forgotten: 1 and more is white",
            "What the formula without its brackets gives, on the same scale from 0 to 1.",
        ),
        "histogram": Panel(
            "Values before:",
            "Histogram of the picture's values, with the two cut points as vertical lines.",
            legend=((LOW, "becomes 0 (dashed)"), (HIGH, "becomes 1 (solid)")),
        ),
        "histogram_after": Panel("Values after", "Histogram of the normalised values."),
        "histogram_slip": Panel("Values with the brackets forgotten", "Histogram of what the slip gives."),
    }

    def __init__(self, pictures: np.ndarray | dict[str, np.ndarray] | None = None, **parameters: object) -> None:
        self.pictures = named(pictures)
        first = NormalizationParameters(**{"picture": next(iter(self.pictures)), **parameters})
        self._check_picture(first.picture)
        self._prepared = functools.cache(self._prepare)
        super().__init__(first)

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `NormalizationParameters`."""
        return {
            "picture": ipywidgets.Dropdown(options=tuple(self.pictures), description="Picture"),
            "method": ipywidgets.Dropdown(options=METHODS, description="Method"),
            "percentiles": ipywidgets.IntRangeSlider(min=0, max=100, description="Percentiles"),
            "clip": ipywidgets.Checkbox(description="Clip (percentile only)", indent=False),
        }

    @property
    def picture(self) -> np.ndarray:
        """The picture that is shown now: uint8 (rows, columns) or (rows, columns, 3)."""
        return self.pictures[self.parameters.picture]

    def render(self, parameters: NormalizationParameters) -> Rendering:
        """Return the panels: in "after" and "slip" a tone is the value times 255, cut off below 0 and above 1."""
        picture, counts = self.pictures[parameters.picture], self._prepared(parameters.picture)
        zero, one = self._ends(parameters)
        after, slip = _normalized(LEVELS, zero, one), _slip(LEVELS, zero, one, parameters.method)
        if parameters.method == "percentile" and parameters.clip:
            after = after.clip(0, 1)
        scale = (-3, 3) if parameters.method == "standardize" else (-0.5, 1.5)
        before = [*_bars(LEVELS, counts, (0, 255)), *_cuts(zero, one)]
        pictures = {
            "before": picture,
            "after": Toned(picture, _tones(after)),
            "slip": Toned(picture, _tones(slip)),
            "histogram": _histogram(before, "value of a pixel", (0, 255)),
            "histogram_after": _histogram(_bars(after, counts, scale), "normalised value", scale),
            "histogram_slip": _histogram(_bars(slip, counts, (-5, 255)), "value", (-5, 255)),
        }
        return Rendering(pictures, _facts(parameters, counts, (zero, one), after, slip))

    def code(self, parameters: NormalizationParameters) -> str:
        """Return the NumPy code that makes `after` and `slip`, floats that may lie outside 0 to 1."""
        lines = ["import numpy as np", "", "# picture = explorer.picture, a NumPy array of uint8"]
        if parameters.method == "divide by 255":
            return "\n".join([*lines, "after = picture / 255", "slip = after  # there are no brackets to forget"])
        low, high = parameters.percentiles
        zero, span, cut = {
            "min-max": ("low", "(high - low)", "low, high = float(picture.min()), float(picture.max())"),
            "percentile": ("low", "(high - low)", f"low, high = np.percentile(picture, [{low}, {high}])"),
            "standardize": ("mean", "deviation", "mean, deviation = picture.mean(), picture.std()"),
        }[parameters.method]
        lines.append(cut)
        if np.equal(*self._ends(parameters)):  # dividing by 0 would give NaN
            above = f"(picture > {zero}).astype(float)  # {span.strip('()')} is 0"
            return "\n".join([*lines, f"after = {above}", "slip = picture.astype(float)"])
        clipped = parameters.method == "percentile" and parameters.clip
        after = f"(picture - {zero}) / {span}"
        lines.append(f"after = ({after}).clip(0, 1)" if clipped else f"after = {after}")
        return "\n".join([*lines, f"slip = picture - {zero} / {span}  # the brackets forgotten"])

    def _prepare(self, name: str) -> np.ndarray:
        """Return how often each of the 256 values occurs in a picture."""
        return np.bincount(self.pictures[name].ravel(), minlength=256)

    def _ends(self, parameters: NormalizationParameters) -> tuple[float, float]:
        """Return the values that become 0 and 1."""
        picture = self.pictures[parameters.picture]
        if parameters.method == "divide by 255":
            return 0.0, 255.0
        if parameters.method == "standardize":
            return float(picture.mean()), float(picture.mean() + picture.std())
        low, high = parameters.percentiles if parameters.method == "percentile" else (0, 100)
        if low < high:
            return cut_points(picture, low, high)
        both = float(np.percentile(picture, low))
        return both, both


def _normalized(values: np.ndarray, zero: float, one: float) -> np.ndarray:
    return (values > one).astype(float) if zero == one else (values - zero) / (one - zero)


def _slip(values: np.ndarray, zero: float, one: float, method: str) -> np.ndarray:
    """Return what the formula gives without its brackets: division first."""
    if method == "divide by 255":
        return values / 255
    return values.astype(float) if zero == one else values - zero / (one - zero)


def _tones(values: np.ndarray) -> np.ndarray:
    return np.rint(255 * values.clip(0, 1)).astype(np.uint8)


def _bars(values: np.ndarray, counts: np.ndarray, scale: tuple[float, float]) -> list[Line]:
    """Return a histogram of values that occur so often, as shares of the pixels; what is outside stands at the ends."""
    low, high = scale
    shares, edges = np.histogram(values.clip(low, high), BARS, scale, weights=counts / counts.sum())
    return [Line((edges[1:] + edges[:-1]) / 2, np.sqrt(shares), BAR, "bars")]


def _cuts(zero: float, one: float) -> list[Line]:
    return [Line((zero, zero), (0, 1), LOW, "dashed"), Line((one, one), (0, 1), HIGH)]


def _histogram(lines: list[Line], label: str, scale: tuple[float, float]) -> Chart:
    # The square root, or one bright sky would flatten the rest.
    return Chart(tuple(lines), label, "√ share of the values", scale, (0, 0.5))


def _facts(
    parameters: NormalizationParameters,
    counts: np.ndarray,
    ends: tuple[float, float],
    after: np.ndarray,
    slip: np.ndarray,
) -> str:
    shares = counts / counts.sum()
    present = counts > 0
    below, above = shares[ends[0] > LEVELS].sum(), shares[ends[1] < LEVELS].sum()
    mean = round(float(shares @ after), 9) + 0.0  # what the last digit makes of 0 may be -0
    deviation = float(np.sqrt(shares @ (after - mean) ** 2))
    outside = "clipped" if parameters.method == "percentile" and parameters.clip else "not clipped"
    sentence = (
        f"{parameters.method}: {_number(ends[0])} becomes 0 and {_number(ends[1])} becomes 1;"
        f" {below:.1%} of the values lie below and {above:.1%} above, {outside}."
        f" Afterwards the mean is {mean:.2f}, the standard deviation {deviation:.2f}."
    )
    if parameters.method == "divide by 255":
        return f"{sentence} There are no brackets to forget."
    return (
        f"{sentence} Without the brackets the values still go from {slip[present].min():.1f}"
        f" to {slip[present].max():.1f}."
    )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
