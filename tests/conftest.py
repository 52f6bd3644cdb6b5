"""What all tests share: a data folder and a cache of their own, so that no test sees or harms the user's."""

import importlib.util
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnkit.datasets import synthetic
from cnnkit.datasets.catalog import CATALOG

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"

# A run that was started in the background of a script ignores Ctrl-C, and some tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def load_tool(name):
    """Return a script of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tool(request):
    """The script of tools/ that a module of tests names as its TOOL."""
    return load_tool(request.module.TOOL)


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Point the data folder and the cache at a temporary place."""
    place = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CNNKIT_DATA", str(place / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))


@pytest.fixture
def real_pictures():
    """Real photographs and films beside the checkout, for those who have them."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder of real pictures beside the checkout")
    return SHARED


@pytest.fixture
def drawn(monkeypatch):
    """Draw three small pictures a class instead of hundreds."""

    def draw(name, folder, seed=0, progress=True):
        for kind in CATALOG[name].classes:
            (folder / kind).mkdir()
            for number in range(3):
                Image.fromarray(np.full((40, 50), number, np.uint8)).save(folder / kind / f"{number}.png")

    monkeypatch.setattr(synthetic, "draw", draw)


@pytest.fixture(scope="session")
def whole_sets(tmp_path_factory):
    """A data folder with both synthetic sets, drawn once for all tests of a run, which only read them."""
    place = tmp_path_factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place  # which all workers have in common
    places = {"CNNKIT_DATA": str(place / "whole_sets"), "XDG_CACHE_HOME": str(place / "cache")}
    load_tool("check_notebooks").draw(os.environ | places)  # while one worker draws, the others wait
    return place / "whole_sets"


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """A notebook with one explorer a cell, run and open in a browser: it takes half a minute to get there, so once."""
    from explorer_page import explorer_page  # only here, since it needs what only browser tests need

    with explorer_page(tmp_path_factory.mktemp("explorers")) as page:
        yield page


def pytest_configure(config):
    os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")  # or jupyter_core warns, and warnings are errors here
