"""Normalisation: bring the pixels of a picture to a common scale, in float32, before a network sees them.

Each function works on one picture, (rows, columns) or (rows, columns, channels), over all its channels together, or
with ``per_channel=True`` on each channel (the last axis) by itself. It returns a new float32 array of the same shape,
right to the last digit of float32, and never changes its input. What would give a silent NaN elsewhere:

- a constant picture (or channel) becomes all zeros;
- NaN, infinite values and empty pictures raise ValueError;
- booleans count as 0 and 1; integers of any size are taken as they are.

The classic slip is ``image - low / (high - low)``: division comes first, so without the brackets of
``(image - low) / (high - low)`` one small number is taken off every pixel and the scale stays as it was.

>>> import numpy as np
>>> film = np.array([[50, 100], [150, 250]], dtype=np.uint8)
>>> min_max(film)
array([[0.  , 0.25],
       [0.5 , 1.  ]], dtype=float32)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

__all__ = ["cut_points", "divide_by_255", "min_max", "percentile", "standardize"]


def divide_by_255(image: np.ndarray) -> np.ndarray:
    """Divide by 255, the largest value of an 8-bit picture: 0-255 becomes 0-1, whatever is in the picture.

    Parameters
    ----------
    image : bool, integer or float, any shape: each pixel is treated alike, so that a batch may be passed too.
        Exactly what the name says also happens to 16-bit pictures, which then reach 257; for those use `min_max`.

    Returns
    -------
    float32, same shape.

    Raises
    ------
    ValueError : an empty picture, NaN or infinite values, or pixels that are not numbers.
    """
    image = _checked_values(image, "divide_by_255")
    with _overflow_named("divide_by_255"):
        return np.divide(image, 255, dtype=np.float32, casting="same_kind")


def min_max(image: np.ndarray, *, per_channel: bool = False) -> np.ndarray:
    """Stretch so that the darkest pixel becomes 0 and the brightest 1: (image - min) / (max - min).

    One very bright pixel, such as a marker in a film, sets the scale for all the others: see `percentile`.

    Parameters
    ----------
    image : bool, integer or float (rows, columns) or (rows, columns, channels).
    per_channel : stretch each channel (last axis) by itself, which changes colours.

    Returns
    -------
    float32, same shape, from 0 to 1; zeros for a constant picture.

    Raises
    ------
    ValueError : another shape, an empty picture, NaN or infinite values, or pixels that are not numbers.
    """
    image = _checked(image, "min_max")
    if per_channel and image.ndim == 3:
        return _channel_by_channel(min_max, image)
    return _stretch(image, float(image.min()), float(image.max()), "min_max")


def percentile(
    image: np.ndarray, low: float = 5, high: float = 95, clip: bool = True, *, per_channel: bool = False
) -> np.ndarray:
    """Stretch so that the low percentile becomes 0 and the high one 1: (image - p_low) / (p_high - p_low).

    A few very dark or bright pixels no longer set the scale: they go beyond 0 or 1, or are cut off there.

    Parameters
    ----------
    image : bool, integer or float (rows, columns) or (rows, columns, channels).
    low, high : percentages of the pixels, 0 <= low < high <= 100; see `cut_points`.
    clip : set what lies below 0 to 0 and what lies above 1 to 1.
    per_channel : stretch each channel (last axis) by itself, which changes colours.

    Returns
    -------
    float32, same shape, from 0 to 1 if clipped. Where so many pixels are equal that both cut points coincide, all
    pixels above them become 1 and the others 0; so a constant picture becomes zeros.

    Raises
    ------
    ValueError : percentages out of order, another shape, an empty picture, NaN or infinite values, pixels that are
        not numbers, or, unclipped, a result beyond the range of float32.
    """
    image = _checked(image, "percentile")
    if per_channel and image.ndim == 3:
        return _channel_by_channel(lambda channel: percentile(channel, low, high, clip), image)
    return _stretch(image, *cut_points(image, low, high), "percentile", clip)


def standardize(image: np.ndarray, *, per_channel: bool = False) -> np.ndarray:
    """Shift and scale to mean 0 and standard deviation 1: (image - mean) / standard deviation.

    Parameters
    ----------
    image : bool, integer or float (rows, columns) or (rows, columns, channels).
    per_channel : standardise each channel (last axis) by itself.

    Returns
    -------
    float32, same shape, in standard deviations (of the population, as `numpy.std`); zeros for a constant picture.

    Raises
    ------
    ValueError : another shape, an empty picture, NaN or infinite values, or pixels that are not numbers.
    """
    image = _checked(image, "standardize")
    if per_channel and image.ndim == 3:
        return _channel_by_channel(standardize, image)
    low, high = float(image.min()), float(image.max())
    if low == high:  # asked of the pixels, since the rounded deviation of equal pixels need not be 0
        return np.zeros(image.shape, np.float32)
    with _overflow_named("standardize"):
        value = image.astype(np.float64)
        value -= low
        value /= high - low  # 0 to 1 first, so that no square is too large or too small for a float
        value -= value.mean()
        value /= value.std()
        return value.astype(np.float32)


def cut_points(image: np.ndarray, low: float = 5, high: float = 95) -> tuple[float, float]:
    """Return the values below which `low` and `high` percent of the pixels lie, as `numpy.percentile` does.

    Pictures of 8 and 16 bit have few different values: counting how often each occurs (the histogram) puts the pixels
    in order without sorting them, so the same numbers come several times faster.

    Parameters
    ----------
    image : bool, integer or float (rows, columns) or (rows, columns, channels); all channels together.
    low, high : percentages of the pixels, 0 <= low < high <= 100.

    Returns
    -------
    Two numbers in the picture's own units; between two pixels' values it interpolates linearly.

    Raises
    ------
    ValueError : as for `percentile`.

    >>> cut_points(np.arange(101, dtype=np.uint8).reshape(1, 101))
    (5.0, 95.0)
    """
    image = _checked(image, "percentile")
    _check_percentages(low, high)
    if image.dtype not in (np.bool_, np.uint8, np.uint16):
        with _overflow_named("percentile"):
            return tuple(np.percentile(image.astype(np.float64), [low, high]).tolist())
    counts = np.bincount(image.ravel())
    return _from_counts(counts, low), _from_counts(counts, high)


def _from_counts(counts: np.ndarray, percent: float) -> float:
    """Return a percentile of the values 0, 1, 2 … that occur `counts` times, to the last bit as `numpy.percentile`.

    Source: R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", American Statistician 50 (1996),
    definition 7: at position (n - 1) percent / 100 of the sorted values.
    """
    up_to = counts.cumsum()
    position = (up_to[-1] - 1) * (percent / 100)
    place = int(position)
    share = position - place
    # The value at a place of the sorted list is the first one with more than that many pixels up to it.
    below, above = (int(value) for value in np.searchsorted(up_to, [place, min(place + 1, up_to[-1] - 1)], "right"))
    if share < 0.5:
        return float(below + (above - below) * share)
    return float(above - (above - below) * (1 - share))  # from the nearer end, as NumPy does


def _stretch(image: np.ndarray, low: float, high: float, caller: str, clip: bool = True) -> np.ndarray:
    """Map low to 0 and high to 1; if they coincide, what is above to 1 and the rest to 0."""
    if low == high:
        return (image > high).astype(np.float32)
    if image.dtype == np.uint8:  # 256 answers to look up, and no array of float64 as large as the picture
        return _stretch(np.arange(256), low, high, caller, clip)[image]
    with _overflow_named(caller):
        value = image.astype(np.float64)
        if clip:
            value.clip(low, high, out=value)
        value -= low
        value /= high - low
        return value.astype(np.float32)


@contextmanager
def _overflow_named(caller: str) -> Iterator[None]:
    """Turn a number too large for its type, which NumPy makes infinite with a warning, into an error."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            yield
    except FloatingPointError:
        raise ValueError(
            f"{caller}: the pixels differ by more than float32 can hold. Clip the picture first."
        ) from None


def _channel_by_channel(function: Callable, image: np.ndarray) -> np.ndarray:
    return np.stack([function(channel) for channel in np.moveaxis(image, -1, 0)], axis=-1)


def _check_percentages(low: float, high: float) -> None:
    try:
        if 0 <= low < high <= 100:
            return
    except (TypeError, ValueError):
        pass  # not two plain numbers: said below
    raise ValueError(f"percentile: 0 <= low < high <= 100 is needed, and this is low={low!r}, high={high!r}.")


def _checked(image: np.ndarray, caller: str) -> np.ndarray:
    image = _checked_values(image, caller)
    if image.ndim not in (2, 3):
        raise ValueError(
            f"{caller}: one picture is needed, shape (rows, columns) or (rows, columns, channels), and this has shape"
            f" {image.shape}. Of a batch, pass one picture: batch[0]."
        )
    return image


def _checked_values(image: np.ndarray, caller: str) -> np.ndarray:
    image = np.asarray(image)
    if image.dtype.kind not in "buif":
        raise ValueError(f"{caller}: pixels must be bool, integer or float, not {image.dtype}.")
    if image.size == 0:
        raise ValueError(f"{caller}: the picture is empty, shape {image.shape}. Look at the slice that made it.")
    if image.dtype.kind == "f" and not (finite := np.isfinite(image)).all():
        first = tuple(np.argwhere(~finite)[0].tolist())
        raise ValueError(
            f"{caller}: {np.count_nonzero(~finite)} of {image.size} pixels are NaN or infinite, the first at {first}."
            " Find out where they come from, or replace them with numpy.nan_to_num."
        )
    return image
