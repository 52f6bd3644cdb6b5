"""The key of flowers_training: what answers are tried with, and the wrong ones that are known."""

import numpy as np


class output_side:
    def inputs(rng):
        """Sides for which steps come out even and sides for which they do not; always more than a few results."""
        fixed = [(12, 5, 1, 0), (13, 3, 2, 1), (16, 5, 3, 2), (14, 3, 2, 0)]
        return fixed + [stepped(rng, spare) for spare in (0, 1, 1, 2)]

    def last_place_forgotten(side, kernel, stride, padding):
        return (side + 2 * padding - kernel) // stride

    def padding_at_one_side(side, kernel, stride, padding):
        return (side + padding - kernel) // stride + 1

    def padding_left_out(side, kernel, stride, padding):
        return (side - kernel) // stride + 1

    def stride_left_out(side, kernel, stride, padding):
        return side + 2 * padding - kernel + 1

    def window_left_out(side, kernel, stride, padding):
        return (side + 2 * padding) // stride + 1

    def rounded_up(side, kernel, stride, padding):
        return -(-(side + 2 * padding - kernel) // stride) + 1

    def not_rounded(side, kernel, stride, padding):
        return (side + 2 * padding - kernel) / stride + 1

    def stride_divides_the_row(side, kernel, stride, padding):
        return (side + 2 * padding) // stride - kernel + 1

    def same_as_keras(side, kernel, stride, padding):
        return -(-side // stride)


def stepped(rng, spare):
    """Draw a side that leaves so many pixels over after the last whole step."""
    kernel, stride, padding = int(rng.choice([3, 5, 7])), int(rng.integers(3, 5)), int(rng.integers(2, 4))
    return kernel + stride * int(rng.integers(8, 20)) + spare - 2 * padding, kernel, stride, padding


class residual_output:
    def inputs(rng):
        shapes = [(3, 4, 2, 5), (2, 5, 4, 3), (4, 2, 3, 6), (1, 6, 5, 2)]
        return [block_parts(rng, *shape) for shape in shapes]

    def shortcut_forgotten(x, first, second):
        return branch(x, first, second)

    def shortcut_activated(x, first, second):
        return relu(x) + branch(x, first, second)

    def relu_behind_sum(x, first, second):
        return relu(x + branch(x, first, second))

    def original_block(x, first, second):
        return relu(x + relu(x @ first) @ second)

    def no_relu(x, first, second):
        return x + x @ first @ second

    def shortcut_twice(x, first, second):
        return 2 * x + branch(x, first, second)

    def branch_taken_away(x, first, second):
        return x - branch(x, first, second)

    def first_relu_forgotten(x, first, second):
        return x + relu(x @ first) @ second

    def second_relu_forgotten(x, first, second):
        return x + relu(x) @ first @ second

    def relu_after_each(x, first, second):
        return x + relu(relu(x @ first) @ second)

    def magnitude_for_relu(x, first, second):
        return x + np.abs(np.abs(x) @ first) @ second

    def shortcut_multiplied(x, first, second):
        return x * branch(x, first, second)

    def shortcut_before_the_second(x, first, second):
        return (relu(relu(x) @ first) + x.mean(axis=-1, keepdims=True)) @ second

    def changed_in_place(x, first, second):
        x += branch(x, first, second)
        return x


def relu(values):
    return np.maximum(values, 0)


def branch(x, first, second):
    return relu(relu(x) @ first) @ second


def block_parts(rng, rows, columns, channels, filters):
    """Draw x and the two matrices, in quarters, so that sums are exact; each has numbers of both signs."""

    def quarters(*shape):
        values = rng.integers(1, 9, shape) * rng.choice([-1, 1], shape) / 4
        values.flat[:2] = [-0.75, 1.25]
        return values

    return quarters(rows, columns, channels), quarters(channels, filters), quarters(filters, channels)


class bottleneck_parameters:
    def inputs(rng):
        """Channels that all differ, narrower in the middle; then the drawn ones."""
        fixed = [(256, 64, 128), (32, 8, 48)]
        return fixed + [tuple(int(each) for each in rng.permutation([3, 5, 7, 11, 13])[:3]) for _ in range(3)]

    def biases_forgotten(before, inner, after):
        return before * inner + 9 * inner * inner + inner * after

    def offset_for_each_input(before, inner, after):
        return before * inner + before + 9 * inner * inner + inner + inner * after + inner

    def window_counted_once(before, inner, after):
        return weights(1, before, inner) + 3 * inner * inner + inner + weights(1, inner, after)

    def all_one_by_one(before, inner, after):
        return weights(1, before, inner) + weights(1, inner, inner) + weights(1, inner, after)

    def all_three_by_three(before, inner, after):
        return weights(3, before, inner) + weights(3, inner, inner) + weights(3, inner, after)

    def not_widened(before, inner, after):
        return weights(1, before, inner) + weights(3, inner, inner) + weights(1, inner, inner)

    def back_to_before(before, inner, after):
        return weights(1, before, inner) + weights(3, inner, inner) + weights(1, inner, before)

    def middle_at_full_width(before, inner, after):
        return weights(1, before, inner) + weights(3, before, before) + weights(1, inner, after)

    def channels_added(before, inner, after):
        return before + inner + inner + 9 * (inner + inner) + inner + inner + after + after

    def basic_block(before, inner, after):
        return weights(3, before, after) + weights(3, after, after)


def weights(window, before, after):
    return window * window * before * after + after


class small_resnet:
    def inputs(rng):
        return [([8, 12, 3], 4, 3), ([10, 6, 1], int(rng.integers(5, 8)), 2)]

    def shortcut_forgotten(shape, filters, classes):
        return network(shape, filters, classes, shortcut=False)

    def flattened(shape, filters, classes):
        return network(shape, filters, classes, pooling="Flatten")

    def largest_for_mean(shape, filters, classes):
        return network(shape, filters, classes, pooling="GlobalMaxPooling2D")

    def sigmoid_for_softmax(shape, filters, classes):
        return network(shape, filters, classes, last="sigmoid")

    def activation_forgotten(shape, filters, classes):
        return network(shape, filters, classes, last=None)

    def relu_behind_sum(shape, filters, classes):
        return network(shape, filters, classes, behind=True)

    def no_relu_in_block(shape, filters, classes):
        return network(shape, filters, classes, activate=False)

    def one_convolution_in_block(shape, filters, classes):
        return network(shape, filters, classes, convolutions=1)

    def offsets_left_out(shape, filters, classes):
        return network(shape, filters, classes, bias=False)


def network(
    shape,
    filters,
    classes,
    shortcut=True,
    pooling="GlobalAveragePooling2D",
    last="softmax",
    behind=False,
    activate=True,
    convolutions=2,
    bias=True,
):
    import keras
    from keras import layers

    inputs = keras.Input(tuple(shape))
    x = layers.Conv2D(filters, 3, padding="same", use_bias=bias)(inputs)
    y = x
    for _ in range(convolutions):
        y = layers.ReLU()(y) if activate else y
        y = layers.Conv2D(filters, 3, padding="same", use_bias=bias)(y)
    y = layers.Add()([x, y]) if shortcut else y
    y = layers.ReLU()(y) if behind else y
    y = getattr(layers, pooling)()(y)
    return keras.Model(inputs, layers.Dense(classes, activation=last)(y))


class ablation_subset:
    def inputs(rng):
        """Each class but the smallest has more than twice as many as are wanted, and the first ones are all alike."""
        return [
            (mixed(rng, {0: 9, 1: 8}), 3),
            (mixed(rng, {0: 9, 1: 12, 2: 10}), 4),
            (mixed(rng, {0: 11, 1: 2, 2: 13, 3: 9}), 4),
            (mixed(rng, {1: 10, 3: 8, 6: 12}), 3),
            (mixed(rng, {2: 11, 0: 3, 5: 14}), 5),
        ]

    def first_of_all(labels, count):
        return list(range(min(len(labels), count * len(np.unique(labels)))))

    def count_shared_out(labels, count):
        return few(labels, count // len(np.unique(labels)))

    def smaller_class_left_out(labels, count):
        kinds, numbers = np.unique(labels, return_counts=True)
        return few(labels, count, kinds[numbers >= count])

    def smallest_for_all(labels, count):
        return few(labels, min(count, np.unique(labels, return_counts=True)[1].min()))

    def labels_for_positions(labels, count):
        return labels[few(labels, count)]

    def class_after_class(labels, count):
        return [int(place) for kind in np.unique(labels) for place in np.flatnonzero(labels == kind)[:count]]

    def last_of_each(labels, count):
        return sorted(int(place) for kind in np.unique(labels) for place in np.flatnonzero(labels == kind)[-count:])

    def only_two_classes(labels, count):
        return few(labels, count, [0, 1])

    def up_to_the_largest(labels, count):
        return few(labels, count, range(len(np.unique(labels))))

    def counted_from_one(labels, count):
        return [place + 1 for place in few(labels, count)]


def few(labels, count, kinds=None):
    kinds = np.unique(labels) if kinds is None else kinds
    return sorted(int(place) for kind in kinds for place in np.flatnonzero(labels == kind)[:count])


def mixed(rng, numbers):
    """Draw an order of so many pictures of each class; it begins with four of the first class."""
    first, *_ = numbers
    rest = [kind for kind, number in numbers.items() for _ in range(number - 4 * (kind == first))]
    return np.array([first] * 4 + rng.permutation(rest).tolist())


class decayed_rate:
    def inputs(rng):
        """The epochs before a step, at it and right after it, and one far on."""
        cases = [(0.1, 0.5, 3, 7), (0.08, 0.5, 4, 11), (0.2, 0.1, 2, 4)]
        for epochs_after in (-1, 0, 1, 2):
            every, factor = int(rng.integers(4, 7)), int(rng.integers(2, 8)) / 10
            steps = int(rng.integers(2, 5))
            cases.append((int(rng.integers(1, 30)) / 100, factor, every, steps * every + epochs_after))
        return cases

    def smooth(initial, factor, every, epoch):
        return initial * factor ** (epoch / every)

    def each_epoch(initial, factor, every, epoch):
        return initial * factor**epoch

    def one_epoch_early(initial, factor, every, epoch):
        return initial * factor ** ((epoch + 1) // every)

    def one_epoch_late(initial, factor, every, epoch):
        return initial * factor ** ((epoch - 1) // every)

    def only_one_step(initial, factor, every, epoch):
        return initial * factor if epoch >= every else initial

    def remainder(initial, factor, every, epoch):
        return initial * factor ** (epoch % every)

    def times_the_steps(initial, factor, every, epoch):
        return initial * factor * (epoch // every)

    def factor_taken_away(initial, factor, every, epoch):
        return initial - (1 - factor) * initial * (epoch // every)

    def divided_by_factor(initial, factor, every, epoch):
        return initial / factor ** (epoch // every)

    def never_sinks(initial, factor, every, epoch):
        return initial * factor ** (every // (epoch + 1))


class pair_auc:
    def inputs(rng):
        return [rated(rng, *numbers) for numbers in [(5, 7), (8, 4), (6, 6), (9, 5)]]

    def ties_lost(labels, scores):
        return (differences(labels, scores) > 0).mean()

    def ties_won(labels, scores):
        return (differences(labels, scores) >= 0).mean()

    def ties_left_out(labels, scores):
        gaps = differences(labels, scores)
        return (gaps > 0).sum() / (gaps != 0).sum()

    def wrong_way_round(labels, scores):
        return 1 - area(labels, scores)

    def pairs_counted(labels, scores):
        return area(labels, scores) * differences(labels, scores).size

    def all_pairs(labels, scores):
        return area(labels, scores) * differences(labels, scores).size / (len(labels) * (len(labels) - 1) / 2)

    def side_by_side(labels, scores):
        roses, daisies = scores[labels == 1], scores[labels == 0]
        length = min(len(roses), len(daisies))
        gaps = roses[:length] - daisies[:length]
        return (gaps > 0).mean() + (gaps == 0).mean() / 2

    def accuracy(labels, scores):
        return ((scores >= 0.5) == labels).mean()

    def difference_of_means(labels, scores):
        return scores[labels == 1].mean() - scores[labels == 0].mean()


def differences(labels, scores):
    return scores[labels == 1][:, None] - scores[labels == 0]


def area(labels, scores):
    gaps = differences(labels, scores)
    return (gaps > 0).mean() + (gaps == 0).mean() / 2


def rated(rng, roses, daisies):
    """Draw labels and scores in sixteenths, with some ties, until no two of the known answers are alike."""
    while True:
        labels = rng.permutation([1] * roses + [0] * daisies)
        scores = np.clip(rng.integers(1, 12, len(labels)) + 3 * labels, 1, 15) / 16
        wrong = [getattr(pair_auc, name) for name in vars(pair_auc) if not name.startswith("_") and name != "inputs"]
        results = [area(labels, scores), *(answer(labels, scores) for answer in wrong)]
        if np.diff(np.sort(results)).min() > 1e-3 and (differences(labels, scores) == 0).sum() > 1:
            return labels, scores


class precision_recall:
    def inputs(rng):
        drawn = [table(rng, *size) for size in [(40, 10), (15, 60), (30, 25), (90, 30)]]
        return [*drawn, (np.array([[int(rng.integers(20, 40)), 0], [int(rng.integers(5, 15)), 0]]),)]

    def exchanged(matrix):
        return shares(matrix)[::-1]

    def class_of_daisies(matrix):
        return shares(matrix[::-1, ::-1])

    def accuracy_for_precision(matrix):
        return [matrix.trace() / matrix.sum(), shares(matrix)[1]]

    def specificity_for_precision(matrix):
        return [matrix[0, 0] / matrix[0].sum(), shares(matrix)[1]]

    def specificity_for_recall(matrix):
        return [shares(matrix)[0], matrix[0, 0] / matrix[0].sum()]

    def accuracy_for_recall(matrix):
        return [shares(matrix)[0], matrix.trace() / matrix.sum()]

    def odds(matrix):
        return [matrix[1, 1] / max(1, matrix[0, 1]), matrix[1, 1] / matrix[1, 0]]

    def share_of_all(matrix):
        return [matrix[1, 1] / matrix.sum()] * 2

    def nothing_called_fails(matrix):
        found = float(matrix[1, 1])
        return [found / float(matrix[:, 1].sum()), found / float(matrix[1].sum())]

    def nothing_called_is_perfect(matrix):
        return shares(matrix) if matrix[:, 1].sum() else [1, 0]

    def only_recall(matrix):
        return shares(matrix)[1]


def shares(matrix):
    """Precision and recall of class 1, 0 where there is nothing to divide by."""
    found = matrix[1, 1]
    return [found / max(1, matrix[:, 1].sum()), found / max(1, matrix[1].sum())]


def table(rng, daisies, roses):
    """Draw a confusion matrix of so many pictures whose four entries all differ."""
    while True:
        left, found = int(daisies * rng.uniform(0.5, 0.9)), int(roses * rng.uniform(0.5, 0.9))
        matrix = np.array([[left, daisies - left], [roses - found, found]])
        if len(np.unique(matrix)) == 4 and matrix.min() > 0:
            return (matrix,)


class screening_threshold:
    def inputs(rng):
        """The wanted recall is reached just at a rose, or between two."""
        return [marked(rng, *case) for case in [(8, 11, 0.75), (10, 6, 0.85), (16, 9, 0.875), (12, 15, 0.7)]]

    def lowest_of_all(labels, scores, recall):
        return scores.min()

    def more_than_asked(labels, scores, recall):
        return reached(scores[labels == 1], recall + 1e-9)

    def threshold_itself_missed(labels, scores, recall):
        roses = scores[labels == 1]
        return max(each for each in scores if np.mean(roses > each) >= recall)

    def all_pictures(labels, scores, recall):
        return reached(scores, recall)

    def the_daisies(labels, scores, recall):
        return reached(scores[labels == 0], recall)

    def misses_for_recall(labels, scores, recall):
        return reached(scores[labels == 1], 1 - recall)

    def between_two_scores(labels, scores, recall):
        return np.quantile(scores[labels == 1], 1 - recall)

    def precision_for_recall(labels, scores, recall):
        fine = [each for each in np.unique(scores) if labels[scores >= each].mean() >= recall]
        return max(fine)

    def half(labels, scores, recall):
        return 0.5

    def recall_returned(labels, scores, recall):
        roses = scores[labels == 1]
        return np.mean(roses >= reached(roses, recall))


def reached(scores, recall):
    """The highest of these scores from which on so large a share of them lies."""
    return max(each for each in scores if np.mean(scores >= each) >= recall)


def marked(rng, roses, daisies, recall):
    """Draw different scores, in hundredths, until no two of the known answers are alike (but for one that may be)."""
    while True:
        labels = rng.permutation([1] * roses + [0] * daisies)
        scores = rng.permutation(np.arange(3, 97))[: len(labels)] / 100
        scores = np.where(labels == 1, np.clip(scores + 0.2, 0, 0.99), scores)
        case = (labels, scores, recall)
        if len(np.unique(scores)) < len(scores) or scores.argmax() not in np.flatnonzero(labels):
            continue
        names = [name for name in vars(screening_threshold) if not name.startswith("_") and name != "inputs"]
        results = [getattr(screening_threshold, name)(*case) for name in names if name != "more_than_asked"]
        if np.diff(np.sort([reached(scores[labels == 1], recall), *results])).min() > 2e-3:
            return case
