"""The learning-rate explorer: gradient descent in a valley, too slow, just right, from side to side, or to NaN."""

import dataclasses
import functools

import ipywidgets
import numpy as np

from cnnkit.explore.base import Explorer, Rendering
from cnnkit.explore.panels import Chart, Line, Panel, Table

__all__ = ["SCHEDULES", "Descent", "LearningRateExplorer", "LearningRateParameters", "descend", "rate_limit"]

# The loss is half of the sum of curvature · weight², so its gradient is curvature · weight.
CURVATURE = (1, 40)
START = (-8, 1)
STEPS = 10  # in an epoch
PLATEAU = 1e-4  # as min_delta of keras.callbacks.ReduceLROnPlateau

RATES = range(1, 151)  # thousandths
MOMENTA = (0.0, 0.5, 0.9)
CONSTANT, DECAY, ON_PLATEAU = SCHEDULES = ("constant", "every n epochs", "on a plateau")
FACTORS = (0.9, 0.5, 0.1)
EVERY = range(1, 11)
EPOCHS = range(5, 31, 5)

LOWEST, HIGHEST = -12, 8  # logarithms of the losses that are drawn; smaller ones stand at the lowest
# Of the Okabe-Ito palette: told apart with every common kind of colour blindness.
LEVEL, PATH, LIMIT, UNCHANGED, PLAIN = "#999999", "#0072b2", "#d55e00", "#009e73", "#000000"


@dataclasses.dataclass(frozen=True)
class LearningRateParameters:
    """What the controls say.

    Parameters
    ----------
    rate : of the first epoch, in thousandths, 1-150: 100 is a learning rate of 0.1.
    momentum : 0, 0.5 or 0.9, as of `keras.optimizers.SGD`.
    schedule : "constant"; "every n epochs", as `cnnkit.callbacks.LearningRateDecay`; or "on a plateau", as
        `keras.callbacks.ReduceLROnPlateau` with patience n.
    factor : by which the schedule multiplies the rate, 0.9, 0.5 or 0.1.
    every : n, 1-10 epochs.
    epochs : of 10 steps each, 5-30 in steps of 5.
    noise : add noise to each gradient, as when it comes from one batch and not from all pictures.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    rate: int = 30
    momentum: float = 0.0
    schedule: str = CONSTANT
    factor: float = 0.5
    every: int = 1
    epochs: int = 20
    noise: bool = False

    def __post_init__(self) -> None:
        choices = {"momentum": MOMENTA, "schedule": SCHEDULES, "factor": FACTORS, "noise": (False, True)}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(map(str, allowed))}, not {getattr(self, name)!r}.")
        for name, allowed in {"rate": RATES, "every": EVERY, "epochs": EPOCHS}.items():
            if getattr(self, name) not in allowed:
                steps = f" in steps of {allowed.step}" if allowed.step > 1 else ""
                raise ValueError(
                    f"{name} is a whole number from {allowed[0]} to {allowed[-1]}{steps}, not {getattr(self, name)!r}."
                )


@dataclasses.dataclass(frozen=True)
class Descent:
    """What gradient descent did, in 32 bits, as a network would.

    Parameters
    ----------
    path : float32 (steps + 1, 2), the two weights at the start and after each step.
    losses : float32 (steps + 1,)
    rates : float (epochs,), the learning rate of each epoch.
    """

    path: np.ndarray
    losses: np.ndarray
    rates: np.ndarray


class LearningRateExplorer(Explorer):
    """Explore how fast is too fast, in the simplest valley that can tell: two weights, one side 40 times as steep.

    The loss is half of weight 1² + 40 · weight 2². Along each weight a step multiplies the distance to the bottom by
    (1 - rate · curvature): above a rate of 2 / 40 it grows, and its sign changes with every step.

    Parameters
    ----------
    **parameters : where the explorer begins, see `LearningRateParameters`.

    Raises
    ------
    ValueError : a parameter out of its range.

    Source: G. Goh, "Why Momentum Really Works", Distill 2017.

    >>> explorer = LearningRateExplorer(rate=100)
    >>> explorer.render(explorer.parameters).facts.split(": ")[0]
    'Rate 0.1, above the limit of this valley, 0.05'
    """

    Parameters = LearningRateParameters
    primary = "rate"
    panels = {  # noqa: RUF012
        "path": Panel(
            "The valley from above:",
            "Ellipses of equal loss, and the path of the two weights from the left towards the bottom in the middle.",
            legend=((PATH, "path"), (LEVEL, "equal loss")),
        ),
        "section": Panel(
            "Across the valley, the first 10 steps:",
            "The loss against the steep weight, a parabola, and the places of the first steps on it, joined by lines.",
            legend=((PATH, "steps"), (LEVEL, "loss")),
        ),
        "losses": Panel(
            "The loss after each step:",
            "Logarithm of the loss against the step, and, dotted, without a schedule; a dot where it is infinite.",
            legend=((PATH, "loss"), (UNCHANGED, "no schedule (dotted)"), (LIMIT, "infinite (dot)")),
        ),
        "schedule": Panel(
            "The rate in each epoch:",
            "Logarithm of the learning rate against the epoch, and the limit as a horizontal line.",
            legend=((PATH, "rate"), (LIMIT, "limit (dashed)")),
        ),
        "sweep": Panel(
            "The loss at the end, for all rates:",
            "Logarithm of the last loss against the first rate; where it is infinite or NaN, dots at the top.",
            legend=((PLAIN, "loss"), (LIMIT, "limit (dashed); infinite or NaN (dots)")),
        ),
        "numbers": Panel("In 32 bits", "Weights and loss at the start and after some of the steps."),
    }

    def __init__(self, **parameters: object) -> None:
        super().__init__(LearningRateParameters(**parameters))

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `LearningRateParameters`."""

        def slider(description: str, values: range) -> ipywidgets.IntSlider:
            return ipywidgets.IntSlider(
                value=values[0], min=values[0], max=values[-1], step=values.step, description=description
            )

        def choice(description: str, options: tuple) -> ipywidgets.Dropdown:
            return ipywidgets.Dropdown(options=options, description=description)

        return {
            "rate": slider("Rate, 1/1000", RATES),
            "momentum": choice("Momentum", MOMENTA),
            "schedule": choice("Schedule", SCHEDULES),
            "factor": choice("Factor", FACTORS),
            "every": slider("n, epochs", EVERY),
            "epochs": slider("Epochs", EPOCHS),
            "noise": ipywidgets.Checkbox(description="Noise, as of batches", indent=False),
        }

    def render(self, parameters: LearningRateParameters) -> Rendering:
        """Return the panels; logarithms are to the base of 10."""
        descent, unchanged = descend(parameters), descend(dataclasses.replace(parameters, schedule=CONSTANT))
        limit = rate_limit(parameters.momentum)
        pictures = {
            "path": _path_chart(descent),
            "section": _section_chart(descent),
            "losses": _losses_chart(descent, unchanged, parameters),
            "schedule": _schedule_chart(descent, limit),
            "sweep": _sweep_chart(parameters, limit),
            "numbers": _table(descent),
        }
        return Rendering(pictures, _facts(parameters, descent, limit))

    def code(self, parameters: LearningRateParameters) -> str:
        """Return the NumPy code that makes `path`, `losses` and `rates`."""
        rate = parameters.rate / 1000
        before, after = _schedule_code(parameters)
        gradient = "curvature * weights" + (" + noise[len(path) - 1]" if parameters.noise else "")
        noise = f"noise = np.random.default_rng(0).standard_normal(({parameters.epochs * STEPS}, 2), dtype=np.float32)"
        step = f"velocity = {parameters.momentum} * velocity - rate * gradient"
        return "\n".join(
            [
                "import numpy as np",
                "",
                "",
                "def loss(weights):",
                "    return (curvature * weights**2).sum() / 2",
                "",
                "",
                f"curvature = np.array({list(CURVATURE)}, np.float32)",
                f"weights = np.array({list(START)}, np.float32)",
                *(["velocity = np.zeros(2, np.float32)"] if parameters.momentum else []),
                *([noise] if parameters.noise else []),
                "path, losses, rates = [weights], [loss(weights)], []",
                *before,
                'with np.errstate(over="ignore", invalid="ignore"):  # it may become infinite, and then NaN',
                f"    for epoch in range({parameters.epochs}):",
                *([] if parameters.schedule == ON_PLATEAU else [f"        rate = {_rate_code(parameters, rate)}"]),
                "        rates.append(rate)",
                f"        for step in range({STEPS}):",
                f"            gradient = {gradient}",
                *([f"            {step}"] if parameters.momentum else []),
                f"            weights = weights {'+ velocity' if parameters.momentum else '- rate * gradient'}",
                "            path.append(weights)",
                "            losses.append(loss(weights))",
                *(f"        {line}" for line in after),
            ]
        )


def descend(parameters: LearningRateParameters) -> Descent:
    """Return what gradient descent does with these settings; noise is the same at every rate.

    >>> descent = descend(LearningRateParameters(rate=100, epochs=10))
    >>> descent.path[:4, 1].tolist()
    [1.0, -3.0, 9.0, -27.0]
    >>> descent.losses[-1]
    np.float32(nan)
    """
    every, at = _descend_at_all_rates(parameters), RATES.index(parameters.rate)
    return Descent(every.path[:, at], every.losses[:, at], every.rates[:, at])


def _descend_at_all_rates(parameters: LearningRateParameters) -> Descent:
    """Return the same with one more axis, for `RATES`, after the first; `rate` is not looked at."""
    return _descents(dataclasses.replace(parameters, rate=RATES[0]))


@functools.lru_cache(maxsize=4)
def _descents(parameters: LearningRateParameters) -> Descent:
    curvature, first = np.array(CURVATURE, np.float32), np.array(RATES) / 1000
    steps, count = parameters.epochs * STEPS, len(RATES)
    noise = np.random.default_rng(0).standard_normal((steps, 2), dtype=np.float32) * np.float32(parameters.noise)
    path, rates = np.empty((steps + 1, count, 2), np.float32), []
    path[0] = START
    velocity, rate = np.zeros((count, 2), np.float32), first
    best, waited = np.full(count, np.inf, np.float32), np.zeros(count, int)
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(parameters.epochs):
            if parameters.schedule == DECAY:
                rate = first * parameters.factor ** (epoch // parameters.every)
            rates.append(rate)
            step_rate = rate.astype(np.float32)[:, None]
            for step in range(epoch * STEPS, (epoch + 1) * STEPS):
                velocity = parameters.momentum * velocity - step_rate * (curvature * path[step] + noise[step])
                path[step + 1] = path[step] + velocity
            if parameters.schedule == ON_PLATEAU:
                loss = _loss(path[step + 1])
                better = loss < best - PLATEAU
                best, waited = np.where(better, loss, best), np.where(better, 0, waited + 1)
                rate = np.where(waited == parameters.every, rate * parameters.factor, rate)
                waited %= parameters.every
        return Descent(path, _loss(path), np.array(rates))


def _loss(weights: np.ndarray) -> np.ndarray:
    return (np.array(CURVATURE, np.float32) * weights**2).sum(axis=-1) / 2


def rate_limit(momentum: float) -> float:
    """Return the rate above which no constant rate arrives.

    >>> rate_limit(0), rate_limit(0.9)
    (0.05, 0.095)
    """
    return 2 * (1 + momentum) / CURVATURE[1]


def _rate_code(parameters: LearningRateParameters, rate: float) -> str:
    if parameters.schedule == CONSTANT:
        return str(rate)
    return f"{rate} * {parameters.factor} ** (epoch // {parameters.every})"


def _schedule_code(parameters: LearningRateParameters) -> tuple[list[str], list[str]]:
    """Return what stands before the epochs, and at the end of each."""
    if parameters.schedule != ON_PLATEAU:
        return [], []
    return [f"rate, best, waited = {parameters.rate / 1000}, np.inf, 0"], [
        f"if losses[-1] < best - {PLATEAU}:",
        "    best, waited = losses[-1], 0",
        "else:",
        "    waited += 1",
        f"if waited == {parameters.every}:  # epochs without a better loss",
        f"    rate, waited = rate * {parameters.factor}, 0",
    ]


@functools.cache
def _levels() -> tuple[Line, ...]:
    """Return ellipses of equal loss."""
    turn = np.linspace(0, 2 * np.pi, 49)
    lines = []
    for loss in (1, 5, 15, 35, 70):
        along, across = (np.sqrt(2 * loss / curvature) for curvature in CURVATURE)
        lines.append(Line(np.round(along * np.cos(turn), 2), np.round(across * np.sin(turn), 3), LEVEL))
    return tuple(lines)


def _path_chart(descent: Descent) -> Chart:
    along, across = _drawable(descent.path, 50).T
    lines = (*_levels(), Line(along, across, PATH), Line(along[:30], across[:30], PATH, "dots"))
    return Chart(lines, "weight 1 (flat)", "weight 2 (steep)", (-12, 12), (-2.5, 2.5))


def _section_chart(descent: Descent) -> Chart:
    places = np.linspace(-3.5, 3.5, 71)
    across = _drawable(descent.path[: STEPS + 1], 10)[:, 1]
    losses = [np.round(CURVATURE[1] * where**2 / 2, 3) for where in (places, across)]
    lines = (
        Line(np.round(places, 1), losses[0], LEVEL),
        Line(across, losses[1], PATH),
        Line(across, losses[1], PATH, "dots"),
    )
    return Chart(lines, "weight 2 (steep)", "loss from weight 2", (-3.5, 3.5), (0, 200))


def _drawable(path: np.ndarray, far: float) -> np.ndarray:
    """Return a path up to where it has gone so far that a line to there is enough."""
    outside = np.flatnonzero(~(np.abs(path).max(axis=1) < far))
    end = outside[0] + 1 if outside.size else len(path)
    return np.round(np.nan_to_num(path[:end].astype(float), posinf=1e4, neginf=-1e4).clip(-1e4, 1e4), 3)


def _losses_chart(descent: Descent, unchanged: Descent, parameters: LearningRateParameters) -> Chart:
    lines = [Line(*_logarithms(descent.losses), PATH)]
    if parameters.schedule != CONSTANT:
        lines.insert(0, Line(*_logarithms(unchanged.losses), UNCHANGED, "dotted"))
    broken = np.flatnonzero(~np.isfinite(descent.losses))[:1].tolist()
    lines.append(Line(broken, [HIGHEST] * len(broken), LIMIT, "dots"))
    return Chart(tuple(lines), "step", "log10 of the loss", (0, parameters.epochs * STEPS), (LOWEST, HIGHEST))


def _logarithms(values: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return the numbers of the finite values, and their logarithms."""
    finite = np.flatnonzero(np.isfinite(values))
    return finite.tolist(), np.round(np.log10(np.maximum(values[finite].astype(float), 10.0**LOWEST)), 3)


def _schedule_chart(descent: Descent, limit: float) -> Chart:
    count = len(descent.rates)
    stairs = np.repeat(np.log10(descent.rates), 2)
    lines = (
        Line((0, count), (np.log10(limit),) * 2, LIMIT, "dashed"),
        Line(np.repeat(range(count + 1), 2)[1:-1], stairs, PATH),
    )
    return Chart(lines, "epoch", "log10 of the rate", (0, count), (-6, 0))


def _sweep_chart(parameters: LearningRateParameters, limit: float) -> Chart:
    losses = _descend_at_all_rates(parameters).losses[-1]
    numbers, logarithms = _logarithms(losses)
    broken = [rate for rate, loss in zip(RATES, losses, strict=True) if not np.isfinite(loss)]
    heights = dict(zip(numbers, logarithms, strict=True))
    present = min(heights.get(RATES.index(parameters.rate), HIGHEST), HIGHEST)
    lines = (
        Line((1000 * limit,) * 2, (LOWEST, HIGHEST), LIMIT, "dashed"),
        Line([RATES[number] for number in numbers], logarithms, PLAIN),
        Line(broken, [HIGHEST] * len(broken), LIMIT, "dots"),
        Line([parameters.rate], [present], PATH, "dots"),
    )
    return Chart(lines, "rate, 1/1000", "log10 of the last loss", (0, RATES[-1]), (LOWEST, HIGHEST + 1))


def _table(descent: Descent) -> Table:
    last = len(descent.losses) - 1
    rows = [
        (f"{step}", *(f"{weight:.3g}" for weight in descent.path[step]), f"{descent.losses[step]:.3g}")
        for step in (0, 1, 2, 3, STEPS, 2 * STEPS, last // 2, last)
    ]
    return Table(("after step", "weight 1", "weight 2", "loss"), tuple(rows))


def _facts(parameters: LearningRateParameters, descent: Descent, limit: float) -> str:
    rate, losses = parameters.rate / 1000, _descend_at_all_rates(parameters).losses[-1]
    side = "above" if rate > limit else "at" if rate == limit else "below"
    story = f"Rate {rate:g}, {side} the limit of this valley, {limit:g}: {_course(parameters.momentum, rate, limit)}."
    best = f"Of all rates here, {RATES[int(np.nanargmin(losses))] / 1000:g} ends lowest."
    return " ".join([story, *_changes(descent, limit), _outcome(descent), best])


def _course(momentum: float, rate: float, limit: float) -> str:
    """Say what a constant rate does across the valley, without noise."""
    if rate > limit:
        return "each step across the valley lands farther up the other side than it began"
    if rate == limit:
        return "across the valley it jumps from side to side for ever, neither nearer nor farther"
    # Momentum and gradient together multiply by the roots of z² - (1 + momentum - rate · curvature) z + momentum.
    middle = 1 + momentum - rate * CURVATURE[1]
    if middle < 0 or middle**2 < 4 * momentum:
        return "across the valley it goes past the bottom and comes back, each time less far"
    return "across the valley it goes down to the bottom without passing it"


def _changes(descent: Descent, limit: float) -> list[str]:
    """Say where the schedule leads."""
    first, last = descent.rates[0], descent.rates[-1]
    if last == first:
        return []
    calm = np.flatnonzero(descent.rates < limit)
    crossed = f", below the limit from epoch {calm[0] + 1} on" if first >= limit and calm.size else ""
    return [f"The schedule brings the rate down to {last:.2g}{crossed}."]


def _outcome(descent: Descent) -> str:
    """Say what became of the loss."""
    losses, last = descent.losses, len(descent.losses) - 1
    broken, undefined = np.flatnonzero(~np.isfinite(losses)), np.flatnonzero(np.isnan(losses))
    if not broken.size:
        along = f"along the valley weight 1 comes from {descent.path[0, 0]:g} to {descent.path[-1, 0]:.2g}"
        return f"In {last} steps the loss goes from {losses[0]:.3g} to {losses[-1]:.3g}; {along}."
    after = f" and NaN after {undefined[0]}" if undefined.size else ""
    if undefined.size and undefined[0] == broken[0]:
        return f"In 32 bits the loss is NaN after {undefined[0]} steps."
    return f"In 32 bits the loss is infinite after {broken[0]} steps{after}."
