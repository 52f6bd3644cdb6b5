"""The reader explorer: twelve films for the student to read, and then the student beside a network, measured alike."""

import dataclasses
import functools
import io
import math
from pathlib import Path

import anywidget
import ipywidgets
import numpy as np
import traitlets
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from cnnkit import datasets, evaluate
from cnnkit.explore.base import WIDTH, Explorer, Rendering
from cnnkit.explore.panels import Chart, Line, Panel, Table
from cnnkit.images import resize, to_gray

__all__ = ["CHOICES", "FILMS", "ReaderExplorer", "ReaderParameters", "Reading"]

FILMS = 12
FEWEST = 4  # of either class, or one of the two shares would say nothing
SIDE = 256  # pixels; what the network of the lessons gets, so that both read the same
CHOICES = (
    "surely nofinding",
    "probably nofinding",
    "perhaps nofinding",
    "perhaps effusion",
    "probably effusion",
    "surely effusion",
)
UNANSWERED = 0
CALLED = 4  # from this answer on it is called effusion
CLASSES = ("nofinding", "effusion")
YOU, NETWORK, ALWAYS = "you", "network", "always nofinding"
HEADERS = {ALWAYS: "“nofinding”"}  # of a column that must not be wide
CONFIDENCE = 0.95

# Of the Okabe-Ito palette: told apart with every common kind of colour blindness; one for each reader.
COLORS = {YOU: "#000000", NETWORK: "#0072b2", ALWAYS: "#cc79a7"}
STYLES = {YOU: "solid", NETWORK: "dashed", ALWAYS: "dotted"}
GUESSING = "#999999"


@dataclasses.dataclass(frozen=True)
class ReaderParameters:
    """What the controls say.

    Parameters
    ----------
    film : number of the film on the light box, 1-12.
    answers : for each film 0 if it has no answer yet, or the number of one of `CHOICES`, 1-6; the higher, the surer
        that it shows an effusion.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    film: int = 1
    answers: tuple[int, ...] = (UNANSWERED,) * FILMS

    def __post_init__(self) -> None:
        if self.film not in range(1, FILMS + 1):
            raise ValueError(f"film is a whole number from 1 to {FILMS}, not {self.film!r}.")
        if not isinstance(self.answers, tuple) or len(self.answers) != FILMS:
            raise ValueError(f"answers is a tuple of {FILMS} numbers, one for each film, not {self.answers!r}.")
        for answer in self.answers:
            if answer not in range(len(CHOICES) + 1):
                raise ValueError(
                    f"an answer is a whole number from 1 to {len(CHOICES)}, or 0 for none, not {answer!r}."
                )

    @property
    def answered(self) -> int:
        """How many films have an answer."""
        return sum(answer != UNANSWERED for answer in self.answers)

    @property
    def finished(self) -> bool:
        """Whether all films have an answer; then, and not before, the truth is shown."""
        return self.answered == FILMS


@dataclasses.dataclass(frozen=True)
class Reading:
    """How well one reader did.

    Parameters
    ----------
    confusion : the counts, at the reader's threshold.
    sensitivity, specificity : 95 % intervals, (low, high).
    auc : with its interval.
    """

    confusion: evaluate.Confusion
    sensitivity: tuple[float, float]
    specificity: tuple[float, float]
    auc: evaluate.Auc


class _LightBox(anywidget.AnyWidget):
    """The films, sent once, and the answers to them, by buttons or by the keys 1 to 6."""

    _esm = Path(__file__).with_name("reader.js")
    _css = Path(__file__).with_name("reader.css")
    films = traitlets.Bytes().tag(sync=True)
    size = traitlets.Tuple().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    choices = traitlets.Tuple().tag(sync=True)
    description = traitlets.Unicode("Your answer").tag(sync=True)
    film = traitlets.Int(1).tag(sync=True)
    value = traitlets.Tuple().tag(sync=True)


class ReaderExplorer(Explorer):
    """Read twelve chest films, say how sure you are, and see your own measures beside those of a network.

    Between four and eight of the films show an effusion, far more than in practice: how many, chance decides. The six
    answers are an order, from surely nofinding to surely effusion; ties count half in the area under the ROC curve.
    The truth is shown when all films have an answer, and from then on the page takes none. The answers stay in the
    kernel's memory: none is written to a file or sent anywhere.

    The intervals of sensitivity and specificity are Wilson's; that of the AUC is the bootstrap of
    `cnnkit.evaluate.roc_auc`, which says 1.00-1.00 if no pair is out of order, and that is too good to be true.

    Parameters
    ----------
    folder : an ImageFolder with the classes nofinding and effusion, at least eight films of each; for a fair comparison
        films that the network has not been trained on. By default all films of `cnnkit.datasets.load("cxr")`.
    scores : what a network gives to all films of the folder, in its order: the probability of effusion, (films,), or
        one for each class, (films, 2). Without them there is no network to compare with.
    threshold : from which score on the network says effusion.
    seed : which films are drawn; the same seed draws the same.
    **parameters : where the explorer begins, see `ReaderParameters`.

    Raises
    ------
    ValueError : other classes, too few films, scores that are not numbers or not one for each film, a parameter out
        of its range.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22, 1927 (the intervals); J. A. Hanley, B. J. McNeil, "The meaning and use of the
    area under a receiver operating characteristic (ROC) curve", Radiology 143, 1982 (the area of ordered answers).
    """

    Parameters = ReaderParameters
    primary = "film"
    lines = 4

    def __init__(
        self,
        folder: datasets.ImageFolder | None = None,
        scores: ArrayLike | None = None,
        threshold: float = 0.5,
        seed: int = 0,
        **parameters: object,
    ) -> None:
        folder = datasets.load("cxr") if folder is None else folder
        chosen = _draw(folder, seed)
        self.films = np.stack([resize(to_gray(folder.read(index)), (SIDE, SIDE)) for index in chosen])
        self.synthetic = _is_synthetic(folder)
        self.threshold = float(threshold)
        if math.isnan(self.threshold):
            raise ValueError("ReaderExplorer: threshold is a number, such as 0.5, and is NaN.")
        self._truth = (folder.labels[chosen] == folder.classes.index("effusion")).astype(int)
        self._scores = None if scores is None else _checked_scores(scores, folder)[chosen]
        self._readings = functools.lru_cache(maxsize=4)(self._measure)
        self.panels = _panels(scores is not None)
        super().__init__(ReaderParameters(**parameters))
        ipywidgets.jslink((self._slider, "value"), (self._controls["answers"], "film"))

    @property
    def truth(self) -> np.ndarray:
        """What the films show: int (12,), 1 for effusion.

        Raises
        ------
        ValueError : as long as a film has no answer.
        """
        self._require_finished()
        return self._truth

    @property
    def scores(self) -> np.ndarray | None:
        """What the network gives to the twelve films: float (12,), or None without one.

        Raises
        ------
        ValueError : as long as a film has no answer.
        """
        self._require_finished()
        return self._scores

    def _require_finished(self) -> None:
        if not self.parameters.finished:
            missing = FILMS - self.parameters.answered
            raise ValueError(f"ReaderExplorer: {missing} of {FILMS} films have no answer yet; answer them first.")

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `ReaderParameters`."""
        return {
            "film": ipywidgets.IntSlider(value=1, min=1, max=FILMS, description="Film"),
            "answers": _LightBox(
                films=self.films.tobytes(),
                size=self.films.shape[1:],
                title=f"{'Synthetic chest' if self.synthetic else 'Chest'} film",
                choices=CHOICES,
            ),
        }

    @property
    def widget(self) -> ipywidgets.Widget:
        """The slider, the light box with the answers, and what becomes of them."""
        self._slider.style.description_width = "90px"
        row = ipywidgets.HBox([self._slider, self.reset_button()], layout={"flex_flow": "wrap", "max_width": WIDTH})
        return ipywidgets.VBox([row, self._controls["answers"], self._frames])

    def render(self, parameters: ReaderParameters) -> Rendering:
        """Return the film and the panels; nothing in them depends on the truth until all films have an answer."""
        readings = self._readings(parameters.answers) if parameters.finished else {}
        pictures = {
            "film": self.films[parameters.film - 1],
            "answers": self._answer_table(parameters),
            "results": _result_table(self._readers(), readings),
            "roc": self._roc_chart(parameters),
        }
        return Rendering(pictures, self._facts(parameters, readings))

    def code(self, parameters: ReaderParameters) -> str:
        """Return the code that makes the measures of each reader, or counts the answers as long as some are missing."""
        begin = [
            "import numpy as np",
            "",
            f"# film = explorer.films[{parameters.film - 1}], as it is shown: a NumPy array of uint8",
            f"answers = np.array({list(parameters.answers)})  # 1 surely nofinding ... 6 surely effusion; 0 none",
            f"answered = np.count_nonzero(answers)  # the measures come when all {FILMS} films have an answer",
        ]
        if not parameters.finished:
            return "\n".join(begin)
        network = [] if self._scores is None else [f"network = read(scores, {self.threshold})"]
        return "\n".join(
            [
                begin[0],
                "from scipy.stats import binomtest",
                "from sklearn.metrics import roc_auc_score",
                "",
                "# truth = explorer.truth, 1 for an effusion" + ("; scores = explorer.scores" if network else ""),
                *begin[2:],
                "",
                "",
                "def interval(count, of):",
                '    return tuple(binomtest(int(count), int(of)).proportion_ci(method="wilson"))',
                "",
                "",
                "def read(scores, threshold):",
                "    ill, well = scores[truth == 1], scores[truth == 0]",
                "    found, cleared = np.sum(ill >= threshold), np.sum(well < threshold)",
                "    rng = np.random.default_rng(0)  # draws films of each class again, with replacement",
                "    ills, wells = (some[rng.integers(len(some), size=(2000, len(some)))] for some in (ill, well))",
                "    higher, ties = ills[:, :, None] > wells[:, None], ills[:, :, None] == wells[:, None]",
                "    areas = (higher + ties / 2).mean(axis=(1, 2))  # of the pairs; a tie counts half",
                "    return {",
                '        "sensitivity": found / len(ill),',
                '        "sensitivity_interval": interval(found, len(ill)),',
                '        "specificity": cleared / len(well),',
                '        "specificity_interval": interval(cleared, len(well)),',
                '        "auc": roc_auc_score(truth, scores),',
                '        "auc_interval": tuple(np.quantile(areas, [0.025, 0.975])),',
                '        "accuracy": (found + cleared) / len(truth),',
                "    }",
                "",
                "",
                f"you = read(answers, {CALLED})",
                *network,
                f"always_nofinding = read(np.zeros({FILMS}), 1)",
            ]
        )

    def _readers(self) -> tuple[str, ...]:
        return (YOU, ALWAYS) if self._scores is None else (YOU, NETWORK, ALWAYS)

    def _read(self, reader: str, answers: tuple[int, ...]) -> tuple[np.ndarray, float]:
        """Return what a reader gives to each film, and from where on that means effusion."""
        if reader == YOU:
            return np.array(answers), CALLED
        return (self._scores, self.threshold) if reader == NETWORK else (np.zeros(FILMS), 1)

    def _measure(self, answers: tuple[int, ...]) -> dict[str, Reading]:
        readings = {}
        for reader in self._readers():
            scores, threshold = self._read(reader, answers)
            confusion = evaluate.confusion_matrix(self._truth, scores, threshold)
            readings[reader] = Reading(
                confusion,
                _wilson(confusion.tp, confusion.tp + confusion.fn),
                _wilson(confusion.tn, confusion.tn + confusion.fp),
                evaluate.roc_auc(self._truth, scores, confidence=CONFIDENCE),
            )
        return readings

    def _answer_table(self, parameters: ReaderParameters) -> Table:
        rows = []
        for number, answer in enumerate(parameters.answers, 1):
            row = [str(number), _in_words(answer)]
            if parameters.finished:
                row.append(CLASSES[self._truth[number - 1]])
                row += [] if self._scores is None else [f"{self._scores[number - 1]:.2f}"]
            else:
                row += ["?"] * (1 if self._scores is None else 2)
            rows.append(tuple(row))
        header = ("film", "you", "truth") + (() if self._scores is None else ("network",))
        return Table(header, tuple(rows), marked=(parameters.film - 1,))

    def _roc_chart(self, parameters: ReaderParameters) -> Chart:
        lines = [Line((0, 1), (0, 1), GUESSING, "dashed")]
        for reader in self._readers() if parameters.finished else ():
            scores, threshold = self._read(reader, parameters.answers)
            curve = evaluate.roc_curve(self._truth, scores)
            point = evaluate.confusion_matrix(self._truth, scores, threshold)
            lines.append(Line(curve.false_positive_rate, curve.sensitivity, COLORS[reader], STYLES[reader]))
            lines.append(Line([1 - point.specificity], [point.sensitivity], COLORS[reader], "dots"))
        return Chart(
            tuple(lines), "share of false alarms (1 - specificity)", "sensitivity", (-0.03, 1.03), (-0.03, 1.03)
        )

    def _facts(self, parameters: ReaderParameters, readings: dict[str, Reading]) -> str:
        answer = parameters.answers[parameters.film - 1]
        film = f"{'Synthetic film' if self.synthetic else 'Film'} {parameters.film} of {FILMS}"
        if not readings:
            said = f"your answer is {_in_words(answer)}" if answer else "no answer yet"
            return (
                f"{film}: {said}. {parameters.answered} of {FILMS} films have an answer; between {FEWEST} and"
                f" {FILMS - FEWEST} of them show an effusion, more than in practice. What they show is said when all"
                " have an answer; until then you may go back and change one. Your answers stay in this kernel: they are"
                " neither saved nor sent. Not for diagnosis."
            )
        shows = CLASSES[self._truth[parameters.film - 1]]
        right = "right" if (answer >= CALLED) == (shows == "effusion") else "wrong"
        results = "; ".join(f"{reader}: {_result(reading)}" for reader, reading in readings.items())
        return (
            f"{film} is {shows}, and you said {_in_words(answer)}: {right}. Effusions found, others cleared, AUC ("
            f"{100 * CONFIDENCE:g} % interval): {results}. Twelve films are few, so the intervals are wide."
        )

    def _static_picture(self, rendering: Rendering) -> bytes:
        """Draw all twelve films, each with its answer, as a PNG."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10, 4), layout="constrained", dpi=72)
        rows = rendering.pictures["answers"].rows
        for ax, film, (number, answer, truth, *_) in zip(
            figure.subplots(2, FILMS // 2).flat, self.films, rows, strict=True
        ):
            ax.imshow(film, cmap="gray", vmin=0, vmax=255)
            ax.axis("off")
            is_known = "" if truth == "?" else f"\nis {truth}"
            ax.set_title(
                f"{number}" + ("" if answer == _in_words(UNANSWERED) else f": {answer}") + is_known, fontsize=8
            )
        stream = io.BytesIO()
        figure.savefig(stream, format="png", bbox_inches="tight", metadata={"Software": None})
        return stream.getvalue()


def _draw(folder: datasets.ImageFolder, seed: int) -> np.ndarray:
    """Return the numbers of twelve films of a folder, in random order, with at least four of each class."""
    if sorted(folder.classes) != sorted(CLASSES):
        raise ValueError(
            "ReaderExplorer: the folder must have the classes nofinding and effusion, and it has"
            f" {', '.join(folder.classes)}."
        )
    members = [np.flatnonzero(folder.labels == folder.classes.index(name)) for name in CLASSES]
    fewest = min(map(len, members))
    if fewest < FILMS - FEWEST:
        raise ValueError(
            f"ReaderExplorer: at least {FILMS - FEWEST} films of each class are needed, and of one there are {fewest}."
        )
    rng = np.random.default_rng(seed)
    effusions = int(rng.integers(FEWEST, FILMS - FEWEST + 1))
    drawn = [
        rng.choice(some, count, replace=False)
        for some, count in zip(members, (FILMS - effusions, effusions), strict=True)
    ]
    return rng.permutation(np.concatenate(drawn))


def _is_synthetic(folder: datasets.ImageFolder) -> bool:
    """Return whether the folder is the kit's own, drawn set."""
    return folder.path.name == "cxr" and datasets.state("cxr", folder.path.parent).kind == "synthetic"


def _checked_scores(scores: ArrayLike, folder: datasets.ImageFolder) -> np.ndarray:
    """Return the scores of effusion: float64 (films,)."""
    try:
        scores = np.asarray(scores, float)
    except (TypeError, ValueError):
        raise ValueError("ReaderExplorer: scores are numbers, one for each film of the folder.") from None
    if scores.shape not in ((len(folder),), (len(folder), 2)):
        raise ValueError(
            f"ReaderExplorer: scores are ({len(folder)},) or ({len(folder)}, 2), for all films of the folder in its"
            f" order, and these are {scores.shape}."
        )
    if not np.isfinite(scores).all():
        raise ValueError("ReaderExplorer: some scores are NaN or infinite. The network has diverged: train it anew.")
    return scores if scores.ndim == 1 else scores[:, folder.classes.index("effusion")]


def _panels(has_network: bool) -> dict[str, Panel]:
    readers = (YOU, NETWORK, ALWAYS) if has_network else (YOU, ALWAYS)
    names = {YOU: YOU, NETWORK: "network (dashed)", ALWAYS: ALWAYS}
    return {
        "answers": Panel(
            "Your answers (bold: the film on the light box)",
            "For each film your answer and, when all have one, what it shows.",
        ),
        "results": Panel(
            "Shares and their 95 % intervals; “nofinding”: who always says so",
            "Sensitivity, specificity and AUC, each with its interval, and accuracy of each reader; question marks"
            " until all films have an answer.",
        ),
        "roc": Panel(
            "ROC curves, when all have one:",
            "Sensitivity against the share of false alarms for each reader; the diagonal is guessing.",
            legend=tuple((COLORS[reader], names[reader]) for reader in readers),
        ),
    }


def _result_table(readers: tuple[str, ...], readings: dict[str, Reading]) -> Table:
    def row(title: str, cell) -> tuple[str, ...]:
        return (title, *(cell(readings[reader]) if readings else "?" for reader in readers))

    rows = (
        row("sensitivity", lambda reading: f"{reading.confusion.sensitivity:.2f}"),
        row("interval", lambda reading: _interval(*reading.sensitivity)),
        row("specificity", lambda reading: f"{reading.confusion.specificity:.2f}"),
        row("interval", lambda reading: _interval(*reading.specificity)),
        row("AUC", lambda reading: f"{reading.auc.value:.2f}"),
        row("interval", lambda reading: _interval(reading.auc.low, reading.auc.high)),
        row("accuracy", lambda reading: f"{reading.confusion.accuracy:.2f}"),
    )
    return Table(("measure", *(HEADERS.get(reader, reader) for reader in readers)), rows)


def _result(reading: Reading) -> str:
    confusion, auc = reading.confusion, reading.auc
    return (
        f"{confusion.tp} of {confusion.tp + confusion.fn}, {confusion.tn} of {confusion.tn + confusion.fp},"
        f" {auc.value:.2f} ({_interval(auc.low, auc.high)})"
    )


def _wilson(count: int, of: int) -> tuple[float, float]:
    low, high = binomtest(count, of).proportion_ci(CONFIDENCE, method="wilson")
    return float(low), float(high)


def _interval(low: float, high: float) -> str:
    return f"{low:.2f}–{high:.2f}"


def _in_words(answer: int) -> str:
    return "–" if answer == UNANSWERED else CHOICES[answer - 1]
