"""What the drawn flowers and films share: soft edges, cloudy noise, blending, straight from NumPy and Pillow.

Pictures in the making are float32 and planar, (3, rows, columns), 0 black and 1 white: arithmetic on whole planes is
several times as fast as on pixels of three values.
"""

from dataclasses import dataclass
from math import cos, sin

import numpy as np
from PIL import Image, ImageFilter

__all__ = ["Place", "blend", "blurred", "clouds", "ink", "mixed", "slope", "soft", "to_bytes"]


@dataclass(frozen=True)
class Place:
    """Where a round thing stands: centre and radius in pixels, and how it is turned away from the viewer."""

    row: float
    column: float
    radius: float
    squash: float = 1.0
    turn: float = 0.0

    def box(self, rows: int, columns: int, margin: float = 1.1) -> tuple[slice, slice]:
        """The part of a picture that the thing can reach; empty if it stands outside."""
        reach = self.radius * margin + 2

        def span(centre, size):
            return slice(*(int(min(max(end, 0), size)) for end in (centre - reach, centre + reach + 1)))

        return span(self.row, rows), span(self.column, columns)

    def plane(self, box: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates in the plane of the thing, 1 at its rim: what the viewer sees squashed, set upright."""
        y = np.arange(box[0].start, box[0].stop, dtype=np.float32)[:, None] - self.row
        x = np.arange(box[1].start, box[1].stop, dtype=np.float32) - self.column
        c, s = cos(self.turn) / self.radius, sin(self.turn) / self.radius
        return x * c + y * s, (y * c - x * s) / self.squash


def soft(distance: np.ndarray, width: float) -> np.ndarray:
    """Return 0 outside, 1 inside and a ramp of `width` at the edge of a shape given by its signed distance.

    >>> soft(np.array([-2.0, 0.0, 0.25, 2.0]), 1.0).tolist()
    [0.0, 0.5, 0.75, 1.0]
    """
    ramp = distance * (1 / width)
    ramp += 0.5
    return np.clip(ramp, 0, 1, out=ramp)


def ink(colour) -> np.ndarray:
    """Shape three values as float32 (3, 1, 1), to be spread over planes."""
    return np.asarray(colour, np.float32).reshape(3, 1, 1)


def blend(below: np.ndarray, above: np.ndarray, alpha: np.ndarray) -> None:
    """Lay `above`, ink or planes, over the planes `below` in place, as opaque as `alpha` (rows, columns) says."""
    below += alpha * (above - below)


def mixed(low, high, share: np.ndarray) -> np.ndarray:
    """Return planes that run from one colour to another where `share` (rows, columns) runs from 0 to 1."""
    return ink(low) + (ink(high) - ink(low)) * np.clip(share, 0, 1)


def clouds(rng: np.random.Generator, rows: int, columns: int, cell: float, octaves: int = 1) -> np.ndarray:
    """Return float32 (rows, columns) noise about 0, mostly within -1 … 1, with blobs about `cell` pixels wide.

    Each further octave adds blobs half as wide and half as strong (value noise, the poor cousin of Perlin's).
    """
    total = np.zeros((rows, columns), np.float32)
    for octave in range(octaves):
        pitch = max(cell / 2**octave, 1)
        coarse = rng.uniform(-1, 1, (int(rows / pitch) + 3, int(columns / pitch) + 3)).astype(np.float32)
        finer = Image.fromarray(coarse).resize((columns, rows), Image.Resampling.BICUBIC)
        total += np.asarray(finer) * (1 / 2**octave)
    return total


def slope(rng: np.random.Generator, rows: int, columns: int, low: float, high: float) -> np.ndarray:
    """Return float32 (rows, columns) light that changes evenly from one corner to the other, about low … high."""
    ends = rng.uniform(low**0.5, high**0.5, 4).astype(np.float32)
    return np.linspace(*ends[:2], rows)[:, None] * np.linspace(*ends[2:], columns)


def blurred(alpha: np.ndarray | Image.Image, radius: float, shift: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Return a mask, an array 0 … 1 or a grey picture, blurred and moved by (down, right), as float32 0 … 1."""
    picture = alpha if isinstance(alpha, Image.Image) else Image.fromarray(to_bytes(alpha))
    if shift != (0, 0):
        moved = (1, 0, -shift[1], 0, 1, -shift[0])
        picture = picture.transform(picture.size, Image.Transform.AFFINE, moved)
    return np.asarray(picture.filter(ImageFilter.BoxBlur(radius)), dtype=np.float32) * (1 / 255)


def to_bytes(picture: np.ndarray) -> np.ndarray:
    """Turn floats, 0 black and 1 white, into uint8; what lies outside is clipped."""
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
