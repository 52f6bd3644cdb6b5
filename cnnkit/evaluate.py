"""How good predictions are, and how sure one can be of that with the images at hand.

Every function takes the labels first: ``y_true``, 0 or 1 for each image, (images,), or one-hot (images, 2); then the
``scores``, (images,), the higher the more likely class 1, or what a network gives, (images, 2), of which column 1 is
taken. An image is called positive if its score is as high as the threshold or higher.
"""

import math
from dataclasses import astuple, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, rankdata
from sklearn import metrics

__all__ = [
    "Auc",
    "CalibrationCurve",
    "Confusion",
    "DeLongTest",
    "PredictiveValues",
    "RocCurve",
    "calibration_curve",
    "confusion_matrix",
    "delong_test",
    "predictive_values",
    "roc_auc",
    "roc_curve",
    "threshold_for_cost",
    "threshold_for_recall",
]

CELLS = 2_000_000  # of a table of counts, about 50 MB with all that is made of it


@dataclass(frozen=True, repr=False)
class Auc:
    """The area under the ROC curve and its interval.

    Attributes
    ----------
    value : 0-1, exact for these images.
    low, high : the interval, 0-1.
    confidence : 0-1, the share of the resamples that lie in the interval.
    resamples, positives, negatives : counts.
    """

    value: float
    low: float
    high: float
    confidence: float
    resamples: int
    positives: int
    negatives: int

    def __repr__(self) -> str:
        return (
            f"{self.value:.2f} ({self.low:.2f}–{self.high:.2f}, {100 * self.confidence:g} % of {self.resamples:,}"
            f" resamples; {_counted(self.positives, 'positive')}, {_counted(self.negatives, 'negative')})"
        )


class RocCurve(NamedTuple):
    """A point for each threshold, from calling nothing positive to calling everything so; all float64 (points,)."""

    thresholds: np.ndarray
    false_positive_rate: np.ndarray
    sensitivity: np.ndarray


class PredictiveValues(NamedTuple):
    """What share of the calls of either kind is right; 0-1, NaN if there are none."""

    ppv: float
    npv: float


class CalibrationCurve(NamedTuple):
    """Predicted probability against what happened, a value for each bin with images in it."""

    mean_predicted: np.ndarray
    observed_share: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class Confusion:
    """How many images of either kind were called right and wrong, and the shares that follow.

    A share of nothing, 0 / 0, is NaN: the precision where nothing is called positive, the sensitivity where nothing
    is positive. It is not 0, for there is nothing that went wrong.

    Attributes
    ----------
    tn, fp, fn, tp : counts of true negatives, false positives (false alarms), false negatives (misses) and true
        positives.

    >>> always_nofinding = Confusion(tn=1000, fp=0, fn=107, tp=0)
    >>> print(f"accuracy {always_nofinding.accuracy:.2f}, recall {always_nofinding.recall:.2f}")
    accuracy 0.90, recall 0.00
    >>> always_nofinding.precision
    nan
    """

    tn: int
    fp: int
    fn: int
    tp: int

    @property
    def accuracy(self) -> float:
        """Share of all images that are called right."""
        return _share(self.tp + self.tn, sum(astuple(self)))

    @property
    def sensitivity(self) -> float:
        """Share of the positive images that are called positive; another name is recall."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def recall(self) -> float:
        """The sensitivity, by its other name."""
        return self.sensitivity

    @property
    def specificity(self) -> float:
        """Share of the negative images that are called negative."""
        return _share(self.tn, self.tn + self.fp)

    @property
    def precision(self) -> float:
        """Share of the images called positive that are; another name is positive predictive value."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def npv(self) -> float:
        """Negative predictive value: share of the images called negative that are."""
        return _share(self.tn, self.tn + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 if nothing is found, NaN if there is nothing to find or call."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of sensitivity and specificity: 0.5 for whoever always says the same."""
        return (self.sensitivity + self.specificity) / 2

    def array(self) -> np.ndarray:
        """Return [[tn, fp], [fn, tp]]: int64 (2, 2), a row for each actual class, a column for each called one."""
        return np.array([[self.tn, self.fp], [self.fn, self.tp]])


@dataclass(frozen=True, repr=False)
class DeLongTest:
    """Two areas under the ROC curve on the same images, compared.

    Attributes
    ----------
    auc_a, auc_b : 0-1.
    difference : ``auc_a - auc_b``.
    standard_error : of the difference.
    p_value : how often chance alone makes a difference as large or larger, either way; NaN if the standard error is 0
        and the difference is not.
    """

    auc_a: float
    auc_b: float
    difference: float
    standard_error: float
    p_value: float

    def __repr__(self) -> str:
        p_value = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"
        return (
            f"{self.auc_a:.2f} against {self.auc_b:.2f}: difference {self.difference:.3f}, standard error"
            f" {self.standard_error:.3f}, {p_value}"
        )


def roc_auc(
    y_true: ArrayLike, scores: ArrayLike, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Auc:
    """Return the area under the ROC curve, and the interval in which other images would have put it.

    The area is the share of all pairs of a positive and a negative image in which the positive one has the higher
    score; a tie counts half. The interval is a stratified percentile bootstrap: as many positives are drawn from the
    positives, with replacement, and as many negatives from the negatives; of the areas of all such resamples the
    middle ones make the interval. It knows only the images it has: if all pairs are in order it is 1–1, however few
    images there are, and that is too good to be true.

    Parameters
    ----------
    y_true, scores : see `cnnkit.evaluate`; both classes must occur.
    confidence : above 0 and below 1.
    resamples : 1 or more.
    seed : the same seed gives the same interval.

    Returns
    -------
    `Auc`, which prints itself with its interval and its counts.

    Raises
    ------
    ValueError : one class only, no images, lengths that differ, labels other than 0 and 1, scores that are not finite,
        an option out of its range.

    Source: J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic
    (ROC) curve", Radiology 143, 1982 (the pairs); J. Carpenter, J. Bithell, "Bootstrap confidence intervals: when,
    which, what?", Statistics in Medicine 19, 2000 (the interval).

    >>> roc_auc([0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.4, 0.9])
    0.83 (0.33–1.00, 95 % of 2,000 resamples; 2 positives, 3 negatives)
    """
    y_true, scores = _checked_both("roc_auc", y_true, scores)
    if not 0 < confidence < 1:
        raise ValueError(f"roc_auc: confidence lies between 0 and 1, such as 0.95, and is {confidence!r}.")
    if resamples < 1:
        raise ValueError(f"roc_auc: resamples is a count, 1 or more, not {resamples!r}.")
    levels, place = np.unique(scores, return_inverse=True)
    positive, negative = place[y_true], place[~y_true]
    counts = (np.bincount(each, minlength=levels.size) for each in (positive, negative))
    areas = _resampled_areas(positive, negative, levels.size, resamples, np.random.default_rng(seed))
    low, high = np.quantile(areas, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Auc(
        float(_area(*counts)), float(low), float(high), confidence, resamples, int(positive.size), int(negative.size)
    )


def roc_curve(y_true: ArrayLike, scores: ArrayLike) -> RocCurve:
    """Return the sensitivity and the false positive rate at every threshold that makes a difference.

    Parameters
    ----------
    y_true, scores : see `cnnkit.evaluate`; both classes must occur.

    Returns
    -------
    `RocCurve`: thresholds (infinity, at which nothing is called positive, then each score that occurs, falling), false
    positive rate (1 minus the specificity) and sensitivity, both rising from 0 to 1.

    Raises
    ------
    ValueError : as for `roc_auc`.

    >>> thresholds, false_positive_rate, sensitivity = roc_curve([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
    >>> thresholds.tolist(), false_positive_rate.tolist(), sensitivity.tolist()
    ([inf, 0.9, 0.6, 0.4, 0.1], [0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    return _roc_curve(*_checked_both("roc_curve", y_true, scores))


def confusion_matrix(y_true: ArrayLike, scores: ArrayLike, threshold: float = 0.5) -> Confusion:
    """Count what is called right and wrong at a threshold.

    Parameters
    ----------
    y_true, scores : see `cnnkit.evaluate`; one class may be missing.
    threshold : an image is called positive if its score is as high or higher.

    Returns
    -------
    `Confusion`, with accuracy, sensitivity, specificity, precision, F1 and more.

    Raises
    ------
    ValueError : as for `roc_auc`; a threshold that is NaN.

    >>> confusion_matrix([0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.4, 0.9], threshold=0.4)
    Confusion(tn=2, fp=1, fn=0, tp=2)
    """
    y_true, scores = _checked("confusion_matrix", y_true, scores)
    if math.isnan(threshold):
        raise ValueError("confusion_matrix: threshold is a number, and is NaN.")
    matrix = metrics.confusion_matrix(y_true, scores >= threshold, labels=[False, True])
    return Confusion(*matrix.ravel().tolist())


def threshold_for_recall(y_true: ArrayLike, scores: ArrayLike, recall: float) -> float:
    """Return the highest threshold at which at least this share of the positive images is found.

    Choose it on images that are not the ones you will report on: the recall on new images is not the same.

    Parameters
    ----------
    y_true, scores : see `cnnkit.evaluate`; both classes must occur.
    recall : above 0, at most 1.

    Returns
    -------
    One of the scores.

    Raises
    ------
    ValueError : as for `roc_auc`; a recall out of its range.

    >>> threshold_for_recall([0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.4, 0.9], recall=0.8)
    0.4
    """
    y_true, scores = _checked_both("threshold_for_recall", y_true, scores)
    if not 0 < recall <= 1:
        raise ValueError(f"threshold_for_recall: recall is above 0 and at most 1, not {recall!r}.")
    falling = -np.sort(-scores[y_true])
    # Shares, not recall times the count: 0.55 * 20 is a little more than 11, and would ask for 12.
    enough = np.searchsorted(np.arange(1, falling.size + 1) / falling.size, recall)
    return float(falling[enough])


def threshold_for_cost(
    y_true: ArrayLike, scores: ArrayLike, false_positive: float = 1, false_negative: float = 1
) -> float:
    """Return the threshold at which all errors together cost least; of several, the lowest.

    Parameters
    ----------
    y_true, scores : see `cnnkit.evaluate`; both classes must occur.
    false_positive, false_negative : what one false alarm and one miss cost, above 0, in any unit.

    Returns
    -------
    One of the scores, or infinity if it is cheapest to call nothing positive.

    Raises
    ------
    ValueError : as for `roc_auc`; a cost that is not above 0.

    >>> y_true, scores = [0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.4, 0.9]
    >>> threshold_for_cost(y_true, scores, false_positive=5), threshold_for_cost(y_true, scores, false_negative=5)
    (0.9, 0.4)
    """
    y_true, scores = _checked_both("threshold_for_cost", y_true, scores)
    if not all(0 < cost < math.inf for cost in (false_positive, false_negative)):
        raise ValueError(
            f"threshold_for_cost: both costs are above 0, and false_positive is {false_positive!r}, false_negative"
            f" {false_negative!r}."
        )
    curve = _roc_curve(y_true, scores)
    false_alarms = np.round(curve.false_positive_rate * (~y_true).sum())
    misses = np.round((1 - curve.sensitivity) * y_true.sum())
    costs = false_positive * false_alarms + false_negative * misses
    return float(curve.thresholds[np.flatnonzero(costs == costs.min())[-1]])


def delong_test(y_true: ArrayLike, scores_a: ArrayLike, scores_b: ArrayLike) -> DeLongTest:
    """Test whether two networks differ in AUC, on the same images.

    The same images are easy or hard for both, so their areas rise and fall together, and the difference is surer than
    two separate intervals would make one think. With few images of a class the p value is a rough one.

    Parameters
    ----------
    y_true : see `cnnkit.evaluate`; at least two images of each class.
    scores_a, scores_b : the scores of both networks, in the order of `y_true`.

    Returns
    -------
    `DeLongTest` with both areas, their difference, its standard error and the p value, from two sides.

    Raises
    ------
    ValueError : as for `roc_auc`; one image only of a class.

    Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more correlated
    receiver operating characteristic curves: a nonparametric approach", Biometrics 44, 1988; by ranks, after X. Sun,
    W. Xu, "Fast implementation of DeLong's algorithm", IEEE Signal Processing Letters 21, 2014.

    >>> y_true = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> good, poor = [0.1, 0.2, 0.3, 0.6, 0.5, 0.7, 0.8, 0.9], [0.4, 0.1, 0.6, 0.7, 0.3, 0.5, 0.9, 0.8]
    >>> delong_test(y_true, good, poor)
    0.94 against 0.69: difference 0.250, standard error 0.177, p = 0.157
    """
    y_true, scores_a = _checked_both("delong_test", y_true, scores_a)
    _, scores_b = _checked("delong_test", y_true, scores_b)
    if min(y_true.sum(), (~y_true).sum()) < 2:
        raise ValueError("delong_test: needs two images of each class at least, to see how much they differ.")
    components = [_components(y_true, scores) for scores in (scores_a, scores_b)]
    auc_a, auc_b = (float(of_positives.mean()) for of_positives, _ in components)
    variance = sum((a - b).var(ddof=1) / a.size for a, b in zip(*components, strict=True))
    difference, standard_error = auc_a - auc_b, math.sqrt(variance)
    if standard_error > 0:
        p_value = float(2 * norm.sf(abs(difference) / standard_error))
    else:
        p_value = 1.0 if difference == 0 else math.nan
    return DeLongTest(auc_a, auc_b, difference, standard_error, p_value)


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> PredictiveValues:
    """Return what a positive and a negative call are worth where positives are this common.

    Sensitivity and specificity belong to the network, at a threshold; how many of its calls are right depends on how
    common the finding is among those who are examined, and that is seldom as in a set of images.

    Parameters
    ----------
    sensitivity, specificity, prevalence : 0-1.

    Returns
    -------
    `PredictiveValues`: positive predictive value (precision) and negative predictive value.

    Raises
    ------
    ValueError : a number that is not from 0 to 1.

    Source: Bayes' theorem; D. G. Altman, J. M. Bland, "Diagnostic tests 2: predictive values", BMJ 309, 1994.

    >>> ppv, npv = predictive_values(sensitivity=0.9, specificity=0.9, prevalence=0.01)
    >>> print(f"{ppv:.2f}, {npv:.3f}")
    0.08, 0.999
    """
    given = {"sensitivity": sensitivity, "specificity": specificity, "prevalence": prevalence}
    for name, value in given.items():
        if not 0 <= value <= 1:
            raise ValueError(f"predictive_values: {name} is a share from 0 to 1, not {value!r}.")
    true_positives, true_negatives = sensitivity * prevalence, specificity * (1 - prevalence)
    false_positives, false_negatives = (1 - specificity) * (1 - prevalence), (1 - sensitivity) * prevalence
    return PredictiveValues(
        _share(true_positives, true_positives + false_positives),
        _share(true_negatives, true_negatives + false_negatives),
    )


def calibration_curve(y_true: ArrayLike, scores: ArrayLike, bins: int = 10) -> CalibrationCurve:
    """Compare predicted probabilities with what happened: of the films given about 0.8, are 80 % positive?

    Parameters
    ----------
    y_true, scores : see `cnnkit.evaluate`; the scores are probabilities, 0-1.
    bins : into how many parts of equal width 0-1 is cut; a score on a border belongs to the bin below.

    Returns
    -------
    `CalibrationCurve`, only for bins with images: their mean score, the share of positives among them, both float64
    0-1, and how many they are, int64. A share of few images means little.

    Raises
    ------
    ValueError : as for `roc_auc`; scores that are not from 0 to 1, fewer than one bin.

    >>> mean_predicted, observed_share, counts = calibration_curve([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.9, 1], 2)
    >>> mean_predicted.round(2).tolist(), observed_share.round(2).tolist(), counts.tolist()
    ([0.2, 0.9], [0.33, 0.67], [3, 3])
    """
    y_true, scores = _checked("calibration_curve", y_true, scores)
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError(
            f"calibration_curve: scores are probabilities from 0 to 1, and these go from {scores.min():.3g} to"
            f" {scores.max():.3g}."
        )
    if bins < 1:
        raise ValueError(f"calibration_curve: bins is a count, 1 or more, not {bins!r}.")
    borders = np.linspace(0, 1, bins + 1)
    place = np.searchsorted(borders[1:-1], scores)
    counts = np.bincount(place, minlength=bins)
    filled = counts > 0
    sums = (np.bincount(place, weights=each, minlength=bins) for each in (scores, y_true))
    mean_predicted, observed_share = (each[filled] / counts[filled] for each in sums)
    return CalibrationCurve(mean_predicted, observed_share, counts[filled])


def _roc_curve(y_true: np.ndarray, scores: np.ndarray) -> RocCurve:
    false_positive_rate, sensitivity, thresholds = metrics.roc_curve(y_true, scores, drop_intermediate=False)
    return RocCurve(thresholds, false_positive_rate, sensitivity)


def _area(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Return the area under the curve from how often each score, in rising order, occurs: (..., levels) -> (...)."""
    beaten = negative.cumsum(axis=-1) - negative / 2  # half of the ties
    return (positive * beaten).sum(axis=-1) / (positive.sum(axis=-1) * negative.sum(axis=-1))


def _resampled_areas(
    positive: np.ndarray, negative: np.ndarray, levels: int, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the areas of resamples, some at a time, so that many images do not fill the memory."""
    at_once = max(1, CELLS // (positive.size + negative.size))
    return np.concatenate(
        [
            _area(*(_drawn(place, levels, min(at_once, resamples - start), rng) for place in (positive, negative)))
            for start in range(0, resamples, at_once)
        ]
    )


def _drawn(place: np.ndarray, levels: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Draw from the scores of one class, with replacement, and count each level: (rows, levels)."""
    drawn = place[rng.integers(place.size, size=(rows, place.size))]
    drawn += levels * np.arange(rows)[:, None]
    return np.bincount(drawn.ravel(), minlength=rows * levels).reshape(rows, levels)


def _components(y_true: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each positive image the share of negatives below it, for each negative that of positives above it."""
    ranks = rankdata(scores)
    positives, negatives = y_true.sum(), (~y_true).sum()
    of_positives = (ranks[y_true] - rankdata(scores[y_true])) / negatives
    of_negatives = 1 - (ranks[~y_true] - rankdata(scores[~y_true])) / positives
    return of_positives, of_negatives


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _checked_both(where: str, y_true: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    y_true, scores = _checked(where, y_true, scores)
    if y_true.all() or not y_true.any():
        raise ValueError(
            f"{where}: needs images of both classes, and all {y_true.size:,} are of class {int(y_true[0])}."
        )
    return y_true, scores


def _checked(where: str, y_true: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return bool (images,) and float64 (images,)."""
    y_true, scores = _checked_labels(where, y_true), _checked_scores(where, scores)
    if y_true.size != scores.size:
        raise ValueError(f"{where}: {y_true.size:,} labels and {scores.size:,} scores; give one of each for an image.")
    if not y_true.size:
        raise ValueError(f"{where}: there are no images.")
    return y_true, scores


def _checked_labels(where: str, y_true: ArrayLike) -> np.ndarray:
    try:
        labels = np.asarray(y_true)
    except ValueError:
        raise ValueError(f"{where}: y_true is 0 or 1 for each image; its rows are not all as long.") from None
    if not (labels.ndim == 1 or (labels.ndim == 2 and labels.shape[1] == 2)):
        raise ValueError(f"{where}: y_true is (images,), or one-hot (images, 2), not of shape {labels.shape}.")
    wrong = labels[~np.isin(labels, [0, 1])]
    if wrong.size:
        raise ValueError(f"{where}: y_true is 0 or 1 for each image, and there is {wrong[0]!s}.")
    if labels.ndim == 1:
        return labels == 1
    if (labels.sum(axis=1) != 1).any():
        raise ValueError(f"{where}: a one-hot row of y_true has a single 1; some have none or two.")
    return labels[:, 1] == 1


def _checked_scores(where: str, scores: ArrayLike) -> np.ndarray:
    try:
        scores = np.asarray(scores, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: scores are numbers, one for each image.") from None
    if not (scores.ndim == 1 or (scores.ndim == 2 and scores.shape[1] == 2)):
        raise ValueError(f"{where}: scores are (images,), or (images, 2), not of shape {scores.shape}.")
    scores = scores if scores.ndim == 1 else scores[:, 1]
    bad = np.count_nonzero(~np.isfinite(scores))
    if bad:
        raise ValueError(
            f"{where}: {bad:,} of {scores.size:,} scores are NaN or infinite. The network has diverged: train it anew,"
            " with a lower learning rate."
        )
    return scores
