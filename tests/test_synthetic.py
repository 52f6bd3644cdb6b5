"""The drawn sets: what is written, that it repeats, that colour or brightness alone do not solve them."""

import warnings
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from cnnkit.datasets import synthetic
from cnnkit.datasets.synthetic import draw, draw_daisy_in_grass, draw_film, draw_flower
from cnnkit.morphology import closing, gradient, opening

KINDS = ("daisy", "rose")


def rng(*numbers):
    return np.random.default_rng(numbers)


def overlap(first, second):
    return (first & second).sum() / (first | second).sum()


def middle(image, side=100):
    rows, columns = ((length - side) // 2 for length in image.shape[:2])
    return image[rows : rows + side, columns : columns + side]


def colour_auc(colours, labels):
    """How well a straight line through the mean colours tells the kinds apart, cross-validated."""
    scores = cross_val_predict(LogisticRegression(C=100), colours / 255, labels, cv=5, method="decision_function")
    return roc_auc_score(labels, scores)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """The first 52 of each kind of flower, and the first 36 of each class of films."""
    place = tmp_path_factory.mktemp("few")
    for name, limit in (("flowers", 52), ("cxr", 36)):
        (place / name).mkdir()
        synthetic._draw(name, place / name, seed=0, progress=False, limit=limit)
    return place


@pytest.fixture(scope="module")
def flowers():
    """Seventy of each kind as (image, outline), 180 × 240."""
    return {kind: [draw_flower(kind, rng(7, number), 180, 240) for number in range(70)] for kind in KINDS}


@pytest.fixture(scope="module")
def films():
    """Sixty with and sixty without an effusion as (film, opacity), 128 × 128."""
    return {effusion: [draw_film(effusion, rng(7, effusion, n), 128) for n in range(60)] for effusion in (True, False)}


# --- one flower ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(32, 32), (57, 200), (240, 91), (180, 240)])
def test_flower_has_the_shape_and_types_promised(kind, shape):
    image, outline = draw_flower(kind, rng(1), *shape)
    assert (image.shape, image.dtype) == ((*shape, 3), np.uint8)
    assert (outline.shape, outline.dtype) == (shape, bool)
    assert image.flags.c_contiguous


@pytest.mark.parametrize("kind", KINDS)
def test_flower_repeats_with_its_seed_and_differs_with_another(kind):
    first, again, other = (draw_flower(kind, rng(seed), 90, 120) for seed in (3, 3, 4))
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("kind", KINDS)
def test_outline_lies_where_the_picture_changes(kind, flowers):
    ratios = []
    for image, outline in flowers[kind]:
        change = gradient(image.mean(2), 1)
        ratios.append(change[gradient(outline, 1)].mean() / change.mean())
    assert np.median(ratios) > 2


@pytest.mark.parametrize("kind", KINDS)
def test_centre_crop_shows_flower_and_structure(kind, flowers):
    for image, outline in flowers[kind]:
        assert middle(outline).mean() > 0.25
        assert middle(image).std((0, 1)).max() > 8


def test_mean_colour_does_not_tell_the_kinds_apart(flowers):
    labels = np.repeat((0, 1), 70)
    pictures = [image for kind in KINDS for image, _ in flowers[kind]]
    assert colour_auc(np.array([image.mean((0, 1)) for image in pictures]), labels) <= 0.75
    assert colour_auc(np.array([middle(image).mean((0, 1)) for image in pictures]), labels) <= 0.75


@pytest.mark.parametrize("kind", ["tulip", "Daisy", "", None])
def test_other_kinds_are_refused(kind):
    with pytest.raises(ValueError, match="kind must be one of daisy, rose, not"):
        draw_flower(kind, rng(0), 100, 100)


@pytest.mark.parametrize("shape", [(31, 100), (100, 0), (-5, 40)])
def test_too_small_flowers_are_refused(shape):
    with pytest.raises(ValueError, match="at least 32, not"):
        draw_flower("rose", rng(0), *shape)


# --- the daisy of the morphology lesson ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_daisy_in_grass_is_untidy_and_a_disk_tidies_it(seed):
    image, outline = draw_daisy_in_grass(rng(11, seed))
    raw = image[..., 0] > 125
    assert 0.6 < overlap(raw, outline) < 0.85
    assert overlap(closing(opening(raw, 3), 5), outline) > 0.95


def test_daisy_in_grass_takes_other_sizes_and_refuses_tiny_ones():
    image, outline = draw_daisy_in_grass(rng(0), 100, 70)
    assert image.shape == (100, 70, 3) and outline.shape == (100, 70) and outline.any()
    with pytest.raises(ValueError, match="at least 32"):
        draw_daisy_in_grass(rng(0), 20, 70)


# --- one film ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [64, 101, 256])
def test_film_has_the_shape_and_types_promised(side):
    film, opacity = draw_film(True, rng(2), side)
    assert (film.shape, film.dtype) == ((side, side), np.uint8)
    assert (opacity.shape, opacity.dtype) == ((side, side), bool)


def test_film_repeats_with_its_seed_and_differs_with_another():
    first, again, other = (draw_film(True, rng(seed))[0] for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_opacity_is_there_with_an_effusion_and_only_then(films):
    assert all(opacity.any() for _, opacity in films[True])
    assert not any(opacity.any() for _, opacity in films[False])


def test_opacity_is_brighter_than_the_other_side_and_lies_low(films):
    gains, heights = [], []
    for film, opacity in films[True]:
        alone = opacity & ~opacity[:, ::-1]
        heights.append(np.nonzero(opacity)[0].mean() / len(film))
        if alone.sum() > 20:
            gains.append(film[alone].mean() - film[:, ::-1][alone].mean())
    assert np.mean(gains) > 15
    assert 0.5 < np.mean(heights) < 0.85


def test_effusions_come_on_either_side_and_in_many_sizes(films):
    left = [opacity[:, :64].any() for _, opacity in films[True]]
    right = [opacity[:, 64:].any() for _, opacity in films[True]]
    sizes = np.sort([opacity.mean() for _, opacity in films[True]])
    assert sum(left) > 15 and sum(right) > 15 and sum(np.logical_and(left, right)) > 3
    assert sizes[-5] > 4 * sizes[5]


def test_mean_brightness_does_not_tell_effusions(films):
    labels = np.repeat((1, 0), 60)
    scores = np.array([film.mean() for effusion in (True, False) for film, _ in films[effusion]])
    assert 0.3 <= roc_auc_score(labels, scores) <= 0.7


def test_the_heart_points_to_the_viewers_right(films):
    mean = np.mean([film for film, _ in films[False]], axis=0)
    beside = slice(60, 80), slice(80, 90)
    assert mean[beside].mean() > mean[:, ::-1][beside].mean() + 10


def test_too_small_films_are_refused():
    with pytest.raises(ValueError, match="at least 64 pixels, not 63"):
        draw_film(True, rng(0), 63)


# --- the folders -------------------------------------------------------------------------------------------------


def read(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = Image.open(path)
        picture.load()
    return picture


def test_every_file_says_that_it_is_synthetic(few):
    for path in few.rglob("*.*"):
        info = read(path).info
        said = info["Comment"] if path.suffix == ".png" else info["comment"].decode()
        assert path.stem.startswith("synthetic_") and said.startswith("synthetic")


def test_flowers_have_grey_alpha_and_tiny_ones_among_them(few):
    for kind in KINDS:
        pictures = [read(path) for path in sorted((few / "flowers" / kind).iterdir())]
        modes = [picture.mode for picture in pictures]
        assert len(pictures) == 52 and modes.count("L") == 1 and modes.count("RGBA") == 1
        sides = np.array([min(picture.size) for picture in pictures])
        assert (sides < 100).sum() == 1 and sides.min() >= 56 and (sides >= 180).sum() == 51
        assert len({picture.size[0] > picture.size[1] for picture in pictures}) == 2


def test_films_are_grey_with_a_few_rgba_of_equal_channels(few):
    for label in ("effusion", "nofinding"):
        pictures = [read(path) for path in sorted((few / "cxr" / label).iterdir())]
        assert len(pictures) == 36 and {picture.size for picture in pictures} == {(256, 256)}
        rgba = [np.asarray(picture) for picture in pictures if picture.mode == "RGBA"]
        assert rgba and {picture.mode for picture in pictures} == {"L", "RGBA"}
        assert all((a[..., 3] == 255).all() and (a[..., :3] == a[..., :1]).all() for a in rgba)


@pytest.mark.parametrize("name", ["flowers", "cxr"])
def test_the_same_bytes_come_again_whatever_else_is_drawn(name, few, tmp_path):
    synthetic._draw(name, tmp_path, seed=0, progress=False, limit=3)
    again = sorted(path for path in tmp_path.rglob("*.*"))
    assert len(again) == 6
    for path in again:
        assert path.read_bytes() == (few / name / path.relative_to(tmp_path)).read_bytes()


def test_another_seed_gives_other_pictures(few, tmp_path):
    synthetic._draw("flowers", tmp_path, seed=1, progress=False, limit=1)
    path = tmp_path / "rose" / "synthetic_0001.jpg"
    assert path.read_bytes() != (few / "flowers" / "rose" / path.name).read_bytes()


@pytest.mark.parametrize("name", ["flower", "CXR", ""])
def test_other_sets_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match="name must be one of flowers, cxr, not"):
        draw(name, tmp_path)


def test_a_folder_that_is_missing_or_in_use_is_refused_and_left_alone(tmp_path):
    with pytest.raises(ValueError, match="must be an existing folder"):
        draw("flowers", tmp_path / "nowhere")
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(ValueError, match="must be empty"):
        draw("flowers", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_cannot_be_written_stops_the_drawing(tmp_path, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space left"):
        draw("cxr", tmp_path, progress=False)


# --- the whole sets ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_whole_set_of_flowers(whole_sets):
    paths = sorted(whole_sets.glob("flowers/*/*"))
    labels = np.array([path.parent.name == "rose" for path in paths])
    assert (labels.sum(), len(paths)) == (300, 600)
    pictures = [read(path) for path in paths]
    assert [sum(p.mode == mode for p in pictures) for mode in ("L", "RGBA")] == [12, 12]
    assert sum(min(p.size) < 100 for p in pictures) == 12
    colours = [np.asarray(p.convert("RGB")) for p in pictures]
    assert colour_auc(np.array([c.mean((0, 1)) for c in colours]), labels) <= 0.75
    usable = [min(p.size) >= 100 for p in pictures]
    crops = np.array([middle(c).mean((0, 1)) for c, use in zip(colours, usable, strict=True) if use])
    assert colour_auc(crops, labels[usable]) <= 0.75


@pytest.mark.slow
def test_the_whole_set_of_films(whole_sets):
    paths = sorted(whole_sets.glob("cxr/*/*"))
    assert Counter(path.parent.name for path in paths) == {"effusion": 107, "nofinding": 1000}
    labels = [path.parent.name == "effusion" for path in paths]
    pictures = [read(path) for path in paths]
    rgba = [path.parent.name for path, p in zip(paths, pictures, strict=True) if p.mode == "RGBA"]
    assert (rgba.count("effusion"), rgba.count("nofinding")) == (3, 26)
    means = np.array([np.asarray(p.convert("L")).mean() for p in pictures])
    assert 0.3 <= roc_auc_score(labels, means) <= 0.7


@pytest.mark.parametrize("progress", [True, False])
def test_whether_progress_is_shown_can_also_be_said_from_outside(tmp_path, monkeypatch, progress):
    import tqdm

    given = []
    plain = tqdm.tqdm
    monkeypatch.setattr(tqdm, "tqdm", lambda **options: given.append(options) or plain(**options))
    synthetic._draw("flowers", tmp_path, seed=0, progress=progress, limit=1)
    # TQDM_DISABLE counts only where nothing is said.
    assert [options.get("disable") for options in given] == [None if progress else True]
    assert "disable" not in given[0] or not progress
