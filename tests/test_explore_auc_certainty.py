"""AucCertaintyExplorer: every number is that of the code view, of scikit-learn, and strays as far as theory says."""

import json

import numpy as np
import pytest
import sklearn.metrics
from explorers import check_saved, moments, move_every_control
from scipy.stats import multivariate_normal, norm

from cnnkit.explore.auc_certainty import (
    MARKS,
    NEGATIVES,
    POSITIVES,
    TRUTHS,
    AucCertaintyExplorer,
    AucCertaintyParameters,
)


@pytest.fixture(scope="module")
def explorer():
    return AucCertaintyExplorer()


def random_parameters(seed):
    rng = np.random.default_rng(seed)
    return AucCertaintyParameters(
        positives=int(rng.choice([2, 3, 10, 200, *rng.choice(POSITIVES, 8)])),
        negatives=int(rng.choice(NEGATIVES, p=[0.4, 0.3, 0.2, 0.05, 0.05])),  # the many take longest
        truth=int(rng.choice(TRUTHS)),
    )


def run(explorer, parameters):
    """Run the code view as a student would, and return what it made."""
    names = {}
    code = explorer.code(parameters)
    assert "cnnkit" not in code
    exec(code, names)
    return names


def test_the_code_view_computes_exactly_what_is_shown(explorer):
    """Forty random settings; no count may differ."""
    ordinary = set()
    for seed in range(40):
        parameters = random_parameters(seed)
        names, rendering = run(explorer, parameters), explorer.render(parameters)
        pictures, low, high = rendering.pictures, names["low"], names["high"]
        bars = np.asarray(pictures["histogram"].lines[0].y)[1:-1:2]
        np.testing.assert_allclose(bars, names["bars"] / 20, atol=1e-9, err_msg=str(parameters))
        dashed = [line.x[0] for line in pictures["histogram"].lines if line.style == "dashed"]
        assert dashed == [low, high]
        dots = [line for line in pictures["middle"].lines if line.style == "dots"]
        assert [(line.x[0], line.y[0]) for line in dots] == [(parameters.positives, low), (parameters.positives, high)]
        assert f"lie between {low:.2f} and {high:.2f}." in rendering.facts
        for mark, share, (title, count, inside) in zip(MARKS, names["further"], pictures["marks"].rows, strict=True):
            assert title == f"{mark:.2f} or {'lower' if mark < parameters.truth / 100 else 'higher'}"
            assert int(count.replace(",", "")) == round(2000 * share)
            assert inside == ("yes" if low <= mark <= high else "no")
            assert f"{title} in {count}" in rendering.facts
            ordinary.add((mark, inside))
    assert len(ordinary) == 6  # each of the three figures was ordinary somewhere, and somewhere not


@pytest.mark.parametrize(("positives", "negatives", "truth"), [(2, 40, 60), (11, 80, 85), (60, 200, 50)])
def test_what_is_measured_is_the_area_under_the_roc_curve(explorer, positives, negatives, truth):
    names = run(explorer, AucCertaintyParameters(positives, negatives, truth))
    y_true = np.repeat([0, 1], [negatives, positives])
    for number in (0, 1, 700, 1999):
        scores = np.concatenate([names["nofinding"][number], names["effusion"][number]])
        assert names["auc"][number] == pytest.approx(sklearn.metrics.roc_auc_score(y_true, scores))


@pytest.mark.parametrize(
    ("positives", "negatives", "truth"), [(2, 40, 60), (2, 1000, 85), (21, 200, 78), (200, 40, 95)]
)
def test_it_strays_as_far_as_theory_says(explorer, positives, negatives, truth):
    """The exact variance of the measured AUC (Hanley and McNeil 1982, appendix), for two normal distributions."""
    auc = run(explorer, AucCertaintyParameters(positives, negatives, truth))["auc"]
    area, places = truth / 100, np.full(2, norm.ppf(truth / 100))
    both = multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]]).cdf(places)  # two effusions score higher than one other
    variance = (area * (1 - area) + (positives + negatives - 2) * (both - area**2)) / (positives * negatives)
    assert auc.std() == pytest.approx(np.sqrt(variance), rel=0.08)
    assert auc.mean() == pytest.approx(area, abs=4 * np.sqrt(variance / 2000))


def test_with_two_positives_the_courses_figures_are_all_ordinary_and_with_twenty_none_is(explorer):
    few = explorer.render(AucCertaintyParameters(positives=2, truth=60))
    assert few.pictures["marks"].marked == (0, 1, 2)
    many = explorer.render(AucCertaintyParameters(positives=21, negatives=200, truth=60))
    assert many.pictures["marks"].marked == ()
    assert "0.19 or lower in 0, 0.78 or higher in" in many.facts


def test_more_positives_make_the_middle_narrower(explorer):
    for truth in (60, 85):
        lines = explorer.render(AucCertaintyParameters(negatives=1000, truth=truth)).pictures["middle"].lines
        low, high = (np.asarray(line.y) for line in lines if line.style == "dashed")
        width = high - low
        assert (np.diff(width) < 0.02).all() and width[-1] < width[0] / 6
        assert (low <= truth / 100).all() and (high >= truth / 100).all()


def test_every_validation_set_stands_in_one_bar(explorer):
    for seed in range(20):
        histogram = explorer.render(random_parameters(seed)).pictures["histogram"]
        assert np.sum(histogram.lines[0].y) / 2 == pytest.approx(100)
        assert max(histogram.lines[0].y) < histogram.y_range[1]
    perfect = explorer.render(AucCertaintyParameters(truth=99)).pictures["histogram"].lines[0]
    assert perfect.y[-2] == max(perfect.y)  # a measured AUC of 1 stands in the last


def test_every_control_may_go_to_both_ends(explorer):
    move_every_control(explorer)
    assert explorer.parameters == AucCertaintyParameters()


def test_all_numbers_of_positives_are_sent_ahead_as_json(explorer):
    assert sorted(map(int, moments(explorer))) == list(POSITIVES)
    for buffer in explorer._frames.frames["buffers"]:
        json.loads(buffer, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_the_saved_notebook_keeps_a_picture_and_its_words(explorer):
    check_saved(explorer)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positives": 1}, "positives is a whole number from 2 to 200, not 1"),
        ({"positives": 2.5}, "positives is a whole number from 2 to 200, not 2.5"),
        ({"truth": 0.8}, "truth is a whole number from 50 to 99, not 0.8"),
        ({"negatives": 41}, "negatives is one of 40, 80, 200, 400, 1000, not 41"),
    ],
)
def test_bad_input_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as error:
        AucCertaintyExplorer(**changes)
    assert "\n" not in str(error.value)
