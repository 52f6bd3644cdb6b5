"""cnnkit.normalize: equal to the formula in float64, percentiles equal to NumPy's, and never a silent NaN."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cnnkit.normalize import cut_points, divide_by_255, min_max, percentile, standardize

METHODS = [divide_by_255, min_max, percentile, standardize]
STRETCHES = [min_max, percentile, standardize]
DTYPES = [bool, np.uint8, np.int8, np.uint16, np.int16, np.int64, np.float16, np.float32, np.float64]
SHAPES = [(1, 2), (17, 11), (5, 64, 3), (33, 7, 1), (8, 9, 4)]


def picture(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if dtype is bool:
        return rng.random(shape) < 0.4
    if np.issubdtype(dtype, np.integer):
        low, high = (0, 256) if dtype is np.int64 else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return rng.integers(low, high, shape, dtype=dtype)
    return rng.normal(3, 40, shape).astype(dtype)


def by_the_book(method, image):
    """Return the formula, in float64, one step after the other."""
    image = image.astype(np.float64)
    if method is divide_by_255:
        return image / 255
    if method is standardize:
        return (image - image.mean()) / image.std()
    low, high = (image.min(), image.max()) if method is min_max else np.percentile(image, [5, 95])
    return ((image - low) / (high - low)).clip(0, 1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_formula_in_float64(method, dtype, shape):
    image = picture(shape, dtype)
    result = method(image)
    assert result.dtype == np.float32 and result.shape == shape
    np.testing.assert_allclose(result, by_the_book(method, image), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", STRETCHES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_per_channel_treats_each_channel_of_the_last_axis_by_itself(method, dtype):
    image = picture((13, 10, 3), dtype)
    image[..., 1] //= 3
    expected = np.stack([by_the_book(method, image[..., channel]) for channel in range(3)], axis=2)
    np.testing.assert_allclose(method(image, per_channel=True), expected, rtol=1e-6, atol=1e-6)
    assert np.abs(method(image) - expected).max() > 0.1
    np.testing.assert_array_equal(method(image[..., 0], per_channel=True), method(image[..., 0]))


@pytest.mark.parametrize("method", METHODS)
def test_leaves_its_input_alone_whatever_its_memory_layout(method):
    image = picture((30, 44), np.uint8)
    for view in (image, image.T, image[::2, ::-3], np.asfortranarray(image), image.astype(np.float64)):
        before = view.copy()
        view.flags.writeable = False
        result = method(view)
        np.testing.assert_array_equal(result, method(before))
        np.testing.assert_array_equal(view, before)
        assert not np.shares_memory(result, view) and result.flags.writeable


def test_unclipped_percentiles_go_beyond_0_and_1():
    image = picture((40, 30), np.uint8)
    low, high = np.percentile(image, [25, 75])
    result = percentile(image, 25, 75, clip=False)
    np.testing.assert_allclose(result, (image - low) / (high - low), atol=1e-6)
    assert result.min() < -0.1 and result.max() > 1.1
    np.testing.assert_array_equal(percentile(image, 25, 75), result.clip(0, 1))


def test_an_outlier_sets_the_scale_of_min_max_and_not_that_of_percentiles():
    film = np.linspace(40, 90, 400).reshape(20, 20)
    marked = film.copy()
    marked[0, 0] = 255
    assert min_max(marked)[1:].max() < 0.25
    np.testing.assert_allclose(percentile(marked)[1:], percentile(film)[1:], atol=0.02)


@settings(deadline=None, max_examples=150)
@given(
    hnp.arrays(st.sampled_from([np.uint8, np.uint16]), hnp.array_shapes(min_dims=2, max_dims=3, max_side=9)),
    st.floats(0, 99.9),
    st.floats(0, 99.9),
)
def test_cut_points_equal_numpys_percentiles_to_the_last_bit(image, one, other):
    low, high = min(one, other), max(one, other) + 0.1
    assert cut_points(image, low, high) == tuple(np.percentile(image, [low, high]))


def test_cut_points_round_as_numpy_does_from_the_nearer_end():
    rng = np.random.default_rng(6)
    for _ in range(300):
        image, low = rng.integers(0, 65536, (4, 5), np.uint16), rng.uniform(0, 90)
        assert cut_points(image, low, low + 9) == tuple(np.percentile(image, [low, low + 9]))


@pytest.mark.parametrize("shape", [(512, 512), (240, 321, 3)])
@pytest.mark.parametrize("ends", [(5, 95), (0, 100), (25, 75), (1 / 3, 99.99)])
def test_cut_points_of_whole_pictures_equal_numpys(shape, ends):
    image = np.random.default_rng(4).normal(110, 50, shape).clip(0, 255).astype(np.uint8)
    for view in (image, image[::-2, 1::3]):
        assert cut_points(view, *ends) == tuple(np.percentile(view, ends))
    assert cut_points(image.astype(np.float32), *ends) == tuple(np.percentile(image.astype(np.float64), ends))
    assert cut_points(image > 99, *ends) == tuple(np.percentile((image > 99).astype(np.uint8), ends))


def test_cut_points_are_faster_than_numpys():
    """About seven times on a quiet machine; taken in turn, so that a busy one slows both, and asked for much less."""
    image = np.random.default_rng(4).normal(110, 50, (512, 512)).clip(0, 255).astype(np.uint8)
    ours, theirs = [], []
    for _ in range(30):
        for times, function in (ours, cut_points), (theirs, lambda image: np.percentile(image, [5, 95])):
            begin = time.perf_counter()
            function(image)
            times.append(time.perf_counter() - begin)
    assert min(ours) * 1.5 < min(theirs)


@pytest.mark.parametrize("method", STRETCHES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_constant_picture_becomes_zeros(method, dtype):
    for value in (0, 1, 0.1):  # the mean of many float 0.1 is not quite 0.1
        result = method(np.full((30, 41, 3), value, dtype))
        assert result.dtype == np.float32 and not result.any()
    mixed = np.zeros((6, 6, 2), dtype)
    mixed[:3, :, 0] = 1
    assert not method(mixed, per_channel=True)[..., 1].any() and method(mixed, per_channel=True)[..., 0].any()


@pytest.mark.parametrize("clip", [True, False])
def test_where_the_cut_points_coincide_what_is_above_becomes_1(clip):
    for dtype in (np.uint8, np.float32):
        mask = np.full((20, 20), 4, dtype)
        mask[0, :3] = 200, 5, 0
        np.testing.assert_array_equal(percentile(mask, clip=clip), mask > 4)


@settings(deadline=None, max_examples=200)
@given(hnp.arrays(np.float64, (3, 4), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_any_finite_picture_gives_finite_numbers_or_a_clear_error(image):
    for method in (*METHODS, lambda image: percentile(image, clip=False)):
        try:
            result = method(image)
        except ValueError as error:
            assert "differ by more than float32 can hold" in str(error)
        else:
            assert np.isfinite(result).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinite_values_are_located(method, value):
    image = np.ones((4, 5, 3), np.float32)
    image[2, 3, 1] = image[3, 0, 0] = value
    with pytest.raises(ValueError, match=rf"^{method.__name__}: 2 of 60 pixels.*first at \(2, 3, 1\).*nan_to_num"):
        method(image)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_picture_is_refused(method):
    with pytest.raises(ValueError, match=rf"^{method.__name__}: the picture is empty, shape \(0, 7\)"):
        method(np.zeros((0, 7)))
    for strange in (np.zeros((4, 4), complex), np.array([["a"]]), np.array([[None]])):
        with pytest.raises(ValueError, match="must be bool, integer or float"):
            method(strange)


@pytest.mark.parametrize("method", STRETCHES)
@pytest.mark.parametrize("shape", [(5,), (2, 4, 4, 3), ()])
def test_a_batch_is_not_normalised_as_if_it_were_one_picture(method, shape):
    with pytest.raises(ValueError, match=r"one picture is needed.*batch\[0\]"):
        method(np.ones(shape))


def test_divide_by_255_takes_batches_and_does_what_its_name_says_to_16_bit():
    np.testing.assert_array_equal(divide_by_255(np.full((2, 3, 3, 1), 255, np.uint8)), np.ones((2, 3, 3, 1)))
    assert divide_by_255(np.array([[65535]], np.uint16)) == 257


@pytest.mark.parametrize("ends", [(95, 5), (5, 5), (-1, 50), (5, 101), (np.nan, 95), ("5", 95), (None, 95)])
def test_percentages_out_of_order_are_refused(ends):
    for function in (percentile, cut_points):
        with pytest.raises(ValueError, match=r"0 <= low < high <= 100 is needed"):
            function(np.ones((3, 3)), *ends)
