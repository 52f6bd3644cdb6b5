"""Pictures of notebooks are compared as a reader would: what is drawn counts, not how its edges are smoothed."""

import base64
import functools
import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from pictures import FAR, NEAR, difference, distance, pictures
from PIL import Image


@functools.cache
def drawn(*, title="Loss by epoch", cmap="gray", data=0, size=(6, 3), dpi=84, pad=0.1):
    """A picture and a curve, side by side, as a notebook keeps them."""
    figure = Figure(figsize=size, layout="constrained", dpi=dpi)
    left, right = figure.subplots(1, 2)
    rows, columns = np.mgrid[:60, :80]
    left.imshow(np.hypot(rows - 30 - data, columns - 40) % 23, cmap=cmap)
    right.plot(np.cos(np.arange(40) / (5 + data)))
    right.set(title=title, xlabel="epoch", ylabel="loss")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", bbox_inches="tight", pad_inches=pad)
    return base64.b64encode(stream.getvalue()).decode()


def test_the_same_picture_is_not_far_at_all():
    assert difference(drawn(), drawn()) == distance(drawn(), drawn()) == 0


@pytest.mark.parametrize("change", [{"pad": 0.12}, {"dpi": 85}, {"dpi": 83, "pad": 0.08}], ids=str)
def test_a_shift_or_another_smoothing_as_of_a_new_release_is_near(change):
    assert difference(drawn(), drawn(**change)) > NEAR
    assert 0 < distance(drawn(), drawn(**change)) < FAR


@pytest.mark.parametrize("change", [{"cmap": "viridis"}, {"cmap": "gray_r"}, {"data": 8}, {"title": ""}], ids=str)
def test_other_colours_data_or_no_title_are_far_in_any_release(change):
    assert distance(drawn(), drawn(**change)) > FAR


@pytest.mark.parametrize("change", [{"title": "Gain by epoch"}, {"data": 0.5}], ids=str)
def test_small_changes_are_seen_in_the_same_release(change):
    assert difference(drawn(), drawn(**change)) > NEAR


def test_another_shape_is_far():
    assert distance(drawn(), drawn(size=(3, 6))) > FAR


def test_what_is_transparent_counts_as_white():
    def encoded(color):
        stream = io.BytesIO()
        Image.new("RGBA", (40, 30), color).save(stream, format="png")
        return base64.b64encode(stream.getvalue()).decode()

    assert distance(encoded((0, 0, 0, 0)), encoded((255, 255, 255, 255))) == 0


def test_pictures_are_found_among_other_outputs():
    outputs = [{"output_type": "stream"}, {"data": {"image/png": "a"}}, {"data": {"text/plain": ""}}]
    assert pictures(outputs) == ["a"]
