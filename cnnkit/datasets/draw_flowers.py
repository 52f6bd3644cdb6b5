"""Draws daisies and roses with their outline, from chance alone; colours, light and places are alike for both."""

from math import cos, pi, sin

import numpy as np

from cnnkit.datasets.brushes import Place, blend, ink, soft, to_bytes
from cnnkit.datasets.draw_garden import (
    add_glints,
    add_greenery,
    background,
    blade_in_front,
    cast_shadow,
    daylight,
    grass,
)
from cnnkit.datasets.draw_petals import Look, paint_daisy, paint_rose

__all__ = ["draw_daisy_in_grass", "draw_flower"]

SMALLEST = 32
KINDS = {"daisy": paint_daisy, "rose": paint_rose}

# Petal colours in full light, as (red, green, blue). Both kinds share them, so that colour tells little.
PETALS = {
    "white": (0.97, 0.96, 0.93),
    "pink": (0.95, 0.60, 0.72),
    "lilac": (0.76, 0.62, 0.90),
    "yellow": (0.98, 0.84, 0.30),
    "peach": (0.98, 0.73, 0.55),
    "red": (0.82, 0.12, 0.16),
}
CHANCES = {"daisy": (0.34, 0.18, 0.16, 0.14, 0.08, 0.10), "rose": (0.26, 0.20, 0.10, 0.15, 0.13, 0.16)}
DISCS = ((0.98, 0.78, 0.12), (0.95, 0.62, 0.10), (0.72, 0.72, 0.20), (0.42, 0.24, 0.12), (0.25, 0.14, 0.16))
DISC_CHANCES = (0.4, 0.2, 0.12, 0.18, 0.1)


def draw_flower(kind: str, rng: np.random.Generator, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw one flower, sometimes with a second, in a garden of its own.

    A drawing, not a photograph. The main flower stands near the middle and is sized so that the central
    100 × 100 pixels of a picture of the set show its petals.

    Parameters
    ----------
    kind : "daisy" or "rose".
    rng : where all chance comes from; the same state gives the same picture.
    rows, columns : size in pixels, at least 32 each.

    Returns
    -------
    image : uint8 (rows, columns, 3), RGB.
    outline : bool (rows, columns), true where a flower shows: petals and disc, without stem and leaves.

    Raises
    ------
    ValueError : another kind, or a picture too small.

    >>> image, outline = draw_flower("daisy", np.random.default_rng(0), 120, 160)
    >>> image.shape, outline.shape
    ((120, 160, 3), (120, 160))
    """
    _check(kind, rows, columns)
    image, outline = background(rng, rows, columns), np.zeros((rows, columns), np.float32)
    look = _look(rng, kind)
    for place in _places(rng, kind, rows, columns):
        add_greenery(rng, image, place)
        _plant(rng, kind, image, outline, place, look)
    if rng.random() < 0.15:
        outline *= 1 - blade_in_front(rng, image)
    return _developed(daylight(rng, image)), outline > 0.5


def draw_daisy_in_grass(rng: np.random.Generator, rows: int = 240, columns: int = 320) -> tuple[np.ndarray, np.ndarray]:
    """Draw one white daisy in a dark lawn: the subject of the lesson on morphology.

    Sunlit tips of grass are as bright as petals; creases and beetles on the petals are as dark as grass. So the red
    channel above 125 has specks in the grass and holes in the flower, and its overlap with the outline (intersection
    over union) is about 0.74 at 240 × 320. An opening with a disk of radius 3, then a closing with radius 5, bring it
    above 0.95. Larger pictures have larger specks and want larger disks.

    Parameters, results and errors as for `draw_flower`.
    """
    _check("daisy", rows, columns)
    side = min(rows, columns)
    image, outline = grass(rng, rows, columns, 0.75), np.zeros((rows, columns), np.float32)
    add_glints(rng, image, 0.16)
    wander = 0.04 * side
    row, column = rows / 2 + rng.uniform(-wander, wander), columns / 2 + rng.uniform(-wander, wander)
    place = Place(row, column, side * rng.uniform(0.4, 0.44), rng.uniform(0.85, 1), rng.uniform(0, pi))
    white, petals = np.array(PETALS["white"]), int(rng.integers(24, 34))
    look = Look(white, white, np.array(DISCS[0]), rng.uniform(0, 2 * pi), petals, wide=1.45, crease=0.012)
    _plant(rng, "daisy", image, outline, place, look)
    for _ in range(20):
        _insect(rng, image, place)
    return _developed(image), outline > 0.5


def _check(kind, rows, columns):
    if kind not in KINDS:
        raise ValueError(f"draw_flower: kind must be one of {', '.join(KINDS)}, not {kind!r}.")
    if min(rows, columns) < SMALLEST:
        raise ValueError(f"draw_flower: rows and columns must be at least {SMALLEST}, not {rows} × {columns}.")


def _look(rng, kind):
    """Colours, the sun and the number of petals of the flowers of one picture."""
    name = rng.choice(list(PETALS), p=CHANCES[kind])
    petal = np.clip(np.array(PETALS[name]) + rng.normal(0, 0.035, 3), 0.04, 1)
    tip = np.clip(petal + rng.normal(0, 0.08, 3), 0.04, 1)
    disc = np.array(DISCS[rng.choice(len(DISCS), p=DISC_CHANCES)])
    petals = rng.integers(8, 35) if kind == "daisy" else rng.integers(13, 21)
    return Look(petal, tip, disc, rng.uniform(0, 2 * pi), int(petals), rng.uniform(0.65, 1.2))


def _places(rng, kind, rows, columns):
    """Where flowers stand; the main one comes last, so that it is painted over its neighbour."""
    side = min(rows, columns)
    radius, wander = side * rng.uniform(0.27, 0.44), 0.09 * side
    row, column = rows / 2 + rng.uniform(-wander, wander), columns / 2 + rng.uniform(-wander, wander)
    squash, turn = rng.uniform(0.62 if kind == "daisy" else 0.74, 1), rng.uniform(0, 2 * pi)
    main = Place(row, column, radius, squash, turn)
    if rng.random() > 0.3:
        return [main]
    angle, smaller = rng.uniform(0, 2 * pi), radius * rng.uniform(0.5, 0.9)
    away = (radius + smaller) * rng.uniform(0.85, 1.2)
    return [Place(row + away * sin(angle), column + away * cos(angle), smaller, squash, turn + 0.4), main]


def _plant(rng, kind, image, outline, place, look):
    """Paint a flower and its shadow, and add it to the outline."""
    box = place.box(*outline.shape)
    if box[0].start >= box[0].stop or box[1].start >= box[1].stop:
        return
    colour, cover = KINDS[kind](rng, *place.plane(box), 1 / place.radius, look)
    cast_shadow(rng, image, box, cover)
    blend(image[:, *box], colour, cover)
    outline[box] = np.maximum(outline[box], cover)


def _insect(rng, image, place):
    """A small dark beetle somewhere on a flower."""
    row, column = rng.uniform(-0.6, 0.6, 2) * place.radius + (place.row, place.column)
    spot = Place(row, column, place.radius * rng.uniform(0.02, 0.035), rng.uniform(0.5, 0.8), rng.uniform(0, pi))
    box = spot.box(*image.shape[1:])
    blend(image[:, *box], ink((0.12, 0.10, 0.09)), soft(1 - np.hypot(*spot.plane(box)), 1 / spot.radius))


def _developed(image):
    """Planes of floats to pixels of bytes."""
    return np.ascontiguousarray(to_bytes(image).transpose(1, 2, 0))
