"""The weights explorer: what the four weights of the weighted cross-entropy do to its loss, gradient and decision."""

import dataclasses
import functools
from collections.abc import Callable

import ipywidgets
import numpy as np
from scipy.optimize import brentq

from cnnkit.explore.base import Explorer, Rendering, action_button
from cnnkit.explore.panels import Chart, Line, Panel, Table

__all__ = ["MATRICES", "Answers", "WeightsExplorer", "WeightsParameters", "answers"]

# weights[actual][predicted]; 0 is nofinding, 1 is effusion.
MATRICES = {
    "Plain": ((1, 1), (1, 1)),
    "Course: errors 5": ((1, 5), (5, 1)),
    "Course, last run": ((1, 5), (10, 10)),
    "Class weights": ((1, 1), (10, 10)),
}
Matrix = tuple[tuple[int, int], tuple[int, int]]
WEIGHTS, PREDICTED, CHANCES = range(1, 21), range(5, 96), range(1, 100)
CELLS = ("nofinding_right", "false_alarm", "miss", "effusion_right")  # row after row
CLASSES = ("nofinding", "effusion")
PREDICTED_LABEL = "predicted probability of effusion in %"

# On either side of 50 %, up to the border; on the upper side 50 % itself is only the limit.
SIDES = (np.linspace(0.02, 0.5, 25), np.linspace(0.5, 0.98, 25))
ALMOST = 1e-9  # brackets the search for a chance between 0 and 1

# Of the Okabe-Ito palette: told apart with every common kind of colour blindness.
NEGATIVE, POSITIVE, LEAST, REST, CURVE, PRESENT = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555", "#000000"


@dataclasses.dataclass(frozen=True)
class WeightsParameters:
    """What the controls say.

    Parameters
    ----------
    predicted : percent, 5-95: the probability of effusion that the network gives to a film.
    chance : percent, 1-99: the true one, the share of effusions among all films that look like this one.
    nofinding_right, false_alarm : weights of a film without a finding, called nofinding or effusion; 1-20.
    miss, effusion_right : weights of an effusion, called nofinding or effusion; 1-20.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    predicted: int = 30
    chance: int = 25
    nofinding_right: int = 1
    false_alarm: int = 5
    miss: int = 5
    effusion_right: int = 1

    def __post_init__(self) -> None:
        allowed = {"predicted": PREDICTED, "chance": CHANCES} | dict.fromkeys(CELLS, WEIGHTS)
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise ValueError(
                    f"{name} is a whole number from {values[0]} to {values[-1]}, not {getattr(self, name)!r}."
                )

    @property
    def matrix(self) -> Matrix:
        """The weights as `cnnkit.losses.WeightedCategoricalCrossentropy` takes them: weights[actual][predicted]."""
        return (self.nofinding_right, self.false_alarm), (self.miss, self.effusion_right)


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a network would say of films with a true chance, if it could say anything.

    Parameters
    ----------
    least : probability of effusion, 0-1, at which the expected loss is least.
    side : 0 if `least` is called nofinding, 1 if effusion; then a `least` of 0.5 means as little above it as can be.
    cost : the least expected loss.
    rests : probabilities at which gradient descent comes to rest: one, or two of which the start decides.
    """

    least: float
    side: int
    cost: float
    rests: tuple[float, ...]


class WeightsExplorer(Explorer):
    """Explore the weighted cross-entropy of two classes: its jump, its gradient, and the answers that it rewards.

    The loss of a film is weights[actual][predicted] times the cross-entropy, and predicted is effusion above a
    probability of 50 %. The gradient with respect to the logit of effusion is the same weight times (probability - 1)
    for an effusion, times the probability for another film; it does not see the jump of the weight at 50 %. So there
    are two answers to the question what a network will say of films of which a share, the true chance, are effusions:
    where the expected loss is least, and where gradient descent comes to rest, for there the expected gradient is 0,
    or drives towards 50 % from both sides. The plain loss has the true chance for both.

    Parameters
    ----------
    **parameters : where the controls begin, see `WeightsParameters`.

    Raises
    ------
    ValueError : a parameter out of its range.

    >>> explorer = WeightsExplorer(predicted=50)
    >>> explorer.render(explorer.parameters).pictures["film"].rows[0]
    ('weight, called nofinding', '1', '5')
    """

    Parameters = WeightsParameters
    primary = "predicted"
    lines = 4
    panels = {  # noqa: RUF012
        "loss": Panel(
            "Loss of one film, if it is:",
            "Weighted loss against the predicted probability of effusion, a curve for each actual class; where the"
            " weights differ both jump at 50 %.",
            legend=((NEGATIVE, "nofinding (dashed)"), (POSITIVE, "effusion")),
        ),
        "gradient": Panel(
            "Gradient by the logit, if it is:",
            "Gradient with respect to the logit of effusion against the predicted probability, a line for each actual"
            " class; it is positive for nofinding and negative for effusion.",
            legend=((NEGATIVE, "nofinding (dashed)"), (POSITIVE, "effusion")),
        ),
        "expected": Panel(
            "Expected loss at this true chance:",
            "Mean loss of films with the true chance against the predicted probability, with the present and the least"
            " one.",
            legend=((PRESENT, "here"), (LEAST, "least")),
        ),
        "answers": Panel(
            "Where the answer moves (dotted: plain loss):",
            "What a network would say against the true chance: where the expected loss is least, and where gradient"
            " descent rests; the diagonal is the answer to the plain loss.",
            legend=((LEAST, "least loss"), (REST, "gradient rests (dashed)")),
            still=True,
        ),
        "film": Panel("This film", "Weight, cross-entropy, loss and gradient of one film, for each actual class."),
        "decision": Panel(
            "Where the decision moves (plain: 50 %)",
            "From which true chance on a network says effusion, by the least loss and by gradient descent.",
            still=True,
        ),
    }

    def __init__(self, **parameters: object) -> None:
        super().__init__(WeightsParameters(**parameters))

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `WeightsParameters`; the four weights stand as in the matrix."""

        def slider(description: str, values: range) -> ipywidgets.IntSlider:
            return ipywidgets.IntSlider(value=values[0], min=values[0], max=values[-1], description=description)

        names = ("[0][0] right", "[0][1] alarm", "[1][0] miss", "[1][1] found")
        weights = {cell: slider(name, WEIGHTS) for cell, name in zip(CELLS, names, strict=True)}
        return {"predicted": slider("Predicted %", PREDICTED), "chance": slider("Chance %", CHANCES)} | weights

    def arrange(self) -> list[ipywidgets.Widget]:
        """Return the controls and, below, a button for each of `MATRICES`."""
        buttons = [action_button(name, functools.partial(self.take, name)) for name in MATRICES]
        row = ipywidgets.HBox([*buttons, self.reset_button()], layout={"grid_column": "1 / -1", "flex_flow": "wrap"})
        return [*self._controls.values(), row]

    def take(self, name: str) -> None:
        """Set the four weights to those of one of `MATRICES`."""
        weights = dict(zip(CELLS, sum(MATRICES[name], ()), strict=True))
        self.parameters = dataclasses.replace(self.parameters, **weights)

    def render(self, parameters: WeightsParameters) -> Rendering:
        """Return the charts and tables; values in tables are rounded."""
        weights, predicted = np.array(parameters.matrix), parameters.predicted / 100
        settled = answers(parameters.matrix, parameters.chance)
        pictures = {
            "loss": _film_chart(weights, predicted, _losses, "loss", (0, 3.05 * weights.max())),
            "gradient": _film_chart(weights, predicted, _gradients, "gradient", (-weights.max(), weights.max())),
            "expected": _expected_chart(weights, predicted, parameters.chance, settled),
            "answers": _answers_chart(parameters, settled),
            "film": _film_table(weights, predicted),
            "decision": _decision_table(parameters.matrix),
        }
        return Rendering(pictures, _facts(parameters, settled))

    def code(self, parameters: WeightsParameters) -> str:
        """Return the code that makes the losses, gradients and answers."""
        return "\n".join(
            [
                "import numpy as np",
                "from scipy.optimize import brentq",
                "",
                f"weights = np.array({[list(row) for row in parameters.matrix]})  # weights[actual][predicted]",
                f"predicted, chance = {parameters.predicted / 100}, {parameters.chance}  # probability, percent",
                "",
                "called = int(predicted > 0.5)  # the class of the highest probability: 1 is effusion",
                "weight = weights[:, called]  # if the film is nofinding, if it is an effusion",
                "entropy = -np.log([1 - predicted, predicted])",
                "loss = weight * entropy",
                "gradient = weight * (predicted - np.array([0, 1]))  # by the logit of effusion",
                "expected = ((100 - chance) * loss[0] + chance * loss[1]) / 100",
                "",
                "",
                "def answers(chance):",
                '    """Return for both sides of 50 %: where the expected gradient is 0, the best answer, its loss."""',
                "    pull = chance * weights[1] / (chance * weights[1] + (100 - chance) * weights[0])",
                "    best = np.array([min(pull[0], 0.5), max(pull[1], 0.5)])  # no further than the side goes",
                "    loss = weights * -np.log([1 - best, best])",
                "    return pull, best, ((100 - chance) * loss[0] + chance * loss[1]) / 100",
                "",
                "",
                "pull, best, cost = answers(chance)",
                "side = cost.argmin()",
                "least = best[side]  # where the expected loss is least",
                "rests = list(pull[(pull > 0.5) == [False, True]]) or [0.5]  # where gradient descent stops",
                "",
                "called_from = brentq(lambda chance: np.diff(answers(chance)[2])[0], 1e-9, 100 - 1e-9)",
                "held_from, held_to = 100 * weights[0] / weights.sum(axis=0)  # there pull passes 50 %, on each side",
            ]
        )


def answers(matrix: Matrix, chance: float) -> Answers:
    """Return what the weighted loss rewards for films of which `chance` percent are effusions.

    On either side of 50 % the weights are constant, and the expected gradient is 0 where the probability is
    chance · weights[1] / (chance · weights[1] + (100 - chance) · weights[0]). Where that lies on the other side, the
    least loss of this side is at its border, and gradient descent crosses it.

    Parameters
    ----------
    matrix : positive weights[actual][predicted].
    chance : percent, above 0 and below 100.

    >>> answers(((1, 5), (5, 1)), 10).least, answers(((1, 5), (5, 1)), 40).rests
    (0.35714285714285715, (0.5,))
    """
    pull, best, costs = _on_both_sides(matrix, chance)
    side = int(costs.argmin())
    rests = pull[(pull > 0.5) == [False, True]].tolist()
    return Answers(float(best[side]), side, float(costs[side]), tuple(rests) or (0.5,))


def _on_both_sides(matrix: Matrix, chance: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where the expected gradient is 0, the best answer, and its expected loss; each (2,), nofinding first."""
    weights = np.array(matrix)
    pull = chance * weights[1] / (chance * weights[1] + (100 - chance) * weights[0])
    best = np.array([min(pull[0], 0.5), max(pull[1], 0.5)])
    return pull, best, _expected(weights * -np.log([1 - best, best]), chance)


@functools.lru_cache(maxsize=64)
def _called_from(matrix: Matrix) -> float:
    """Return the true chance in percent above which the least expected loss calls a film effusion."""
    return brentq(lambda chance: np.diff(_on_both_sides(matrix, chance)[2])[0], ALMOST, 100 - ALMOST)


def _held(matrix: Matrix) -> tuple[float, float]:
    """Return the true chances in percent at which gradient descent from below and from above comes to 50 %."""
    weights = np.array(matrix)
    from_below, from_above = 100 * weights[0] / weights.sum(axis=0)
    return float(from_below), float(from_above)


def _expected(losses: np.ndarray, chance: float) -> np.ndarray:
    """Return the mean loss of films of which `chance` percent are effusions, from the losses of both classes."""
    return ((100 - chance) * losses[0] + chance * losses[1]) / 100


def _losses(weights: np.ndarray, predicted: np.ndarray | float) -> np.ndarray:
    """Return the loss if the film is nofinding and if it is an effusion, with these two weights: (2, ...)."""
    return (weights * -np.log([1 - predicted, predicted]).T).T


def _gradients(weights: np.ndarray, predicted: np.ndarray | float) -> np.ndarray:
    """Return the gradient with respect to the logit of effusion for both actual classes: (2, ...)."""
    return (weights * np.array([predicted, predicted - 1]).T).T


def _film_chart(
    weights: np.ndarray,
    predicted: float,
    measure: Callable[[np.ndarray, np.ndarray | float], np.ndarray],
    name: str,
    y_range: tuple[float, float],
) -> Chart:
    present = measure(weights[:, int(predicted > 0.5)], predicted)
    lines = [Line((0, 100), (0, 0), CURVE, "dotted"), Line((100 * predicted,) * 2, y_range, CURVE, "dotted")]
    for actual, (color, style) in enumerate(((NEGATIVE, "dashed"), (POSITIVE, "solid"))):
        for called, places in enumerate(SIDES):
            lines.append(Line(100 * places, measure(weights[:, called], places)[actual], color, style))
        lines.append(Line([100 * predicted], [present[actual]], color, "dots"))
    return Chart(tuple(lines), PREDICTED_LABEL, name, (0, 100), y_range)


def _expected_chart(weights: np.ndarray, predicted: float, chance: int, settled: Answers) -> Chart:
    curves = [_expected(_losses(weights[:, called], places), chance) for called, places in enumerate(SIDES)]
    here = _expected(_losses(weights[:, int(predicted > 0.5)], predicted), chance)
    lines = (
        *(Line(100 * places, curve, CURVE) for places, curve in zip(SIDES, curves, strict=True)),
        Line([100 * settled.least], [settled.cost], LEAST, "dots"),
        Line([100 * predicted], [here], PRESENT, "dots"),
    )
    # So high that the present point can be seen wherever it is dragged.
    ends = [_expected(_losses(weights[:, called], end), chance) for called, end in enumerate((0.05, 0.95))]
    top = 1.05 * max(*ends, *(curve[side] for curve, side in zip(curves, (-1, 0), strict=True)))
    return Chart(lines, PREDICTED_LABEL, "expected loss", (0, 100), (0, top))


def _answers_chart(parameters: WeightsParameters, settled: Answers) -> Chart:
    matrix, switch = parameters.matrix, _called_from(parameters.matrix)
    from_below, from_above = _held(matrix)
    lines = [Line((0, 100), (0, 100), CURVE, "dotted")]
    for side, (low, high) in enumerate(((ALMOST, switch), (switch, 100 - ALMOST))):
        chances = np.linspace(low, high, 30)
        lines.append(Line(chances, [100 * _on_both_sides(matrix, each)[1][side] for each in chances], LEAST))
    for side, (low, high) in enumerate(((ALMOST, from_below), (from_above, 100 - ALMOST))):
        chances = np.linspace(low, high, 20)
        lines.append(Line(chances, [100 * _on_both_sides(matrix, each)[0][side] for each in chances], REST, "dashed"))
    if from_below < from_above:
        lines.append(Line((from_below, from_above), (50, 50), REST, "dashed"))
    lines += [Line([parameters.chance], [100 * rest], REST, "dots") for rest in settled.rests]
    lines.append(Line([parameters.chance], [100 * settled.least], LEAST, "dots"))
    return Chart(tuple(lines), "true chance of effusion in %", "answer in %", (0, 100), (0, 100))


def _film_table(weights: np.ndarray, predicted: float) -> Table:
    called = int(predicted > 0.5)
    now = weights[:, called]
    values = {
        "cross-entropy": _losses(np.ones(2), predicted),
        "loss": _losses(now, predicted),
        "gradient": _gradients(now, predicted),
    }
    rows = [(f"weight, called {CLASSES[called]}", *map(str, now))]
    rows += [(name, *(f"{value:.3f}" for value in pair)) for name, pair in values.items()]
    return Table(("if it is", *CLASSES), tuple(rows))


def _decision_table(matrix: Matrix) -> Table:
    switch, held = _called_from(matrix), _held(matrix)
    between = "held at 50 %" if held[0] < held[1] else "the start decides" if held[0] > held[1] else "nothing"
    rows = (
        ("least loss: effusion above", f"{switch:.1f} %"),
        ("gradient: nofinding below", f"{min(held):.1f} %"),
        ("gradient: effusion above", f"{max(held):.1f} %"),
        ("in between", between),
    )
    return Table(("by", "true chance"), rows)


def _facts(parameters: WeightsParameters, settled: Answers) -> str:
    weights, predicted = np.array(parameters.matrix), parameters.predicted / 100
    called = int(predicted > 0.5)
    now = weights[:, called]
    entropies, losses, gradients = _losses(np.ones(2), predicted), _losses(now, predicted), _gradients(now, predicted)
    story = [f"{now[i]} × {entropies[i]:.2f} = {losses[i]:.2f}, its gradient {gradients[i]:.2f}" for i in (0, 1)]
    rests = " or ".join(f"{100 * rest:.0f} %" for rest in settled.rests)
    above = "just above " if settled.side and settled.least == 0.5 else ""
    return (
        f"Predicted {parameters.predicted} %, so called {CLASSES[called]}: if it is an effusion the loss is {story[1]};"
        f" if not, {story[0]}. With a true chance of {parameters.chance} % the expected loss is"
        f" {_expected(losses, parameters.chance):.2f}; the least is {settled.cost:.2f}, at {above}"
        f"{100 * settled.least:.0f} % ({CLASSES[settled.side]}), and gradient descent rests at {rests}. Effusion is"
        f" called above a true chance of {_called_from(parameters.matrix):.0f} % by the least loss, by gradient descent"
        f" {_moved(*_held(parameters.matrix))}"
    )


def _moved(from_below: float, from_above: float) -> str:
    """Say from which true chance gradient descent calls a film effusion."""
    if from_below == from_above:
        return f"above {from_above:.0f} %."
    if from_below < from_above:
        return f"above {from_above:.0f} %; from {from_below:.0f} % up to there it is driven to 50 % from both sides."
    return f"above {from_below:.0f} %; from {from_above:.0f} % up to there the start decides."
