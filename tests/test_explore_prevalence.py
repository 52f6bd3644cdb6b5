"""PrevalenceExplorer: every number is that of the code view, of scikit-learn on ten thousand films, and of the rule."""

import dataclasses
import json

import numpy as np
import pytest
import sklearn.metrics
from explorers import check_saved, moments, move_every_control
from scipy.stats import norm

from cnnkit.evaluate import predictive_values
from cnnkit.explore.prevalence import PREVALENCES, SEPARATIONS, THRESHOLDS, PrevalenceExplorer, PrevalenceParameters

MEASURES = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv", "auc")


@pytest.fixture(scope="module")
def explorer():
    return PrevalenceExplorer()


def random_parameters(seed):
    rng = np.random.default_rng(seed)
    return PrevalenceParameters(
        prevalence=int(rng.choice(PREVALENCES)),
        separation=int(rng.choice(SEPARATIONS)),
        threshold=int(rng.choice([0, 50, 100, *rng.choice(THRESHOLDS, 8)])),
    )


def run(explorer, parameters):
    """Run the code view as a student would, and return what it made."""
    names = {}
    code = explorer.code(parameters)
    assert "cnnkit" not in code
    exec(code, names)
    return names


def counts(table):
    return np.array([[int(cell.split()[0].replace(",", "")) for cell in row[1:]] for row in table.rows])


def test_the_code_view_computes_exactly_what_is_shown(explorer):
    """Two hundred random settings; no count and no digit may differ, and nothing is divided by 0."""
    undefined = set()
    with np.errstate(all="raise", under="ignore"):
        for seed in range(200):
            parameters = random_parameters(seed)
            names, pictures = run(explorer, parameters), explorer.render(parameters).pictures
            np.testing.assert_array_equal(names["confusion"], counts(pictures["confusion"]), err_msg=str(parameters))
            for (title, here, _), name in zip(pictures["measures"].rows, MEASURES, strict=True):
                if np.isnan(names[name]):
                    undefined.add(title)
                    assert here == "none"
                else:
                    assert float(here) == pytest.approx(names[name], abs=5.01e-4), (parameters, name)
            always = names["always_nofinding"]
            assert float(pictures["measures"].rows[0][2]) == pytest.approx(always)
            assert pictures["accuracy"].lines[0].y == pytest.approx((always, always))
    assert undefined == {"PPV", "NPV"}


def test_the_measures_are_those_of_ten_thousand_films(explorer):
    """Films made one by one at the quantiles of both distributions, and counted by scikit-learn."""
    for parameters in (PrevalenceParameters(), PrevalenceParameters(30, 25, 55), PrevalenceParameters(2, 8, 60)):
        effusions = 100 * parameters.prevalence
        sizes = (10_000 - effusions, effusions)
        y_true = np.repeat([0, 1], sizes)
        means = (50 - parameters.separation / 2, 50 + parameters.separation / 2)
        scores = [norm.ppf((np.arange(n) + 0.5) / n, mean, 10) for n, mean in zip(sizes, means, strict=True)]
        called = np.concatenate(scores) >= parameters.threshold
        shown = explorer.render(parameters).pictures
        np.testing.assert_allclose(counts(shown["confusion"]), sklearn.metrics.confusion_matrix(y_true, called), atol=1)
        values = {title: float(here) for title, here, _ in shown["measures"].rows}
        for title, value in (
            ("accuracy", sklearn.metrics.accuracy_score(y_true, called)),
            ("balanced accuracy", sklearn.metrics.balanced_accuracy_score(y_true, called)),
            ("PPV", sklearn.metrics.precision_score(y_true, called)),
            ("NPV", sklearn.metrics.precision_score(~y_true.astype(bool), ~called)),
            ("AUC", sklearn.metrics.roc_auc_score(y_true, np.concatenate(scores))),
        ):
            assert values[title] == pytest.approx(value, abs=6e-3), (parameters, title)


def test_the_trap_of_accuracy_can_be_seen(explorer):
    """A useful test is less accurate than saying always nofinding, and at the far end the two are the same."""
    useful = explorer.render(PrevalenceParameters())
    (_, here, always), *_ = useful.pictures["measures"].rows
    assert float(here) < float(always) == 0.9
    assert 0 in useful.pictures["measures"].marked
    assert "Accuracy 0.773, lower than always saying nofinding (0.90), which finds no effusion" in useful.facts
    end = explorer.render(PrevalenceParameters(threshold=100))
    assert "Accuracy 0.900, the same as always saying nofinding" in end.facts
    assert all(here == always for _, here, always in end.pictures["measures"].rows[:-1])
    assert "higher than always saying nofinding (0.50)" in explorer.render(PrevalenceParameters(prevalence=50)).facts


def test_the_prevalence_moves_the_predictive_values_alone(explorer):
    """What does not depend on it stays, but for whole films; what does is Bayes' rule."""
    for threshold in (45, 50, 58):
        for prevalence in (5, 20, 50):
            parameters = PrevalenceParameters(prevalence, 20, threshold)
            values = {title: here for title, here, _ in explorer.render(parameters).pictures["measures"].rows}
            sensitivity, specificity = norm.sf(threshold, 60, 10), norm.cdf(threshold, 40, 10)
            assert float(values["sensitivity"]) == pytest.approx(sensitivity, abs=2e-3)
            assert float(values["specificity"]) == pytest.approx(specificity, abs=1e-3)
            assert values["AUC"] == "0.921"
            ppv, npv = predictive_values(sensitivity, specificity, prevalence / 100)
            assert float(values["PPV"]) == pytest.approx(ppv, abs=3e-3)
            assert float(values["NPV"]) == pytest.approx(npv, abs=3e-3)


def test_the_curves_are_scaled_by_the_prevalence_and_pass_through_their_dots(explorer):
    for seed in range(40):
        parameters = random_parameters(seed)
        pictures = explorer.render(parameters).pictures
        negative, positive, line = pictures["scores"].lines
        assert np.sum(positive.y) <= 100 * parameters.prevalence * 1.001
        assert np.sum(negative.y) + np.sum(positive.y) == pytest.approx(10_000, rel=2e-3)
        assert np.max(negative.y) < pictures["scores"].y_range[1]
        assert line.x == (parameters.threshold,) * 2
        for curve, dot in ((1, 3), (2, 4)):
            lines = pictures["accuracy"].lines
            assert lines[curve].y[parameters.threshold] == lines[dot].y[0]
        for curve, dot in ((0, 1), (2, 3)):
            lines = pictures["predictive"].lines
            present = np.asarray(lines[curve].x) == parameters.prevalence
            np.testing.assert_array_equal(np.asarray(lines[curve].y)[present], lines[dot].y)
        (x,), (y,) = pictures["roc"].lines[3].x, pictures["roc"].lines[3].y
        assert 0 <= x <= 1 and 0 <= y <= 1


def test_where_nothing_is_called_there_is_no_predictive_value(explorer):
    none = explorer.render(PrevalenceParameters(threshold=100))
    assert "none is called so, and there is no PPV." in none.facts
    assert none.pictures["measures"].rows[4] == ("PPV", "none", "none")
    assert list(none.pictures["predictive"].lines[3].x) == []
    everything = explorer.render(PrevalenceParameters(threshold=0, separation=0))
    assert "10,000 are called so, 1,000 of them rightly (PPV 0.10), and no NPV" in everything.facts
    assert "The AUC is 0.50" in everything.facts


def test_the_most_accurate_threshold_is_that_of_all_code_views(explorer):
    parameters = PrevalenceParameters(prevalence=20, separation=25)
    accuracies = [
        run(explorer, dataclasses.replace(parameters, threshold=threshold))["accuracy"] for threshold in THRESHOLDS
    ]
    best = int(np.argmax(accuracies))
    found = run(explorer, dataclasses.replace(parameters, threshold=best))["sensitivity"]
    assert (
        f"No threshold is more accurate than {best}, with {accuracies[best]:.3f}, and there {100 * found:.0f} % of the"
        " effusions are found."
    ) in explorer.render(parameters).facts


def test_every_control_may_go_to_both_ends(explorer):
    move_every_control(explorer)
    assert explorer.parameters == PrevalenceParameters()


def test_all_thresholds_are_sent_ahead_as_json(explorer):
    assert sorted(map(int, moments(explorer))) == list(THRESHOLDS)
    for buffer in explorer._frames.frames["buffers"]:
        json.loads(buffer, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_the_saved_notebook_keeps_a_picture_and_its_words(explorer):
    check_saved(explorer)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": 101}, "threshold is a whole number from 0 to 100, not 101"),
        ({"threshold": 0.5}, "threshold is a whole number from 0 to 100, not 0.5"),
        ({"prevalence": 0}, "prevalence is a whole number from 1 to 50, not 0"),
        ({"separation": -1}, "separation is a whole number from 0 to 40, not -1"),
    ],
)
def test_bad_input_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as error:
        PrevalenceExplorer(**changes)
    assert "\n" not in str(error.value)
