"""The final run on one device and on two: the same curve of the loss."""

import importlib.util
import json
import os
import socket
import subprocess
import sys

import engine_runs
import numpy as np
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
EPOCHS = "3"


def start(data, out, **environment):
    return subprocess.Popen(
        [sys.executable, engine_runs.__file__, str(data), str(out), EPOCHS],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(*processes):
    for process in processes:
        said, _ = process.communicate(timeout=500)
        assert process.returncode == 0, said[-3000:]


def curves(out):
    history = json.loads((out / "weighted" / "result.json").read_text())["history"]
    return np.array([[epoch["loss"], epoch["val_loss"]] for epoch in history])


def test_two_mirrored_devices_learn_as_one(tmp_path, monkeypatch):
    data = engine_runs.draw(tmp_path / "cxr")
    monkeypatch.setattr(engine_runs.engine, "build", engine_runs.small)
    engine_runs.main(data, tmp_path / "1", EPOCHS)
    finish(start(data, tmp_path / "2", CNNKIT_TEST_DEVICES="2"))
    report = json.loads((tmp_path / "2" / "report.json").read_text())
    assert len(report["machine"]["devices"]) == 2
    np.testing.assert_allclose(curves(tmp_path / "1"), curves(tmp_path / "2"), atol=1e-4)


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_two_processes_learn_as_one(tmp_path):
    data = engine_runs.draw(tmp_path / "cxr")
    jax = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    finish(start(data, tmp_path / "1", **jax))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    addresses = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": f"{place},{place}", "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    finish(*(start(data, tmp_path / "2", **jax, **addresses, KERAS_DISTRIBUTION_PROCESS_ID=own) for own in "01"))
    report = json.loads((tmp_path / "2" / "report.json").read_text())
    assert report["machine"]["processes"] == 2
    np.testing.assert_allclose(curves(tmp_path / "1"), curves(tmp_path / "2"), atol=1e-4)
