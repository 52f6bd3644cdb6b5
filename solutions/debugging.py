"""The key of debugging: what answers are tried with, and the wrong ones that are known."""

import numpy as np


class sick_run_one:
    rate_too_high = "rate too high"
    rate_too_low = "rate too low"
    labels_shuffled = "labels shuffled"
    softmax_twice = "softmax twice"
    same_pictures = "same pictures"
    overfitting = "overfitting"
    inputs_not_scaled = "inputs not scaled"


class sick_run_two:
    rate_too_high = "rate too high"
    rate_too_low = "rate too low"
    labels_shuffled = "labels shuffled"
    classes_exchanged = "classes exchanged"
    same_pictures = "same pictures"
    overfitting = "overfitting"
    inputs_not_scaled = "inputs not scaled"


class sick_run_three:
    rate_too_high = "rate too high"
    rate_too_low = "rate too low"
    labels_shuffled = "labels shuffled"
    classes_exchanged = "classes exchanged"
    softmax_twice = "softmax twice"
    overfitting = "overfitting"
    inputs_not_scaled = "inputs not scaled"


SICK = {
    "divide_by": 1,
    "learning_rate": 5.0,
    "last_activation": "softmax",
    "from_logits": True,
    "augment_training": True,
    "augment_validation": True,
    "shuffle_training": True,
}
CURE = {"divide_by": 255, "learning_rate": 0.01, "from_logits": False, "augment_validation": False}


class healthy_settings:
    pixels_not_scaled = SICK | CURE | {"divide_by": 1}
    pixels_too_small = SICK | CURE | {"divide_by": 1000}
    rate_still_too_high = SICK | CURE | {"learning_rate": 5.0}
    rate_too_low = SICK | CURE | {"learning_rate": 1e-7}
    softmax_still_twice = SICK | CURE | {"from_logits": True}
    softmax_nowhere = SICK | CURE | {"last_activation": "linear"}
    validation_still_changed = SICK | CURE | {"augment_validation": True}
    training_not_augmented = SICK | CURE | {"augment_training": False}
    order_fixed = SICK | CURE | {"shuffle_training": False}
    nothing_changed = SICK


class copies_in_validation:
    def inputs(rng):
        return [folders(rng, *case) for case in [(4, 6, 2), (5, 3, 4), (3, 5, 3), (6, 4, 5)]]

    def only_exact_copies(training, validation, tolerance):
        return copies(training, validation, 0)

    def ran_over(training, validation, tolerance):
        return found((validation[:, None] - training <= tolerance).all(axis=(2, 3)))

    def sign_forgotten(training, validation, tolerance):
        return found((validation[:, None] - training.astype(int) <= tolerance).all(axis=(2, 3)))

    def side_by_side(training, validation, tolerance):
        length = min(len(training), len(validation))
        return found(far(training, validation).max(axis=(2, 3)).diagonal()[:length, None] <= tolerance)

    def limit_left_out(training, validation, tolerance):
        return copies(training, validation, tolerance - 1)

    def on_average(training, validation, tolerance):
        return found(far(training, validation).mean(axis=(2, 3)) <= tolerance)

    def any_pixel(training, validation, tolerance):
        return found(far(training, validation).min(axis=(2, 3)) <= tolerance)

    def positions_in_training(training, validation, tolerance):
        return copies(validation, training, tolerance)

    def once_for_each_original(training, validation, tolerance):
        alike = far(training, validation).max(axis=(2, 3)) <= tolerance
        return [int(place) for place, _ in np.argwhere(alike)]

    def copies_within_validation(training, validation, tolerance):
        alike = far(validation, validation).max(axis=(2, 3)) <= tolerance
        return found(alike & ~np.eye(len(validation), dtype=bool))


def far(training, validation):
    """Return the differences, (validation, training, rows, columns)."""
    return np.abs(validation[:, None].astype(int) - training)


def found(alike):
    return [int(place) for place in np.flatnonzero(alike.any(axis=1))]


def copies(training, validation, tolerance):
    return found(far(training, validation).max(axis=(2, 3)) <= tolerance)


def folders(rng, rows, columns, tolerance):
    """Draw two folders; the second has four copies (exact, a little brighter, darker, both) among other pictures.

    The others: one with a single bright spot, one that is nearly black, two that are alike, one that shares a single
    pixel. One original lies twice in the training folder, and no copy has the position of its original.
    """
    shape = (rows, columns)
    training = rng.integers(70, 150, (7, *shape))
    training[6] = training[0]
    spot, noise = np.zeros(shape, int), rng.integers(-tolerance, tolerance + 1, shape)
    spot[rng.integers(rows), rng.integers(columns)] = tolerance + 2
    noise.flat[rng.permutation(noise.size)[:2]] = [-tolerance, tolerance]
    stranger, sharing = rng.integers(160, 200, shape), rng.integers(170, 230, shape)
    sharing[0, 0] = training[4, 0, 0]
    pictures = [
        (training[0], (0, 6)),
        (training[3] + np.abs(noise), (3,)),
        (training[2] - tolerance + 1, (2,)),
        (training[1] + noise, (1,)),
        (training[5] + spot, ()),
        (rng.integers(0, 50, shape), ()),
        (stranger, ()),
        (stranger, ()),
        (sharing, ()),
    ]
    order = rng.permutation(len(pictures))
    while any(place in pictures[number][1] for place, number in enumerate(order)):
        order = rng.permutation(len(pictures))
    validation = np.stack([pictures[number][0] for number in order])
    return training.astype(np.uint8), validation.astype(np.uint8), tolerance


class relabel:
    def inputs(rng):
        """Two classes exchanged; the same order; three and four in a round; two of three exchanged."""
        names = ["tulip", "daisy", "rose", "aster", "lily", "poppy"]
        orders = [[1, 0], [1, 2, 0], [0, 1, 2], [2, 0, 1, 3], [1, 2, 3, 0]]
        cases = []
        for order in orders:
            count = len(order)
            ours = sorted_not(rng, [str(name) for name in rng.permutation(names)[:count]])
            labels = np.concatenate([np.arange(count), rng.integers(0, count, 6)])
            cases.append((rng.permutation(labels), [ours[place] for place in order], ours))
        return cases

    def left_as_they_are(labels, their_classes, our_classes):
        return labels.copy()

    def the_other_way_round(labels, their_classes, our_classes):
        return translated(labels, our_classes, their_classes)

    def only_two_classes(labels, their_classes, our_classes):
        return 1 - labels

    def names_for_numbers(labels, their_classes, our_classes):
        return [their_classes[label] for label in labels]

    def one_after_the_other(labels, their_classes, our_classes):
        result = labels.copy()
        for number, name in enumerate(their_classes):
            result[result == number] = our_classes.index(name)
        return result

    def sorted_names(labels, their_classes, our_classes):
        return translated(labels, their_classes, sorted(our_classes))

    def counted_from_one(labels, their_classes, our_classes):
        return translated(labels, their_classes, our_classes) + 1

    def order_reversed(labels, their_classes, our_classes):
        return len(our_classes) - 1 - labels

    def changed_in_place(labels, their_classes, our_classes):
        labels[:] = translated(labels, their_classes, our_classes)
        return labels


def sorted_not(rng, names):
    """Shuffle names until their order is not that of the alphabet."""
    while names == sorted(names):
        names = [names[place] for place in rng.permutation(len(names))]
    return names


def translated(labels, before, after):
    return np.array([after.index(name) for name in before])[labels]


class softmax_once:
    def inputs(rng):
        logits = np.round(rng.normal(0, 3, (4, 3)), 2)
        large = np.round(rng.normal(0, 3, (3, 4)), 2) + rng.choice([-2000, 1000], (3, 1))
        inside = rng.integers(5, 60, (5, 2)) / 100
        given = rng.integers(1, 40, (5, 4))
        shares = given / given.sum(axis=1, keepdims=True)
        one_hot = np.eye(3)[rng.permutation([0, 1, 2, 1])]
        to_one = np.round(rng.normal(0, 2, (4, 2)), 2)
        to_one = np.column_stack([to_one, 1 - to_one.sum(axis=1)])
        to_one[0] = [3, -1.5, -0.5]
        return [(each,) for each in (logits, inside, to_one, large, shares, one_hot)]

    def always(outputs):
        return softmax(outputs)

    def never(outputs):
        return outputs.copy()

    def wrong_axis(outputs):
        return outputs if are_shares(outputs) else softmax(outputs.T).T

    def whole_batch(outputs):
        if are_shares(outputs):
            return outputs
        powers = np.exp(outputs - outputs.max())
        return powers / powers.sum()

    def too_large_for_exp(outputs):
        return outputs if are_shares(outputs) else np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)

    def range_is_enough(outputs):
        return outputs if outputs.min() >= 0 and outputs.max() <= 1 else softmax(outputs)

    def sum_is_enough(outputs):
        return outputs if np.allclose(outputs.sum(axis=1), 1) else softmax(outputs)

    def divided_by_the_sum(outputs):
        return outputs / outputs.sum(axis=1, keepdims=True)

    def sigmoid(outputs):
        return outputs if are_shares(outputs) else 1 / (1 + np.exp(-outputs))

    def not_divided(outputs):
        return outputs if are_shares(outputs) else np.exp(outputs - outputs.max(axis=1, keepdims=True))

    def logarithm(outputs):
        return outputs if are_shares(outputs) else np.log(softmax(outputs))

    def sign_changed(outputs):
        return outputs if are_shares(outputs) else softmax(-outputs)

    def one_hot(outputs):
        return np.eye(outputs.shape[1])[outputs.argmax(axis=1)]


def softmax(outputs):
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def are_shares(outputs):
    return outputs.min() >= 0 and outputs.max() <= 1 and np.allclose(outputs.sum(axis=1), 1)


class scaled_once:
    def inputs(rng):
        """Batches of bytes, of nearly black bytes, of floats up to 255 with a black picture, of scaled floats."""
        bytes_ = rng.integers(0, 240, (2, 3, 5)).astype(np.uint8)
        dark = rng.integers(0, 2, (2, 4, 3)).astype(np.uint8)
        wide = rng.integers(20, 250, (3, 3, 4)).astype(np.float32)
        wide[rng.integers(3)] = rng.integers(0, 2, (3, 4))
        colour = rng.integers(0, 251, (2, 3, 4, 3)).astype(np.float64)
        scaled = (rng.integers(0, 251, (2, 5, 3)) / 255).astype(np.float32)
        bright = np.round(rng.uniform(0, 1, (2, 3, 4, 3)), 3)
        return [(each,) for each in (bytes_, dark, wide, colour, scaled, bright)]

    def always_divided(batch):
        return batch / 255

    def never_divided(batch):
        return batch.astype(float)

    def by_the_largest(batch):
        return batch / batch.max()

    def cut_off_at_one(batch):
        return np.clip(batch, 0, 1)

    def each_picture_decides(batch):
        return np.stack([divided(picture, batch.dtype) for picture in batch])

    def only_whole_numbers(batch):
        return batch / 255 if batch.dtype == np.uint8 else batch

    def dark_bytes_left(batch):
        return batch / 255 if batch.max() > 1 else batch

    def whole_division(batch):
        return batch // 255 if batch.dtype == np.uint8 or batch.max() > 1 else batch

    def other_range(batch):
        return divided(batch, batch.dtype) * 2 - 1

    def changed_in_place(batch):
        if batch.dtype == np.uint8:
            return batch / 255
        if batch.max() > 1:
            batch /= 255
        return batch


def divided(values, kind):
    return values / 255 if kind == np.uint8 or values.max() > 1 else values


class epoch_mean:
    def inputs(rng):
        return [epoch(rng, *case) for case in [(5, 16), (4, 32), (7, 10), (6, 20)]]

    def mean_of_means(losses, sizes):
        return losses.mean()

    def only_the_last(losses, sizes):
        return losses[-1]

    def last_left_out(losses, sizes):
        return np.average(losses[:-1], weights=sizes[:-1])

    def sum_not_divided(losses, sizes):
        return (losses * sizes).sum()

    def means_added(losses, sizes):
        return losses.sum()

    def divided_by_batches(losses, sizes):
        return (losses * sizes).sum() / len(sizes)

    def all_as_full_batches(losses, sizes):
        return (losses * sizes).sum() / (sizes[0] * len(sizes))

    def middle(losses, sizes):
        return np.median(losses)

    def weighed_by_the_inverse(losses, sizes):
        return np.average(losses, weights=1 / sizes)


def epoch(rng, batches, size):
    """Draw falling losses, and a last batch that is small and hard."""
    losses = np.sort(rng.integers(20, 90, batches - 1))[::-1] / 100
    hard = int(rng.integers(150, 300)) / 100
    return np.array([*losses, hard]), np.array([size] * (batches - 1) + [int(rng.integers(2, size // 2))])
