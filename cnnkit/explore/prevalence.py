"""The prevalence explorer: the same scores where effusions are rare and where they are common; the trap of accuracy."""

import dataclasses
import functools
import math

import ipywidgets
import numpy as np
from scipy.stats import norm

from cnnkit.evaluate import Confusion
from cnnkit.explore.base import Explorer, Rendering
from cnnkit.explore.panels import Chart, Line, Panel, Table

__all__ = ["PrevalenceExplorer", "PrevalenceParameters"]

FILMS = 10_000
MIDDLE, SPREAD = 50, 10  # of the scores: half way between the means of both classes, and the standard deviation of each
THRESHOLDS, PREVALENCES, SEPARATIONS = range(101), range(1, 51), range(41)

# Of the Okabe-Ito palette: told apart with every common kind of colour blindness.
NEGATIVE, POSITIVE, ALWAYS, BALANCED, CURVE, PRESENT = "#0072b2", "#d55e00", "#cc79a7", "#009e73", "#555555", "#000000"


@dataclasses.dataclass(frozen=True)
class PrevalenceParameters:
    """What the controls say.

    Parameters
    ----------
    prevalence : percent of the films that show an effusion, 1-50; in the course's films it is 10.
    separation : how much higher the scores of effusions are on average, 0-40 points; each class spreads by 10.
    threshold : points, 0-100; a film with this score or a higher one is called effusion.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    prevalence: int = 10
    separation: int = 15
    threshold: int = 50

    def __post_init__(self) -> None:
        for name, allowed in {
            "prevalence": PREVALENCES,
            "separation": SEPARATIONS,
            "threshold": THRESHOLDS,
        }.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} is a whole number from {allowed[0]} to {allowed[-1]}, not {getattr(self, name)!r}."
                )


class PrevalenceExplorer(Explorer):
    """Explore what the prevalence does to accuracy and predictive values, and what it leaves alone.

    The scores are made up: those of films without a finding and those of effusions spread alike (normal, standard
    deviation 10 points) around two means. Of 10,000 films the prevalence says how many are effusions, and the normal
    distribution how many of either kind reach the threshold, rounded to whole films; all measures follow from these
    four counts. Sensitivity, specificity and the AUC do not depend on the prevalence.

    Parameters
    ----------
    **parameters : where the controls begin, see `PrevalenceParameters`.

    Raises
    ------
    ValueError : a parameter out of its range.

    Source: M. S. Pepe, "The Statistical Evaluation of Medical Tests for Classification and Prediction", Oxford 2003,
    chapter 2 (predictive values) and chapter 4 (the area under the ROC curve of two normal distributions).

    >>> explorer = PrevalenceExplorer(threshold=100)
    >>> explorer.render(explorer.parameters).pictures["confusion"].rows
    (('nofinding', '9,000 right', '0 false alarms'), ('effusion', '1,000 misses', '0 right'))
    """

    Parameters = PrevalenceParameters
    primary = "threshold"
    lines = 4
    panels = {  # noqa: RUF012
        "scores": Panel(
            "Scores, made up:",
            "How many films have which score, a curve for each class, with the threshold as a vertical line.",
            legend=((NEGATIVE, "nofinding (dashed)"), (POSITIVE, "effusion")),
        ),
        "accuracy": Panel(
            "Accuracy (dotted: always nofinding):",
            "Accuracy and balanced accuracy against the threshold, with the accuracy of always saying nofinding.",
            legend=((PRESENT, "plain"), (BALANCED, "balanced (dashed)")),
        ),
        "predictive": Panel(
            "Predictive values, at this threshold:",
            "Positive and negative predictive value against the prevalence, with a dot on each for the present one.",
            legend=((POSITIVE, "PPV"), (NEGATIVE, "NPV (dashed)")),
        ),
        "roc": Panel(
            "ROC curve, the same at every prevalence:",
            "Sensitivity against the share of false alarms at every threshold; the diagonal is guessing.",
            legend=((PRESENT, "here"), (ALWAYS, "always nofinding")),
        ),
        "confusion": Panel(f"Of {FILMS:,} films", "How many films of each class are called what."),
        "measures": Panel(
            "Measures (bold: no better than always nofinding)",
            "Accuracy, balanced accuracy, sensitivity, specificity, predictive values and AUC, here and for always"
            " saying nofinding.",
        ),
    }

    def __init__(self, **parameters: object) -> None:
        super().__init__(PrevalenceParameters(**parameters))

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `PrevalenceParameters`."""

        def slider(description: str, values: range) -> ipywidgets.IntSlider:
            return ipywidgets.IntSlider(value=values[0], min=values[0], max=values[-1], description=description)

        return {
            "prevalence": slider("Prevalence %", PREVALENCES),
            "separation": slider("Separation", SEPARATIONS),
            "threshold": slider("Threshold", THRESHOLDS),
        }

    def render(self, parameters: PrevalenceParameters) -> Rendering:
        """Return the charts and tables; of the table "measures" the values are rounded to three digits."""
        matrices = _matrices(parameters.separation)
        here = _confusion(matrices, parameters)
        pictures = {
            "scores": _score_chart(parameters),
            "accuracy": _accuracy_chart(matrices[parameters.prevalence - 1], parameters, here),
            "predictive": _predictive_chart(matrices[:, parameters.threshold], parameters),
            "roc": _roc_chart(parameters, here),
            "confusion": _confusion_table(here),
            "measures": _measure_table(here, _auc(parameters.separation)),
        }
        return Rendering(pictures, _facts(parameters, here, matrices[parameters.prevalence - 1]))

    def code(self, parameters: PrevalenceParameters) -> str:
        """Return the code that makes the four counts and all measures."""
        negative, positive = _means(parameters.separation)
        here = _confusion(_matrices(parameters.separation), parameters)
        nothing = "np.nan  # nothing is called so: 0 / 0"
        return "\n".join(
            [
                "import numpy as np",
                "from scipy.stats import norm",
                "",
                f"effusions = {here.tp + here.fn}  # {parameters.prevalence} % of {FILMS} films",
                f"others = {here.tn + here.fp}",
                f"threshold, spread = {parameters.threshold}, {SPREAD}",
                f"tp = round(effusions * norm.sf(threshold, {positive}, spread))  # mean score, standard deviation",
                f"fp = round(others * norm.sf(threshold, {negative}, spread))",
                "fn, tn = effusions - tp, others - fp",
                "",
                "confusion = np.array([[tn, fp], [fn, tp]])",
                "sensitivity, specificity = tp / effusions, tn / others",
                "accuracy = (tp + tn) / (effusions + others)",
                "balanced_accuracy = (sensitivity + specificity) / 2",
                f"ppv = {'tp / (tp + fp)' if here.tp + here.fp else nothing}",
                f"npv = {'tn / (tn + fn)' if here.tn + here.fn else nothing}",
                f"auc = norm.cdf(({positive} - {negative}) / spread / np.sqrt(2))",
                "always_nofinding = others / (effusions + others)  # its accuracy",
            ]
        )


def _means(separation: int) -> tuple[float, float]:
    """Return the mean scores of films without a finding and of effusions."""
    return MIDDLE - separation / 2, MIDDLE + separation / 2


def _auc(separation: int) -> float:
    return float(norm.cdf(separation / SPREAD / math.sqrt(2)))


@functools.lru_cache(maxsize=len(SEPARATIONS))
def _matrices(separation: int) -> np.ndarray:
    """Return [[tn, fp], [fn, tp]] for each prevalence and threshold: int (50, 101, 2, 2)."""
    effusions = np.array(PREVALENCES)[:, None] * FILMS // 100
    called = [
        np.rint(count * norm.sf(THRESHOLDS, mean, SPREAD)).astype(int)
        for count, mean in zip((FILMS - effusions, effusions), _means(separation), strict=True)
    ]
    fp, tp = called
    return np.stack([np.stack([FILMS - effusions - fp, fp], -1), np.stack([effusions - tp, tp], -1)], -2)


def _confusion(matrices: np.ndarray, parameters: PrevalenceParameters) -> Confusion:
    return Confusion(*matrices[parameters.prevalence - 1, parameters.threshold].ravel().tolist())


def _always(here: Confusion) -> Confusion:
    """Return the counts of somebody who looks at no film and says nofinding."""
    return Confusion(tn=here.tn + here.fp, fp=0, fn=here.fn + here.tp, tp=0)


def _score_chart(parameters: PrevalenceParameters) -> Chart:
    scores = np.linspace(0, 100, 101)
    effusions = FILMS * parameters.prevalence / 100
    below, above = (norm.pdf(scores, mean, SPREAD) for mean in _means(parameters.separation))
    lines = (
        Line(scores, (FILMS - effusions) * below, NEGATIVE, "dashed"),
        Line(scores, effusions * above, POSITIVE),
        Line((parameters.threshold,) * 2, (0, FILMS), PRESENT),
    )
    return Chart(lines, "score", "films with this score", (0, 100), (0, 420))  # the same height at every prevalence


def _accuracy_chart(matrices: np.ndarray, parameters: PrevalenceParameters, here: Confusion) -> Chart:
    accuracy, balanced = _accuracies(matrices)
    at = parameters.threshold
    lines = (
        Line((0, 100), (_always(here).accuracy,) * 2, ALWAYS, "dotted"),
        Line(THRESHOLDS, balanced, BALANCED, "dashed"),
        Line(THRESHOLDS, accuracy, PRESENT),
        Line([at], [balanced[at]], BALANCED, "dots"),
        Line([at], [accuracy[at]], PRESENT, "dots"),
    )
    return Chart(lines, "threshold", "accuracy", (0, 100), (0, 1))


def _accuracies(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return accuracy and balanced accuracy for each of many matrices, (…, 2, 2)."""
    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    return right.sum(axis=-1) / FILMS, (right / matrices.sum(axis=-1)).mean(axis=-1)


def _predictive_chart(matrices: np.ndarray, parameters: PrevalenceParameters) -> Chart:
    lines = []
    for label, color, style in ((0, NEGATIVE, "dashed"), (1, POSITIVE, "solid")):
        called = matrices[:, :, label].sum(axis=1)
        some = np.flatnonzero(called)  # where nothing is called so, there is no value
        values = matrices[some, label, label] / called[some]
        present = some == parameters.prevalence - 1
        lines.append(Line(some + 1, values, color, style))
        lines.append(Line((some + 1)[present], values[present], color, "dots"))
    return Chart(tuple(lines), "prevalence in %", "share of calls that is right", (0, 50), (0, 1.05))


def _roc_chart(parameters: PrevalenceParameters, here: Confusion) -> Chart:
    scores = np.linspace(-10, 110, 121)
    rates = [norm.sf(scores, mean, SPREAD) for mean in _means(parameters.separation)]
    lines = (
        Line((0, 1), (0, 1), CURVE, "dashed"),
        Line(*rates, CURVE),
        Line([0], [0], ALWAYS, "dots"),
        Line([1 - here.specificity], [here.sensitivity], PRESENT, "dots"),
    )
    return Chart(lines, "share of false alarms (1 - specificity)", "sensitivity", (-0.03, 1.03), (-0.03, 1.03))


def _confusion_table(here: Confusion) -> Table:
    rows = (
        ("nofinding", f"{here.tn:,} right", _count(here.fp, "false alarm")),
        ("effusion", _count(here.fn, "miss", "misses"), f"{here.tp:,} right"),
    )
    return Table(("is", "called nofinding", "called effusion"), rows)


def _measure_table(here: Confusion, auc: float) -> Table:
    always = _always(here)
    names = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "precision", "npv")
    titles = ("accuracy", "balanced accuracy", "sensitivity", "specificity", "PPV", "NPV", "AUC")
    values = [(getattr(here, name), getattr(always, name)) for name in names] + [(auc, 0.5)]
    rows = tuple((title, *map(_digits, pair)) for title, pair in zip(titles, values, strict=True))
    return Table(
        ("measure", "here", "always nofinding"),
        rows,
        marked=tuple(at for at, (mine, theirs) in enumerate(values) if mine <= theirs),
    )


def _facts(parameters: PrevalenceParameters, here: Confusion, matrices: np.ndarray) -> str:
    always = _always(here)
    called, effusions = here.tp + here.fp, here.tp + here.fn
    best = int(_accuracies(matrices)[0].argmax())
    found = matrices[best, 1, 1] / effusions
    if called:
        story = f"{called:,} are called so, {here.tp:,} of them rightly (PPV {here.precision:.2f})"
    else:
        story = "none is called so, and there is no PPV"
    if not here.tn + here.fn:
        story += ", and no NPV, for none is called nofinding"
    than = _compared(here.tp + here.tn, always.tn)
    return (
        f"Made-up scores. Of {FILMS:,} films {effusions:,} show an effusion; {story}. Accuracy {here.accuracy:.3f},"
        f" {than} always saying nofinding ({always.accuracy:.2f}), which finds no effusion. Balanced accuracy"
        f" {here.balanced_accuracy:.2f} against 0.50. No threshold is more accurate than {best}, with"
        f" {matrices[best].trace() / FILMS:.3f}, and there {100 * found:.0f} % of the effusions are found. The AUC is"
        f" {_auc(parameters.separation):.2f}, whatever the prevalence and the threshold."
    )


def _compared(right: int, of_always: int) -> str:
    return "the same as" if right == of_always else "higher than" if right > of_always else "lower than"


def _digits(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.3f}"


def _count(number: int, noun: str, several: str = "") -> str:
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"
