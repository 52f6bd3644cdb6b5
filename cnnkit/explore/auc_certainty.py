"""The AUC-certainty explorer: what one and the same model measures on many validation sets with few positives."""

import dataclasses
import functools
from collections.abc import Iterable
from typing import NamedTuple

import ipywidgets
import numpy as np
from scipy.stats import norm

from cnnkit.explore.base import Explorer, Rendering
from cnnkit.explore.panels import Chart, Line, Panel, Table

__all__ = ["MARKS", "AucCertaintyExplorer", "AucCertaintyParameters"]

MARKS = (0.19, 0.78, 0.85)  # the figures of the course
SETS = 2000
POSITIVES, TRUTHS = range(2, 201), range(50, 100)
# Multiples of the bars, or by chance more of the possible values would fall into some bars than into their neighbours.
BARS = 40
NEGATIVES = (40, 80, 200, 400, 1000)
DRAWN = [*range(2, 20), *range(20, 201, 5)]  # numbers of positives at which the chart of all of them has a point

# Of the Okabe-Ito palette: told apart with every common kind of colour blindness.
NEGATIVE, POSITIVE, MARK, MEASURED, TRUE = "#0072b2", "#d55e00", "#cc79a7", "#555555", "#000000"


@dataclasses.dataclass(frozen=True)
class AucCertaintyParameters:
    """What the controls say.

    Parameters
    ----------
    positives : effusions in the validation set, 2-200.
    negatives : films without a finding in the validation set, one of `NEGATIVES`.
    truth : the true AUC of the model in percent, 50-99.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    positives: int = 2
    negatives: int = NEGATIVES[0]
    truth: int = 60

    def __post_init__(self) -> None:
        if self.negatives not in NEGATIVES:
            raise ValueError(f"negatives is one of {', '.join(map(str, NEGATIVES))}, not {self.negatives!r}.")
        for name, allowed in {"positives": POSITIVES, "truth": TRUTHS}.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} is a whole number from {allowed[0]} to {allowed[-1]}, not {getattr(self, name)!r}."
                )


class _Measured(NamedTuple):
    """What was measured on all validation sets, for each number of positives from 1 to 200.

    `wins` : int (sets, 200), pairs in which the positive has the higher score.
    `middle` : float (2, 200), between which the middle 95 % of the AUC lie.
    """

    wins: np.ndarray
    middle: np.ndarray


class AucCertaintyExplorer(Explorer):
    """Explore how far the measured AUC strays from the true one, with as few positives as validation sets have.

    The model is the simplest one, binormal: scores of films without a finding have the mean 0, those of effusions a
    higher one, and both the standard deviation 1. The true AUC, that of endlessly many films, is then Φ(mean / √2), Φ
    being the cumulative normal distribution. The same model meets 2,000 validation sets, drawn at random from a seed;
    in each it measures the share of the pairs of an effusion and another film in which the effusion scores higher.

    Parameters
    ----------
    **parameters : where the controls begin, see `AucCertaintyParameters`.

    Raises
    ------
    ValueError : a parameter out of its range.

    Source: M. S. Pepe, "The Statistical Evaluation of Medical Tests for Classification and Prediction", Oxford 2003,
    chapter 4 (the binormal model and its area); J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a
    receiver operating characteristic (ROC) curve", Radiology 143, 1982 (the pairs, and how far the area strays).

    >>> explorer = AucCertaintyExplorer(positives=2)
    >>> [row[-1] for row in explorer.render(explorer.parameters).pictures["marks"].rows]
    ['yes', 'yes', 'yes']
    """

    Parameters = AucCertaintyParameters
    primary = "positives"
    panels = {  # noqa: RUF012
        "histogram": Panel(
            "Measured AUC (dotted: 0.19, 0.78, 0.85):",
            "Histogram of the AUC measured on 2,000 validation sets, with the true AUC, the middle 95 % and three"
            " figures of the course as vertical lines.",
            legend=((TRUE, "true"), (POSITIVE, "middle 95 % (dashed)")),
        ),
        "middle": Panel(
            "The middle 95 %, for all numbers:",
            "Between which values the middle 95 % of the measured AUC lie, against the number of effusions.",
            legend=((TRUE, "true"), (POSITIVE, "middle 95 % (dashed)")),
        ),
        "scores": Panel(
            "The model's scores, made up:",
            "The bell-shaped distributions of the scores of both classes.",
            legend=((NEGATIVE, "nofinding (dashed)"), (POSITIVE, "effusion")),
            still=True,
        ),
        "marks": Panel(
            "The figures of the course (bold: an ordinary result)",
            "How many validation sets show each figure of the course or one further from the true AUC.",
        ),
    }

    def __init__(self, **parameters: object) -> None:
        super().__init__(AucCertaintyParameters(**parameters))

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `AucCertaintyParameters`."""
        return {
            "positives": ipywidgets.IntSlider(min=POSITIVES[0], max=POSITIVES[-1], description="Effusions"),
            "negatives": ipywidgets.Dropdown(options=NEGATIVES, description="Nofinding"),
            "truth": ipywidgets.IntSlider(min=TRUTHS[0], max=TRUTHS[-1], description="True AUC %"),
        }

    def render(self, parameters: AucCertaintyParameters) -> Rendering:
        """Return the charts and the table."""
        measured = _measure(parameters.negatives, parameters.truth)
        wins, middle = measured.wins[:, parameters.positives - 1], measured.middle[:, parameters.positives - 1]
        pairs = parameters.positives * parameters.negatives
        further = {mark: _further(wins / pairs, mark, parameters.truth) for mark in MARKS}
        pictures = {
            "histogram": _histogram(wins, pairs, middle, parameters.truth),
            "middle": _middle_chart(measured.middle, parameters),
            "scores": _score_chart(parameters.truth),
            "marks": _table(further, middle, parameters.truth),
        }
        return Rendering(pictures, _facts(parameters, middle, further))

    def code(self, parameters: AucCertaintyParameters) -> str:
        """Return the code that makes `auc`, what is measured on each set, `bars` and the middle 95 %."""
        further = [f"np.mean(auc {'<=' if mark < parameters.truth / 100 else '>='} {mark})" for mark in MARKS]
        return "\n".join(
            [
                "import numpy as np",
                "from scipy.stats import norm",
                "",
                f"sets, positives, negatives = {SETS}, {parameters.positives}, {parameters.negatives}",
                "rng = np.random.default_rng(0)",
                f"higher = np.sqrt(2) * norm.ppf({parameters.truth / 100})  # the AUC is norm.cdf(higher / np.sqrt(2))",
                "nofinding = np.sort(rng.standard_normal((sets, negatives)))",
                f"effusion = rng.standard_normal((sets, {POSITIVES[-1]}))[:, :positives] + higher",
                "pairs = positives * negatives",
                "wins = [np.searchsorted(low, high).sum() for low, high in zip(nofinding, effusion, strict=True)]",
                "wins = np.array(wins)  # pairs in which the effusion has the higher score",
                "auc = wins / pairs",
                "",
                "low, high = np.quantile(auc, [0.025, 0.975])",
                f"bars = np.bincount(np.minimum(wins * {BARS} // pairs, {BARS - 1}), minlength={BARS})",
                f"further = [{', '.join(further)}]",
            ]
        )


@functools.lru_cache(maxsize=4)
def _draw(negatives: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of both classes, of effusions as if they were no higher; of the others sorted in each set."""
    rng = np.random.default_rng(0)
    nofinding = np.sort(rng.standard_normal((SETS, negatives)))
    return nofinding, rng.standard_normal((SETS, POSITIVES[-1]))


@functools.lru_cache(maxsize=8)
def _measure(negatives: int, truth: int) -> _Measured:
    """Measure on all sets; a set with more positives is the same set, and some more."""
    nofinding, effusion = _draw(negatives)
    places = map(np.searchsorted, nofinding, effusion + _mean(truth))
    wins = np.cumsum(list(places), axis=1)
    aucs = wins / (np.arange(1, POSITIVES[-1] + 1) * negatives)
    return _Measured(wins, np.quantile(aucs, [0.025, 0.975], axis=0))


def _mean(truth: int) -> float:
    """Return the mean score of effusions."""
    return np.sqrt(2) * norm.ppf(truth / 100)


def _further(aucs: np.ndarray, mark: float, truth: int) -> int:
    """Count the sets with this AUC or one further from the true one, on the same side; a true one counts as above."""
    return int(np.sum(aucs <= mark if mark < truth / 100 else aucs >= mark))


def _side(mark: float, truth: int) -> str:
    return f"{mark:.2f} or {'lower' if mark < truth / 100 else 'higher'}"


def _histogram(wins: np.ndarray, pairs: int, middle: np.ndarray, truth: int) -> Chart:
    # In whole numbers: a quotient such as 3 / 40 may come out on the wrong side of a bar's edge.
    bars = np.bincount(np.minimum(wins * BARS // pairs, BARS - 1), minlength=BARS) * 100 / SETS
    top = 1.1 * bars.max()
    lines = [
        Line(np.linspace(0, 1, BARS + 1).repeat(2), [0, *bars.repeat(2), 0], MEASURED),
        *_verticals(MARKS, MARK, "dotted", top),
        *_verticals(middle, POSITIVE, "dashed", top),
        *_verticals([truth / 100], TRUE, "solid", top),
    ]
    return Chart(tuple(lines), "AUC", "% of the validation sets", (0, 1), (0, top))


def _verticals(places: Iterable[float], color: str, style: str, top: float) -> list[Line]:
    return [Line((place, place), (0, top), color, style) for place in places]


def _middle_chart(middle: np.ndarray, parameters: AucCertaintyParameters) -> Chart:
    at = parameters.positives
    lines = [Line((0, POSITIVES[-1]), (parameters.truth / 100,) * 2, TRUE)]
    for end in middle:
        lines.append(Line(DRAWN, [end[count - 1] for count in DRAWN], POSITIVE, "dashed"))
        lines.append(Line([at], [end[at - 1]], POSITIVE, "dots"))
    return Chart(tuple(lines), "effusions in the validation set", "measured AUC", (0, POSITIVES[-1]), (0, 1))


def _score_chart(truth: int) -> Chart:
    scores = np.linspace(-4, 8, 97)
    lines = (
        Line(scores, norm.pdf(scores), NEGATIVE, "dashed"),
        Line(scores, norm.pdf(scores, _mean(truth)), POSITIVE),
    )
    return Chart(lines, "score", "density", (-4, 8), (0, 0.45))


def _table(further: dict[float, int], middle: np.ndarray, truth: int) -> Table:
    ordinary = [bool(middle[0] <= mark <= middle[1]) for mark in MARKS]
    rows = tuple(
        (_side(mark, truth), f"{count:,}", "yes" if inside else "no")
        for (mark, count), inside in zip(further.items(), ordinary, strict=True)
    )
    marked = tuple(at for at, inside in enumerate(ordinary) if inside)
    return Table(("measured AUC", f"of {SETS:,} sets", "in the middle 95 %"), rows, marked)


def _facts(parameters: AucCertaintyParameters, middle: np.ndarray, further: dict[float, int]) -> str:
    counts = [f"{_side(mark, parameters.truth)} in {count:,}" for mark, count in further.items()]
    return (
        f"Made-up scores. One and the same model, true AUC {parameters.truth / 100:.2f}, on {SETS:,} validation sets of"
        f" {parameters.positives} effusions and {parameters.negatives:,} films without a finding: the middle 95 % of"
        f" the measured AUC lie between {middle[0]:.2f} and {middle[1]:.2f}. The AUC is {', '.join(counts)} sets."
    )
