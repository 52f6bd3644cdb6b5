"""datasets.load: the real pictures if there are any, else the drawn ones, always with the same labels."""

import numpy as np
import pytest
from PIL import Image

from cnnkit import datasets
from cnnkit.datasets.catalog import FetchError


def test_without_any_data_the_synthetic_set_is_drawn(drawn):
    assert datasets.in_use("cxr") == "cxr: none yet"
    films = datasets.load("cxr")
    assert films.classes == ("nofinding", "effusion") and films.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert datasets.state("cxr").kind == "synthetic"
    assert datasets.in_use("cxr", "flowers") == "cxr: 6 pictures, SYNTHETIC, drawn by this kit\nflowers: none yet"


def test_pictures_placed_by_hand_are_real_and_used(tmp_path):
    for kind in ("rose", "daisy"):
        (tmp_path / "flowers" / kind).mkdir(parents=True)
        Image.fromarray(np.zeros((40, 50), np.uint8)).save(tmp_path / "flowers" / kind / "mine.png")
    flowers = datasets.load("flowers", tmp_path)
    assert flowers.classes == ("daisy", "rose") and len(flowers) == 2
    assert datasets.state("flowers", tmp_path).kind == "real"


def test_an_unknown_set_is_refused():
    with pytest.raises(FetchError, match=r"tulips.*flowers.*cxr"):
        datasets.load("tulips")
