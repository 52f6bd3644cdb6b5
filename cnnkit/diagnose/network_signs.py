"""Signs of illness in the network: what it gives, what its layers have become, its metrics and its learning rate."""

import math
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops
from scipy.stats import mannwhitneyu

from cnnkit.diagnose.access import alone, batches, width
from cnnkit.diagnose.case import Case, Finding
from cnnkit.diagnose.look import Overfit, Predictions, Trial, predictions_of

SWEEP = "see cnnkit.training.learning_rate_sweep"


def softmax(case: Case) -> Iterator[Finding]:
    """Probabilities where logits are wanted, and the other way round."""
    model, count = case.model, case.model.outputs[0].shape[-1]
    twin = alone(model) if case.numbers else case.trial.fresh()
    images = case.training.images[:64]
    given = ops.convert_to_numpy(twin(images, training=False)).astype(np.float64)
    if count > 1:
        before = _before_the_last(twin, images)
        if before is not None and _distributions(before) and _distributions(given) and np.ptp(before - given) > 1e-3:
            yield _twice("the last layer is given probabilities, and makes probabilities of them again")
            return
    kind = _kind_of_loss(model.loss, count)
    if kind == "logits" and (_distributions(given) if count > 1 else _ends_in_sigmoid(model)):
        yield _twice("the network gives probabilities, and the loss expects logits and applies softmax to them")
    outside = given.min() < -1e-3 or given.max() > 1 + 1e-3
    unequal = count > 1 and _asks_for_one_class(model.loss) and not _distributions(given)
    if kind == "probabilities" and (outside or unequal):
        yield Finding(
            "logits given as probabilities",
            f"the loss expects probabilities, and the network gives values from {given.min():.3g} to {given.max():.3g}"
            f"{', which do not add up to 1' if unequal else ''}",
            "give the last layer activation='softmax' (one output: 'sigmoid'), or the loss from_logits=True",
            1.0,
        )


def _twice(evidence: str) -> Finding:
    return Finding(
        "softmax applied twice",
        evidence,
        "keep one: activation='softmax' in the last layer with from_logits=False, or none with from_logits=True",
        1.0,
    )


def _asks_for_one_class(loss) -> bool:
    return "categorical" in str(getattr(loss, "name", loss if isinstance(loss, str) else getattr(loss, "__name__", "")))


def _distributions(values: np.ndarray) -> bool:
    return bool(values.min() >= -1e-6 and np.allclose(values.sum(axis=-1), 1, atol=1e-3))


def _ends_in_sigmoid(model: keras.Model) -> bool:
    return getattr(model.outputs[0]._keras_history.operation, "activation", None) is keras.activations.sigmoid


def _before_the_last(model: keras.Model, images: np.ndarray) -> np.ndarray | None:
    """Return what goes into the last layer if it is as wide as what comes out."""
    last, node, _ = model.outputs[0]._keras_history
    before = last._inbound_nodes[node].input_tensors
    if len(before) != 1 or before[0].shape != model.outputs[0].shape:
        return None
    return ops.convert_to_numpy(keras.Function(model.inputs[0], before[0])(images)).astype(np.float64)


def _kind_of_loss(loss, count: int) -> str:
    """Return what a loss expects, "logits" or "probabilities"; "" if it is none of the cross-entropies."""
    try:
        function = keras.losses.get(loss)
        config = function.get_config() if isinstance(function, keras.losses.Loss) else {}
    except (TypeError, ValueError, NotImplementedError):
        return ""
    if "from_logits" in config:
        return "logits" if config["from_logits"] else "probabilities"

    def measured(actual: int, given: list[float]) -> float:
        one_hot = [1.0 if number == actual else 0.0 for number in range(count)] if count > 1 else [float(actual)]
        for truth in ([one_hot], [actual]):
            try:
                values = function(ops.convert_to_tensor(truth), ops.convert_to_tensor([given]))
                return float(np.mean(ops.convert_to_numpy(values)))
            except Exception:  # what a stranger's function raises nobody knows
                continue
        return math.nan

    low, high = ([0.0], [1.0]) if count == 1 else ([0.0] * (count - 1) + [1.0], [1.0] + [0.0] * (count - 1))
    if measured(0, low if count > 1 else high) > 5:
        return "probabilities"
    if count == 1:
        return "logits" if abs(measured(0, [0.0]) - math.log(2)) < 0.01 else ""
    # Softmax does not mind if the same is added to all values.
    some = [0.3 + 0.1 * number for number in range(count)]
    moved = measured(0, [value + 5 for value in some])
    return "logits" if abs(measured(0, some) - moved) < 1e-4 and abs(measured(0, high) - measured(0, low)) > 0.5 else ""


def alike_or_dead(case: Case) -> Iterator[Finding]:
    """Weights that are all alike, and ReLUs that are always 0."""
    alike, last = [], case.model.outputs[0]._keras_history.operation
    for layer in case.model._flatten_layers(include_self=False, recursive=True):
        kernel = getattr(layer, "kernel", None)
        if kernel is None or not layer.trainable or len(kernel.shape) < 2 or kernel.shape[-1] < 2:
            continue
        values = ops.convert_to_numpy(kernel)
        if np.isfinite(values).all() and np.abs(values - values[..., :1]).max() <= 1e-6 * max(
            1e-3, np.abs(values).max()
        ):
            alike.append((layer, bool((values == 0).all())))
    # A last layer of zeros is a start that some choose on purpose, and one step ends it.
    alike = alike if len(alike) > 1 or (alike and alike[0][0] is not last) else []
    if alike:
        zeros = all(zero for _, zero in alike)
        names = ", ".join([layer.name for layer, _ in alike[:3]] + ["…"] * (len(alike) > 3))
        what = "all weights are 0" if zeros else "all units have the same weights"
        yield Finding(
            "zero initialisation" if zeros else "weights all alike",
            f"in {len(alike)} layer{'s' if len(alike) > 1 else ''} ({names}) {what}, and so all units learn the same",
            "a random initialiser: kernel_initializer='he_normal' before ReLU, or the default",
            1.0,
        )
        return
    # A network that has learnt may do with few units.
    least = 0.98 if case.any_good else 0.9
    silent = {name: share for name, share in case.gradients.silent.items() if share >= least}
    if not case.numbers:
        return
    stopped = int((case.gradients.norms == 0).sum())
    if silent:
        name, share = max(silent.items(), key=lambda item: item[1])
        seen = f"{share:.0%} of the units of {name} give 0 for every picture{_and_others(len(silent) - 1)}"
    elif stopped >= max(1, len(case.gradients.norms) - 1) and not case.any_good:
        seen = f"the gradient of {stopped} of {len(case.gradients.norms)} layers is 0"
    else:
        return
    yield Finding(
        "dead ReLUs",
        f"{seen}; no gradient passes a 0",
        "fresh weights and a lower learning rate; kernel_initializer='he_normal', batch normalisation, LeakyReLU",
        0.87,  # below a rate that is too high, which is the commonest cause
    )


def _and_others(count: int) -> str:
    return f", and so do those of {count} more layer{'s' if count > 1 else ''}" if count else ""


def last_batch_only(case: Case) -> Iterator[Finding]:
    """A metric that knows only the last batch, by what it does or by what it has written into the history."""
    seen = _forgetful(case) or _forgetful_steps(case) or _last_batch_in_history(case)
    if seen:
        yield Finding(
            "metric of the last batch only",
            f"{', '.join(seen)} depends on the last batch alone",
            "add up in update_state and divide in result; of a whole set, predict all of it and measure once (RocAuc)",
            0.97,
        )


def _forgetful(case: Case) -> list[str]:
    """Return the metrics that forget all batches but the last, found by giving them two."""
    count = case.model.outputs[0].shape[-1]
    classes = max(count, 2)
    numbers = np.repeat(np.arange(classes), 8)
    labels = _like(case.training.labels, numbers, classes)

    def outputs(wrong: int) -> np.ndarray:
        called = np.where(np.arange(len(numbers)) % 8 < wrong, (numbers + 1) % classes, numbers)
        sure = np.where(called[:, None] == np.arange(classes), 0.9, 0.1 / (classes - 1)).astype(np.float32)
        return sure if count > 1 else sure[:, 1:]

    batches = [(labels, outputs(2)), (labels, outputs(6))]
    try:
        case.model.compute_metrics(None, *(ops.convert_to_tensor(each) for each in batches[0]))  # which builds them
    except Exception:  # a stranger's metric; what is wrong with it, training will say
        return []
    found = []
    for metric in [one for each in case.model.metrics for one in getattr(each, "metrics", [each])]:
        if isinstance(metric, keras.metrics.Mean) and metric.name == "loss":
            continue
        kept = [ops.convert_to_numpy(variable) for variable in metric.variables]
        try:
            parts = (batches[:1], batches[1:], batches, batches[::-1])
            first, second, both, turned = (_measured(metric, part) for part in parts)
        except Exception:
            continue
        finally:
            for variable, value in zip(metric.variables, kept, strict=True):
                variable.assign(value)
        last = np.allclose(both, second, atol=1e-6) and np.allclose(turned, first, atol=1e-6)
        if last and not np.allclose(first, second, atol=1e-3):
            found.append(metric.name)
    return found


def _measured(metric: keras.Metric, batches: list) -> np.ndarray:
    metric.reset_state()
    for labels, outputs in batches:
        metric.update_state(ops.convert_to_tensor(labels), ops.convert_to_tensor(outputs))
    return ops.convert_to_numpy(metric.result())


def _forgetful_steps(case: Case) -> list[str]:
    """Return what `evaluate` of a model with steps of its own gives for two batches as for the last alone."""
    plain = keras.Model.test_step, keras.Model.compute_metrics, keras.Model.make_test_function
    if all(getattr(type(case.model), own.__name__) is own for own in plain):
        return []
    images, count = case.training.images[:16], case.model.outputs[0].shape[-1]
    called = Predictions(predictions_of(case.model, case.training._replace(images=images)).outputs, None, ()).called
    right, wrong = (_like(case.training.labels, each, max(count, 2)) for each in (called, (called + 1) % max(count, 2)))
    half = len(images) // 2

    def measured(first: np.ndarray) -> dict:
        labels = np.concatenate([first[:half], right[half : 2 * half]])
        return case.model.evaluate(images[: 2 * half], labels, batch_size=half, verbose=0, return_dict=True)

    kept = [
        (variable, ops.convert_to_numpy(variable)) for metric in case.model.metrics for variable in metric.variables
    ]
    try:
        good, bad = measured(right), measured(wrong)
    except Exception:  # a stranger's step; what is wrong with it, training will say
        return []
    finally:
        for variable, value in kept:
            variable.assign(value)
    return [name for name in good if np.isfinite(good[name]) and abs(good[name] - bad[name]) < 1e-6 and good[name] > 0]


def _last_batch_in_history(case: Case) -> list[str]:
    """Return what of the history is true of the last validation batch and not of the whole."""
    if not case.numbers or len(case.validation.images) < len(case.validation.everything):
        return []
    outputs, numbers = (getattr(case.predictions[1], name) for name in ("outputs", "numbers"))
    sizes = (8, 16, 32, 64, 128)
    if not isinstance(case.exam_data, tuple | list):
        sizes = (len(next(batches("checkup", case.exam_data))[0]),)
    found = []
    for name, values in case.history.items():
        measure = _area if "auc" in name.lower() else _accuracy if "acc" in name.lower() else None
        if not name.startswith("val") or measure is None or not len(values):
            continue
        if measure is _area and outputs.shape[1] > 2:
            continue
        whole = measure(outputs, numbers)
        for start in {(len(numbers) - 1) // size * size for size in sizes} - {0}:
            last = measure(outputs[start:], numbers[start:])
            # A measure of few pictures has few values, and one of many may be near one of them once, but not always.
            rest = numbers[start:]
            count = len(rest) if measure is _accuracy else 2 * int((rest == 0).sum() * (rest == 1).sum())
            coarse = np.multiply(values, count)
            if (
                abs(values[-1] - whole) > 0.02
                and abs(values[-1] - last) < 1e-3
                and np.abs(coarse - np.round(coarse)).max() < 1e-3 * max(count, 1)
            ):
                found.append(name)
                break
    return found


def _accuracy(outputs: np.ndarray, numbers: np.ndarray) -> float:
    return float((outputs.argmax(axis=1) == numbers).mean())


def _area(outputs: np.ndarray, numbers: np.ndarray) -> float:
    positive, negative = (outputs[numbers == number, -1] for number in (1, 0))
    if not positive.size or not negative.size:
        return math.nan
    return float(mannwhitneyu(positive, negative).statistic / (positive.size * negative.size))


def _like(labels: np.ndarray, numbers: np.ndarray, classes: int) -> np.ndarray:
    """Return classes in the form in which these labels come."""
    if width(labels) > 1:
        return np.eye(classes, dtype=labels.dtype)[numbers]
    return numbers.astype(labels.dtype).reshape(-1, *labels.shape[1:])


def momentum(case: Case) -> Iterator[Finding]:
    """A momentum of 1, with which every step is added to all that come after it."""
    optimizer = getattr(case.model.optimizer, "inner_optimizer", case.model.optimizer)
    for name in ("momentum", "beta_1"):
        value = getattr(optimizer, name, None)
        if isinstance(value, int | float) and value > 0.9999:
            yield Finding(
                "momentum too high",
                f"{name} is {value:g}, so the steps only ever grow",
                f"{name}=0.9, as is common",
                1.0,
            )


def imbalance(case: Case) -> Iterator[Finding]:
    """A rare class that is never called, behind a high accuracy."""
    if not case.numbers or not case.trained:
        return
    training, validation = case.predictions
    both = Predictions(
        np.concatenate([training.outputs, validation.outputs]),
        np.concatenate([training.numbers, validation.numbers]),
        validation.names,
    )
    actual, called = both.shares
    rare, common = int(np.nanargmin(both.recalls)), int(actual.argmax())
    if actual[common] >= 0.7 and both.recalls[rare] < 0.15 and called[common] > 0.93 and both.accuracy >= 0.65:
        yield Finding(
            "imbalance hidden by accuracy",
            f"accuracy {both.accuracy:.2f}, and {actual[common]:.0%} are {both.names[common]}: of {both.names[rare]}"
            f" the network finds {both.recalls[rare]:.0%}",
            "watch AUC and recall, not accuracy; weight the loss (cnnkit.losses), or move the threshold",
            0.8,
        )


def learning_rate(case: Case) -> Iterator[Finding]:
    """Try the model's learning rate on fresh weights, and if that fails others."""
    stuck = _stuck(case)
    if case.any_good and not _flat_history(case) and not stuck:
        return
    own = case.trial.run()
    if case.numbers and own.learns and not own.explodes:
        yield from _over_batches(case, stuck)
        return
    seen = f"on one batch the loss goes from {own.start:.3g} to {own.end:.3g} at rate {own.learning_rate:g}"
    seen = f"the network gives NaN; {seen}" if not case.numbers else seen
    if case.numbers and own.flat:
        # Before any training, ten times as much may be what somebody who is patient has chosen to do without.
        enough = 5 if case.trained else 50
        better = _first_that_falls(case.trial, [own.learning_rate * 10**power for power in range(1, 7)])
        if own.moved < 1e-3 or (better and better.learning_rate > enough * own.learning_rate):
            seen += f", and the weights move by {own.moved:.0e} of their length"
            seen += f"; to {better.end:.3g} at {better.learning_rate:g}" if better else ""
            yield _too_low(seen, better.learning_rate if better else 100 * own.learning_rate)
            return
    if not case.numbers or own.explodes or own.end > 0.9 * own.start:
        better = _first_that_falls(case.trial, [own.learning_rate / 10**power for power in (1, 2, 3, 4, 6, 8, 10)])
        if better or own.explodes or not case.numbers:
            seen += f", and to {better.end:.3g} at {better.learning_rate:g}" if better else ""
            lower = better.learning_rate if better else own.learning_rate / 10
            yield _too_high(seen, lower, 0.88 if better or own.explodes else 0.7)
            return
    if case.numbers:
        yield from _over_batches(case, stuck)


def _over_batches(case: Case, stuck: bool) -> Iterator[Finding]:
    """Begin the training again with other rates: what one batch puts up with, and dropout's noise hides, shows here."""
    if not case.trained or (case.any_good and not stuck):
        return
    own, guess = case.trial.first_steps(case.trial.rate), _loss_of_guessing(case)

    def seen(better: Overfit) -> str:
        return (
            f"fresh weights come to a loss of {own.late:.3g} in {len(own.losses)} steps at rate {own.learning_rate:g},"
            f" and to {better.late:.3g} at {better.learning_rate:g}"
        )

    if own.moved < 1e-3:
        for power in range(1, 7):
            better = case.trial.first_steps(own.learning_rate * 10**power)
            if better.late <= 0.9 * min(own.late, guess) and not better.explodes:
                yield _too_low(seen(better), better.learning_rate)
                return
        return
    # If its own rate gets nowhere, another must get somewhere; of a run that has come nowhere, much further will do.
    nowhere = not own.late < 0.97 * guess
    enough = max(0.6 * own.late if stuck else 0, (0.95 if stuck else 0.9) * min(guess, own.late) if nowhere else 0)
    for power in range(1, 5 if enough else 0):
        better = case.trial.first_steps(own.learning_rate / 10**power)
        if better.late <= enough and not better.explodes:
            yield _too_high(seen(better), better.learning_rate, 0.88)
            return


def _too_low(seen: str, better: float) -> Finding:
    return Finding("learning rate too low", seen, f"{better:g}; {SWEEP}", 0.86)


def _too_high(seen: str, better: float, likelihood: float) -> Finding:
    return Finding("learning rate too high", seen, f"{better:g}, or clipnorm=1.0; {SWEEP}", likelihood)


def _stuck(case: Case) -> bool:
    """True if after some epochs the training loss is no lower than that of who gives the same answer to all."""
    losses = case.history.get("loss", [])
    penalty = sum(float(ops.convert_to_numpy(part)) for part in case.model.losses)
    return len(losses) > 2 and not np.mean(losses[-2:]) - penalty < 0.97 * _loss_of_guessing(case)


def _loss_of_guessing(case: Case) -> float:
    """Return about the lowest loss of one and the same answer to all training pictures; infinite if it is unknown."""
    count, numbers = case.model.outputs[0].shape[-1], case.training.numbers
    kind = _kind_of_loss(case.model.loss, count)
    shares = np.bincount(numbers, minlength=max(count, 2)) / len(numbers)
    found = [math.inf]
    for power in (1.0, 0.5, 0.0):  # a loss that weighs the classes asks for more equal answers than the shares
        answer = np.maximum(shares, 1e-6) ** power
        answer /= answer.sum()
        if count == 1:
            answer = np.array([np.log(answer[1] / answer[0])]) if kind == "logits" else answer[1:]
        elif kind == "logits":
            answer = np.log(answer)
        given = ops.convert_to_tensor(np.tile(answer, (len(numbers), 1)).astype(np.float32))
        try:
            values = keras.losses.get(case.model.loss)(ops.convert_to_tensor(case.training.labels), given)
            found.append(float(np.mean(ops.convert_to_numpy(values))))
        except Exception:  # what a stranger's function raises nobody knows
            continue
    return min(value for value in found if not math.isnan(value))


def _first_that_falls(trial: Trial, rates: list[float]) -> Overfit | None:
    tries = (trial.run(rate) for rate in rates)
    return next((each for each in tries if each.end <= 0.92 * each.start and not each.explodes), None)


def _flat_history(case: Case) -> bool:
    losses = case.history.get("loss", [])
    return len(losses) > 1 and abs(losses[-1] - losses[0]) < 0.02 * abs(losses[0])


def no_good(case: Case) -> Iterator[Finding]:
    """A network that has been trained for a while, and guesses where a simple classifier does not."""
    long = len(case.history.get("loss", ())) >= 5
    if long and case.numbers and case.agreement[1][0] < 1.6 and case.labels.agreement > 4:
        yield Finding(
            "no better than guessing",
            "the network does no better than chance on validation pictures, and a simple classifier does",
            "overfit_one_batch; train longer; is the network in the state in which it is to be used?",
            0.3,
        )
