"""How far two pictures are apart, for comparing a notebook's stored picture with a new one.

With one and the same release of Matplotlib, a picture comes out the same to the last pixel, so `difference` looks for
the smallest change. Another release moves titles and panels by a pixel or two and smooths edges otherwise; `distance`
forgives that, and still sees another colour map, other data or a title that has gone. Measured on nine figures of the
lessons, in units of 0 to 255:

- the same release: 0;
- Matplotlib 3.10.0 against 3.11.2: distances of 20 to 59 (differences of 50 to 235);
- changed on purpose: distances of 94 to 255 for colour map, data and lost titles; the smallest changes (a title's
  word, a radius of 4 instead of 3) are differences of 15 and more, and no distance tells them from a new release.
"""

import base64
import io

import numpy as np
from PIL import Image

NEAR = 8  # difference that the same release may make: rounding, on another processor
FAR = 70  # distance that another release may make

SMALL, LARGE = (64, 48), (192, 144)  # columns, rows
REACH = 3  # pixels of the large thumbnail by which something may have moved


def difference(stored: str, new: str) -> float:
    """Return the largest difference of two small thumbnails' pixels, 0 to 255."""
    return float(np.abs(_thumbnail(stored, SMALL) - _thumbnail(new, SMALL)).max())


def distance(stored: str, new: str) -> float:
    """Return the largest difference that no small movement explains, 0 to 255: an average over 3×3 pixels."""
    one, other = _thumbnail(stored, LARGE), _thumbnail(new, LARGE)
    return max(_not_found(one, other), _not_found(other, one))


def pictures(outputs: list) -> list[str]:
    """Return the image/png of a cell's outputs, in their order."""
    return [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]


def _thumbnail(data: str, size: tuple[int, int]) -> np.ndarray:
    """Decode base64 to float64 (rows, columns, 3) of 0-255, on white where it is transparent."""
    image = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return np.asarray(image.resize(size, Image.Resampling.BOX), float)


def _not_found(one: np.ndarray, other: np.ndarray) -> float:
    """Return by how much pixels of one differ from the likest of the other nearby, on average over 3×3."""
    rows, columns = one.shape[:2]
    padded = np.pad(other, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
    steps = range(2 * REACH + 1)
    likest = np.min([np.abs(one - padded[y : y + rows, x : x + columns]).max(axis=2) for y in steps for x in steps], 0)
    around = np.lib.stride_tricks.sliding_window_view(likest, (3, 3))
    return float(around.mean(axis=(2, 3)).max())
