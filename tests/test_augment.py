"""cnnkit.augment: exact where it can be, equal to scikit-image where it cannot, and the same in a batch as alone."""

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import warp

from cnnkit import augment
from cnnkit.augment import FILL_MODES, LIMITS, XRAY_WARNINGS, Augmentation, Transform

DTYPES = [bool, np.uint8, np.uint16, np.float16, np.float32, np.float64]
SHAPES = [(1, 1), (1, 6), (7, 1), (5, 8), (40, 31), (12, 17, 3), (9, 9, 1), (16, 15, 4)]
# The names that scikit-image gives to the fill modes.
SCIKIT_IMAGE = {"constant": "constant", "nearest": "edge", "reflect": "symmetric", "wrap": "wrap"}
MOTION = ["horizontal_flip", "vertical_flip", "crop", "zoom", "shear", "rotation", "width_shift", "height_shift"]

motions = st.builds(
    Transform,
    horizontal_flip=st.booleans(),
    vertical_flip=st.booleans(),
    crop=st.floats(0, 0.4),
    zoom=st.floats(0.2, 5),
    shear=st.floats(-70, 70),
    rotation=st.floats(-400, 400),
    width_shift=st.floats(-1, 1),
    height_shift=st.floats(-1, 1),
    fill_mode=st.sampled_from(FILL_MODES),
)
shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))


def picture(shape, dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    if dtype is bool:
        return rng.random(shape) < 0.5
    if np.issubdtype(dtype, np.integer):
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    return rng.random(shape).astype(dtype)


# The matrix.


@settings(deadline=None)
@given(motions, shapes)
def test_the_matrix_is_the_product_of_its_single_changes_in_the_documented_order(transform, shape):
    for size in (shape, None):
        product = np.eye(3)
        for name in MOTION:  # as they are listed, the first to happen first
            product = Transform(**{name: getattr(transform, name)}).matrix(size) @ product
        np.testing.assert_allclose(transform.matrix(size), product, atol=1e-9)


@settings(deadline=None)
@given(st.floats(-400, 400), st.floats(0.2, 5), st.floats(-70, 70), st.floats(-1, 1), shapes)
def test_the_opposite_change_has_the_inverse_matrix(angle, zoom, shear, shift, shape):
    pairs = [
        (Transform(rotation=angle), Transform(rotation=-angle)),
        (Transform(zoom=zoom), Transform(zoom=1 / zoom)),
        (Transform(shear=shear), Transform(shear=-shear)),
        (Transform(width_shift=shift, height_shift=-shift), Transform(width_shift=-shift, height_shift=shift)),
        (Transform(horizontal_flip=True, vertical_flip=True),) * 2,
    ]
    for there, back in pairs:
        np.testing.assert_allclose(back.matrix(shape) @ there.matrix(shape), np.eye(3), atol=1e-9)
        np.testing.assert_allclose(back.matrix(), np.linalg.inv(there.matrix()), atol=1e-9)


@settings(deadline=None)
@given(motions, shapes)
def test_all_motion_is_about_the_true_centre(transform, shape):
    rows, columns = shape
    moved = transform.matrix(shape) @ [(columns - 1) / 2, (rows - 1) / 2, 1]
    shift = [transform.width_shift * columns, transform.height_shift * rows]
    np.testing.assert_allclose(moved[:2] - shift, [(columns - 1) / 2, (rows - 1) / 2], atol=1e-9)
    np.testing.assert_array_equal(transform.matrix((*shape, 3)), transform.matrix(shape))


def test_the_default_is_the_identity_and_no_shape_means_measured_from_the_centre():
    np.testing.assert_array_equal(Transform().matrix((7, 4)), np.eye(3))
    shifted = Transform(width_shift=0.2, height_shift=-0.1, zoom=2).matrix()
    np.testing.assert_allclose(shifted, [[2, 0, 0.2], [0, 2, -0.1], [0, 0, 1]])
    np.testing.assert_array_equal(Transform(rotation=90).matrix((5, 5)), [[0, 1, 0], [-1, 0, 4], [0, 0, 1]])


@pytest.mark.parametrize(
    "amounts, point, expected",
    [
        ({"rotation": 90}, (8, 5), (5, 2)),  # right of the centre (5, 5) goes above it
        ({"width_shift": 2 / 11}, (5, 5), (7, 5)),
        ({"height_shift": 2 / 11}, (5, 5), (5, 7)),
        ({"zoom": 2}, (6, 7), (7, 9)),
        ({"crop": 0.25}, (6, 7), (7, 9)),
        ({"shear": 45}, (5, 3), (7, 3)),  # above the centre goes right
        ({"horizontal_flip": True}, (1, 2), (9, 2)),
        ({"vertical_flip": True}, (1, 2), (1, 8)),
    ],
)
def test_a_bright_pixel_goes_where_the_matrix_says(amounts, point, expected):
    transform = Transform(**amounts)
    np.testing.assert_allclose(transform.matrix((11, 11)) @ [*point, 1], [*expected, 1], atol=1e-9)
    image = np.zeros((11, 11), np.uint8)
    image[point[1], point[0]] = 200
    assert transform.apply(image)[expected[1], expected[0]] == 200


# Exact, where it can be.


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", FILL_MODES)
def test_flips_and_half_turns_are_exact_and_the_identity_is_an_equal_copy(dtype, shape, mode):
    image = picture(shape, dtype)
    before = image.copy()
    image.flags.writeable = False
    cases = [
        (Transform(fill_mode=mode), image),
        (Transform(horizontal_flip=True, fill_mode=mode), np.fliplr(image)),
        (Transform(vertical_flip=True, fill_mode=mode), np.flipud(image)),
        (Transform(rotation=180, fill_mode=mode), np.rot90(image, 2)),
        (Transform(rotation=-540, fill_mode=mode), np.rot90(image, 2)),
        (Transform(rotation=720, noise_seed=4, fill_mode=mode), image),
        (Transform(horizontal_flip=True, vertical_flip=True, rotation=180, fill_mode=mode), image),
    ]
    for transform, expected in cases:
        result = transform.apply(image)
        assert result.dtype == image.dtype and not np.shares_memory(result, image) and result.flags.writeable
        np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (31, 31, 3)])
@pytest.mark.parametrize("quarters", [-5, -1, 1, 2, 3, 6])
def test_quarter_turns_of_a_square_equal_rot90(dtype, shape, quarters):
    image = picture(shape, dtype)
    np.testing.assert_array_equal(Transform(rotation=90 * quarters).apply(image), np.rot90(image, quarters))


def test_a_quarter_turn_of_an_oblong_keeps_the_frame_and_the_centre():
    image = picture((5, 9), np.uint8)
    turned = Transform(rotation=90).apply(image)
    expected = np.zeros_like(image)
    expected[:, 2:7] = np.rot90(image)[2:7]
    np.testing.assert_array_equal(turned, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("right, down", [(7, 0), (0, -3), (-29, 11), (100, 0)])
def test_shifts_by_whole_pixels_are_exact(dtype, right, down):
    image = picture((60, 100), dtype)
    shift = {"width_shift": right / 100, "height_shift": down / 60}
    wrapped = Transform(**shift, fill_mode="wrap").apply(image)
    np.testing.assert_array_equal(wrapped, np.roll(image, (down, right), (0, 1)))
    kept = np.roll(np.ones((60, 100), bool), 0)
    kept[: max(down, 0)], kept[60 + min(down, 0) :] = False, False
    kept[:, : max(right, 0)], kept[:, 100 + min(right, 0) :] = False, False
    np.testing.assert_array_equal(Transform(**shift).apply(image), np.where(kept, wrapped, 0))
    y, x = np.indices((60, 100))
    nearest = image[(y - down).clip(0, 59), (x - right).clip(0, 99)]
    np.testing.assert_array_equal(Transform(**shift, fill_mode="nearest").apply(image), nearest)
    symmetric = np.pad(image, 100, "symmetric")[100 - down : 160 - down, 100 - right : 200 - right]
    np.testing.assert_array_equal(Transform(**shift, fill_mode="reflect").apply(image), symmetric)


def test_a_crop_is_the_middle_enlarged_to_the_frame():
    image = picture((40, 40), np.uint8)
    cropped = Transform(crop=0.25).apply(image)
    inner = warp(image[10:30, 10:30], _scaling(20, 40), output_shape=(40, 40), order=1, preserve_range=True, clip=False)
    np.testing.assert_allclose(cropped[1:-1, 1:-1], inner[1:-1, 1:-1], atol=0.51)
    np.testing.assert_array_equal(cropped, Transform(zoom=2).apply(image))


def _scaling(small, large):
    """Return the matrix from pixels of a large grid to those of a small one that covers the same square."""
    ratio = small / large
    return np.array([[ratio, 0, (ratio - 1) / 2], [0, ratio, (ratio - 1) / 2], [0, 0, 1]])


# Equal to scikit-image, where it is not exact.


@settings(deadline=None, max_examples=150)
@given(
    motions, shapes, st.sampled_from([(), (1,), (3,)]), st.sampled_from([np.uint8, np.uint16, np.float32, np.float64])
)
def test_every_pixel_equals_scikit_images_warp(transform, shape, channels, dtype):
    image = picture(shape + channels, dtype)
    result = transform.apply(image)
    expected = warp(
        image.astype(np.float64),
        np.linalg.inv(transform.matrix(shape)),
        order=1,
        mode=SCIKIT_IMAGE[transform.fill_mode],
        preserve_range=True,
        clip=False,  # which would lift what lies between the picture and the black outside
    )
    # float32 places a pixel to within some 1e-5 of its width; uint8 adds half a level of rounding.
    tolerance = {np.uint8: 0.51, np.uint16: 8, np.float32: 1e-4, np.float64: 1e-9}[dtype]
    np.testing.assert_allclose(result, expected, atol=tolerance)


@settings(deadline=None)
@given(motions, shapes)
def test_a_mask_moves_with_its_picture(transform, shape):
    mask = picture(shape, bool)
    lit = replace(transform, brightness=0.4, contrast=0.2, noise=0.1)
    result = lit.apply(mask)
    assert result.dtype == bool
    np.testing.assert_array_equal(result, transform.apply(mask.astype(np.float32)) >= 0.5)


@settings(deadline=None)
@given(
    motions,
    st.floats(0, 3),
    st.floats(-1, 1),
    st.floats(0, 1),
    st.sampled_from([np.uint8, np.uint16, np.float16, np.float32, np.float64]),
)
def test_values_stay_in_their_range(motion, contrast, brightness, noise, dtype):
    transform = replace(motion, contrast=contrast, brightness=brightness, noise=noise, noise_seed=5)
    for image in (picture((9, 14, 3), dtype), picture((9, 14, 3), dtype) * 0):
        result = transform.apply(image)
        assert result.dtype == dtype and result.shape == image.shape
        assert result.min() >= 0 and (dtype is np.uint8 or dtype is np.uint16 or result.max() <= 1)
        assert motion.apply(image).max() <= image.max()


# Light.


@pytest.mark.parametrize("dtype, white", [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.float64, 1)])
def test_light_is_contrast_about_mid_grey_then_brightness_then_noise(dtype, white):
    image = picture((20, 30, 3), dtype)
    noise = np.random.default_rng(8).standard_normal(image.shape, dtype=np.float32)
    expected = (image - white / 2) * 1.5 + white / 2 + 0.1 * white + 0.05 * white * noise
    result = Transform(contrast=1.5, brightness=0.1, noise=0.05, noise_seed=8).apply(image)
    tolerance = 0.51 if np.issubdtype(dtype, np.integer) else 1e-6
    np.testing.assert_allclose(result, expected.clip(0, white), atol=tolerance, rtol=1e-6)
    again = Transform(noise=0.05, noise_seed=9).apply(image)
    assert not np.array_equal(again, Transform(noise=0.05, noise_seed=8).apply(image))


def test_float_pixels_may_have_any_range_until_they_are_lit():
    standardized = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)
    np.testing.assert_array_equal(Transform(horizontal_flip=True).apply(standardized), standardized[:, ::-1])
    with pytest.raises(ValueError, match=r"need float pixels from 0 to 1, and these go from -.*to 1.9.*min_max"):
        Transform(brightness=0.1).apply(standardized)
    with pytest.raises(ValueError, match="from 0 to 1, and these go from 87"):
        Augmentation(contrast=0.1)(standardized[None, :, :, None] + 90, 0)


# Ranges and batches.

EVERYTHING = Augmentation(
    rotation=30,
    width_shift=0.3,
    height_shift=(-0.1, 0.2),
    zoom=0.3,
    shear=10,
    horizontal_flip=True,
    vertical_flip=True,
    crop=0.1,
    brightness=0.2,
    contrast=0.5,
    noise=0.1,
    fraction=0.8,
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", FILL_MODES)
@pytest.mark.parametrize("at_once", [1, 500, 65536])
def test_a_batch_equals_its_transforms_one_by_one(dtype, mode, at_once, monkeypatch):
    monkeypatch.setattr(augment, "AT_ONCE", at_once)
    images = picture((11, 13, 12, 3), dtype)
    before = images.copy()
    augmentation = replace(EVERYTHING, fill_mode=mode)
    rng = np.random.default_rng(7)
    expected = [augmentation.draw(rng).apply(image) for image in images]
    result = augmentation(images, seed=7)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(augmentation(images, np.random.default_rng(7)), result)
    assert not np.array_equal(augmentation(images, seed=8), result)


def test_a_generator_moves_on_from_batch_to_batch():
    images, rng = picture((4, 9, 9, 1)), np.random.default_rng(7)
    assert not np.array_equal(EVERYTHING(images, rng), EVERYTHING(images, rng))


@pytest.mark.parametrize("shape", [(0, 5, 6, 1), (3, 0, 6, 1), (3, 5, 0, 1), (3, 5, 6, 0), (1, 1, 1, 1)])
@pytest.mark.parametrize("mode", FILL_MODES)
def test_empty_batches_and_pictures_stay_empty(shape, mode):
    assert replace(EVERYTHING, fill_mode=mode)(np.zeros(shape, np.uint8), 0).shape == shape
    assert Transform(rotation=3, fill_mode=mode).apply(np.zeros(shape[1:])).shape == shape[1:]


def test_the_memory_layout_makes_no_difference():
    images = picture((3, 8, 3, 10)).transpose(0, 1, 3, 2)[:, ::-1]
    np.testing.assert_array_equal(EVERYTHING(images, 1), EVERYTHING(np.ascontiguousarray(images), 1))
    np.testing.assert_array_equal(
        Transform(zoom=1.3).apply(images[0]), Transform(zoom=1.3).apply(np.ascontiguousarray(images[0]))
    )


def test_draws_fill_their_ranges_and_change_the_asked_fraction():
    rng = np.random.default_rng(0)
    drawn = [EVERYTHING.draw(rng) for _ in range(3000)]
    changed = [transform for transform in drawn if transform != Transform()]
    assert 0.77 < len(changed) / len(drawn) < 0.83
    for name, (low, high) in EVERYTHING.ranges.items():
        values = [getattr(transform, name) for transform in changed]
        slack = (high - low) / 50
        assert low <= min(values) < low + slack and high - slack < max(values) <= high, name
    for name in ("horizontal_flip", "vertical_flip"):
        assert 0.45 < np.mean([getattr(transform, name) for transform in changed]) < 0.55


def test_numbers_and_pairs_give_the_documented_ranges():
    augmentation = Augmentation(rotation=20, zoom=0.2, contrast=0.5, crop=0.1, noise=0.3, shear=(2, 7))
    expected = {"rotation": (-20, 20), "contrast": (0.5, 1.5), "crop": (0, 0.1), "noise": (0, 0.3), "shear": (2, 7)}
    assert expected.items() <= augmentation.ranges.items()
    np.testing.assert_allclose(augmentation.ranges["zoom"], (0.8, 1.2))
    assert Augmentation().draw(np.random.default_rng(0)) == Transform(
        noise_seed=Augmentation().draw(np.random.default_rng(0)).noise_seed
    )


def test_changing_one_range_leaves_the_other_draws_as_they_were():
    other = replace(EVERYTHING, rotation=0, horizontal_flip=False)
    one, two = np.random.default_rng(5), np.random.default_rng(5)
    for _ in range(20):
        assert replace(EVERYTHING.draw(one), rotation=0, horizontal_flip=False) == other.draw(two)


# Presets.


def test_the_preset_for_flowers_changes_every_picture_and_keeps_them_upright():
    flowers = Augmentation.flowers()
    assert flowers.horizontal_flip and not flowers.vertical_flip and flowers.fraction == 1
    assert flowers.ranges["rotation"] == (-20, 20) and Augmentation.flowers(rotation=5).rotation == 5


def test_the_preset_for_films_changes_half_of_them_by_ten_degrees_without_a_warning():
    films = Augmentation.chest_xray()
    assert films == Augmentation(rotation=10, fraction=0.5)
    assert Augmentation.chest_xray(fraction=0.2, crop=0).fraction == 0.2


@pytest.mark.parametrize(
    "asked, reason",
    [
        ({"vertical_flip": True}, "an up and a down"),
        ({"crop": 0.1}, "costophrenic angle"),
        ({"crop": (0.1, 0.2)}, "costophrenic angle"),
    ],
)
def test_what_is_wrong_on_films_is_done_with_a_warning_that_says_why(asked, reason):
    with pytest.warns(UserWarning, match=rf"^chest_xray: .*{reason}") as caught:
        films = Augmentation.chest_xray(**asked)
    assert caught[0].filename == __file__ and len(caught) == 1
    assert {name: getattr(films, name) for name in asked} == asked
    assert set(asked) <= set(XRAY_WARNINGS)


# Bad values.


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("kind", [Transform, Augmentation])
def test_amounts_beyond_their_limits_are_refused(name, kind):
    low, high = LIMITS[name]
    for bad in (high + 1, -high - 1, np.nan, np.inf, "1", None, True, 1j):
        with pytest.raises(ValueError, match=rf"^{kind.__name__}: .*{name} is a number"):
            kind(**{name: bad})
    Transform(**{name: low})
    Transform(**{name: np.float32(high / 2)})


@pytest.mark.parametrize(
    "amounts, message",
    [
        ({"horizontal_flip": 0.5}, "horizontal_flip is True or False, not 0.5"),
        ({"fill_mode": "mirror"}, "fill_mode is one of constant, nearest, reflect, wrap, not 'mirror'"),
    ],
)
@pytest.mark.parametrize("kind", [Transform, Augmentation])
def test_unknown_choices_are_refused(kind, amounts, message):
    with pytest.raises(ValueError, match=f"^{kind.__name__}: {message}"):
        kind(**amounts)


@pytest.mark.parametrize("seed", [-1, 1.5, "a"])
def test_seeds_are_whole_numbers(seed):
    with pytest.raises(ValueError, match="noise_seed is a whole number"):
        Transform(noise_seed=seed)
    with pytest.raises(ValueError, match="seed is a whole number of 0 or more, or a numpy Generator"):
        Augmentation()(picture((1, 4, 4, 1)), seed)


@pytest.mark.parametrize(
    "ranges, message",
    [
        ({"rotation": (20, -20)}, "goes from 20 to -20"),
        ({"rotation": -20}, "rotation is a number from 0 to 3600, not -20"),
        ({"zoom": 1}, "the lower end of zoom is a number from 0.01 to 100, not 0"),
        ({"shear": (1, 2, 3)}, r"shear is a number or a pair \(low, high\)"),
        ({"fraction": 1.5}, "fraction is a number from 0 to 1, not 1.5"),
    ],
)
def test_impossible_ranges_are_refused(ranges, message):
    with pytest.raises(ValueError, match=f"^Augmentation: .*{message}"):
        Augmentation(**ranges)


def test_what_is_no_picture_is_refused():
    turn = Transform(rotation=10)
    for shape in ((5,), (2, 5, 5, 3)):
        with pytest.raises(ValueError, match="one picture is needed.*use Augmentation"):
            turn.apply(np.zeros(shape))
    with pytest.raises(ValueError, match=r"a batch has shape.*draw\(rng\).apply"):
        EVERYTHING(np.zeros((5, 5, 3)), 0)
    for dtype in (np.int64, np.int8, complex, object):
        with pytest.raises(ValueError, match="must be bool, uint8, uint16 or float"):
            turn.apply(np.zeros((4, 4), dtype))
    for value in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="NaN or infinite pixels"):
            turn.apply(np.full((4, 4), value))
    for shape in (5, (5,), ("a", "b")):
        with pytest.raises(ValueError, match=r"shape is \(rows, columns\)"):
            turn.matrix(shape)


# Speed.


def test_importing_is_quick_for_it_brings_no_framework():
    code = (
        "import sys, cnnkit.augment; sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow', 'skimage')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.parametrize("mode", FILL_MODES)
def test_one_photograph_is_quick_enough_for_a_slider(mode):
    image, times = picture((240, 320, 3)), []
    for angle in range(15):
        begin = time.perf_counter()
        Transform(rotation=angle, zoom=1.2, brightness=0.1, fill_mode=mode).apply(image)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.05  # about 0.002 on a quiet machine; a slow loop in Python would take seconds
