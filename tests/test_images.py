"""cnnkit.images: every kind of file reads right, and sizes come out as asked."""

import numpy as np
import pytest
import skimage.color
import skimage.transform
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cnnkit.images import crop_center, read_image, resize, to_gray

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (30, 44), dtype=np.uint8)
COLOR = RNG.integers(0, 256, (30, 44, 3), dtype=np.uint8)


def saved(tmp_path, picture, name="picture.png", **options):
    picture.save(tmp_path / name, **options)
    return tmp_path / name


def test_gray_and_colour_are_read_as_stored(tmp_path):
    np.testing.assert_array_equal(read_image(saved(tmp_path, Image.fromarray(GRAY))), GRAY)
    np.testing.assert_array_equal(read_image(saved(tmp_path, Image.fromarray(COLOR))), COLOR)


def test_an_opaque_rgba_film_gives_its_gray_levels(tmp_path):
    rgba = np.dstack([GRAY, GRAY, GRAY, np.full_like(GRAY, 255)])
    image = read_image(saved(tmp_path, Image.fromarray(rgba)))
    assert image.shape == (30, 44, 3)
    np.testing.assert_array_equal(to_gray(image), GRAY)


def test_transparency_is_shown_on_white(tmp_path):
    rgba = np.dstack([COLOR, np.zeros_like(GRAY)])
    assert (read_image(saved(tmp_path, Image.fromarray(rgba))) == 255).all()
    gray_alpha = np.dstack([GRAY, np.full_like(GRAY, 255)])
    np.testing.assert_array_equal(read_image(saved(tmp_path, Image.fromarray(gray_alpha))), GRAY)


def test_a_palette_is_resolved(tmp_path):
    picture = Image.fromarray(COLOR).quantize(16)
    np.testing.assert_array_equal(read_image(saved(tmp_path, picture)), np.asarray(picture.convert("RGB")))


def test_sixteen_bits_keep_their_proportions(tmp_path):
    levels = np.array([[0, 257, 257 * 128, 65535]], dtype=np.uint16)
    np.testing.assert_array_equal(read_image(saved(tmp_path, Image.fromarray(levels))), [[0, 1, 128, 255]])


def test_one_bit_is_black_and_white(tmp_path):
    picture = Image.fromarray(GRAY > 127)
    np.testing.assert_array_equal(read_image(saved(tmp_path, picture)), np.where(GRAY > 127, 255, 0))


@pytest.mark.parametrize(
    "mark, upright", [(1, lambda a: a), (3, lambda a: np.rot90(a, 2)), (6, lambda a: np.rot90(a, -1))]
)
def test_the_cameras_rotation_mark_is_obeyed(tmp_path, mark, upright):
    exif = Image.Exif()
    exif[0x0112] = mark
    path = saved(tmp_path, Image.fromarray(COLOR), exif=exif)
    np.testing.assert_array_equal(read_image(path), upright(COLOR))


def test_cmyk_becomes_rgb(tmp_path):
    path = saved(tmp_path, Image.fromarray(COLOR).convert("CMYK"), "picture.jpg", quality=95)
    assert read_image(path).shape == (30, 44, 3)


def test_what_is_read_may_be_written_to(tmp_path):
    image = read_image(saved(tmp_path, Image.fromarray(GRAY)))
    image[0, 0] = 1


def test_what_cannot_be_read_says_why(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        read_image(tmp_path / "none.png")
    (tmp_path / "notes.png").write_text("not a picture")
    with pytest.raises(ValueError, match="notes.png is not an image"):
        read_image(tmp_path / "notes.png")
    whole = saved(tmp_path, Image.fromarray(COLOR), "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="half.jpg is truncated"):
        read_image(tmp_path / "half.jpg")
    with pytest.raises(ValueError, match="no ordinary file"):
        read_image(tmp_path)


def test_gray_is_luminance():
    np.testing.assert_array_equal(to_gray(COLOR), np.round(skimage.color.rgb2gray(COLOR) * 255))
    np.testing.assert_allclose(to_gray(COLOR / 255), skimage.color.rgb2gray(COLOR), atol=1e-12)
    np.testing.assert_array_equal(to_gray(GRAY[:, :, None]), GRAY)
    assert to_gray(GRAY) is not GRAY


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_the_middle_is_the_middle(rows, columns, more_rows, more_columns):
    image = np.arange((rows + more_rows) * (columns + more_columns)).reshape(rows + more_rows, -1)
    piece = crop_center(image, (rows, columns))
    assert piece.shape == (rows, columns)
    assert piece[0, 0] == image[more_rows // 2, more_columns // 2]


def test_a_small_picture_has_no_large_middle():
    with pytest.raises(ValueError, match="30×44 has no middle of 31×10"):
        crop_center(GRAY, (31, 10))
    with pytest.raises(ValueError, match="pair"):
        crop_center(GRAY, 10)


def test_resize_keeps_the_mean_and_the_type():
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    small = resize(stripes, (16, 16))
    assert small.dtype == np.uint8 and small.shape == (16, 16)
    assert abs(small.mean() - 127.5) < 3 and small.std() < 30  # grey, not false stripes
    assert resize(COLOR, (7, 9)).shape == (7, 9, 3)
    assert resize(GRAY > 127, (60, 88)).dtype == bool
    np.testing.assert_array_equal(resize(GRAY, GRAY.shape), GRAY)


def test_resize_agrees_with_scikit_image_on_smooth_pictures():
    y, x = np.mgrid[0:60, 0:80] / 80
    smooth = (np.sin(5 * x + 3 * y) + 1) / 2
    theirs = skimage.transform.resize(smooth, (30, 40), anti_aliasing=True)
    assert np.abs(resize(smooth, (30, 40)) - theirs).max() < 0.02


@pytest.mark.parametrize("function", [to_gray, lambda a: crop_center(a, (1, 1)), lambda a: resize(a, (1, 1))])
def test_a_batch_is_not_an_image(function):
    with pytest.raises(ValueError, match=r"Of a batch, pass one image"):
        function(np.zeros((2, 4, 5, 3)))
