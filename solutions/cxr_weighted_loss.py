"""The key of cxr_weighted_loss: what answers are tried with, and the wrong ones that are known."""

import numpy as np


class two_accuracies:
    def inputs(rng):
        return [
            (np.array([[1000, 0], [107, 0]]),),
            (counts(rng, [90, 20], 0),),
            (counts(rng, [30, 120], 1),),
            (counts(rng, [80, 25, 40], 1),),
            (counts(rng, [15, 60, 110, 30], 0),),
        ]

    def balanced_is_plain(matrix):
        return [plain(matrix)] * 2

    def columns_for_rows(matrix):
        return [plain(matrix), (matrix.diagonal() / matrix.sum(axis=0)).mean()]

    def only_effusions(matrix):
        return [plain(matrix), recalls(matrix)[1]]

    def only_first_class(matrix):
        return [plain(matrix), recalls(matrix)[0]]

    def not_divided(matrix):
        return [plain(matrix), recalls(matrix).sum()]

    def multiplied(matrix):
        return [plain(matrix), recalls(matrix).prod()]

    def halved_whatever_comes(matrix):
        return [plain(matrix), recalls(matrix).sum() / 2]

    def every_cell_counted(matrix):
        return [plain(matrix), (matrix / matrix.sum(axis=1, keepdims=True)).mean()]

    def counts_not_shares(matrix):
        return [matrix.trace(), recalls(matrix).mean()]

    def only_plain(matrix):
        return plain(matrix)

    def divided_by_all(matrix):
        return [plain(matrix), (matrix.diagonal() / matrix.sum()).mean()]

    def shares_not_averaged(matrix):
        return [plain(matrix), recalls(matrix)]

    def geometric_mean(matrix):
        return [plain(matrix), recalls(matrix).prod() ** (1 / len(matrix))]

    def worst_class(matrix):
        return [plain(matrix), recalls(matrix).min()]

    def first_two_classes(matrix):
        return [matrix[:2, :2].trace() / matrix.sum(), recalls(matrix)[:2].mean()]

    def only_balanced(matrix):
        return recalls(matrix).mean()

    def per_class_of_counts(matrix):
        return [matrix.diagonal().mean(), recalls(matrix).mean()]

    def first_class_called_rightly(matrix):
        return [matrix[0, 0] / matrix.sum(), recalls(matrix).mean()]

    def only_two_rows(matrix):
        return [plain(matrix), recalls(matrix)[:2].mean()]


def counts(rng, films, worst):
    """Draw a confusion matrix with so many films of each actual class, and say which of them is called worst."""
    rates = rng.uniform(0.45, 0.9, len(films))
    rates[worst] = rng.uniform(0.2, 0.35)
    rows = []
    for actual, (number, rate) in enumerate(zip(films, rates, strict=True)):
        right = int(number * rate)
        others = rng.multinomial(number - right, np.full(len(films) - 1, 1 / (len(films) - 1)))
        rows.append(np.insert(others, actual, right))
    return np.array(rows)


def plain(matrix):
    return matrix.trace() / matrix.sum()


def recalls(matrix):
    return matrix.diagonal() / matrix.sum(axis=1)


class sensitivity_at:
    def inputs(rng):
        """Draw until the answers that depend on the order of the films are none of the others, either."""
        near = ("last_kept", "first_taken", "only_scores_of_others", "all_films_sorted", "threshold_itself_missed")
        answers = [most, *(getattr(sensitivity_at, name) for name in near)]
        while True:
            sizes = [(8, 7, 0.75), (16, 9, 0.875), (12, 11, 0.7), (8, 9, 0.5), (15, 11, 0.9), (16, 11, 0.625)]
            cases = [scored(rng, *size) for size in sizes]
            if len({tuple(answer(*case) for case in cases) for answer in answers}) == len(answers):
                return cases

    def threshold_left_at_half(labels, scores, specificity):
        return called(labels, scores, 0.5)

    def parts_swapped(labels, scores, specificity):
        found = [np.mean(scores[labels == 0] < t) for t in scores if called(labels, scores, t) >= specificity]
        return max(found)

    def more_than_asked(labels, scores, specificity):
        return most(labels, scores, specificity + 1e-9)

    def false_alarms_for_specificity(labels, scores, specificity):
        return most(labels, scores, 1 - specificity)

    def least_of_all(labels, scores, specificity):
        return min(possible(labels, scores, specificity))[0]

    def all_films_sorted(labels, scores, specificity):
        return called(labels, scores, np.quantile(scores, specificity))

    def between_two_scores(labels, scores, specificity):
        return called(labels, scores, np.quantile(scores[labels == 0], specificity))

    def ties_called_effusion(labels, scores, specificity):
        others = np.sort(scores[labels == 0])
        return called(labels, scores, others[int(np.ceil(specificity * len(others))) - 1])

    def threshold_itself_missed(labels, scores, specificity):
        threshold = max(possible(labels, scores, specificity))[1]
        return (scores[labels == 1] > threshold).mean()

    def threshold_returned(labels, scores, specificity):
        return max(possible(labels, scores, specificity))[1]

    def share_of_all_films(labels, scores, specificity):
        return most(labels, scores, specificity) * np.mean(labels)

    def films_counted(labels, scores, specificity):
        return most(labels, scores, specificity) * np.sum(labels)

    def specificity_as_threshold(labels, scores, specificity):
        return called(labels, scores, specificity)

    def only_scores_of_others(labels, scores, specificity):
        return max(
            called(labels, scores, t) for _, t in possible(labels, scores, specificity) if t in scores[labels == 0]
        )

    def wrong_end(labels, scores, specificity):
        return called(labels, scores, np.quantile(scores[labels == 0], 1 - specificity))

    def last_kept(labels, scores, specificity):
        return possible(labels, scores, specificity)[-1][0]

    def first_taken(labels, scores, specificity):
        return possible(labels, scores, specificity)[0][0]

    def all_called_counted(labels, scores, specificity):
        return max(np.mean(scores >= t) for _, t in possible(labels, scores, specificity))

    def specificity_of_all_films(labels, scores, specificity):
        right = [np.mean((scores < t) & (labels == 0)) for t in scores]
        return max(
            [0, *(called(labels, scores, t) for t, each in zip(scores, right, strict=True) if each >= specificity)]
        )

    def precision_returned(labels, scores, specificity):
        return labels[scores >= max(possible(labels, scores, specificity))[1]].mean()

    def missed_returned(labels, scores, specificity):
        return 1 - most(labels, scores, specificity)

    def at_most(labels, scores, specificity):
        return max(called(labels, scores, t) for t in scores if np.mean(scores[labels == 0] < t) <= specificity)

    def false_alarms_returned(labels, scores, specificity):
        return 1 - specificity


def scored(rng, others, effusions, specificity):
    """Draw labels and scores in which it matters where exactly the line is drawn.

    In rising order: films of both kinds; an effusion above 0.5; the last film that must not be called effusion, and an
    effusion with the same score; two effusions right above; the false alarms that are allowed, among effusions.
    """
    below = int(np.ceil(specificity * others))
    line = int(rng.integers(60, 70)) / 100
    top = int(rng.integers(2, effusions - 3))
    low = rng.permutation([0] * (below - 1) + [1] * (effusions - 4 - top))
    high = [0, *rng.permutation([0] * (others - below - 1) + [1] * (top - 1)), 1]
    labels = np.array([*low, 1, 0, 1, 1, 1, *high])
    scores = np.concatenate([draw_levels(rng, 5, 49, low), [line - 0.02, line, line, line + 0.01, line + 0.03]])
    scores = np.concatenate([scores, draw_levels(rng, round(100 * line) + 12, 99, high)])
    order = rng.permutation(len(labels))
    return labels[order], scores[order], specificity


def draw_levels(rng, low, high, kinds):
    """Draw as many different scores, in rising order, from so many hundredths to so many."""
    return np.sort(rng.choice(np.arange(low, high), len(kinds), replace=False)) / 100


def called(labels, scores, threshold):
    return (scores[labels == 1] >= threshold).mean()


def possible(labels, scores, specificity):
    """Return sensitivity and threshold wherever the specificity is at least this."""
    negative = scores[labels == 0]
    return [(called(labels, scores, t), t) for t in scores if np.mean(negative < t) >= specificity]


def most(labels, scores, specificity):
    return max(possible(labels, scores, specificity))[0]


class predictive_value:
    def inputs(rng):
        fixed = [(0.9, 0.9, 0.01), (0.8, 0.95, 0.3)]
        drawn = [
            [*rng.uniform(0.55, 0.97, 2), rng.uniform(*span)] for span in [(0.002, 0.02), (0.05, 0.2), (0.55, 0.8)]
        ]
        return fixed + [tuple(round(float(number), 3) for number in case) for case in drawn]

    def prevalence_ignored(sensitivity, specificity, prevalence):
        return sensitivity / (sensitivity + 1 - specificity)

    def sensitivity_returned(sensitivity, specificity, prevalence):
        return sensitivity

    def negative_value(sensitivity, specificity, prevalence):
        right = specificity * (1 - prevalence)
        return right / (right + (1 - sensitivity) * prevalence)

    def specificity_for_false_alarms(sensitivity, specificity, prevalence):
        right = sensitivity * prevalence
        return right / (right + specificity * (1 - prevalence))

    def false_alarms_of_everybody(sensitivity, specificity, prevalence):
        right = sensitivity * prevalence
        return right / (right + 1 - specificity)

    def all_who_have_it(sensitivity, specificity, prevalence):
        return sensitivity * prevalence

    def share_called_effusion(sensitivity, specificity, prevalence):
        return sensitivity * prevalence + (1 - specificity) * (1 - prevalence)

    def accuracy_returned(sensitivity, specificity, prevalence):
        return sensitivity * prevalence + specificity * (1 - prevalence)

    def rates_swapped(sensitivity, specificity, prevalence):
        right = specificity * prevalence
        return right / (right + (1 - sensitivity) * (1 - prevalence))

    def healthy_for_ill(sensitivity, specificity, prevalence):
        right = sensitivity * (1 - prevalence)
        return right / (right + (1 - specificity) * prevalence)

    def divided_by_the_others(sensitivity, specificity, prevalence):
        return sensitivity * prevalence / ((1 - specificity) * (1 - prevalence))

    def misses_for_false_alarms(sensitivity, specificity, prevalence):
        right = sensitivity * prevalence
        return right / (right + (1 - sensitivity) * (1 - prevalence))

    def outer_brackets_forgotten(sensitivity, specificity, prevalence):
        return sensitivity * prevalence / sensitivity * prevalence + (1 - specificity) * (1 - prevalence)

    def inner_brackets_forgotten(sensitivity, specificity, prevalence):
        return sensitivity * prevalence / (sensitivity * prevalence + 1 - specificity * 1 - prevalence)

    def all_multiplied(sensitivity, specificity, prevalence):
        return sensitivity * specificity * prevalence

    def ill_among_nofinding(sensitivity, specificity, prevalence):
        missed = (1 - sensitivity) * prevalence
        return missed / (missed + specificity * (1 - prevalence))

    def only_false_alarms(sensitivity, specificity, prevalence):
        return (1 - specificity) * (1 - prevalence)

    def ill_among_false(sensitivity, specificity, prevalence):
        wrong = (1 - specificity) * (1 - prevalence)
        return wrong / (wrong + sensitivity * prevalence)

    def false_alarm_rate(sensitivity, specificity, prevalence):
        return 1 - specificity

    def prevalence_returned(sensitivity, specificity, prevalence):
        return prevalence

    def specificity_returned(sensitivity, specificity, prevalence):
        return specificity

    def whole_patients(sensitivity, specificity, prevalence):
        right = round(1000 * prevalence * sensitivity)
        return right / (right + round(1000 * (1 - prevalence) * (1 - specificity)))

    def mean_of_rates(sensitivity, specificity, prevalence):
        return (sensitivity + specificity) / 2


class film_weights:
    def inputs(rng):
        return [judged(rng, *case) for case in [(2, 7), (3, 8), (2, 6), (4, 9)]]

    def rows_and_columns_swapped(weights, y_true, y_pred):
        return weights[y_pred.argmax(axis=1), y_true.argmax(axis=1)]

    def actual_twice(weights, y_true, y_pred):
        return weights[y_true.argmax(axis=1), y_true.argmax(axis=1)]

    def predicted_twice(weights, y_true, y_pred):
        return weights[y_pred.argmax(axis=1), y_pred.argmax(axis=1)]

    def averaged_by_probability(weights, y_true, y_pred):
        return (weights[y_true.argmax(axis=1)] * y_pred).sum(axis=1)

    def every_pair(weights, y_true, y_pred):
        return weights[y_true.argmax(axis=1)][:, y_pred.argmax(axis=1)]

    def whole_row(weights, y_true, y_pred):
        return weights[y_true.argmax(axis=1)]

    def argmax_over_films(weights, y_true, y_pred):
        return weights[y_true.argmax(axis=0), y_pred.argmax(axis=0)]

    def least_likely(weights, y_true, y_pred):
        return weights[y_true.argmax(axis=1), y_pred.argmin(axis=1)]

    def half_as_threshold(weights, y_true, y_pred):
        return weights[y_true.argmax(axis=1), (y_pred > 0.5).argmax(axis=1)]

    def only_the_mistakes(weights, y_true, y_pred):
        found = film_weights_picked(weights, y_true, y_pred)
        return np.where(y_true.argmax(axis=1) == y_pred.argmax(axis=1), 0, found)

    def mean_of_all(weights, y_true, y_pred):
        return film_weights_picked(weights, y_true, y_pred).mean()

    def right_calls_are_one(weights, y_true, y_pred):
        found = film_weights_picked(weights, y_true, y_pred)
        return np.where(y_true.argmax(axis=1) == y_pred.argmax(axis=1), 1, found)

    def times_probability(weights, y_true, y_pred):
        return film_weights_picked(weights, y_true, y_pred) * y_pred.max(axis=1)

    def loss_returned(weights, y_true, y_pred):
        return film_weights_picked(weights, y_true, y_pred) * entropy(y_true, y_pred)

    def row_mean(weights, y_true, y_pred):
        return weights.mean(axis=1)[y_true.argmax(axis=1)]

    def dearest_of_row(weights, y_true, y_pred):
        return weights.max(axis=1)[y_true.argmax(axis=1)]

    def first_two_classes(weights, y_true, y_pred):
        return weights[y_true[:, 1].astype(int), (y_pred[:, 1] > 0.5).astype(int)]

    def rounded_probabilities(weights, y_true, y_pred):
        return weights[y_true.astype(int), y_pred.astype(int)]

    def for_every_actual_class(weights, y_true, y_pred):
        return weights[:, y_pred.argmax(axis=1)]


def judged(rng, classes, films):
    """Draw weights, labels and predictions; each actual and predicted class occurs, with right calls and mistakes.

    The first film is taken for the next class. The second is right, and where there are more than two classes, none
    of its probabilities reaches a half.
    """
    weights = np.round(rng.permutation(np.linspace(1, 12, classes**2)) + rng.uniform(0, 0.3, classes**2), 2)
    actual = np.concatenate([[0, classes - 1], rng.permutation(np.arange(films - 2) % classes)])
    said = np.where(rng.random(films) < 0.5, actual, (actual + 1) % classes)
    said[:2] = 1, classes - 1
    chances = rng.uniform(0.1, 1, (films, classes))
    chances[np.arange(films), said] = chances.max(axis=1) + rng.uniform(0.1, 1, films)
    chances[1] = 1
    chances[1, said[1]] = 1.5
    predicted = np.round(chances / chances.sum(axis=1, keepdims=True), 3)
    predicted[:, 0] += 1 - predicted.sum(axis=1)
    return weights.reshape(classes, classes), np.eye(classes)[actual], np.round(predicted, 3)


def film_weights_picked(weights, y_true, y_pred):
    return weights[y_true.argmax(axis=1), y_pred.argmax(axis=1)]


class weighted_loss:
    def inputs(rng):
        return [judged(rng, *case) for case in [(2, 6), (3, 7), (2, 9), (4, 8)]]

    def not_weighted(weights, y_true, y_pred):
        return entropy(y_true, y_pred).mean()

    def summed(weights, y_true, y_pred):
        return (film_weights_picked(weights, y_true, y_pred) * entropy(y_true, y_pred)).sum()

    def divided_by_weights(weights, y_true, y_pred):
        return np.average(entropy(y_true, y_pred), weights=film_weights_picked(weights, y_true, y_pred))

    def divided_by_cells(weights, y_true, y_pred):
        return (film_weights_picked(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean() / y_true.shape[1]

    def rows_and_columns_swapped(weights, y_true, y_pred):
        return (film_weights.rows_and_columns_swapped(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean()

    def actual_twice(weights, y_true, y_pred):
        return (film_weights.actual_twice(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean()

    def predicted_logged(weights, y_true, y_pred):
        return (film_weights_picked(weights, y_true, y_pred) * -np.log(y_pred.max(axis=1))).mean()

    def sign_forgotten(weights, y_true, y_pred):
        return -(film_weights_picked(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean()

    def weight_inside_the_log(weights, y_true, y_pred):
        return (entropy(y_true, y_pred) - np.log(film_weights_picked(weights, y_true, y_pred))).mean()

    def weighted_after_the_mean(weights, y_true, y_pred):
        return film_weights_picked(weights, y_true, y_pred).mean() * entropy(y_true, y_pred).mean()

    def one_loss_each(weights, y_true, y_pred):
        return film_weights_picked(weights, y_true, y_pred) * entropy(y_true, y_pred)

    def other_classes_too(weights, y_true, y_pred):
        both = -(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred)).sum(axis=1)
        return (film_weights_picked(weights, y_true, y_pred) * both).mean()

    def other_logarithm(weights, y_true, y_pred):
        return (film_weights_picked(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean() / np.log(10)

    def log_forgotten(weights, y_true, y_pred):
        return (film_weights_picked(weights, y_true, y_pred) * (1 - (y_true * y_pred).sum(axis=1))).mean()

    def predicted_twice(weights, y_true, y_pred):
        return (film_weights.predicted_twice(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean()

    def row_mean(weights, y_true, y_pred):
        return (film_weights.row_mean(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean()

    def averaged_by_probability(weights, y_true, y_pred):
        return (film_weights.averaged_by_probability(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean()

    def right_calls_free(weights, y_true, y_pred):
        return (film_weights.only_the_mistakes(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean()

    def right_calls_are_one(weights, y_true, y_pred):
        return (film_weights.right_calls_are_one(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean()

    def mean_over_mistakes(weights, y_true, y_pred):
        wrong = y_true.argmax(axis=1) != y_pred.argmax(axis=1)
        return (film_weights_picked(weights, y_true, y_pred) * entropy(y_true, y_pred))[wrong].mean()

    def weights_added(weights, y_true, y_pred):
        return (film_weights_picked(weights, y_true, y_pred) + entropy(y_true, y_pred)).mean()

    def divided_by_its_weight(weights, y_true, y_pred):
        return (entropy(y_true, y_pred) / film_weights_picked(weights, y_true, y_pred)).mean()

    def all_probabilities(weights, y_true, y_pred):
        return (film_weights_picked(weights, y_true, y_pred) * -np.log(y_pred).sum(axis=1)).mean()

    def weighted_row(weights, y_true, y_pred):
        return (weights[y_true.argmax(axis=1)] * -np.log(y_pred)).sum(axis=1).mean()

    def squared_error(weights, y_true, y_pred):
        return (film_weights_picked(weights, y_true, y_pred) * ((y_true - y_pred) ** 2).sum(axis=1)).mean()

    def log_of_the_mean(weights, y_true, y_pred):
        return -np.log((film_weights_picked(weights, y_true, y_pred) * (y_true * y_pred).sum(axis=1)).mean())

    def only_weights(weights, y_true, y_pred):
        return film_weights_picked(weights, y_true, y_pred).mean()

    def probability_for_loss(weights, y_true, y_pred):
        return (film_weights_picked(weights, y_true, y_pred) * (y_true * y_pred).sum(axis=1)).mean()

    def least_likely(weights, y_true, y_pred):
        return (film_weights.least_likely(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean()

    def base_two(weights, y_true, y_pred):
        return (film_weights_picked(weights, y_true, y_pred) * entropy(y_true, y_pred)).mean() / np.log(2)

    def first_class_logged(weights, y_true, y_pred):
        return (film_weights_picked(weights, y_true, y_pred) * -np.log(y_pred[:, 0])).mean()


def entropy(y_true, y_pred):
    return -(y_true * np.log(y_pred)).sum(axis=1)


class cost_threshold:
    def inputs(rng):
        return [
            (costly(rng, 0, 0),),
            (costly(rng, 1, 2),),
            (costly(rng, 2, 0.5),),
            (costly(rng, 0, 3),),
            (np.array([[0, 1], [10, 0]]),),
        ]

    def rows_and_columns_swapped(costs):
        return threshold(costs.T)

    def right_calls_free(costs):
        return costs[0, 1] / (costs[0, 1] + costs[1, 0])

    def miss_on_top(costs):
        return costs[1, 0] / (costs[0, 1] + costs[1, 0])

    def one_over_the_other(costs):
        return (costs[0, 1] - costs[0, 0]) / (costs[1, 0] - costs[1, 1])

    def left_at_half(costs):
        return 0.5

    def share_of_everything(costs):
        return costs[0, 1] / costs.sum()

    def complement_taken(costs):
        return 1 - threshold(costs)

    def right_calls_added(costs):
        false_alarm, miss = costs[0, 1] + costs[0, 0], costs[1, 0] + costs[1, 1]
        return false_alarm / (false_alarm + miss)

    def columns_compared(costs):
        false_alarm, miss = costs[0, 1] - costs[1, 1], costs[1, 0] - costs[0, 0]
        return false_alarm / (false_alarm + miss)

    def odds_reversed(costs):
        return (costs[1, 0] - costs[1, 1]) / (costs[0, 1] - costs[0, 0])

    def odds_of_mistakes(costs):
        return costs[0, 1] / costs[1, 0]

    def dear_over_cheap(costs):
        return costs[1, 0] / costs[0, 1]

    def sign_error(costs):
        false_alarm, miss = costs[0, 1] - costs[0, 0], costs[1, 0] - costs[1, 1]
        return false_alarm / (false_alarm - miss)

    def only_above(costs):
        return (costs[0, 1] - costs[0, 0]) / (costs[0, 1] + costs[1, 0])

    def only_below(costs):
        return costs[0, 1] / (costs[0, 1] - costs[0, 0] + costs[1, 0] - costs[1, 1])

    def one_right_call_forgotten(costs):
        return (costs[0, 1] - costs[0, 0]) / (costs[0, 1] - costs[0, 0] + costs[1, 0])

    def other_right_call_forgotten(costs):
        return costs[0, 1] / (costs[0, 1] + costs[1, 0] - costs[1, 1])

    def share_of_the_column(costs):
        return costs[:, 1].sum() / costs.sum()

    def brackets_forgotten(costs):
        return costs[0, 1] - costs[0, 0] / (costs[0, 1] - costs[0, 0] + costs[1, 0] - costs[1, 1])


def costly(rng, negative, positive):
    """Draw costs of the two mistakes; those of the two right calls are given."""
    false_alarm, miss = np.round(rng.uniform(4, 7), 1), np.round(rng.uniform(9, 40), 1)
    return np.array([[negative, false_alarm], [miss, positive]])


def threshold(costs):
    false_alarm, miss = costs[0, 1] - costs[0, 0], costs[1, 0] - costs[1, 1]
    return false_alarm / (false_alarm + miss)
