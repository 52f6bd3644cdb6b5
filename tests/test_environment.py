"""The lists of packages agree, name no address, and everything that is pinned is what is needed."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
PINS = dict(
    line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")
)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_conda_and_pip_install_the_same():
    (pip,) = (entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict))
    options = [line for line in pip if line.startswith("-")]
    assert options == ["--constraint constraints.txt", "--editable ."]
    assert sorted(set(pip) - set(options)) == sorted(PROJECT["dependencies"])


def test_condas_python_is_one_that_the_package_allows():
    (python,) = (entry for entry in ENVIRONMENT["dependencies"] if str(entry).startswith("python="))
    assert python.split("=")[1] in SpecifierSet(PROJECT["requires-python"])


@pytest.mark.parametrize("extra", ["", "test", "instructor"])
def test_all_that_is_asked_for_is_pinned(extra):
    wanted = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    pinned = {normal(name) for name in PINS}
    assert not [name for name in wanted if normal(Requirement(name).name) not in pinned]


def test_every_pin_fits_the_oldest_python_of_the_project():
    """A package may ask for 3.11.5 where Debian has 3.11.2; then nothing can be installed there."""
    oldest = PROJECT["requires-python"].split(",")[0].removeprefix(">=") + ".0"
    for name in PINS:
        try:
            asked = importlib.metadata.metadata(name).get("Requires-Python")
        except importlib.metadata.PackageNotFoundError:  # of an extra that is not installed here
            continue
        assert oldest in SpecifierSet(asked or ""), name


def test_tests_of_one_group_run_in_one_process(tmp_path):
    """Or two browsers at once slow each other down until one of them is late; some pytest and xdist do not group."""
    marked = "@pytest.mark.xdist_group('one')\n@pytest.mark.parametrize('number', range(4))\n"
    write = "def test(number): open(f'{os.getpid()}.process', 'w').close()\n"
    (tmp_path / "test_group.py").write_text(f"import os, pytest\n{marked}{write}")
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "--numprocesses", "2", "--dist", "loadgroup"]
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # 3 s, not 25: other plugins import much
    subprocess.run(command, cwd=tmp_path, env=alone, check=True, capture_output=True)
    assert len(list(tmp_path.glob("*.process"))) == 1


def test_gpu_users_get_tensorflow_with_cuda():
    assert PROJECT["optional-dependencies"]["gpu"] == ["tensorflow[and-cuda]"]


def test_no_file_names_a_registry_or_a_path_of_some_machine():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("needs a git checkout")
    address = re.compile(r"(index|extra-index)-url|--find-links|pypi\.org/simple|/(?:root|home/\w+)/")
    for name in set(tracked) - {"tests/test_environment.py"}:
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".jpg"}:
            assert not address.search(path.read_text(encoding="utf-8")), name


def test_what_is_handed_out_holds_no_answers(tmp_path):
    clone = subprocess.run(["git", "clone", "--quiet", ROOT, tmp_path / "kit"], capture_output=True, check=False)
    if clone.returncode:
        pytest.skip("needs a git checkout")
    subprocess.run(["make", "--silent", "handout"], cwd=tmp_path / "kit", check=True, capture_output=True)
    with zipfile.ZipFile(tmp_path / "kit/build/handout.zip") as file:
        names = {name.removeprefix("cnn-teaching-kit/") for name in file.namelist()}
    assert {"Makefile", "notebooks/00_start_here.ipynb", "cnnkit/__init__.py", "docs/glossary.md"} <= names
    assert "exercises/flowers_preprocessing/flowers_preprocessing.ipynb" in names
    assert not [name for name in names if name.split("/")[0] in {"solutions", "tests", ".git"}]
