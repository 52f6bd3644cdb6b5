"""The final run: what it leaves, that it goes on after every kind of end, and what it refuses."""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import engine_runs
import numpy as np
import pytest
from engine_runs import TINY, draw, small, weights

from cnnkit import engine, terminal
from cnnkit.evaluate import roc_auc, threshold_for_cost
from cnnkit.training import PRESETS, Preset

PRESET = Preset(**TINY)
WHOLE = Preset(**{**TINY, "weights": ((1, 1), (5, 5)), "folds": 2, "shifts": 1, "epochs": 2})


def be_quick(monkeypatch):
    """Train a small network, and leave out the report, whose maps take longer than that."""
    monkeypatch.setattr(engine, "build", small)
    monkeypatch.setattr(engine.report, "write", lambda *_: {"summary": "AUC on test pictures, not written down"})


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    be_quick(monkeypatch)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("data") / "cxr")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, data):
    """A run with everything in it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(engine, "build", small)
        return engine.run("cxr", tmp_path_factory.mktemp("runs") / "whole", preset=WHOLE, data=data, live=False)


def run(out, data, preset=PRESET, **options):
    return engine.run("cxr", out, preset=preset, data=data, **{"live": False, **options})


def same(a: list, b: list) -> bool:
    return len(a) == len(b) and all(map(np.array_equal, a, b))


def one_line(error) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


# what a run leaves


def result(whole, name):
    return json.loads((whole.out / name / "result.json").read_text())


def test_a_run_leaves_its_report_and_its_networks(whole):
    left = {file.name for file in whole.out.iterdir()}
    trainings = {"weighted", "unweighted", "fold_1", "fold_2"}
    assert left == {*trainings, "report.md", "report.json", "roc.png", "maps.png", "run.json"}
    for name in trainings:
        assert {file.name for file in (whole.out / name).iterdir()} == {"best.keras", "state.npz", "result.json"}
    assert json.loads((whole.out / "report.json").read_text()) == json.loads(json.dumps(whole.report))
    assert repr(whole).startswith(f"Run in {whole.out}: AUC on test pictures ")


def test_no_patient_is_on_two_sides_and_every_other_film_is_held_out_once(whole, data):
    main, plain = result(whole, "weighted"), result(whole, "unweighted")
    assert main["test"]["names"] == plain["test"]["names"]
    held = [result(whole, f"fold_{number}")["test"]["names"] for number in (1, 2)]
    kinds = [main["test"]["names"], *held]
    patients = [{Path(name).name[:8] for name in names} for names in kinds]
    assert not patients[0] & patients[1] and not patients[0] & patients[2] and not patients[1] & patients[2]
    assert sorted(itertools.chain(*kinds)) == sorted(f"{file.parent.name}/{file.name}" for file in data.glob("*/*"))
    validated = {Path(name).name[:8] for name in main["validation"]["names"]}
    assert not validated & patients[0]


def test_the_threshold_comes_from_the_validation_alone(whole):
    for name in ("weighted", "fold_2"):
        found = result(whole, name)
        labels = np.array(found["validation"]["labels"])
        costs = (labels == 0).sum() / labels.sum()
        expected = threshold_for_cost(labels, found["validation"]["scores"], false_negative=costs)
        assert found["threshold"] == expected
    members = [result(whole, name)["threshold"] for name in ("weighted", "fold_1", "fold_2")]
    assert engine.threshold_of(whole.out) == pytest.approx(np.mean(members))
    assert whole.report["together"]["threshold"] == pytest.approx(np.mean(members))


def test_the_kept_network_is_that_of_the_best_epoch(whole):
    found = result(whole, "weighted")
    areas = [epoch["val_auc"] for epoch in found["history"]]
    assert found["best_epoch"] == 1 + int(np.argmax(areas)) and len(areas) == found["epochs"] == 2


def test_predict_is_the_mean_of_all_networks_that_did_not_serve_to_compare(whole, data):
    members = [result(whole, name)["common"] for name in ("weighted", "fold_1", "fold_2")]
    paths = [data / name for name in members[0]["names"][:4]]
    found = list(engine.predict(whole.out, paths))
    assert [path for path, _ in found] == paths
    expected = np.mean([member["scores"][:4] for member in members], axis=0)
    np.testing.assert_allclose([score for _, score in found], expected, atol=1e-5)
    together = whole.report["together"]
    scores = np.mean([member["scores"] for member in members], axis=0)
    assert together["networks"] == 3 and together["auc"]["value"] == roc_auc(members[0]["labels"], scores).value


def test_the_rate_warms_up_and_falls_to_nothing():
    rates = [PRESETS["cxr"]["full"].rate(epoch) for epoch in range(60)]
    assert max(rates) == rates[2] == 0.01 and rates[0] < rates[1] < rates[2]
    assert all(a > b for a, b in itertools.pairwise(rates[2:])) and rates[-1] < 1e-5
    assert [PRESETS["flowers"]["lesson"].rate(epoch) for epoch in (0, 3, 4, 8)] == [1e-3, 1e-3, 5e-4, 2.5e-4]


# one seed, one result


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, data):
    """The weights of a run that nothing has interrupted."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        be_quick(monkeypatch)
        out = tmp_path_factory.mktemp("runs") / "unbroken"
        run(out, data)
    return weights(out / "weighted")


def test_one_seed_gives_the_same_weights_and_another_others(tmp_path, data, unbroken):
    run(tmp_path / "again", data)
    assert same(weights(tmp_path / "again" / "weighted"), unbroken)
    run(tmp_path / "other", data, seed=1)
    assert not same(weights(tmp_path / "other" / "weighted"), unbroken)


def test_interrupted_while_it_writes_it_goes_on_from_what_was_whole(tmp_path, data, unbroken, monkeypatch, capsys):
    """Ctrl-C, at the moment when the state of the second epoch is half on the disk."""
    save, calls = np.savez, []

    def cut_off(path, **arrays):
        calls.append(path)
        save(path, **arrays)
        if len(calls) == 2:
            Path(path).write_bytes(Path(path).read_bytes()[:500])
            raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", cut_off)
    assert run(tmp_path / "run", data) is None
    assert capsys.readouterr().out.splitlines()[-1].startswith("To go on, give the same command with --resume")
    assert [file.stat().st_size for file in (tmp_path / "run").rglob(".*partial*")] == [500]
    monkeypatch.setattr(np, "savez", save)
    assert run(tmp_path / "run", data).report
    assert "going on after epoch 1 of 3" in capsys.readouterr().out
    assert same(weights(tmp_path / "run" / "weighted"), unbroken)
    assert not list((tmp_path / "run").rglob(".*partial*"))


def test_a_finished_run_is_not_trained_again(whole, data, monkeypatch):
    monkeypatch.setattr(engine, "fit", None)
    assert run(whole.out, data, WHOLE).report


KILLS = int(os.environ.get("CNNKIT_KILLS", "2"))


@pytest.mark.slow
@pytest.mark.timeout(120 + 60 * KILLS)
def test_killed_at_any_moment_it_ends_with_the_weights_of_an_unbroken_run(tmp_path, data):
    """CNNKIT_KILLS=10 kills it so many times."""
    epochs = str(10 * KILLS)

    def start(out):
        call = [sys.executable, engine_runs.__file__, str(data), str(tmp_path / out), epochs]
        return subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    run(tmp_path / "unbroken", data, Preset(**{**TINY, "epochs": int(epochs)}))
    chance, state = random.Random(0), tmp_path / "killed" / "weighted" / "state.npz"
    for number in range(KILLS):
        process = start("killed")
        before = state.stat().st_mtime_ns if state.exists() else 0
        while process.poll() is None and (not state.exists() or state.stat().st_mtime_ns == before):
            time.sleep(0.002)  # until it has got on by an epoch at least
        time.sleep(chance.random() * 0.2)
        process.kill()
        process.wait()
        process.stderr.close()
        assert process.returncode == -signal.SIGKILL, f"kill {number + 1} came too late"
    last = start("killed")
    _, said = last.communicate()
    assert last.returncode == 0, said
    assert same(weights(tmp_path / "killed" / "weighted"), weights(tmp_path / "unbroken" / "weighted"))


# what is refused


def test_a_folder_of_other_settings_is_named_not_overwritten(whole, data, tmp_path):
    before = (whole.out / "run.json").read_bytes()
    with pytest.raises(ValueError, match="belongs to other settings: seed 0, not 5") as error:
        run(whole.out, data, WHOLE, seed=5)
    one_line(error)
    with pytest.raises(ValueError, match="epochs 2, not 9"):
        run(whole.out, data, Preset(**{**vars(WHOLE), "epochs": 9}))
    with pytest.raises(ValueError, match="pictures"):
        run(whole.out, draw(tmp_path / "others", ill=39), WHOLE)
    with pytest.raises(ValueError, match="holds a run already; go on with it by --resume"):
        run(whole.out, data, WHOLE, resume=False)
    assert (whole.out / "run.json").read_bytes() == before


def test_a_folder_with_something_else_in_it_is_refused(tmp_path, data):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="is no run and not empty"):
        run(tmp_path, data)


@pytest.mark.parametrize("file", ["run.json", "weighted/state.npz", "weighted/result.json", "weighted/best.keras"])
def test_what_is_damaged_is_named(whole, data, tmp_path, file):
    shutil.copytree(whole.out, tmp_path / "run")
    damaged = tmp_path / "run" / file
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    if file != "weighted/result.json":
        (tmp_path / "run" / "weighted" / "result.json").unlink()
    with pytest.raises(ValueError, match="is damaged") as error:
        run(tmp_path / "run", data, WHOLE)
    assert damaged.name in one_line(error)


def test_a_full_disk_is_reported_before_training(tmp_path, data, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    monkeypatch.setattr(engine, "fit", None)
    with pytest.raises(OSError, match=r"needs [\d,]+ MB in .*, and 1 MB are free") as error:
        run(tmp_path / "run", data)
    one_line(error)


def test_a_training_that_gives_nan_is_named(tmp_path, data):
    with pytest.raises(ValueError, match="weighted gave NaN in epoch 1. Lower the learning rate") as error:
        run(tmp_path, data, Preset(**{**TINY, "learning_rate": 1e30}))
    one_line(error)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "huge"}, "preset is one of smoke, lesson, full, not 'huge'"),
        ({"folds": 1}, "folds is 2 or more, or 0"),
        ({"folds": -1}, "folds is 2 or more, or 0"),
        ({"preset": Preset(**{**TINY, "augmentation": {"noise": 0.1}})}, "noise is not among"),
        ({"preset": Preset(**{**TINY, "size": None})}, "give size, crop or both"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path, data, options, message):
    with pytest.raises(ValueError, match=message):
        engine.run("cxr", tmp_path, data=data, live=False, **{"preset": PRESET, **options})


def test_too_few_pictures_and_no_folder_are_refused(tmp_path):
    few = draw(tmp_path / "few", well=6, ill=2)
    with pytest.raises(ValueError, match="too few to split"):
        run(tmp_path / "run", few)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        run(tmp_path / "run", tmp_path / "nowhere")
    with pytest.raises(ValueError, match="the name is flowers or cxr, not 'mri'"):
        engine.run("mri", tmp_path / "run", data=few)


# the command line


def test_predictions_are_lines_and_a_bad_file_is_one_of_them(whole, data, tmp_path, capsys):
    film = next((data / "effusion").iterdir())
    (tmp_path / "notes.txt").write_text("no film")
    (tmp_path / "half.png").write_bytes(film.read_bytes()[:200])
    files = [film, tmp_path / "notes.txt", tmp_path / "half.png", tmp_path / "gone.png", tmp_path, film]
    assert terminal.main(["predict", str(whole.out), *map(str, files)]) == 1
    printed = capsys.readouterr()
    good = printed.out.splitlines()
    assert len(good) == 3 and good[0] == good[1] and good[0].startswith(f"{film}: ")
    assert "probability of effusion 0." in good[0] and "not for diagnosis" in good[2]
    bad = printed.err.splitlines()
    assert [line.split(":")[0] for line in bad] == list(map(str, files[1:5]))
    assert terminal.main(["predict", str(whole.out), str(film)]) == 0


@pytest.mark.parametrize("command", ["cxr", "flowers"])
def test_the_command_line_says_in_one_line_what_is_wrong(tmp_path, capsys, command):
    assert terminal.main([command, "--preset", "smoke", "--data", str(tmp_path / "none"), "--out", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert terminal.main(["predict", str(tmp_path / "none"), "x.png"]) == 1
    assert "holds no run" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        terminal.main([command, "--out", str(tmp_path), "--seed", "-1"])


def test_the_command_trains_and_predicts(tmp_path, data, capsys, monkeypatch):
    monkeypatch.setitem(PRESETS["cxr"], "smoke", PRESET)
    call = ["cxr", "--preset", "smoke", "--data", str(data), "--out", str(tmp_path / "run"), "--seed", "3"]
    assert terminal.main(call) == 0
    assert "AUC on test pictures" in capsys.readouterr().out
    assert terminal.main(call) == 1
    assert "go on with it by --resume" in capsys.readouterr().err
    assert terminal.main([*call, "--resume"]) == 0
