"""ROC, AUC and its interval, thresholds and DeLong's test, against scikit-learn, SciPy and the papers' formulas."""

import cnnkit  # noqa: F401, I001  before Keras, so that TensorFlow starts quietly

import math

import numpy as np
import pytest
from scipy.stats import bootstrap, mannwhitneyu, norm
from sklearn import calibration, metrics

from cnnkit.evaluate import (
    Confusion,
    calibration_curve,
    confusion_matrix,
    delong_test,
    predictive_values,
    roc_auc,
    roc_curve,
    threshold_for_cost,
    threshold_for_recall,
)

SEEDS = range(12)
MEASURES = ("accuracy", "sensitivity", "specificity", "precision", "npv", "f1", "balanced_accuracy")

# 43 of the 49 patients of DeLong et al. 1988, as printed in SAS/STAT 14.1 User's Guide, "The LOGISTIC Procedure",
# example 72.8, "Comparing Receiver Operating Characteristic Curves" (the other six lack a value): albumin, total
# protein, 10 minus the Krebs-Goplerud score; those who died within two months of the operation and those who did not.
# https://support.sas.com/documentation/cdl/en/statug/68162/HTML/default/statug_logistic_examples08.htm
SURVIVED = [
    (3.0, 5.8, 0), (2.8, 4.8, 4), (0.9, 4.0, 5), (2.5, 5.7, 2), (3.6, 6.7, 6), (4.2, 7.6, 6),
    (4.0, 6.6, 4), (3.0, 4.7, 2), (3.3, 6.8, 4), (1.7, 4.0, 3), (2.9, 5.7, 1), (2.8, 6.2, 2),
]  # fmt: skip
DIED = [
    (3.2, 6.3, 5), (3.9, 6.8, 7), (3.2, 5.8, 7), (1.6, 5.6, 5), (3.8, 5.7, 5), (3.7, 6.7, 4), (3.2, 5.4, 6),
    (3.8, 6.6, 4), (4.1, 6.6, 5), (3.6, 5.7, 5), (4.3, 7.0, 6), (2.3, 4.4, 4), (3.5, 5.8, 4), (3.8, 6.8, 3),
    (4.5, 7.4, 5), (3.7, 7.4, 5), (3.1, 6.6, 4), (4.1, 8.2, 4), (4.3, 7.0, 5), (4.3, 6.5, 6), (3.2, 5.1, 5),
    (2.6, 4.7, 4), (3.7, 6.1, 5), (3.3, 6.3, 3), (4.2, 7.7, 4), (3.5, 6.2, 5), (2.1, 4.8, 3), (4.0, 7.0, 3),
    (3.3, 5.7, 4), (3.7, 6.9, 5), (3.6, 6.6, 5),
]  # fmt: skip


def examples(seed, levels=10):
    """Labels and scores of which many are equal."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(20, 200))
    y_true = rng.random(count) < rng.uniform(0.1, 0.6)
    y_true[:4] = [True, False, True, False]
    return y_true.astype(int), np.clip(rng.normal(0.4 + 0.2 * y_true, 0.25), 0, 1).round(int(math.log10(levels)))


def naive_delong(y_true, *scores):
    """The areas and their covariance by the structural components of the paper of 1988, pair by pair."""
    pairs = [np.sign(each[y_true == 1][:, None] - each[y_true == 0]) / 2 + 0.5 for each in scores]
    of_positives, of_negatives = ([each.mean(axis=axis) for each in pairs] for axis in (1, 0))
    covariance = np.cov(of_positives) / len(of_positives[0]) + np.cov(of_negatives) / len(of_negatives[0])
    return [each.mean() for each in pairs], covariance


@pytest.mark.parametrize("seed", SEEDS)
def test_the_area_is_exact(seed):
    y_true, scores = examples(seed)
    auc = roc_auc(y_true, scores, resamples=50)
    assert auc.value == pytest.approx(metrics.roc_auc_score(y_true, scores), abs=1e-12)
    positive, negative = scores[y_true == 1], scores[y_true == 0]
    assert auc.value == pytest.approx(mannwhitneyu(positive, negative).statistic / positive.size / negative.size)
    assert 0 <= auc.low <= auc.high <= 1
    assert (auc.positives, auc.negatives) == (positive.size, negative.size)


def test_the_area_by_hand():
    assert roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.9]).value == 3.5 / 4
    assert roc_auc([0, 1], [0.5, 0.5]).value == 0.5
    assert roc_auc([1, 0, 0], [0.1, 0.5, 0.5]).value == 0


@pytest.mark.parametrize("seed", SEEDS[:4])
@pytest.mark.parametrize("confidence", [0.95, 0.6])
def test_the_interval_is_the_stratified_percentile_bootstrap_of_scipy(seed, confidence):
    y_true, scores = examples(seed)

    def area(positive, negative, axis=-1):
        return mannwhitneyu(positive, negative, axis=axis).statistic / positive.shape[-1] / negative.shape[-1]

    theirs = bootstrap(
        (scores[y_true == 1], scores[y_true == 0]),
        area,
        n_resamples=4000,
        confidence_level=confidence,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    ours = roc_auc(y_true, scores, confidence=confidence, resamples=4000, seed=seed)
    assert ours.low == pytest.approx(theirs.low, abs=0.015)
    assert ours.high == pytest.approx(theirs.high, abs=0.015)


def test_every_resample_has_both_classes_and_the_seed_decides():
    y_true, scores = [1] + 99 * [0], np.arange(100) % 7
    auc = roc_auc(y_true, scores)
    assert auc == roc_auc(y_true, scores)
    assert auc != roc_auc(y_true, scores, seed=1)
    one = roc_auc(y_true, scores, resamples=1)
    assert one.low == one.high


def test_the_interval_does_not_depend_on_how_many_resamples_fit_into_the_memory(monkeypatch):
    y_true, scores = examples(3)
    expected = roc_auc(y_true, scores, resamples=3000)
    monkeypatch.setattr("cnnkit.evaluate.CELLS", 1000)
    auc = roc_auc(y_true, scores, resamples=3000)
    assert auc.value == expected.value
    assert auc.low == pytest.approx(expected.low, abs=0.01)
    assert auc.high == pytest.approx(expected.high, abs=0.01)


def test_the_interval_holds_what_it_promises():
    """Of 300 sets of images from one and the same network, nine in ten intervals hold its true area."""
    rng, true = np.random.default_rng(0), norm.cdf(1 / math.sqrt(2))
    y_true = np.repeat([0, 1], [100, 30])
    held = 0
    for _ in range(300):
        auc = roc_auc(y_true, rng.normal(y_true), confidence=0.9, resamples=300)
        held += auc.low <= true <= auc.high
    assert 0.84 <= held / 300 <= 0.96


def test_the_area_prints_itself_with_its_interval():
    auc = roc_auc(np.repeat([0, 1], [1000, 11]), np.repeat([0.0, 1.0], [1000, 11]))
    assert str(auc) == repr(auc) == "1.00 (1.00–1.00, 95 % of 2,000 resamples; 11 positives, 1,000 negatives)"
    assert repr(roc_auc([0, 1], [1, 0], confidence=0.5)).endswith("50 % of 2,000 resamples; 1 positive, 1 negative)")


@pytest.mark.parametrize(
    "labels, scores",
    [
        (lambda y: y == 1, lambda s: s),
        (lambda y: y.astype(float), lambda s: s.tolist()),
        (lambda y: np.eye(2)[y], lambda s: np.stack([1 - s, s], axis=1)),
        (lambda y: np.eye(2, dtype=bool)[y].tolist(), lambda s: s),
    ],
)
def test_labels_and_scores_come_in_several_forms(labels, scores):
    y_true, plain = examples(0)
    assert roc_auc(labels(y_true), scores(plain)) == roc_auc(y_true, plain)
    assert confusion_matrix(labels(y_true), scores(plain)) == confusion_matrix(y_true, plain)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_roc_curve_has_a_point_for_each_threshold_and_the_area_below_it(seed):
    y_true, scores = examples(seed)
    curve = roc_curve(y_true, scores)
    assert curve.thresholds.tolist() == [np.inf, *np.unique(scores)[::-1]]
    for threshold, false_positive_rate, sensitivity in zip(*curve, strict=True):
        confusion = confusion_matrix(y_true, scores, threshold)
        assert sensitivity == pytest.approx(confusion.sensitivity)
        assert false_positive_rate == pytest.approx(1 - confusion.specificity)
    area = np.trapezoid(curve.sensitivity, curve.false_positive_rate)
    assert area == pytest.approx(roc_auc(y_true, scores, resamples=1).value)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("threshold", [-1, 0.3, 0.5, 2])
def test_the_confusion_matrix_and_its_measures_are_those_of_scikit_learn(seed, threshold):
    y_true, scores = examples(seed)
    called = scores >= threshold
    confusion = confusion_matrix(y_true, scores, threshold)
    np.testing.assert_array_equal(confusion.array(), metrics.confusion_matrix(y_true, called))
    unknown = {"zero_division": np.nan}
    expected = {
        "accuracy": metrics.accuracy_score(y_true, called),
        "sensitivity": metrics.recall_score(y_true, called),
        "specificity": metrics.recall_score(y_true, called, pos_label=0),
        "precision": metrics.precision_score(y_true, called, **unknown),
        "npv": metrics.precision_score(y_true, called, pos_label=0, **unknown),
        "f1": metrics.f1_score(y_true, called),
        "balanced_accuracy": metrics.balanced_accuracy_score(y_true, called),
    }
    for name in MEASURES:
        assert getattr(confusion, name) == pytest.approx(expected[name], nan_ok=True), name
    assert confusion.recall == confusion.sensitivity


def test_a_share_of_nothing_is_nan():
    nothing_called = confusion_matrix([0, 1], [0.1, 0.2])
    assert nothing_called == Confusion(tn=1, fp=0, fn=1, tp=0)
    assert math.isnan(nothing_called.precision)
    assert nothing_called.f1 == 0
    only_negatives = confusion_matrix([0, 0], [0.1, 0.2])
    assert only_negatives.specificity == only_negatives.accuracy == 1
    for name in ("sensitivity", "precision", "f1", "balanced_accuracy"):
        assert math.isnan(getattr(only_negatives, name)), name


def test_a_score_at_the_threshold_is_positive():
    assert confusion_matrix([0, 1], [0.5, 0.5]) == Confusion(tn=0, fp=1, fn=0, tp=1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("recall", [0.01, 0.5, 0.9, 1])
def test_the_threshold_for_a_recall_is_the_highest_that_gives_it(seed, recall):
    y_true, scores = examples(seed)
    threshold = threshold_for_recall(y_true, scores, recall)
    assert confusion_matrix(y_true, scores, threshold).recall >= recall
    assert confusion_matrix(y_true, scores, np.nextafter(threshold, 2)).recall < recall


def test_a_recall_that_is_met_exactly_is_enough():
    scores = np.arange(20) / 20
    for found in range(1, 21):
        assert threshold_for_recall([0] + 20 * [1], [0, *scores], found / 20) == scores[20 - found]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("costs", [(1, 1), (1, 20), (10, 1), (0.3, 0.1)])
def test_the_threshold_for_a_cost_is_the_lowest_of_the_cheapest(seed, costs):
    y_true, scores = examples(seed)

    def cost(threshold):
        confusion = confusion_matrix(y_true, scores, threshold)
        return costs[0] * confusion.fp + costs[1] * confusion.fn

    threshold = threshold_for_cost(y_true, scores, *costs)
    others = [*np.unique(scores), np.inf]
    assert cost(threshold) == min(map(cost, others))
    assert all(cost(other) > cost(threshold) for other in others if other < threshold)


def test_it_may_be_cheapest_to_call_nothing_or_everything_positive():
    y_true, scores = [1, 0, 1, 0], [0.2, 0.9, 0.1, 0.8]
    assert threshold_for_cost(y_true, scores, false_positive=10) == math.inf
    assert threshold_for_cost(y_true, scores, false_negative=10) == 0.1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("levels", [10, 1000])
def test_delong_by_ranks_is_delong_pair_by_pair(seed, levels):
    y_true, scores_a = examples(seed, levels)
    rng = np.random.default_rng(seed)
    scores_b = (scores_a + rng.normal(0, 0.2, scores_a.size)).round(int(math.log10(levels)))
    (auc_a, auc_b), covariance = naive_delong(y_true, scores_a, scores_b)
    standard_error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    test = delong_test(y_true, scores_a, scores_b)
    assert (test.auc_a, test.auc_b) == pytest.approx((auc_a, auc_b))
    assert test.auc_a == pytest.approx(roc_auc(y_true, scores_a, resamples=1).value)
    assert test.difference == pytest.approx(auc_a - auc_b)
    assert test.standard_error == pytest.approx(standard_error)
    assert test.p_value == pytest.approx(2 * norm.sf(abs(auc_a - auc_b) / standard_error))
    swapped = delong_test(y_true, scores_b, scores_a)
    assert (swapped.difference, swapped.p_value) == pytest.approx((-test.difference, test.p_value))


def test_delong_on_the_patients_of_the_paper():
    """Albumin and total protein against the Krebs-Goplerud score, to four digits: contrasts as in the example cited."""
    albumin, protein, score = np.array(SURVIVED + DIED).T
    died = np.repeat([0, 1], [len(SURVIVED), len(DIED)])
    by_albumin, by_protein = delong_test(died, albumin, score), delong_test(died, protein, score)
    areas = (by_albumin.auc_a, by_protein.auc_a, by_albumin.auc_b)
    assert np.round(areas, 4).tolist() == [0.7366, 0.6478, 0.7258]
    for test, expected in (
        (by_albumin, [0.0108, 0.0953, 0.0127, 0.9102]),
        (by_protein, [-0.0780, 0.1046, 0.5554, 0.4561]),
    ):
        chi_square = (test.difference / test.standard_error) ** 2
        found = [test.difference, test.standard_error, chi_square, test.p_value]
        assert np.round(found, 4).tolist() == expected


def test_delong_does_not_cry_wolf():
    """Of 400 pairs of equally good networks on the same images about one in twenty differs at 5 %."""
    rng, y_true = np.random.default_rng(0), np.repeat([0, 1], [200, 60])
    p_values = []
    for _ in range(400):
        shared = rng.normal(y_true)
        p_values.append(delong_test(y_true, *(shared + rng.normal(size=260) for _ in range(2))).p_value)
    assert 0.02 <= np.mean(np.array(p_values) < 0.05) <= 0.09


def test_delong_without_any_variance():
    y_true, scores = [0, 0, 1, 1], np.array([0.1, 0.3, 0.2, 0.9])
    same = delong_test(y_true, scores, 2 * scores)
    assert (same.difference, same.standard_error, same.p_value) == (0, 0, 1)
    opposite = delong_test(y_true, [1, 2, 3, 4], [4, 3, 2, 1])
    assert (opposite.difference, opposite.standard_error) == (1, 0)
    assert math.isnan(opposite.p_value)


def test_the_delong_test_prints_itself():
    y_true, scores = examples(0)
    noise = np.random.default_rng(0).normal(size=scores.size)
    assert repr(delong_test(y_true, y_true + 0.01 * noise, noise)).endswith("p < 0.001")
    assert repr(delong_test(y_true, scores, scores)).endswith("difference 0.000, standard error 0.000, p = 1.000")


@pytest.mark.parametrize("seed", SEEDS)
def test_predictive_values_at_the_own_prevalence_are_those_of_the_confusion_matrix(seed):
    confusion = confusion_matrix(*examples(seed), 0.4)
    ppv, npv = predictive_values(
        confusion.sensitivity, confusion.specificity, (confusion.tp + confusion.fn) / confusion.array().sum()
    )
    assert (ppv, npv) == pytest.approx((confusion.precision, confusion.npv))


def test_predictive_values_of_nothing_are_nan():
    assert predictive_values(1, 1, 0.1) == (1, 1)
    assert math.isnan(predictive_values(0, 1, 0.1).ppv)
    assert math.isnan(predictive_values(1, 0, 0.1).npv)
    assert predictive_values(0.9, 0.9, 0).ppv == 0
    for wrong in ((1.1, 1, 0), (1, -0.1, 0), (1, 1, math.nan)):
        with pytest.raises(ValueError, match="is a share from 0 to 1, not"):
            predictive_values(*wrong)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("bins", [1, 5, 10])
def test_the_calibration_curve_is_that_of_scikit_learn(seed, bins):
    y_true, scores = examples(seed)
    observed, mean = calibration.calibration_curve(y_true, scores, n_bins=bins)
    curve = calibration_curve(y_true, scores, bins)
    np.testing.assert_allclose(curve.mean_predicted, mean)
    np.testing.assert_allclose(curve.observed_share, observed)
    assert curve.counts.sum() == len(scores)
    assert (curve.counts > 0).all()


def test_calibration_takes_probabilities_and_one_class():
    assert calibration_curve([0, 0], [0, 1], bins=2).observed_share.tolist() == [0, 0]
    with pytest.raises(ValueError, match=r"probabilities from 0 to 1, and these go from -0.5 to 1.2"):
        calibration_curve([0, 1], [-0.5, 1.2])
    with pytest.raises(ValueError, match="bins is a count"):
        calibration_curve([0, 1], [0.5, 0.7], bins=0)


NEEDS_BOTH = [
    roc_auc,
    roc_curve,
    threshold_for_cost,
    lambda y, s: threshold_for_recall(y, s, 0.5),
    lambda y, s: delong_test(y, s, s),
]


@pytest.mark.parametrize("function", [*NEEDS_BOTH, confusion_matrix, calibration_curve])
@pytest.mark.parametrize(
    "y_true, scores, message",
    [
        ([], [], "there are no images"),
        ([0, 1], [0.1], "2 labels and 1 scores"),
        ([0, 1, 1], [0.1, np.nan, np.inf], "2 of 3 scores are NaN or infinite. The network has diverged"),
        ([0, 2], [0.1, 0.2], "y_true is 0 or 1 for each image, and there is 2"),
        ([0, 0.5], [0.1, 0.2], "there is 0.5"),
        ([0, np.nan], [0.1, 0.2], "there is nan"),
        ([-1, 1], [0.1, 0.2], "there is -1"),
        (["no", "yes"], [0.1, 0.2], "there is no"),
        ([None, 1], [0.1, 0.2], "there is None"),
        ([[0, 1], [1]], [0.1, 0.2], "rows are not all as long"),
        ([[1, 0], [1, 1]], [0.1, 0.2], "one-hot row of y_true has a single 1"),
        ([[1, 0, 0], [0, 1, 0]], [0.1, 0.2], r"y_true is .* not of shape \(2, 3\)"),
        (1, 0.5, r"not of shape \(\)"),
        ([0, 1], [[0.1], [0.2]], r"scores are .* not of shape \(2, 1\)"),
        ([0, 1], ["a", "b"], "scores are numbers"),
    ],
)
def test_hostile_input_is_refused_in_one_line(function, y_true, scores, message):
    with pytest.raises(ValueError, match=message) as caught:
        function(y_true, scores)
    assert "\n" not in str(caught.value)
    assert ": " in str(caught.value)


@pytest.mark.parametrize("function", NEEDS_BOTH)
@pytest.mark.parametrize("only", [0, 1])
def test_one_class_only_is_refused(function, only):
    with pytest.raises(ValueError, match=f"needs images of both classes, and all 3 are of class {only}"):
        function(3 * [only], [0.1, 0.2, 0.3])


def test_options_out_of_their_range_are_refused():
    y_true, scores = [0, 1], [0.1, 0.2]
    for confidence in (0, 1, 95, math.nan):
        with pytest.raises(ValueError, match="confidence lies between 0 and 1"):
            roc_auc(y_true, scores, confidence=confidence)
    with pytest.raises(ValueError, match="resamples is a count, 1 or more, not 0"):
        roc_auc(y_true, scores, resamples=0)
    for recall in (0, 1.1, math.nan):
        with pytest.raises(ValueError, match="recall is above 0 and at most 1"):
            threshold_for_recall(y_true, scores, recall)
    for costs in ((0, 1), (1, -1), (math.nan, 1), (1, math.inf)):
        with pytest.raises(ValueError, match="both costs are above 0"):
            threshold_for_cost(y_true, scores, *costs)
    with pytest.raises(ValueError, match="threshold is a number"):
        confusion_matrix(y_true, scores, math.nan)
    with pytest.raises(ValueError, match="two images of each class"):
        delong_test([0, 1, 1], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1])
