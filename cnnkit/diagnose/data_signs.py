"""Signs of illness in pictures and labels: their scale, copies, augmentation, flips, the order of the classes."""

import copy
from collections.abc import Iterator

import keras
import numpy as np
from keras import ops
from scipy.stats import rankdata

from cnnkit.diagnose.access import as_pictures, batches, read, steps
from cnnkit.diagnose.case import Case, Finding
from cnnkit.diagnose.duplicates import close_relations, find_duplicates, waves
from cnnkit.generator import DataGenerator


def pixels(case: Case) -> Iterator[Finding]:
    """NaN among the pixels, empty pictures, and pixels on another scale than the network is made for."""
    for what, sample in (("training", case.training), ("validation", case.validation)):
        rows = sample.images.reshape(len(sample.images), -1)
        bad, empty = ~np.isfinite(rows).all(axis=1), np.ptp(rows, axis=1) == 0
        if bad.any():
            yield Finding(
                "NaN in the pictures",
                f"{bad.mean():.0%} of the pictures of {what} have values that are NaN or infinite",
                "find the step that makes them, often a division by a range or a deviation of 0",
                1.0,
            )
            return
        if empty.mean() > 0.05:
            yield Finding(
                "empty pictures",
                f"{empty.mean():.0%} of the pictures of {what} have the same value everywhere",
                "look_at_batch(...).show(), and follow a picture from its file",
                1.0,
            )
    seen = [_as_first_seen(case.model, sample.images[:64]) for sample in (case.training, case.validation)]
    if seen[0] is None:
        return
    size = float(np.sqrt(np.mean(np.square(seen[0], dtype=np.float64))))
    spreads = [float(each.std()) for each in seen]
    values = f"the first layer that learns gets values from {seen[0].min():.3g} to {seen[0].max():.3g}"
    if max(spreads) > 4 * min(spreads) or abs(seen[0].mean() - seen[1].mean()) > 3 * max(spreads):
        yield Finding(
            "training and validation prepared differently",
            f"training has mean {seen[0].mean():.3g} and deviation {spreads[0]:.3g}, validation mean"
            f" {seen[1].mean():.3g} and deviation {spreads[1]:.3g}",
            "make both with one and the same function",
            0.99,
        )
    if size > 10:
        yield Finding(
            "pictures not scaled, as 0–255",
            values,
            "divide by 255, or normalise otherwise (cnnkit.normalize), in training, validation and use alike",
            0.98,
        )
    elif size < 0.02:
        yield Finding(
            "pictures scaled twice",
            values,
            "divide once: in the generator or in a layer of the network, not in both",
            0.9,
        )


def _as_first_seen(model: keras.Model, images: np.ndarray) -> np.ndarray | None:
    """Return what goes into the first layer with weights, Normalization aside; None if that is batch normalisation."""
    for layer, inputs, _ in steps(model):
        if isinstance(layer, keras.layers.Normalization) or not getattr(layer, "weights", None):
            continue
        if isinstance(layer, keras.layers.BatchNormalization):
            return None
        values = ops.convert_to_numpy(keras.Function(model.inputs[0], inputs[0])(images))
        inner = isinstance(layer, keras.Model) and getattr(layer, "inputs", None)
        return _as_first_seen(layer, values) if inner else values
    return images


def leak(case: Case) -> Iterator[Finding]:
    """The same pictures in training and validation."""
    duplicates = find_duplicates(case.data, case.exam_data)
    if len(duplicates) < max(1, 0.02 * duplicates.validation):
        return
    exact = sum(pair.distance < 0.01 for pair in duplicates) / duplicates.validation
    exact *= any(_same(*shown, pair.mirrored) for shown, pair in zip(duplicates.pictures, duplicates, strict=False))
    # Where training pictures are as like each other, it is the kind of picture and no copy.
    if exact < 0.02 and duplicates.share < 3 * close_relations(case.data):
        return
    yield Finding(
        "same pictures in training and validation",
        f"{len(duplicates)} of {duplicates.validation} validation pictures are, as good as, in training too",
        "split first, by patient where there are several pictures of one, and copy or augment only then",
        0.96,
    )


def _same(ours: np.ndarray, theirs: np.ndarray, mirrored: bool) -> bool:
    """True if two pictures differ in light at most: of very small ones the hash has few bits."""
    theirs = theirs[:, ::-1] if mirrored else theirs
    return ours.shape == theirs.shape and bool(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.995)


def validation_augmented(case: Case) -> Iterator[Finding]:
    """A validation set that is augmented."""
    evidence = _seen_in_the_code(case.exam_data) or _seen_in_the_pictures(case)
    if evidence:
        yield Finding(
            "validation augmented",
            evidence,
            "augment in training only: the exam stays the same, and shows pictures as they will come",
            1.0 if isinstance(case.exam_data, DataGenerator) else 0.9,
        )


def _seen_in_the_code(data) -> str:
    if isinstance(data, DataGenerator):
        return f"the validation generator has augment={data.augment!r}" if data.augment is not None else ""
    if _draws(data):
        return "the validation data have a map that draws random numbers"
    return "the validation pictures are not the same when they are asked for again" if _changes(data) else ""


# How the names of TensorFlow's operations begin that draw random numbers; StatelessIf, for instance, does not.
DRAWING = ("Random", "TruncatedNormal", "StatelessRandom", "StatelessTruncated")


def _draws(data) -> bool:
    """True if a map of a `tf.data.Dataset` draws random numbers, which with a seed are the same in each epoch."""
    waiting = [data]
    while waiting:
        dataset = waiting.pop()
        waiting += dataset._inputs() if hasattr(dataset, "_inputs") else []
        graph = getattr(getattr(getattr(dataset, "_map_func", None), "function", None), "graph", None)
        if graph is None:
            continue
        written = graph.as_graph_def()
        nodes = [*written.node, *(node for function in written.library.function for node in function.node_def)]
        if any(node.op.startswith(DRAWING) for node in nodes):
            return True
    return False


def _changes(data) -> bool:
    """True if the pictures are not the same when asked for again; those of a `DataGenerator` are seen without that."""
    if isinstance(data, tuple | list | DataGenerator):
        return False
    again = copy.copy(data)
    if isinstance(again, keras.utils.PyDataset):
        again.on_epoch_end()
    once, twice = (
        np.sort(
            np.concatenate([images.reshape(len(images), -1).mean(axis=1) for images, _ in batches("checkup", each)])
        )
        for each in (data, again)
    )
    return len(once) != len(twice) or not np.allclose(once, twice, rtol=1e-6, atol=1e-7)


def _seen_in_the_pictures(case: Case) -> str:
    ours, theirs = (as_pictures(sample.images) for sample in (case.training, case.validation))
    # Of training pictures that are augmented as they are asked for, nobody knows what they were.
    if min(ours.shape[1:3]) < 8 or _changes(case.data):
        return ""
    for measure, words in (
        (_filled, "have more margins that were filled than those for training, as after turning and shifting"),
        (_softness, "have softer edges than those for training, as after turning and shifting"),
        (_apart, "differ more in brightness than those for training"),
    ):
        beyond, share = _greater(
            *((measure(images), each.numbers) for images, each in ((theirs, case.validation), (ours, case.training)))
        )
        if beyond > 5.2 and share > 0.65:
            return f"the validation pictures {words}"
    return ""


def _greater(theirs: tuple[np.ndarray, np.ndarray], ours: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Compare two of (values, classes), within each class, since the sets may have the classes in other shares.

    Returns how far theirs are greater, in standard deviations beyond chance, and in which share of the pairs they are:
    Wilcoxon's rank sums, added up over the classes.
    """
    excess = variance = pairs = 0.0
    for number in np.intersect1d(theirs[1], ours[1]):
        above, below = (values[classes == number] for values, classes in (theirs, ours))
        ranks = rankdata(np.concatenate([above, below]))
        excess += (ranks[: len(above)] - ranks.mean()).sum()
        variance += len(above) * len(below) * ranks.var(ddof=1) / len(ranks)
        pairs += len(above) * len(below)
    return (excess / np.sqrt(variance), 0.5 + excess / pairs) if variance > 0 else (0.0, 0.5)


def _filled(images: np.ndarray) -> np.ndarray:
    """Return how much of each margin is just as the pixel next to it, inwards, less the same of the middle."""
    filled = []
    for part in (images, images.swapaxes(1, 2)):
        middle = part.shape[1] // 2
        edges, inside = (
            np.stack([(part[:, at] == part[:, after]).all(axis=-1).mean(axis=1) for at, after in places])
            for places in (((0, 1), (-1, -2)), ((middle, middle + 1), (middle, middle - 1)))
        )
        filled.append(edges.mean(axis=0) - inside.mean(axis=0))
    return np.maximum(np.mean(filled, axis=0), 0.03)  # less than that is none, in either set


def _softness(images: np.ndarray) -> np.ndarray:
    """Return for each picture minus the share of its finest detail in all of its detail: float (pictures,)."""
    gray = images.astype(np.float64).mean(axis=-1)
    fine = sum((np.diff(gray, 2, axis=axis) ** 2).mean(axis=(1, 2)) for axis in (1, 2))
    return -fine / (gray.var(axis=(1, 2)) + 1e-12)


def _apart(images: np.ndarray) -> np.ndarray:
    """Return how far the mean of each picture is from that of the middle one: float (pictures,)."""
    means = images.mean(axis=(1, 2, 3))
    return np.abs(means - np.median(means))


def upside_down(case: Case) -> Iterator[Finding]:
    """Pictures with an up and a down that stand on their heads, or will, by a layer of the network."""
    flips = [
        layer.name
        for layer in case.model._flatten_layers(include_self=False, recursive=True)
        if isinstance(layer, keras.layers.RandomFlip) and "vertical" in layer.mode
    ]
    sets = ("training", case.data, case.training), ("validation", case.exam_data, case.validation)
    for (what, data, sample), (*_, other) in (sets, sets[::-1]):
        images, beside = as_pictures(sample.images), as_pictures(other.images)
        if min(images.shape[1:3]) < 8:
            continue
        if flips and _turned(np.concatenate([images, images[:, ::-1]]), np.tile(sample.numbers, 2), beside):
            seen = f"these pictures have an up and a down, and the layer {flips[0]} stands them on their heads"
        else:
            if isinstance(data, DataGenerator):
                sample = read("checkup", data, plain=False, most=256)
            share = _turned(as_pictures(sample.images), sample.numbers, beside)
            if not share:
                continue
            seen = f"these pictures have an up and a down, and {share:.0%} of those of {what} stand on their heads"
        yield Finding(
            "vertical flips",
            seen,
            "leave out vertical flips: a body has an up and a down, and fluid collects at the bottom",
            0.97,
        )
        return


def _turned(images: np.ndarray, numbers: np.ndarray, beside: np.ndarray) -> float:
    """Return the share of the pictures that stand on their heads, if they are of a kind that has an up and a down.

    What differs between top and bottom is the odd vertical frequencies. Of films, all have much of one pattern of it;
    flipped, minus that pattern: two groups, far apart. The pattern is that of both sets, since a few pictures may be
    like each other by chance. Measured on 30 to 200 films, real and synthetic, flipped or not: 0.73 or more of the odd
    part is that pattern, and 0.12 or less of them lie between the groups. On photographs of flowers, digits, weaves,
    cells and shapes at random places: 0.68 or less, and 0.21 or more.
    """
    found = np.concatenate([waves(images, 8), waves(beside, 8)])
    found = found / (np.sqrt((found**2).sum(axis=(1, 2), keepdims=True)) + 1e-12)
    odd = found[:, 1::2].reshape(len(found), -1)
    _, sizes, patterns = np.linalg.svd(odd, full_matrices=False)
    along = odd @ patterns[0]
    along = along if along.sum() >= 0 else -along
    far = 0.5 * np.median(np.abs(along))
    if sizes[0] ** 2 < 0.68 * (sizes**2).sum() or (np.abs(along) < far).mean() > 0.17:
        return 0.0
    if (sizes**2).sum() < 0.2 * len(odd):
        return 0.0
    down = along[: len(images)] < -far
    # Where the class decides it, up and down is what the pictures are about.
    shares = [down[numbers == number].mean() for number in np.unique(numbers)]
    return float(down.mean()) if down.mean() > 0.03 and np.ptp(shares) < 0.6 else 0.0


def label_trouble(case: Case) -> Iterator[Finding]:
    """Labels that are formally wrong, in another order, or of other pictures."""
    labels = case.labels
    (ours, _, _), (theirs, order, best) = case.agreement
    swapped = next((problem for problem in labels.problems if "in this order" in problem), "")
    if swapped:
        yield _reordered(swapped, 1.0)
        return
    for problem in labels.problems:
        yield Finding("labels formally wrong", problem, "check_labels(training, validation), then look_at_batch", 0.9)
    # The network may have learnt shuffled labels by heart, and is then no witness.
    # It is none either if it knows some of the validation pictures, or if these are so few that it could not be told.
    unknown = abs(theirs) < min(2.5, 0.3 * _perfect(case.validation.numbers))
    unfounded = labels.signal < 3 and (unknown or (labels.validation_signal > 4 and theirs < 4))
    understood = theirs > 4 and order == tuple(range(len(order)))
    if labels.signal >= 3 and labels.reordered and not understood:
        yield _reordered(
            "what is learnt from the training labels fits the validation labels with the classes swapped", 0.95
        )
    elif (
        not unfounded and ours > 4 and theirs < 2 and order != tuple(range(len(order))) and best > max(3.5, theirs + 4)
    ):
        yield _reordered("the network tells the validation classes apart, but calls them by each other's names", 0.9)
    elif unfounded or (labels.signal < 3 and theirs > 4 and abs(ours) < 2):
        sure = 0.85 if labels.validation_signal > 4 or ours > 4 else 0.6
        if sure > 0.8 or (case.trained and not case.any_good):
            yield Finding(
                "labels shuffled",
                f"training pictures of {' and '.join(labels.names)} are no more alike within a class than with the"
                f" labels shuffled ({labels.signal:.1f} standard deviations)",
                "look_at_batch(training).show(): are the labels true? Shuffle pictures and labels by one permutation",
                sure,
            )


def _perfect(numbers: np.ndarray) -> float:
    """Return about how many standard deviations beyond chance the `agreement` of a network without mistakes is."""
    shares = np.bincount(numbers) / len(numbers)
    return float(np.sqrt(1.5 * len(numbers) * (1 - (shares**2).sum())))


def _reordered(evidence: str, likelihood: float) -> Finding:
    return Finding(
        "class order differs between training and validation",
        evidence,
        "name the classes in one order for both, e.g. ImageFolder(path, classes=(...)), and compare .classes",
        likelihood,
    )
