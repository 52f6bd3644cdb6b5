"""The threshold explorer: from which score on a picture is called positive, and what each kind of error costs."""

import dataclasses

import ipywidgets
import numpy as np
from numpy.typing import ArrayLike

from cnnkit import evaluate
from cnnkit.explore.base import Explorer, Rendering, action_button
from cnnkit.explore.panels import Chart, Line, Panel, Table

__all__ = ["CASES", "OWN_COSTS", "ThresholdExplorer", "ThresholdParameters"]

# What a false alarm and a miss cost: the prices of a use, in units of the cheaper error.
CASES = {
    "equal: both errors cost 1": (1, 1),
    "screening: a miss costs 20 false alarms": (1, 20),
    "before an operation: a false alarm costs 10 misses": (10, 1),
}
OWN_COSTS = "own costs: the two sliders"
LARGEST_COST = 50
THRESHOLDS = np.arange(101) / 100
BINS = 25
CORNERS = 300  # of the ROC curve, at most; more would not be seen, and would be sent for each threshold

# Of the Okabe-Ito palette: told apart with every common kind of colour blindness.
NEGATIVE, POSITIVE, CURVE, CHEAPEST, PRESENT = "#0072b2", "#d55e00", "#555555", "#009e73", "#000000"


@dataclasses.dataclass(frozen=True)
class ThresholdParameters:
    """What the controls say.

    Parameters
    ----------
    case : one of `CASES`, which fixes what each error costs, or `OWN_COSTS`.
    threshold : percent, 0-100; a picture is called positive if its score is as high or higher.
    false_alarm, miss : what each costs, whole numbers from 1 to 50; only the case `OWN_COSTS` looks at them.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    case: str = next(iter(CASES))
    threshold: int = 50
    false_alarm: int = 1
    miss: int = 5

    def __post_init__(self) -> None:
        if self.case not in (*CASES, OWN_COSTS):
            raise ValueError(f"case is one of {'; '.join((*CASES, OWN_COSTS))}; not {self.case!r}.")
        for name, (low, high) in {
            "threshold": (0, 100),
            "false_alarm": (1, LARGEST_COST),
            "miss": (1, LARGEST_COST),
        }.items():
            if getattr(self, name) not in range(low, high + 1):
                raise ValueError(f"{name} is a whole number from {low} to {high}, not {getattr(self, name)!r}.")

    @property
    def costs(self) -> tuple[int, int]:
        """What a false alarm and a miss cost in the present case."""
        return CASES.get(self.case, (self.false_alarm, self.miss))


class ThresholdExplorer(Explorer):
    """Explore what a threshold makes of scores: the confusion matrix, precision and recall, and the cost of errors.

    Parameters
    ----------
    y_true : (pictures,), 0 for the negative class, 1 for the positive one, or one-hot (pictures, 2); both must occur.
    scores : (pictures,), 0-1, the predicted probability of the positive class, or what a network gives, (pictures, 2).
        Without `y_true` and `scores` it shows a thousand made-up ones, and says so.
    classes : names of the negative and the positive class.
    **parameters : where the controls begin, see `ThresholdParameters`.

    Raises
    ------
    ValueError : lengths that differ, one class only, scores that are not from 0 to 1, a parameter out of its range.

    >>> explorer = ThresholdExplorer([0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.4, 0.9])
    >>> explorer.render(explorer.parameters).pictures["confusion"].rows
    (('is negative', '2 right', '1 false alarm'), ('is positive', '1 miss', '1 right'))
    """

    Parameters = ThresholdParameters
    primary = "threshold"

    def __init__(
        self,
        y_true: ArrayLike | None = None,
        scores: ArrayLike | None = None,
        classes: tuple[str, str] = ("negative", "positive"),
        **parameters: object,
    ) -> None:
        self.made_up = y_true is None and scores is None
        given = _sample() if self.made_up else (y_true, scores)
        self._roc = _corners(evaluate.roc_curve(*given))  # which refuses what cannot be counted
        self.y_true, self.scores = _columns(*given)
        self.classes = _checked_classes(classes)
        self._matrices = _matrices(self.y_true, self.scores)
        self._shares = _shares(self.y_true, self.scores)
        self.panels = _panels(self.classes, np.trapezoid(*self._roc[::-1]), self.made_up)
        super().__init__(ThresholdParameters(**parameters))

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `ThresholdParameters`."""
        costs = {"min": 1, "max": LARGEST_COST}
        return {
            "case": ipywidgets.Dropdown(options=(*CASES, OWN_COSTS), description="Use"),
            "threshold": ipywidgets.IntSlider(max=100, description="Threshold %"),
            "false_alarm": ipywidgets.IntSlider(**costs, description="Own: alarm"),
            "miss": ipywidgets.IntSlider(**costs, description="Own: miss"),
        }

    def arrange(self) -> list[ipywidgets.Widget]:
        """Return the controls in two rows, and the buttons below."""
        cheapest = action_button("Take the cheapest threshold", self.take_cheapest)
        return [*self._controls.values(), cheapest, self.reset_button()]

    def take_cheapest(self) -> None:
        """Set the threshold to the one that costs least in the present case, the lowest if there are several."""
        parameters = self.parameters
        cheapest = int(self._costs(parameters).argmin())
        self.parameters = dataclasses.replace(parameters, threshold=cheapest)

    def render(self, parameters: ThresholdParameters) -> Rendering:
        """Return the charts and tables; of the table "measures" the values are rounded to three digits."""
        costs = self._costs(parameters)
        confusion = evaluate.Confusion(*self._matrices[parameters.threshold].ravel().tolist())
        pictures = {
            "scores": _score_chart(self._shares, parameters.threshold),
            "roc": _roc_chart(self._roc, self._matrices, parameters.threshold, costs.argmin()),
            "cost": _cost_chart(costs, parameters.threshold),
            "confusion": _confusion_table(confusion, self.classes),
            "measures": _measure_table(confusion),
        }
        return Rendering(pictures, self._facts(parameters, confusion, costs))

    def code(self, parameters: ThresholdParameters) -> str:
        """Return the NumPy code that makes `confusion`, the measures and `cost`."""
        false_alarm, miss = parameters.costs
        anything = self._matrices[parameters.threshold][:, 1].any()
        precision = "tp / (tp + fp)" if anything else "np.nan  # nothing is called positive: 0 / 0"
        return "\n".join(
            [
                "import numpy as np",
                "",
                "# y_true, scores = explorer.y_true, explorer.scores, two NumPy arrays of equal length",
                "positive = y_true == 1",
                f"called = scores >= {THRESHOLDS[parameters.threshold]:g}",
                "tn, fp = np.sum(~positive & ~called), np.sum(~positive & called)",
                "fn, tp = np.sum(positive & ~called), np.sum(positive & called)",
                "confusion = np.array([[tn, fp], [fn, tp]])  # sklearn.metrics.confusion_matrix(y_true, called)",
                f"precision = {precision}",
                "recall = tp / (tp + fn)  # also: sensitivity",
                "specificity = tn / (tn + fp)",
                "f1 = 2 * tp / (2 * tp + fp + fn)",
                "accuracy = (tp + tn) / len(y_true)",
                f"cost = {false_alarm} * fp + {miss} * fn",
            ]
        )

    def _costs(self, parameters: ThresholdParameters) -> np.ndarray:
        """Return what the errors cost in all, at each of the 101 thresholds."""
        false_alarm, miss = parameters.costs
        return false_alarm * self._matrices[:, 0, 1] + miss * self._matrices[:, 1, 0]

    def _facts(self, parameters: ThresholdParameters, confusion: evaluate.Confusion, costs: np.ndarray) -> str:
        tn, fp, fn, tp = dataclasses.astuple(confusion)
        _, positive = self.classes
        if tp + fp:
            called = f"Called {positive}: {tp + fp:,} of {len(self.y_true):,}, {tp:,} of them rightly"
            called += f" (precision {confusion.precision:.2f})"
        else:
            called = f"No picture is called {positive}, so there is no precision"
        return (
            f"{'Made-up scores. ' if self.made_up else ''}Threshold {parameters.threshold} %. {called};"
            f" {tp:,} of {tp + fn:,} {positive} found (recall {confusion.recall:.2f});"
            f" {_count(fp, 'false alarm')} among {tn + fp:,} (specificity {confusion.specificity:.2f})."
            f" Cost: {_sum(parameters.costs, fp, fn)} = {costs[parameters.threshold]:,};"
            f" the cheapest threshold is {costs.argmin()} %, with {costs.min():,}."
        )


def _sample() -> tuple[np.ndarray, np.ndarray]:
    """Make up scores of 900 negative and 100 positive pictures, overlapping."""
    rng = np.random.default_rng(0)
    return np.repeat([0, 1], [900, 100]), np.concatenate([rng.beta(2, 5, 900), rng.beta(4, 3, 100)])


def _columns(y_true: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and scores of the positive class, int and float64 (pictures,)."""
    y_true, scores = (
        values if values.ndim == 1 else values[:, 1] for values in (np.asarray(y_true, int), np.asarray(scores, float))
    )
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError(
            f"ThresholdExplorer: scores are probabilities from 0 to 1, and these go from {scores.min():.3g} to"
            f" {scores.max():.3g}."
        )
    return y_true, scores


def _checked_classes(classes: tuple[str, str]) -> tuple[str, str]:
    if isinstance(classes, str) or len(classes) != 2:
        raise ValueError(f"ThresholdExplorer: classes are two names, the negative first, not {classes!r}.")
    negative, positive = classes
    return negative, positive


def _matrices(y_true: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return [[tn, fp], [fn, tp]] at each of the 101 thresholds: int (101, 2, 2)."""
    below = [np.searchsorted(np.sort(scores[y_true == label]), THRESHOLDS) for label in (0, 1)]
    return np.stack([np.stack([count, np.sum(y_true == label) - count], 1) for label, count in enumerate(below)], 1)


def _shares(y_true: np.ndarray, scores: np.ndarray) -> list[np.ndarray]:
    """Return for each class which share of it has scores in each bin, or the rare class would not be seen."""
    counts = [np.histogram(scores[y_true == label], BINS, (0, 1))[0] for label in (0, 1)]
    return [count / count.sum() for count in counts]


def _corners(curve: evaluate.RocCurve) -> np.ndarray:
    """Return where the ROC curve turns, with both ends: false positive rate and sensitivity, (2, points)."""
    rates = np.stack([curve.false_positive_rate, curve.sensitivity])
    turns = ~np.isclose(np.diff(rates, 2), 0).all(axis=0)
    return rates[:, np.concatenate([[True], turns, [True]])]


def _panels(classes: tuple[str, str], area: float, made_up: bool) -> dict[str, Panel]:
    negative, positive = classes
    points = ((PRESENT, "here"), (CHEAPEST, "cheapest"))
    return {
        "scores": Panel(
            f"Scores{', made up' if made_up else ''}:",
            "Histograms of the scores of both classes, with the threshold as a vertical line.",
            legend=((NEGATIVE, f"{negative} (dashed)"), (POSITIVE, positive)),
        ),
        "roc": Panel(
            f"ROC curve, area {area:.2f}:",
            "Recall against the share of false alarms at every threshold; the diagonal is guessing.",
            legend=points,
        ),
        "cost": Panel(
            "Cost of the errors:",
            "Total cost of the errors against the threshold, with the present and the cheapest point.",
            legend=points,
        ),
        "confusion": Panel("Confusion matrix", "How many pictures of each class are called what."),
        "measures": Panel("Measures", "Precision, recall, specificity, F1 and accuracy, each with its two counts."),
    }


def _score_chart(shares: list[np.ndarray], threshold: int) -> Chart:
    edges = np.linspace(0, 100, BINS + 1).repeat(2)[1:-1]
    highest = max(share.max() for share in shares)
    lines = [
        Line(edges, shares[0].repeat(2), NEGATIVE, "dashed"),
        Line(edges, shares[1].repeat(2), POSITIVE),
        Line((threshold, threshold), (0, 2), PRESENT),
    ]
    return Chart(tuple(lines), "score in %", "share of its class", (0, 100), (0, 1.05 * highest))


def _roc_chart(roc: np.ndarray, matrices: np.ndarray, threshold: int, cheapest: int) -> Chart:
    drawn = np.unique(np.linspace(0, roc.shape[1] - 1, CORNERS).round().astype(int))
    points = matrices[:, :, 1] / matrices[0, :, 1]  # at threshold 0 all are called positive
    lines = (
        Line((0, 1), (0, 1), CURVE, "dashed"),
        Line(*roc[:, drawn], CURVE),
        Line([points[cheapest, 0]], [points[cheapest, 1]], CHEAPEST, "dots"),
        Line([points[threshold, 0]], [points[threshold, 1]], PRESENT, "dots"),
    )
    return Chart(lines, "share of false alarms (1 - specificity)", "recall", (0, 1), (0, 1))


def _cost_chart(costs: np.ndarray, threshold: int) -> Chart:
    cheapest = costs.argmin()
    lines = (
        Line(range(len(costs)), costs, CURVE),
        Line([cheapest], [costs[cheapest]], CHEAPEST, "dots"),
        Line([threshold], [costs[threshold]], PRESENT, "dots"),
    )
    return Chart(lines, "threshold in %", "cost", (0, 100), (0, 1.05 * costs.max()))


def _confusion_table(confusion: evaluate.Confusion, classes: tuple[str, str]) -> Table:
    rows = (
        (f"is {classes[0]}", f"{confusion.tn:,} right", _count(confusion.fp, "false alarm")),
        (f"is {classes[1]}", _count(confusion.fn, "miss", "misses"), f"{confusion.tp:,} right"),
    )
    return Table(("", *(f"called {name}" for name in classes)), rows)


def _measure_table(confusion: evaluate.Confusion) -> Table:
    tn, fp, fn, tp = dataclasses.astuple(confusion)
    rows = (
        ("precision", confusion.precision, tp, tp + fp),
        ("recall (sensitivity)", confusion.recall, tp, tp + fn),
        ("specificity", confusion.specificity, tn, tn + fp),
        ("F1", confusion.f1, 2 * tp, 2 * tp + fp + fn),
        ("accuracy", confusion.accuracy, tp + tn, tp + tn + fp + fn),
    )
    return Table(
        ("measure", "value", "is the share"),
        tuple(
            (name, f"{value:.3f}" if whole else "none", f"{part:,} / {whole:,}") for name, value, part, whole in rows
        ),
    )


def _sum(costs: tuple[int, int], fp: int, fn: int) -> str:
    return f"{costs[0]} × {_count(fp, 'false alarm')} + {costs[1]} × {_count(fn, 'miss', 'misses')}"


def _count(number: int, noun: str, several: str = "") -> str:
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"
