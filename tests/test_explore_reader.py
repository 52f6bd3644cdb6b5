"""ReaderExplorer: measures are those of the code view and of scikit-learn, and nothing tells the truth too early."""

import json
import sys

import numpy as np
import pytest
import sklearn.metrics
from explorers import check_saved, moments, shown, shown_facts
from PIL import Image

from cnnkit import datasets
from cnnkit.datasets import ImageFolder
from cnnkit.explore.reader import FILMS, ReaderExplorer, ReaderParameters
from cnnkit.images import resize, to_gray

NONE = (0,) * FILMS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twenty-four films of random noise, of several sizes, some with colour channels and alpha."""
    place = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(0)
    for number in range(24):
        kind = "nofinding" if number % 2 else "effusion"
        (place / kind).mkdir(exist_ok=True)
        film = rng.integers(0, 256, (40 + number, 60), np.uint8)
        if number % 7 == 0:
            film = np.dstack([film, film, film, np.full_like(film, 255)])
        Image.fromarray(film).save(place / kind / f"secret_{number}.png")
    return ImageFolder(place, ["nofinding", "effusion"])


@pytest.fixture
def scores(folder):
    return np.random.default_rng(1).random(len(folder)).round(1)  # with ties


@pytest.fixture
def explorer(folder, scores):
    return ReaderExplorer(folder, scores)


def random_answers(seed):
    return tuple(np.random.default_rng(seed).integers(1, 7, FILMS).tolist())


def run(explorer, parameters):
    """Run the code view as a student would, and return what it made."""
    explorer.parameters = parameters
    names = {"truth": explorer.truth, "scores": explorer.scores} if parameters.finished else {}
    code = explorer.code(parameters)
    assert "cnnkit" not in code
    exec(code, names)
    return names


def column(table, reader):
    """The cells of one reader: sensitivity, specificity and AUC, each with its interval, and accuracy."""
    return [row[table.header.index(reader)] for row in table.rows]


def expected(reading):
    return [
        f"{reading['sensitivity']:.2f}",
        "{:.2f}–{:.2f}".format(*reading["sensitivity_interval"]),
        f"{reading['specificity']:.2f}",
        "{:.2f}–{:.2f}".format(*reading["specificity_interval"]),
        f"{reading['auc']:.2f}",
        "{:.2f}–{:.2f}".format(*reading["auc_interval"]),
        f"{reading['accuracy']:.2f}",
    ]


def test_the_code_view_computes_exactly_what_is_shown(folder, scores):
    """Several draws of films and random answers, ties among them; no digit may differ."""
    for seed in range(12):
        explorer = ReaderExplorer(folder, scores if seed % 3 else None, threshold=0.4, seed=seed)
        parameters = ReaderParameters(1 + seed, random_answers(seed))
        names = run(explorer, parameters)
        results = explorer.render(parameters).pictures["results"]
        assert column(results, "you") == expected(names["you"])
        assert column(results, "“nofinding”") == expected(names["always_nofinding"])
        if seed % 3:
            assert column(results, "network") == expected(names["network"])
        else:
            assert "network" not in names
            assert results.header == ("measure", "you", "“nofinding”")


def test_the_measures_are_those_of_scikit_learn(explorer, folder, scores):
    parameters = ReaderParameters(answers=random_answers(3))
    explorer.parameters = parameters
    truth, answers = explorer.truth, np.array(parameters.answers)
    results = explorer.render(parameters).pictures["results"]
    for reader, given, threshold in (("you", answers, 4), ("network", explorer.scores, 0.5)):
        cells = column(results, reader)
        assert cells[0] == f"{sklearn.metrics.recall_score(truth, given >= threshold):.2f}"
        assert cells[2] == f"{sklearn.metrics.recall_score(1 - truth, given < threshold):.2f}"
        assert cells[4] == f"{sklearn.metrics.roc_auc_score(truth, given):.2f}"
        assert cells[6] == f"{sklearn.metrics.accuracy_score(truth, given >= threshold):.2f}"
    always = column(results, "“nofinding”")
    assert (always[0], always[2], always[4], always[6]) == ("0.00", "1.00", "0.50", f"{np.mean(truth == 0):.2f}")


def test_wilson_intervals_are_the_published_ones(folder):
    """0 of 10 is 0.00-0.28, in R. G. Newcombe, Statistics in Medicine 17, 1998, and every text since; here 0 of n."""
    for seed in range(3):
        explorer = ReaderExplorer(folder, seed=seed)
        parameters = ReaderParameters(answers=(1,) * FILMS)
        explorer.parameters = parameters
        n, z = int(explorer.truth.sum()), 1.959964
        cells = column(explorer.render(parameters).pictures["results"], "you")
        assert cells[:2] == ["0.00", f"0.00–{z**2 / (n + z**2):.2f}"]


def test_a_reader_who_knows_all_and_one_who_is_always_wrong(explorer):
    knows = tuple(6 if ill else 1 for ill in explorer._truth)
    wrong = tuple(7 - answer for answer in knows)
    for answers, value, verdict in ((knows, "1.00", "right"), (wrong, "0.00", "wrong")):
        rendering = explorer.render(ReaderParameters(5, answers))
        cells = column(rendering.pictures["results"], "you")
        assert cells[0] == cells[2] == cells[4] == cells[6] == value
        assert f": {verdict}. " in rendering.facts
        curve, point = rendering.pictures["roc"].lines[1:3]
        assert (point.x[0], point.y[0]) == ((0, 1) if verdict == "right" else (1, 0))
        assert np.trapezoid(curve.y, curve.x) == pytest.approx(float(value))


def test_the_films_are_those_of_the_folder_and_truth_and_scores_go_with_them(folder, scores):
    everything = {
        resize(to_gray(folder.read(index)), (256, 256)).tobytes(): (folder.labels[index], scores[index])
        for index in range(len(folder))
    }
    for seed in range(8):
        explorer = ReaderExplorer(folder, scores, seed=seed, answers=random_answers(seed))
        found = [everything[film.tobytes()] for film in explorer.films]
        assert len({film.tobytes() for film in explorer.films}) == FILMS
        np.testing.assert_array_equal(explorer.truth, [label for label, _ in found])
        np.testing.assert_array_equal(explorer.scores, [score for _, score in found])
        np.testing.assert_array_equal(explorer.render(ReaderParameters(4)).pictures["film"], explorer.films[3])
        again = ReaderExplorer(folder, seed=seed)
        np.testing.assert_array_equal(again.films, explorer.films)


def test_how_many_effusions_there_are_cannot_be_known(folder):
    truths = [ReaderExplorer(folder, seed=seed)._truth for seed in range(40)]
    assert {int(truth.sum()) for truth in truths} == {4, 5, 6, 7, 8}
    assert 8 < sum(truth[0] for truth in truths) < 32  # nor does the order tell


def test_scores_of_both_classes_and_the_other_order_of_classes_mean_the_same(folder, scores):
    other = ImageFolder(folder.path)  # by name, effusion first
    assert other.classes == ("effusion", "nofinding")
    of_film = dict(zip(folder.paths, scores, strict=True))
    ours = np.array([of_film[path] for path in other.paths])
    answers = random_answers(0)
    one = ReaderExplorer(folder, np.column_stack([1 - scores, scores]), answers=answers)
    assert column(one.render(one.parameters).pictures["results"], "network") == column(
        ReaderExplorer(folder, scores).render(one.parameters).pictures["results"], "network"
    )
    two = ReaderExplorer(other, np.column_stack([ours, 1 - ours]), answers=answers)
    np.testing.assert_array_equal(two.scores, ReaderExplorer(other, ours, answers=answers).scores)


def told(explorer, answers):
    """All that an explorer shows in panels, words and code."""
    parameters = ReaderParameters(2, answers)
    rendering = explorer.render(parameters)
    panels = {name: picture for name, picture in rendering.pictures.items() if name != "film"}
    return repr(panels), rendering.facts, explorer.code(parameters)


def test_nothing_tells_the_truth_before_the_end(explorer):
    """With the opposite truth and other scores all that is shown is the same, until the last film has an answer."""
    answers = random_answers(7)
    for missing in range(FILMS):
        given = tuple(0 if at == missing else answer for at, answer in enumerate(answers))
        before = told(explorer, given)
        explorer._truth, explorer._scores = 1 - explorer._truth, 1 - explorer._scores
        assert told(explorer, given) == before
    static = explorer._static_picture(explorer.render(ReaderParameters()))
    panels, facts, _ = told(explorer, answers)
    explorer._truth = 1 - explorer._truth
    explorer._readings.cache_clear()
    assert explorer._static_picture(explorer.render(ReaderParameters())) == static
    assert told(explorer, answers)[0] != panels and told(explorer, answers)[1] != facts


def test_neither_names_of_files_nor_the_truth_are_sent_to_the_page(explorer, folder):
    def sent():
        """All that the page has of the explorer."""
        explorer.parameters = ReaderParameters(3, (*random_answers(1)[:11], 0))
        widgets = [explorer._frames, *explorer._controls.values()]
        return repr([each.get_state() for each in widgets])

    before = sent()
    assert "secret" not in before and folder.path.name not in before
    explorer._truth, explorer._scores = 1 - explorer._truth, 1 - explorer._scores
    assert sent() == before


def test_the_truth_cannot_be_asked_for_before_the_end(explorer):
    for name in ("truth", "scores"):
        with pytest.raises(ValueError, match="12 of 12 films have no answer yet; answer them first"):
            getattr(explorer, name)
    explorer.parameters = ReaderParameters(answers=(0, *random_answers(0)[1:]))
    with pytest.raises(ValueError, match="1 of 12 films have no answer"):
        explorer.truth  # noqa: B018
    explorer.parameters = ReaderParameters(answers=random_answers(0))
    assert explorer.truth.sum() in range(4, 9)


def test_answers_are_neither_written_nor_sent(explorer):
    """No file is opened to write, and nothing is connected to, while all films are answered."""
    seen, watching = [], True

    def watch(event, arguments):
        if watching and (event.startswith("socket.") or (event == "open" and "w" in str(arguments[1]))):
            seen.append((event, arguments))

    sys.addaudithook(watch)  # it cannot be taken away again, only be told not to look
    for film, answer in enumerate(random_answers(2), 1):
        answers = list(explorer.parameters.answers)
        answers[film - 1] = answer
        explorer._controls["answers"].value = answers  # a list, as it comes from the page
        assert explorer.parameters.answers == tuple(answers)
        assert f"{film} of 12 films have an answer" in shown_facts(explorer) or film == FILMS
    watching = False
    assert explorer.parameters.finished and not seen


def test_every_control_may_go_to_both_ends(explorer):
    film, answers = explorer._controls.values()
    for value in (1, FILMS):
        for given in (NONE, (1,) * FILMS, (6,) * FILMS, (*random_answers(4)[:11], 0)):
            film.value, answers.value = value, given
            assert explorer.parameters == ReaderParameters(value, given)
            assert shown_facts(explorer) == explorer.render(explorer.parameters).facts
            assert shown(explorer)["code"] == explorer.code(explorer.parameters)
    explorer.reset()
    assert explorer.parameters == ReaderParameters()


def test_the_code_before_the_end_counts_the_answers(explorer):
    names = run(explorer, ReaderParameters(2, (3, 0, 6, *NONE[3:])))
    assert names["answered"] == 2
    assert "2 of 12 films have an answer" in shown_facts(explorer)


def test_all_films_are_sent_once_and_a_moment_is_small(explorer):
    assert sorted(map(int, moments(explorer))) == list(range(1, FILMS + 1))
    explorer._send([1])
    explorer.parameters = ReaderParameters(1, random_answers(0))
    for buffer in explorer._frames.frames["buffers"]:
        json.loads(buffer, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    explorer._send([1])
    frames = explorer._frames.frames
    assert sum(map(len, frames["buffers"])) + len(json.dumps(frames["moments"])) < 8_000


def test_the_saved_notebook_keeps_the_films_and_its_words(explorer):
    check_saved(explorer)
    finished = explorer._static_picture(explorer.render(ReaderParameters(1, random_answers(0))))
    assert finished != explorer._static_picture(explorer.render(ReaderParameters()))


def test_drawn_films_are_called_synthetic(tmp_path, folder, monkeypatch):
    folders = [tmp_path / "cxr" / kind for kind in ("nofinding", "effusion")]
    for kind in folders:
        kind.mkdir(parents=True)
        for number in range(8):
            Image.fromarray(np.full((32, 32), 20 * number, np.uint8)).save(kind / f"{number}.png")
    (tmp_path / "cxr" / "source.json").write_text(json.dumps({"kind": "synthetic", "from": "a test", "files": {}}))
    drawn = ReaderExplorer(datasets.load("cxr", tmp_path))
    assert drawn.render(ReaderParameters()).facts.startswith("Synthetic film 1 of 12")
    assert drawn._controls["answers"].title == "Synthetic chest film"
    given = ReaderExplorer(folder)
    assert given.render(ReaderParameters()).facts.startswith("Film 1 of 12")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"film": 0}, "film is a whole number from 1 to 12, not 0"),
        ({"answers": (1, 2)}, r"answers is a tuple of 12 numbers, one for each film, not \(1, 2\)"),
        ({"answers": [0] * 12}, "answers is a tuple of 12 numbers"),
        ({"answers": (7, *NONE[1:])}, "an answer is a whole number from 1 to 6, or 0 for none, not 7"),
        ({"answers": (2.5, *NONE[1:])}, "an answer is a whole number from 1 to 6, or 0 for none, not 2.5"),
        ({"scores": [0.5] * 7}, r"scores are \(24,\) or \(24, 2\), for all films of the folder in its order, and"),
        ({"scores": ["a"] * 24}, "scores are numbers"),
        ({"scores": [np.nan] * 24}, "some scores are NaN or infinite"),
        ({"threshold": np.nan}, "threshold is a number"),
    ],
)
def test_bad_input_is_refused_in_one_line(folder, changes, message):
    with pytest.raises(ValueError, match=message) as error:
        ReaderExplorer(folder, **changes)
    assert "\n" not in str(error.value)


def test_a_folder_of_other_pictures_or_of_few_is_refused(folder):
    with pytest.raises(ValueError, match="at least 8 films of each class are needed, and of one there are 7"):
        ReaderExplorer(folder.subset([*range(12), *range(12, 19)]))
    roses = folder.subset(range(24))
    roses.classes = ("daisy", "rose")
    with pytest.raises(ValueError, match="must have the classes nofinding and effusion, and it has daisy, rose"):
        ReaderExplorer(roses)
