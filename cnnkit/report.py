"""The report of a run: report.md to be read, report.json to be computed with, and two pictures.

Everything in it is computed from what the trainings of the run have left. Only the figures of the course are quoted,
to stand beside; they are marked as what they are.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

from cnnkit.evaluate import Auc, confusion_matrix, delong_test, roc_auc, roc_curve
from cnnkit.explain import grad_cam, overlay, saliency

__all__ = ["COURSE", "write"]

# AUC on validation films, as the course showed them; each with what one must know of it.
COURSE = (
    (0.19, "plain loss, 20 % of the films, one or two effusions among the validation films"),
    (0.78, "weighted loss, the best epoch of a short run"),
    (0.85, "weighted loss, 50 % of the films, the ninth of ten epochs, about ten effusions"),
)
STYLES = {"weighted": ("-", "#0072b2"), "unweighted": ("--", "#d55e00")}  # apart for the colour-blind, and in grey
ORIGINS = {
    "synthetic": "SYNTHETIC pictures, drawn by this kit; what holds for them need not hold for real ones",
    "real": "real pictures",
    "given": "pictures from a folder that was named",
}


def write(
    out: Path, facts: dict, results: dict[str, dict], pictures: Callable[[list[int]], tuple[keras.Model, np.ndarray]]
) -> dict:
    """Write report.md, report.json, roc.png and maps.png.

    Parameters
    ----------
    out : folder, which exists.
    facts : settings of the run, origin of the pictures, machine.
    results : for each training by name what `cnnkit.engine` has measured.
    pictures : a function that returns for some pictures, given by their numbers, the best network and float32
        (pictures, rows, columns, channels).

    Returns
    -------
    dict, the content of report.json:

    - summary : one sentence; all of `facts` under their own names;
    - test : AUC with interval, threshold (chosen on validation) and what it does on the test pictures;
    - unweighted, comparison : the same without the weights of the loss, and DeLong's test; None without weights;
    - together : the mean of the best network and those of the cross-validation on the test pictures; None without;
    - cross_validation : AUC over all held-out parts together, and of each; None without;
    - trainings : for each its epochs, seconds and history.
    """
    main = results["weighted"]
    report = {
        "summary": "",
        **facts,
        "test": _measured(main),
        "unweighted": None,
        "comparison": None,
        "together": _together(results, facts["threshold"]),
        "cross_validation": _pooled([value for name, value in results.items() if name.startswith("fold_")]),
        "course": [{"auc": auc, "of": words} for auc, words in COURSE] if facts["name"] == "cxr" else [],
        "trainings": {name: _training(result) for name, result in results.items()},
    }
    if "unweighted" in results:
        plain = results["unweighted"]
        report["unweighted"] = _measured(plain)
        report["comparison"] = _compared(main["test"], plain["test"])
    report["summary"] = _summary(report)
    shown = _chosen(main)
    _save(_roc_figure(report, results), out / "roc.png")
    if shown:
        model, images = pictures([number for number, _ in shown])
        _save(_map_figure(model, images, [words for _, words in shown]), out / "maps.png")
    _write(out / "report.json", json.dumps(report, indent=1))
    _write(out / "report.md", _markdown(report, [words for _, words in shown]))
    return report


def _measured(result: dict) -> dict:
    return {
        **_at(result["test"]["labels"], result["test"]["scores"], result["threshold"]),
        "best_epoch": result["best_epoch"],
        "validation_auc": asdict(roc_auc(result["validation"]["labels"], result["validation"]["scores"])),
    }


def _together(results: dict[str, dict], threshold: float) -> dict | None:
    networks = [result for name, result in results.items() if name != "unweighted"]
    if len(networks) < 2:
        return None
    scores = np.mean([network["common"]["scores"] for network in networks], axis=0)
    return {"networks": len(networks), **_at(networks[0]["common"]["labels"], scores, threshold)}


def _at(labels: list, scores: list | np.ndarray, threshold: float) -> dict:
    """Return the area, and what a threshold does."""
    confusion = confusion_matrix(labels, scores, threshold)
    names = ("accuracy", "sensitivity", "specificity", "precision", "npv", "f1", "balanced_accuracy")
    return {
        "auc": asdict(roc_auc(labels, scores)),
        "threshold": _finite(threshold),
        "confusion": asdict(confusion),
        **{name: _finite(getattr(confusion, name)) for name in names},
    }


def _finite(value: float) -> float | None:
    """Return None for a number that JSON does not know."""
    return float(value) if np.isfinite(value) else None


def _compared(a: dict, b: dict) -> dict | None:
    if min(np.bincount(a["labels"], minlength=2)) < 2:
        return None  # too few to see how much they differ
    return {name: _finite(value) for name, value in asdict(delong_test(a["labels"], a["scores"], b["scores"])).items()}


def _pooled(folds: list[dict]) -> dict | None:
    if not folds:
        return None
    labels, scores = (np.concatenate([fold["test"][key] for fold in folds]) for key in ("labels", "scores"))
    each = [asdict(roc_auc(fold["test"]["labels"], fold["test"]["scores"])) for fold in folds]
    return {
        "auc": asdict(roc_auc(labels, scores)),
        "folds": each,
        "mean": float(np.mean([one["value"] for one in each])),
        "deviation": float(np.std([one["value"] for one in each], ddof=1)),
    }


def _training(result: dict) -> dict:
    return {key: result[key] for key in ("epochs", "best_epoch", "seconds", "trained_on", "weights", "history")}


def _chosen(result: dict) -> list[tuple[int, str]]:
    """Return up to four test pictures that tell most: the surest of each kind of right and wrong call."""
    test = result["test"]
    labels, scores = np.array(test["labels"]), np.array(test["scores"])
    called = scores >= result["threshold"]
    kinds = (("found", 1, True, -1), ("missed", 1, False, 1), ("false alarm", 0, True, -1), ("passed", 0, False, 1))
    shown = []
    for words, label, call, sign in kinds:
        of_kind = np.flatnonzero((labels == label) & (called == call))
        if of_kind.size:
            place = of_kind[np.argmin(sign * scores[of_kind])]
            shown.append((test["indices"][place], f"{words}, probability {scores[place]:.2f}"))
    return shown


def _roc_figure(report: dict, results: dict) -> Figure:
    figure = Figure(figsize=(9, 4), layout="constrained", dpi=100)
    left, right = figure.subplots(1, 2)
    for name, (style, color) in STYLES.items():
        if name in results:
            test = results[name]["test"]
            curve = roc_curve(test["labels"], test["scores"])
            measured = report["test" if name == "weighted" else name]
            label = _label(report, name)
            left.plot(
                curve.false_positive_rate,
                curve.sensitivity,
                style,
                color=color,
                drawstyle="steps-post",
                label=f"{label} {measured['auc']['value']:.2f}",
            )
    confusion = report["test"]["confusion"]
    negatives = confusion["fp"] + confusion["tn"]
    left.plot(confusion["fp"] / negatives, report["test"]["sensitivity"], "o", color="black", label="threshold")
    left.plot([0, 1], [0, 1], ":", color="gray")
    left.set(xlabel="false positive rate", ylabel="sensitivity", title="ROC curve of the test pictures")
    left.legend(loc="lower right", fontsize=8)
    for name, (style, color) in STYLES.items():
        if name in results:
            history = results[name]["history"]
            epochs = np.arange(1, len(history) + 1)
            areas = [logs["val_auc"] for logs in history]
            right.plot(epochs, areas, "o" + style, color=color, markersize=3, label=_label(report, name))
    right.set(xlabel="epoch", ylabel="AUC", ylim=(0, 1.02), title="Validation pictures")
    right.legend(loc="lower right", fontsize=8)
    return figure


def _label(report: dict, name: str) -> str:
    return name if report["unweighted"] else "network"


def _map_figure(model: keras.Model, images: np.ndarray, words: list[str]) -> Figure:
    figure = Figure(figsize=(2.4 * len(images), 7), layout="constrained", dpi=100)
    rows = figure.subplots(3, len(images), squeeze=False)
    for column, (image, title) in enumerate(zip(images, words, strict=True)):
        # The evidence for class 1, whatever was called.
        maps = [None, grad_cam(model, image, 1), saliency(model, image, 1)]
        for row, heat in zip(rows[:, column], maps, strict=True):
            row.imshow(overlay(image, np.zeros(image.shape[:2]), 0) if heat is None else overlay(image, heat))
            row.axis("off")
        rows[0, column].set_title(title, fontsize=9)
    return figure


def _summary(report: dict) -> str:
    pooled = report["cross_validation"]
    tail = f"; cross-validated {_interval(pooled['auc'])}" if pooled else ""
    return f"AUC on test pictures {_interval(report['test']['auc'])}{tail}."


def _interval(auc: dict) -> str:
    return repr(Auc(**auc))


def _markdown(report: dict, shown: list[str]) -> str:
    preset, machine, test = report["preset"], report["machine"], report["test"]
    negative, positive = report["classes"]
    lines = [
        f"# Report: {report['name']}",
        "",
        *(["**A teaching tool, not for diagnosis.**", ""] if report["name"] == "cxr" else []),
        f"Data: {ORIGINS[report['origin']]}.",
        "",
        report["summary"],
        "",
        "## On test pictures, which the training has not seen",
        "",
        f"The network is that of epoch {test['best_epoch']}, the best on the validation pictures. So is the threshold,"
        f" {_exactly(test['threshold'])}: chosen there so that a miss costs as many false alarms as there are pictures"
        f" of {negative} for one of {positive}.",
        "",
        f"| actual | called {negative} | called {positive} |",
        "| --- | ---: | ---: |",
        f"| {negative} | {test['confusion']['tn']} | {test['confusion']['fp']} |",
        f"| {positive} | {test['confusion']['fn']} | {test['confusion']['tp']} |",
        "",
        f"Sensitivity {_number(test['sensitivity'])}, specificity {_number(test['specificity'])}, precision"
        f" {_number(test['precision'])}, accuracy {_number(test['accuracy'])}.",
        "",
        "![ROC curves of the test pictures, and AUC of the validation pictures over the epochs](roc.png)",
        "",
        *_comparison(report),
        *_cross_validation(report),
        *_course(report),
    ]
    if shown:
        lines += [
            "## What the network looks at",
            "",
            f"Test pictures; below each, bright where it finds what speaks for {positive} (Grad-CAM), and which pixels"
            " would move its decision (saliency). Such maps show where, not why.",
            "",
            f"![Pictures with their maps: {'; '.join(shown)}](maps.png)",
            "",
        ]
    lines += [
        "## How",
        "",
        f"Seed {report['seed']}; {', '.join(f'{key} {_plain(value)}' for key, value in preset.items())}.",
        "",
        "| training | pictures | epochs | best epoch | seconds |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(
            f"| {name} | {each['trained_on']} | {each['epochs']} | {each['best_epoch']} | {each['seconds']:.0f} |"
            for name, each in report["trainings"].items()
        ),
        "",
        f"Machine: {', '.join(machine['devices'])} ({machine['precision']}), {machine['cores']} cores,"
        f" {machine['system']}; Python {machine['python']}, Keras {machine['keras']} on {machine['backend']},"
        f" cnnkit {machine['cnnkit']}. {report['skipped']} pictures skipped.",
        "",
    ]
    return "\n".join(lines)


def _comparison(report: dict) -> list[str]:
    if not report["unweighted"]:
        return []
    plain, compared = report["unweighted"], report["comparison"]
    lines = [
        "## With and without the weights of the loss",
        "",
        "The same split, start and order of batches; each with the threshold that its validation pictures gave.",
        "",
        "| loss | AUC | sensitivity | specificity | threshold |",
        "| --- | --- | ---: | ---: | ---: |",
        *(
            f"| {name} | {_interval(each['auc'])} | {_number(each['sensitivity'])} | {_number(each['specificity'])} |"
            f" {_exactly(each['threshold'])} |"
            for name, each in (("weighted", report["test"]), ("unweighted", plain))
        ),
        "",
    ]
    if compared:
        p_value = compared["p_value"]
        said = "not defined" if p_value is None else f"{p_value:.3f}"
        lines += [f"DeLong's test: difference {compared['difference']:+.3f}, p = {said}.", ""]
    else:
        lines += ["Too few test pictures of a class for DeLong's test.", ""]
    return lines


def _cross_validation(report: dict) -> list[str]:
    pooled, together = report["cross_validation"], report["together"]
    if not pooled:
        return []
    return [
        "## Cross-validation",
        "",
        f"All pictures but those for the test, in {len(pooled['folds'])} parts; each part is judged by a network that"
        " was trained, and its epoch chosen, on the others.",
        "",
        "| part | AUC |",
        "| --- | --- |",
        *(f"| {number} | {_interval(auc)} |" for number, auc in enumerate(pooled["folds"], 1)),
        f"| all together | {_interval(pooled['auc'])} |",
        "",
        f"Mean of the parts {pooled['mean']:.2f}, standard deviation {pooled['deviation']:.2f}.",
        "",
        f"`predict` takes the mean of these networks and of the one above, {together['networks']} in all, none of which"
        f" has seen a test picture. On those: AUC {_interval(together['auc'])}; from the mean threshold"
        f" {_exactly(together['threshold'])} on, sensitivity {_number(together['sensitivity'])}, specificity"
        f" {_number(together['specificity'])}.",
        "",
    ]


def _course(report: dict) -> list[str]:
    if not report["course"]:
        return []
    return [
        "## Beside the course",
        "",
        "The course's own figures, on other validation films; with so few effusions they are uncertain.",
        "",
        "| AUC | of |",
        "| ---: | --- |",
        *(f"| {each['auc']:.2f} | {each['of']} |" for each in report["course"]),
        f"| {report['test']['auc']['value']:.2f} | this run, test pictures |",
        "",
    ]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _exactly(value: float | None) -> str:
    """Three digits, however small it is."""
    return "none" if value is None else f"{value:.3g}"


def _plain(value: object) -> str:
    if isinstance(value, dict):  # an augmentation: what it changes
        return ", ".join(f"{key} {each}" for key, each in value.items() if each) or "none"
    return str(value)


def _save(figure: Figure, path: Path) -> None:
    partial = path.with_name(f".{path.name}")
    figure.savefig(partial, format="png", metadata={"Software": None})
    os.replace(partial, path)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
