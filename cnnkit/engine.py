"""The final run: from a folder of pictures to a trained network and a report, and on from where it was cut off.

`run` splits the pictures into training, validation and test; trains; trains once more without the weights of the loss,
to compare; cross-validates; and writes what came out (`cnnkit.report`). After every epoch the state of the training
is on the disk, and whatever a chance decides is a function of the seed and the epoch. So a run that is killed and taken
up again ends with the weights of one that was not. ``python -m cnnkit.training`` is the same from a terminal.

What travels with the network onto the device is the augmentation: the host only draws a matrix for each picture.
"""

import json
import math
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import keras
import numpy as np
from keras import ops

from cnnkit import datasets, report
from cnnkit.augment import Augmentation
from cnnkit.datasets import ImageFolder
from cnnkit.datasets.catalog import CATALOG
from cnnkit.evaluate import roc_auc, threshold_for_cost
from cnnkit.feed import Batches, Films, Moved, prepared, shifted
from cnnkit.machine import Machine, alone, precision
from cnnkit.training import PRESETS, Preset, build, compile_as, fit

__all__ = ["Result", "predict", "run", "settings_of", "threshold_of"]

MAIN = "weighted"  # the training that the others stand beside
TEST, VALIDATION = 0.2, 0.2  # of all, and of what is left
SPARE = 50_000_000  # bytes that the report and other programs may need


@dataclass(frozen=True)
class Result:
    """What a run leaves.

    Attributes
    ----------
    out : the folder.
    report : dict, the content of report.json; see there.
    """

    out: Path
    report: dict

    @property
    def best(self) -> Path:
        """The best network, for `keras.saving.load_model`."""
        return self.out / MAIN / "best.keras"

    def __repr__(self) -> str:
        return f"Run in {self.out}: {self.report['summary']}"


def run(
    name: str,
    out: str | os.PathLike,
    *,
    preset: str | Preset | None = None,
    data: str | os.PathLike | None = None,
    seed: int = 0,
    folds: int | None = None,
    resume: bool = True,
    live: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Result | None:
    """Train, judge and report; or go on with what was begun in `out`.

    Parameters
    ----------
    name : "cxr" or "flowers".
    out : folder for everything that the run writes; it is made if need be.
    preset : "smoke", "lesson" or "full"; or a `Preset` of one's own. By default "full" with a GPU, else "lesson".
    data : folder with a sub-folder for each class; by default what `cnnkit.datasets.load` gives.
    seed : of the split, the weights and all other chances.
    folds : of the cross-validation, 2 or more, or 0 for none; by default the preset's.
    resume : True takes up what an earlier call with the same settings left in `out`; False refuses such a folder.
    live, callbacks : as for `cnnkit.training.fit`, in each training of the run.

    Returns
    -------
    `Result`; None if the run was interrupted by Ctrl-C or the square button (the next call goes on), or in a run on
    several hosts for all but the first process.

    Raises
    ------
    ValueError : settings that make no sense, or an `out` that belongs to others; a training that gave NaN.
    OSError : no folder, no class, no room on the disk.
    """
    if name not in PRESETS:
        raise ValueError(f"run: the name is {' or '.join(PRESETS)}, not {name!r}.")
    machine = Machine.found()
    preset = _preset(name, preset, folds, machine)
    folder, origin = _pictures(name, data)
    with precision(machine.policy):
        films = Films(folder, preset, seed)
        settings = {
            "name": name,
            "preset": asdict(preset),
            "seed": seed,
            "classes": list(films.classes),
            "pictures": films.fingerprint(),
            "backend": keras.backend.backend(),
            "precision": machine.policy,
        }
        jobs = _jobs(films, preset, seed)
        place = _begin(Path(out), settings, resume, machine)
        trainers = Trainers(preset, films, seed, machine)
        _check_room(place, trainers.bytes, jobs)
        results = {}
        for job in jobs:
            results[job.name] = _train(job, films, trainers, place / job.name, live, callbacks)
            if results[job.name] is None:
                print("To go on, give the same command with --resume, or run the cell again.")
                return None
        if not machine.chief:
            return None
        facts = {**settings, "origin": origin, "machine": machine.facts(), "skipped": len(films.skipped)}
        facts["threshold"] = _mean_threshold([result for name, result in results.items() if name != "unweighted"])
        written = report.write(place, facts, results, lambda chosen: _examples(films, place, chosen))
    return Result(place, written)


def predict(out: str | os.PathLike, images: Iterable[str | os.PathLike]) -> Iterator[tuple[Path, float | str]]:
    """Predict pictures with the networks of a run: the mean over the best one and those of the cross-validation.

    Parameters
    ----------
    out : the folder of the run.
    images : files.

    Yields
    ------
    (path, probability of class 1), or (path, the reason why it cannot be read).

    Raises
    ------
    OSError, ValueError : no run in `out`, none that has kept a network yet, or a damaged one.
    """
    out = Path(out)
    settings = settings_of(out)
    preset = _from_json(settings["preset"])
    networks = [_loaded(best).get_weights() for best in _members(out, preset)]
    if not networks:
        raise FileNotFoundError(f"predict: the run in {out} has kept no network yet; go on with it by --resume.")
    with precision("float32"):
        model = build(preset, classes=len(settings["classes"]))
    for path in map(Path, images):
        try:
            variants = shifted(prepared(path, preset)[None], preset.shifts)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            yield path, reason.removeprefix("read_image: ")
            continue
        scores = []
        for weights in networks:
            model.set_weights(weights)
            scores.append(model.predict_on_batch(variants)[:, 1].mean())
        yield path, float(np.mean(scores))


def threshold_of(out: str | os.PathLike) -> float:
    """Return from which probability on a run calls class 1: the mean of what its networks' validations gave.

    For a run that has finished none of its trainings it is one half.
    """
    out = Path(out)
    done = [best.with_name("result.json") for best in _members(out, _from_json(settings_of(out)["preset"]))]
    return _mean_threshold([_read(file) for file in done if file.exists()])


def settings_of(out: str | os.PathLike) -> dict:
    """Return the settings of the run in a folder; OSError if there is none, ValueError if they are damaged."""
    settings = _settings(Path(out))
    if settings is None:
        raise FileNotFoundError(f"predict: {out} holds no run; python -m cnnkit.training cxr --out {out} makes one.")
    return settings


def _members(out: Path, preset: Preset) -> list[Path]:
    """Return the networks that predict together; the one without weights was there to compare."""
    names = [MAIN, *(f"fold_{number + 1}" for number in range(preset.folds))]
    return [best for name in names if (best := out / name / "best.keras").exists()]


def _mean_threshold(results: list[dict]) -> float:
    return float(np.mean([result["threshold"] for result in results])) if results else 0.5


def _loaded(best: Path) -> keras.Model:
    try:
        return keras.saving.load_model(best, compile=False)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile):
        raise ValueError(f"run: {best} is damaged; remove its folder and go on by --resume.") from None


# One training


@dataclass(frozen=True)
class Job:
    """One training of a run: what it learns from, chooses its best epoch by, and is measured on (indices).

    `common` are the test pictures of the whole run, on which all networks are measured together.
    """

    name: str
    weights: tuple | None
    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    common: np.ndarray


class Trainers:
    """The networks of a run, each compiled once and set back to its start for each training that needs it.

    `judge` has the same layers, on one device: what is measured and kept are weights put into it.
    """

    def __init__(self, preset: Preset, films: Films, seed: int, machine: Machine) -> None:
        self.preset, self.films, self.seed, self.machine = preset, films, seed, machine
        self.augmentation = Augmentation(**preset.augmentation) if preset.augmentation else None
        if self.augmentation and self.augmentation.ranges["noise"][1]:
            raise ValueError("run: noise is not among what can be augmented on the device; leave it out of the preset.")
        self.judge = self._network()
        self._made: dict = {}

    def _network(self) -> keras.Model:
        keras.utils.set_random_seed(self.seed)
        return build(self.preset, classes=len(self.films.classes))

    @property
    def bytes(self) -> int:
        """How large a network's weights are."""
        return sum(weight.nbytes for weight in self.judge.get_weights())

    def fresh(self, weights: tuple | None) -> tuple[keras.Model, keras.Model, list]:
        """Return the model to train, the network in it, and all that changes while it is trained, as at the start."""
        if weights not in self._made:
            with self.machine.shared():
                self._made[weights] = self._built(weights)
        trainer, network, variables, start = self._made[weights]
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        return trainer, network, variables

    def _built(self, weights: tuple | None) -> tuple:
        network = self._network()
        if len(self.machine.devices) > 1 and keras.backend.backend() == "tensorflow":
            for layer in network.layers:  # or each device would normalise by its own part of a batch
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.synchronized = True
        trainer = network
        if self.augmentation:
            images = keras.Input(network.input_shape[1:], name="images")
            moves = keras.Input((10,), name="moves")
            moved = Moved(self.augmentation.fill_mode)([images, moves])
            trainer = keras.Model({"images": images, "moves": moves}, network(moved))
        compile_as(trainer, replace(self.preset, weights=weights))
        trainer.optimizer.build(trainer.trainable_variables)
        variables = [*trainer.variables, *trainer.optimizer.variables]
        return trainer, network, variables, [np.array(each) for each in map(ops.convert_to_numpy, variables)]

    def averaged(self, trainer: keras.Model, network: keras.Model) -> list[np.ndarray]:
        """Return the weights of the network, each as its mean over the steps if the preset asks for it."""
        means = {}
        if self.preset.average:
            kept = trainer.optimizer._model_variables_moving_average
            means = {id(weight): mean for weight, mean in zip(trainer.trainable_variables, kept, strict=True)}
        return [ops.convert_to_numpy(means.get(id(weight), weight)) for weight in network.weights]

    def scores(self, indices: np.ndarray, shifts: int = 0) -> np.ndarray:
        """Return the judge's probabilities of all classes: float32 (indices, classes)."""
        batches = Batches(self.films, indices, self.preset.batch_size, shifts=shifts)
        with alone():
            scores = self.judge.predict(batches, verbose=0)
        return scores.reshape(len(indices), -1, scores.shape[1]).mean(axis=1)

    def save(self, path: Path) -> None:
        """Write the judge to a file that ends in .keras."""
        with alone():
            self.judge.save(path)


@dataclass
class Progress:
    """How far a training has come: all of it that is not in the variables."""

    epoch: int = 0
    best: float = -math.inf
    best_epoch: int = 0
    seconds: float = 0.0
    history: list[dict] = field(default_factory=list)

    def over(self, preset: Preset) -> bool:
        """True if there is nothing left to train."""
        waited = self.epoch - self.best_epoch
        return self.epoch >= preset.epochs or (preset.patience is not None and waited >= preset.patience)


def _train(job: Job, films: Films, trainers: Trainers, place: Path, live: bool, callbacks: Sequence) -> dict | None:
    """Do one training to its end; return its results, or None if it was interrupted."""
    preset, machine = trainers.preset, trainers.machine
    done = place / "result.json"
    if done.exists():
        return _read(done)
    state = place / "state.npz"
    trainer, network, variables = trainers.fresh(job.weights)
    keeper = _Keeper(trainers, job, network, variables, place)
    if state.exists():
        keeper.load(state)
    print(f"{job.name}: {len(job.training)} pictures to train, {len(job.validation)} to validate, {len(job.test)} kept")
    if not keeper.progress.over(preset):
        if keeper.progress.epoch:
            print(f"{job.name}: going on after epoch {keeper.progress.epoch} of {preset.epochs}")
        keeper.batches = Batches(
            films,
            job.training,
            _batch_size(preset, len(job.training), len(machine.devices)),
            training=True,
            augmentation=trainers.augmentation,
            seed=trainers.seed,
            part=(machine.process, machine.processes),
            workers=4 if machine.gpu else 1,
        )
        rate = keras.callbacks.LearningRateScheduler(preset.rate)
        with machine.shared():
            fit(
                trainer,
                keeper.batches,
                None,
                epochs=preset.epochs,
                initial_epoch=keeper.progress.epoch,
                callbacks=[rate, keeper, *callbacks],
                live=live and machine.chief,
                watch=not machine.gpu,
                seed=trainers.seed,
            )
        progress = keeper.progress
        if not progress.over(preset):
            if trainer.stop_training:
                raise ValueError(
                    f"run: {job.name} gave NaN in epoch {progress.epoch + 1}. Lower the learning rate, and name another"
                    " folder."
                )
            return None
    if not machine.chief:
        return {}
    result = _judged(job, trainers, keeper.progress, place / "best.keras")
    _replace(done, lambda path: path.write_text(json.dumps(result)))
    return result


def _batch_size(preset: Preset, pictures: int, devices: int) -> int:
    """Return the preset's, or less for few pictures, so that all devices have equal parts."""
    size = min(preset.batch_size, pictures) // devices * devices
    if not size:
        raise ValueError(
            f"run: {devices} devices cannot share batches of {preset.batch_size} of {pictures} pictures; use fewer"
            " devices, or larger batches."
        )
    return size


def _judged(job: Job, trainers: Trainers, progress: Progress, best: Path) -> dict:
    """Measure the best network on the validation pictures, and on those that it has not seen in any way."""
    trainers.judge.set_weights(_loaded(best).get_weights())
    films = trainers.films

    def of(indices: np.ndarray) -> dict:
        scores = trainers.scores(indices, trainers.preset.shifts)[:, 1]
        names = [f"{path.parent.name}/{path.name}" for path in films.folder.subset(indices).paths]
        return {
            "names": names,
            "indices": indices.tolist(),
            "labels": films.labels[indices].tolist(),
            "scores": scores.astype(float).tolist(),
        }

    validation, test, common = of(job.validation), of(job.test), None
    if job.common is not job.test:
        common = of(job.common)
    labels = np.array(validation["labels"])
    # A miss costs as many false alarms as there are pictures of class 0 for one of class 1 (Youden's index).
    threshold = threshold_for_cost(labels, validation["scores"], false_negative=(labels == 0).sum() / labels.sum())
    return {
        "weights": job.weights,
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "seconds": progress.seconds,
        "history": progress.history,
        "trained_on": len(job.training),
        "threshold": threshold,
        "validation": validation,
        "test": test,
        "common": common or test,
    }


class _Keeper(keras.callbacks.Callback):
    """Judges the network after each epoch, and writes it and the state of the training."""

    def __init__(self, trainers: Trainers, job: Job, network: keras.Model, variables: list, place: Path) -> None:
        super().__init__()
        self.trainers, self.job, self.network, self.variables, self.place = trainers, job, network, variables, place
        self.progress, self.batches = Progress(), None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Give the batches the number of the epoch."""
        self.batches.epoch = epoch
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Measure, keep what is best, and write down how far the training has come."""
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()  # with JAX the variables lag behind until somebody asks
        preset, before = self.trainers.preset, self.progress
        self.trainers.judge.set_weights(self.trainers.averaged(self.model, self.network))
        logs.update(self._measured())
        if not np.isfinite([*logs.values()]).all():
            self.model.stop_training = True  # what is on the disk is of the last epoch that was sound
            return
        better = logs["val_auc"] > before.best
        progress = Progress(
            epoch=epoch + 1,
            best=logs["val_auc"] if better else before.best,
            best_epoch=epoch + 1 if better else before.best_epoch,
            seconds=before.seconds + time.monotonic() - self._started,
            history=[*before.history, {name: float(value) for name, value in logs.items()}],
        )
        if self.trainers.machine.chief:
            self.place.mkdir(exist_ok=True)
            if better:
                _replace(self.place / "best.keras", self.trainers.save)
            _replace(self.place / "state.npz", lambda path: self._save(path, progress))
        self.progress = progress  # only now: an interrupt may come at any moment
        if progress.over(preset):
            self.model.stop_training = True

    def _measured(self) -> dict:
        scores = self.trainers.scores(self.job.validation)
        if not np.isfinite(scores).all():
            return {"val_loss": math.nan, "val_accuracy": math.nan, "val_auc": math.nan}
        labels = self.trainers.films.labels[self.job.validation]
        right = scores[np.arange(len(labels)), labels]
        return {
            "val_loss": float(-np.log(np.clip(right, 1e-7, 1)).mean()),
            "val_accuracy": float((scores.argmax(axis=1) == labels).mean()),
            "val_auc": roc_auc(labels, scores, resamples=1).value,
        }

    def _save(self, path: Path, progress: Progress) -> None:
        values = [ops.convert_to_numpy(variable) for variable in self.variables]
        arrays = {f"variable_{number}": value for number, value in enumerate(values)}
        np.savez(path, progress=json.dumps(asdict(progress)), **arrays)

    def load(self, path: Path) -> None:
        """Go back to what was written. Every array in the file has a checksum, which reading compares."""
        try:
            with open(path, "rb") as file, np.load(file) as saved:
                self.progress = Progress(**json.loads(str(saved["progress"])))
                for number, variable in enumerate(self.variables):
                    variable.assign(saved[f"variable_{number}"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ValueError(f"run: {path} is damaged ({error}); remove its folder to train this part anew.") from None


# What a run consists of, and where it lies


def _jobs(films: Films, preset: Preset, seed: int) -> list[Job]:
    """Return the trainings of a run. The test pictures are in none but the first two, and there they are kept."""
    everything = np.arange(len(films.paths))
    rest, test = films.split(everything, TEST, seed)
    training, validation = films.split(rest, VALIDATION, seed + 1)
    jobs = [Job(MAIN, preset.weights, training, validation, test, test)]
    if preset.weights is not None:
        jobs.append(Job("unweighted", None, training, validation, test, test))
    left = rest
    for number in range(preset.folds):
        parts = preset.folds - number
        left, kept = films.split(left, 1 / parts, seed + 2) if parts > 1 else (left[:0], left)
        others = np.setdiff1d(rest, kept)
        jobs.append(Job(f"fold_{number + 1}", preset.weights, *films.split(others, VALIDATION, seed + 1), kept, test))
    return jobs


def _preset(name: str, preset: str | Preset | None, folds: int | None, machine: Machine) -> Preset:
    if preset is None:
        preset = "full" if machine.gpu else "lesson"
    if isinstance(preset, str):
        if preset not in PRESETS[name]:
            raise ValueError(f"run: preset is one of {', '.join(PRESETS[name])}, not {preset!r}.")
        on = (
            f"on {', '.join(machine.devices)} in {machine.policy}"
            if machine.gpu
            else "on the processor; no GPU was found"
        )
        print(f"Preset {preset}, {on}.")
        preset = PRESETS[name][preset]
    if machine.gpu and preset.gpu_batch_size:
        rate = preset.learning_rate * preset.gpu_batch_size / preset.batch_size
        preset = replace(preset, batch_size=preset.gpu_batch_size, learning_rate=rate)
    if folds is not None:
        preset = replace(preset, folds=folds)
    if not isinstance(preset.folds, int) or preset.folds < 0 or preset.folds == 1:
        raise ValueError(f"run: folds is 2 or more, or 0 for no cross-validation, not {preset.folds!r}.")
    return preset


def _pictures(name: str, data: str | os.PathLike | None) -> tuple[ImageFolder, str]:
    """Return the folder, and in a word where its pictures come from."""
    if data is None:
        return datasets.load(name), datasets.state(name).kind
    folder = ImageFolder(data, CATALOG[name].classes)
    try:
        origin = json.loads((Path(data) / "source.json").read_text()).get("kind", "given")
    except (OSError, ValueError, AttributeError):
        origin = "given"
    return folder, origin


def _begin(out: Path, settings: dict, resume: bool, machine: Machine) -> Path:
    """Make the folder of a run, or see that it is the one of these settings."""
    if not machine.chief:
        return out  # what there is to be said, the first process says
    found = _settings(out)
    if found is None:
        if out.exists() and (not out.is_dir() or any(file.name != ".run.partial.json" for file in out.iterdir())):
            raise ValueError(f"run: {out} is no run and not empty; name another folder.")
        out.mkdir(parents=True, exist_ok=True)
        _replace(out / "run.json", lambda path: path.write_text(json.dumps(settings, indent=1)))
        return out
    if not resume:
        raise ValueError(f"run: {out} holds a run already; go on with it by --resume, or name another folder.")
    wanted = json.loads(json.dumps(settings))
    flat = [{**each, **each["preset"]} for each in (found, wanted)]
    differ = [key for key in flat[1] if key != "preset" and flat[0].get(key) != flat[1][key]]
    if differ:
        said = ", ".join(f"{key} {flat[0].get(key)!r}, not {flat[1][key]!r}" for key in differ[:3])
        raise ValueError(f"run: {out} belongs to other settings: {said}. Name another folder, or the same settings.")
    return out


def _settings(out: Path) -> dict | None:
    try:
        return _read(out / "run.json")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except ValueError:
        raise ValueError(
            f"run: {path} is damaged; remove it and begin this part anew, or name another folder."
        ) from None


def _check_room(place: Path, bytes_: int, jobs: list[Job]) -> None:
    """Make sure before hours are spent that the results will fit on the disk."""
    # Weights, the optimiser's two values for each, and their mean; the best network; one of each more while it is
    # written. What is there already is part of it.
    needed = 5 * bytes_ * (len(jobs) + 1) + SPARE
    there = sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) if place.exists() else 0
    free = shutil.disk_usage(place if place.exists() else place.parent).free
    if free < needed - there:
        raise OSError(
            f"run: needs {(needed - there) / 1e6:,.0f} MB in {place}, and {free / 1e6:,.0f} MB are free. Make room, or"
            " name a folder on another disk."
        )


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file that is whole at every moment: beside the old one, to the disk, and into its place in one step."""
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    write(partial)
    for place, mode in ((partial, os.O_RDWR), (None, os.O_RDONLY)):
        if place is None:
            os.replace(partial, path)
            if os.name == "nt":  # has no handle for folders
                return
        handle = os.open(place or path.parent, mode)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _from_json(fields: dict) -> Preset:
    """Return the preset that was written; JSON has made lists of its tuples."""
    tuples = {name: tuple(fields[name]) if fields[name] else None for name in ("size", "crop")}
    return Preset(**{**fields, **tuples})


def _examples(films: Films, place: Path, chosen: list[int]) -> tuple[keras.Model, np.ndarray]:
    """Return the best network, and the pictures of these numbers as it gets them."""
    return _loaded(place / MAIN / "best.keras"), films.pictures(np.array(chosen, dtype=int))
