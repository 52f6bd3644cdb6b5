"""Thresholding and morphology with a disk: what a flat structuring element does to bright and dark shapes.

Every function equals its namesake in scikit-image with ``footprint=skimage.morphology.disk(radius)`` in every pixel,
borders included, and is fast enough to be dragged: a disk is a stack of horizontal segments, and the minimum under
a segment comes from two windows of a table of running minima (see `_running`). (On a picture with a side of less
than a quarter of the radius SciPy, which scikit-image calls, mirrors wrongly; there the functions equal scikit-image
with ``mode="ignore"``.)

>>> import numpy as np
>>> spot = np.zeros((3, 5), dtype=bool); spot[1, 2] = True
>>> dilation(spot, 1).astype(int)
array([[0, 0, 1, 0, 0],
       [0, 1, 1, 1, 0],
       [0, 0, 1, 0, 0]])
"""

import operator
from collections.abc import Callable
from math import isqrt

import numpy as np

__all__ = [
    "black_tophat",
    "closing",
    "dilation",
    "disk",
    "erosion",
    "gradient",
    "opening",
    "otsu",
    "threshold",
    "white_tophat",
]


def otsu(image: np.ndarray) -> float:
    """Return Otsu's threshold: the value that best splits the pixels into a dark and a bright group.

    "Best" means that the grey values within each group vary least. One value, in the image's own units.

    Parameters
    ----------
    image : integer or float (rows, columns), not constant.

    Raises
    ------
    ValueError : not a picture of one channel, a mask, or all its pixels are equal.

    Source: N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. SMC 9 (1979) 62-66;
    computed by `skimage.filters.threshold_otsu`.
    """
    from skimage.filters import threshold_otsu  # here, since it takes longer to import than all the rest

    image = _checked(image, "otsu")
    if image.dtype == bool:
        raise ValueError("otsu: this is a mask already, of True and False. Give the grey values that it came from.")
    if image.size == 0 or image.min() == image.max():
        raise ValueError("otsu: all pixels are equal, so there is nothing to split. Give threshold a value.")
    return float(threshold_otsu(image))


def threshold(image: np.ndarray, value: float | None = None) -> np.ndarray:
    """Ask every pixel one question: are you brighter than `value`?

    Parameters
    ----------
    image : number (rows, columns), one channel.
    value : in the image's own units (0-255 for uint8); Otsu's threshold if not given.

    Returns
    -------
    bool (rows, columns), True where ``image > value``.

    Raises
    ------
    ValueError : more than one channel, or no value given for a constant image.
    """
    image = _checked(image, "threshold")
    return image > (otsu(image) if value is None else value)


def disk(radius: int) -> np.ndarray:
    """Return the disk of this radius: the pixels whose centre is at most `radius` from the middle.

    Returns
    -------
    uint8 (2 radius + 1, 2 radius + 1), ones inside; radius 0 is a single one, which changes nothing.

    >>> disk(1)
    array([[0, 1, 0],
           [1, 1, 1],
           [0, 1, 0]], dtype=uint8)
    """
    radius = _checked_radius(radius)
    steps = np.arange(-radius, radius + 1)
    return (steps[:, None] ** 2 + steps**2 <= radius**2).astype(np.uint8)


def erosion(image: np.ndarray, radius: int) -> np.ndarray:
    """Give each pixel the darkest value under a disk centred on it: bright shapes shrink by `radius`.

    Parameters
    ----------
    image : bool, integer or float (rows, columns). What lies outside the picture is never the darkest.
    radius : pixels, 0 or more.

    Returns
    -------
    A new array of the same shape and dtype.

    Raises
    ------
    ValueError : not a picture of one channel, or a radius that is not a whole number of 0 or more.
    """
    image = _checked(image, "erosion")
    return _under_disk(image, _checked_radius(radius), np.minimum, _extreme(image.dtype, "max"))


def dilation(image: np.ndarray, radius: int) -> np.ndarray:
    """Give each pixel the brightest value under a disk centred on it: bright shapes grow by `radius`.

    Parameters, result and errors as for `erosion`; outside the picture is never the brightest.
    """
    image = _checked(image, "dilation")
    return _under_disk(image, _checked_radius(radius), np.maximum, _extreme(image.dtype, "min"))


def opening(image: np.ndarray, radius: int) -> np.ndarray:
    """Erode, then dilate: bright things into which the disk does not fit vanish, the rest keep their size."""
    return dilation(erosion(image, radius), radius)


def closing(image: np.ndarray, radius: int) -> np.ndarray:
    """Dilate, then erode: dark holes and gaps into which the disk does not fit are filled."""
    return erosion(dilation(image, radius), radius)


def white_tophat(image: np.ndarray, radius: int) -> np.ndarray:
    """Return what `opening` takes away: small bright things."""
    return _difference(image, opening(image, radius))


def black_tophat(image: np.ndarray, radius: int) -> np.ndarray:
    """Return what `closing` fills: small dark things, shown bright."""
    return _difference(closing(image, radius), image)


def gradient(image: np.ndarray, radius: int) -> np.ndarray:
    """Return `dilation` minus `erosion`: bright along every edge, about two radii wide."""
    return _difference(dilation(image, radius), erosion(image, radius))


def _under_disk(image: np.ndarray, radius: int, extremum: np.ufunc, outside: object) -> np.ndarray:
    """Take the minimum (or maximum) of what lies under the disk, one horizontal segment of it after another."""
    rows, columns = image.shape
    padded = np.full((rows, columns + 2 * radius), outside, dtype=image.dtype)
    padded[:, radius : radius + columns] = image
    tables = _running(padded, 2 * radius + 1, extremum)
    result = image.copy()
    segment = np.empty_like(result)
    half_width = -1
    for height in range(min(radius, rows - 1), -1, -1):
        if half_width != (half_width := isqrt(radius**2 - height**2)):
            _under_segment(tables, radius, half_width, extremum, segment)
        for low, high in {(0, height), (height, 0)}:  # the segments above and below the middle are the same
            moved = result[low : rows - high]
            extremum(moved, segment[high : rows - low], out=moved)
    return result


def _running(padded: np.ndarray, width: int, extremum: np.ufunc) -> list[np.ndarray]:
    """Return tables whose k-th holds, at each column, the extremum of the 2**k pixels that start there.

    Each table needs one pass over the one before: the van Herk idea in its simplest form, by doubling.
    """
    tables = [padded]
    while 2 ** len(tables) <= width:
        last, step = tables[-1], 2 ** (len(tables) - 1)
        tables.append(extremum(last[:, :-step], last[:, step:]))
    return tables


def _under_segment(tables: list[np.ndarray], radius: int, half_width: int, extremum: np.ufunc, out: np.ndarray) -> None:
    """Write to `out` the extremum over 2 half_width + 1 pixels: of two windows that overlap in the middle."""
    width = 2 * half_width + 1
    level = width.bit_length() - 1
    first, last = radius - half_width, radius + half_width + 1 - 2**level
    columns = out.shape[1]
    extremum(tables[level][:, first : first + columns], tables[level][:, last : last + columns], out=out)


def _extreme(dtype: np.dtype, which: str) -> object:
    """Return the value that never wins: the largest of the dtype for a minimum, the smallest for a maximum."""
    if dtype.kind == "b":
        return which == "max"
    if np.issubdtype(dtype, np.integer):
        return getattr(np.iinfo(dtype), which)
    return np.inf if which == "max" else -np.inf


def _difference(larger: np.ndarray, smaller: np.ndarray) -> np.ndarray:
    """Subtract, or for masks: what is in one and not in the other."""
    subtract: Callable = operator.xor if np.asarray(larger).dtype.kind == "b" else operator.sub
    return subtract(np.asarray(larger), np.asarray(smaller))


def _checked(image: np.ndarray, caller: str) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim != 2:
        raise ValueError(
            f"{caller}: one channel is needed, shape (rows, columns), and this has shape {image.shape}."
            " Pick one, e.g. image[:, :, 0], or use cnnkit.images.to_gray."
        )
    if image.dtype.kind not in "buif":
        raise ValueError(f"{caller}: pixels must be bool, integer or float, not {image.dtype}.")
    return image


def _checked_radius(radius: int) -> int:
    try:
        radius = operator.index(radius)
    except TypeError:
        raise ValueError(f"radius must be a whole number of pixels, not {radius!r}.") from None
    if radius < 0:
        raise ValueError(f"radius must be 0 or more, not {radius}.")
    return radius
