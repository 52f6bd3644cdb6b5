"""Pictures as arrays: read, make grey, cut to the middle, make sizes equal."""

import numpy as np
from PIL import Image

from cnnkit.datasets.reading import read_image

__all__ = ["crop_center", "read_image", "resize", "to_gray"]

# How bright the eye finds red, green and blue light of equal power (ITU-R BT.709, as in skimage.color.rgb2gray).
LUMINANCE = np.array([0.2125, 0.7154, 0.0721])


def to_gray(image: np.ndarray) -> np.ndarray:
    """Turn colours into brightness: 0.2125 red + 0.7154 green + 0.0721 blue.

    Parameters
    ----------
    image : number (rows, columns), (rows, columns, 1), (rows, columns, 3) or, with alpha, (rows, columns, 4);
        alpha is left out.

    Returns
    -------
    A new array (rows, columns) of the same dtype; integers are rounded. A grey picture comes back unchanged, and
    so does one whose three channels are equal.

    Raises
    ------
    ValueError : any other shape.

    Source: ITU-R BT.709, the weights of `skimage.color.rgb2gray`.
    """
    image = _checked(image, "to_gray")
    if image.ndim == 2:
        return image.copy()
    if image.shape[2] == 1:
        return image[:, :, 0].copy()
    gray = image[:, :, :3] @ LUMINANCE
    return (np.round(gray) if image.dtype.kind in "iu" else gray).astype(image.dtype)


def crop_center(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut a piece of this size from the middle.

    Where the margin is odd, the spare row or column is left at the bottom or the right.

    Parameters
    ----------
    image : (rows, columns) or (rows, columns, channels), any dtype.
    size : (rows, columns) of the piece, pixels.

    Returns
    -------
    A new array of that size, same dtype.

    Raises
    ------
    ValueError : the picture is smaller than the piece; scale it up first or leave it out.
    """
    image = _checked(image, "crop_center")
    rows, columns = _checked_size(size, "crop_center")
    if image.shape[0] < rows or image.shape[1] < columns:
        raise ValueError(
            f"crop_center: a picture of {image.shape[0]}×{image.shape[1]} has no middle of {rows}×{columns}."
            " Leave it out, or resize it first."
        )
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    return image[top : top + rows, left : left + columns].copy()


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale to this size, without keeping the proportions.

    When it shrinks, every pixel of the original counts (a triangle filter as wide as the step), so that fine
    patterns turn grey instead of into false stripes. Masks (bool) take the nearest pixel instead.

    Parameters
    ----------
    image : bool, uint8 or float (rows, columns) or (rows, columns, channels).
    size : (rows, columns) of the result, pixels.

    Returns
    -------
    A new array of that size; bool and uint8 stay what they are, all else becomes float32.

    Raises
    ------
    ValueError : an empty picture, or a size below 1.
    """
    image = _checked(image, "resize")
    rows, columns = _checked_size(size, "resize")
    if image.size == 0:
        raise ValueError(f"resize: the picture is empty, shape {image.shape}.")
    if image.ndim == 3:
        return np.stack([resize(channel, size) for channel in np.moveaxis(image, 2, 0)], axis=2)
    if image.dtype == bool:
        scaled = Image.fromarray(image.astype(np.uint8)).resize((columns, rows), Image.Resampling.NEAREST)
        return np.asarray(scaled).astype(bool)
    channel = image if image.dtype == np.uint8 else image.astype(np.float32)
    return np.array(Image.fromarray(channel).resize((columns, rows), Image.Resampling.BILINEAR))


def _checked(image: np.ndarray, caller: str) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (1, 3, 4)):
        return image
    raise ValueError(
        f"{caller}: an image has shape (rows, columns) or (rows, columns, channels), and this has {image.shape}."
        " Of a batch, pass one image: batch[0]."
    )


def _checked_size(size: tuple[int, int], caller: str) -> tuple[int, int]:
    try:
        rows, columns = (int(side) for side in size)
    except (TypeError, ValueError):
        raise ValueError(f"{caller}: size is a pair (rows, columns), not {size!r}.") from None
    if rows < 1 or columns < 1:
        raise ValueError(f"{caller}: size (rows, columns) must be 1 or more each, not {size!r}.")
    return rows, columns
