"""python -m cnnkit.doctor: a sound machine passes, and each fault is named together with what to do."""

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections import namedtuple

import pytest

from cnnkit import datasets, doctor
from cnnkit.doctor import PACKAGES, examine


def run(**environment):
    """Run it as a user would; JupyterLab starts, so this takes some seconds."""
    command = [sys.executable, "-m", "cnnkit.doctor"]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, env=os.environ | environment)


@pytest.fixture
def findings(monkeypatch):
    """Return a function that looks at all but JupyterLab, and gives what was found by name."""
    monkeypatch.setattr(doctor, "_lab", lambda: contextlib.nullcontext(None))
    return lambda: {finding.what: finding for finding in examine()}


def test_a_sound_machine_passes_without_chatter(drawn):
    datasets.load("flowers")
    answer = run()
    assert answer.returncode == 0, answer.stdout
    assert answer.stderr == ""
    lines = answer.stdout.splitlines()
    for name in PACKAGES:
        assert any(line.split()[:3] == ["ok", name, importlib.metadata.version(name)] for line in lines), name
    assert any(line.startswith("ok    Python") and platform.python_version() in line for line in lines)
    assert any("6 pictures, SYNTHETIC" in line for line in lines if line.startswith("ok    data: flowers"))
    assert any(line.startswith("note  data: cxr") and "none yet" in line for line in lines)
    live = [line for line in lines if line.endswith("live, and within the browser's reach")]
    assert ["jupyterlab-widgets", "anywidget"] == [line.split()[2] for line in live]
    assert lines[-1] == "All is well."


def test_an_extension_that_is_switched_off_is_named_with_the_command_that_cures_it(tmp_path):
    (tmp_path / "labconfig").mkdir()
    (tmp_path / "labconfig" / "page_config.json").write_text(json.dumps({"disabledExtensions": {"anywidget": True}}))
    answer = run(JUPYTER_CONFIG_DIR=str(tmp_path))
    assert answer.returncode == 1
    assert "FAILS widgets: anywidget          anywidget is switched off" in answer.stdout
    assert "-> jupyter labextension enable anywidget" in answer.stdout
    assert answer.stdout.splitlines()[-1].startswith("1 of ")


def test_a_jupyterlab_that_does_not_start_says_why(tmp_path):
    (tmp_path / "jupyterlab").mkdir()
    (tmp_path / "jupyterlab" / "__init__.py").write_text("raise RuntimeError('half of the files are missing')")
    answer = run(PYTHONPATH=str(tmp_path))
    assert answer.returncode == 1
    assert "FAILS JupyterLab" in answer.stdout and "RuntimeError: half of the files are missing" in answer.stdout
    assert answer.stderr == ""


def test_without_tensorflow_the_rest_is_still_looked_at(findings, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # how Python notes that there is no such module
    found = findings()
    assert found["tensorflow"].state == "FAILS" and "make lab" in found["tensorflow"].remedy
    assert "TensorFlow" in found["GPU"].found and found["GPU"].state == "note"
    assert found["keras"].state == "ok"


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_that_is_missing_fails(findings, monkeypatch, name):
    version = importlib.metadata.version

    def without(wanted):
        if wanted == name:
            raise importlib.metadata.PackageNotFoundError(wanted)
        return version(wanted)

    monkeypatch.setattr(importlib.metadata, "version", without)
    monkeypatch.setitem(sys.modules, PACKAGES[name], None)
    found = findings()
    assert (found[name].state, found[name].found) == ("FAILS", "not installed")
    assert "pip install" in found[name].remedy


def test_it_imports_only_pythons_own_library():
    """Or it would not run where it is needed most; nor is TensorFlow loaded, which takes seconds."""
    code = "import sys; import cnnkit.doctor; print({name.partition('.')[0] for name in sys.modules} - {'cnnkit'})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "tensorflow", "keras", "jupyterlab", "psutil", "PIL"} & eval(answer.stdout)


def test_an_unknown_python_fails(findings, monkeypatch):
    version = namedtuple("version", "major minor micro")
    monkeypatch.setattr(sys, "version_info", version(3, 10, 1))
    assert findings()["Python"].state == "FAILS"


@pytest.mark.parametrize(("free", "state"), [(0.9, "FAILS"), (2.0, "note"), (8.0, "ok")])
def test_little_memory_is_a_warning_and_none_a_failure(findings, monkeypatch, free, state):
    monkeypatch.setattr(doctor, "_free_memory", lambda: free)
    finding = findings()["memory"]
    assert finding.state == state and finding.found.startswith(f"{free:.1f} GB free")
    assert bool(finding.remedy) == (state != "ok")


@pytest.mark.parametrize(("free", "state"), [(0.1e9, "FAILS"), (2e9, "note"), (50e9, "ok")])
def test_a_full_disk_fails(findings, monkeypatch, free, state):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100e9, 0, free))
    assert findings()["disk"].state == state


def test_a_picture_that_was_lost_is_noticed(findings, drawn):
    path = datasets.load("flowers").paths[0]
    assert findings()["data: flowers"].state == "ok"
    path.unlink()
    finding = findings()["data: flowers"]
    assert finding.state == "FAILS" and finding.found.startswith("5 pictures")
    assert finding.remedy.endswith("python data_fetch.py flowers --synthetic")


def test_a_damaged_list_is_noticed(findings, drawn):
    folder = datasets.load("cxr").paths[0].parents[1]
    (folder / "source.json").write_text("{")
    finding = findings()["data: cxr"]
    assert finding.state == "FAILS" and "source.json is damaged" in finding.found
    assert finding.remedy.endswith("python data_fetch.py cxr")


def test_a_check_that_breaks_is_a_finding_and_does_not_end_the_page(findings, monkeypatch):
    def broken():
        raise RuntimeError("no such thing\non this machine")

    monkeypatch.setattr(doctor, "_memory", broken)
    found = findings()
    assert found["memory"].state == "FAILS"
    assert "RuntimeError: no such thing on this machine" in found["memory"].found
    assert "disk" in found


def test_without_jupyterlab_it_says_so(findings):
    assert findings()["JupyterLab"][:3] == ("FAILS", "JupyterLab", "not installed")


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (1, "ok", "TensorFlow uses 1"),
        (0, "note", "TensorFlow sees none"),
        (None, "FAILS", "TensorFlow does not load"),
    ],
)
@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="TensorFlow has no GPU support there")
def test_a_card_is_named_and_why_it_is_not_used(findings, monkeypatch, tmp_path, seen, state, words):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA T4'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(doctor, "_ask_tensorflow", lambda: seen)
    finding = findings()["GPU"]
    assert finding.state == state
    assert finding.found.startswith("NVIDIA T4") and words in finding.found
    assert ("[gpu]" in finding.remedy) == (seen == 0)


def test_no_card_is_no_failure(findings, monkeypatch):
    monkeypatch.setattr(doctor, "_nvidia_cards", list)
    finding = findings()["GPU"]
    assert finding.state == "note" and "none" in finding.found


@pytest.mark.parametrize(("given", "status"), [("--help", 0), ("everything", 2)])
def test_it_takes_no_arguments(given, status):
    command = [sys.executable, "-m", "cnnkit.doctor", given]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == status and answer.stdout.startswith("usage: ") and "\n" not in answer.stdout.strip()
