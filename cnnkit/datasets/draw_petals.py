"""Paints the two flowers: ray petals about a disc for a daisy, petals laid over each other for a rose.

A painter works in the plane of the flower, where (u, v) = (0, 0) is its middle and 1 its rim, and returns the
colour, float32 (3, rows, columns), and the cover, float32 (rows, columns), 0 where nothing is painted.
"""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from cnnkit.datasets.brushes import blend, ink, mixed, soft

__all__ = ["Look", "paint_daisy", "paint_rose"]


@dataclass(frozen=True)
class Look:
    """What the flowers of one picture have in common: colours as (red, green, blue), 0 to 1, and the sun's side."""

    petal: np.ndarray
    tip: np.ndarray
    disc: np.ndarray
    sun: float
    petals: int
    wide: float = 1.0
    crease: float = 0.0


# --- daisy -----------------------------------------------------------------------------------------------------


def paint_daisy(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, pixel: float, look: Look):
    """Ray petals in one or two rings about a disc of small florets."""
    r, theta = np.hypot(u, v), np.arctan2(v, u)
    colour, cover = np.zeros((3, *r.shape), np.float32), np.zeros(r.shape, np.float32)
    bluntness = int(rng.integers(1, 4))
    rings = [(look.petals, 1.0)]
    if look.petals > 12:
        rings = [(look.petals - look.petals // 2, 1.0), (look.petals // 2, 0.93)]
    for count, length in rings:
        ring, shade, along = _rays(rng, r, theta, (count, length, bluntness), pixel, look)
        colour *= 1 - 0.3 * soft(ring, 1)
        blend(colour, mixed(look.petal, look.tip, along) * shade, ring)
        cover = np.maximum(cover, ring)
    size = rng.uniform(0.2, 0.34)
    blend(colour, ink(0.45 * look.petal * look.disc), 0.8 * soft(size * 1.12 - r, 0.12))
    eye = soft(size - r, 1.5 * pixel)
    blend(colour, _florets(rng, (u, v, r, theta), size, look), eye)
    return colour, np.maximum(cover, eye)


def _rays(rng, r, theta, ring, pixel, look):
    """One ring of petals: cover, light on it, and how far out along its petal each pixel lies."""
    count, length, bluntness = ring
    step = 2 * pi / count
    turned = (theta + rng.uniform(pi, 3 * pi)) % (2 * pi)
    which = np.minimum((turned * (1 / step)).astype(np.intp), count - 1)

    def each(low, high):  # one value per petal, spread over its pixels
        return rng.uniform(low, high, count).astype(np.float32)[which]

    off = turned - (which.astype(np.float32) + 0.5 + each(-0.12, 0.12)) * step
    out = r * np.cos(off)
    along = np.clip(out / (length * each(0.84, 1)), 0, 1)
    blunt = along * along if bluntness == 1 else along**4 if bluntness == 2 else along**8
    half = look.wide * pi / count * np.sqrt(along * (1 - blunt)) + 1e-6
    across = (r * np.sin(off) + each(-0.07, 0.07) * out * out) / half
    cover = soft((1 - np.abs(across)) * half, 1.5 * pixel) * (along > 0) * (along < 1)
    rounding = across * (0.14 * np.sin(theta - look.sun) - 0.14 * across)
    shade = 0.68 + 0.32 * along + 0.05 * np.cos(across * 7) + rounding + each(-0.08, 0.08)
    if look.crease:
        edge = pi / count * r - np.abs(r * np.sin(off))  # as far as the neighbour's half
        shade *= 1 - 0.7 * soft(look.crease - edge, 0.01) * soft(each(0.55, 0.9) - along, 0.1)
    return cover, shade, along


def _florets(rng, plane, size, look):
    """A dome with the two families of spirals that florets form, lit from the side of the sun."""
    u, v, r, theta = plane
    share = r * (1 / size)
    depth = np.log(np.maximum(share, 0.02)) * 9
    spirals = np.cos(13 * theta + depth) * np.cos(21 * theta - depth)
    lit = (u * cos(look.sun) + v * sin(look.sun)) * (1 / size)
    rings = np.cos(share * rng.uniform(4, 9))
    square = share * share
    shade = 0.87 + 0.24 * spirals + 0.17 * lit - 0.28 * square * square * square + 0.08 * rings
    return ink(look.disc) * np.clip(shade, 0.15, 1.25)


# --- rose ------------------------------------------------------------------------------------------------------


def paint_rose(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, pixel: float, look: Look):
    """Broad petals laid over each other from the outside in, each turned by the golden angle, then the bud."""
    colour, cover = np.zeros((3, *u.shape), np.float32), np.zeros(u.shape, np.float32)
    deep = look.petal**2 * np.array((1.1, 0.98, 0.9)) * rng.uniform(0.36, 0.58)
    turn, hand = rng.uniform(0, 2 * pi), rng.choice((-1, 1))
    for index in range(look.petals):
        part = index / look.petals
        reach = 0.16 + 0.82 * (1 - part) ** 0.85
        angle = turn + hand * index * 2.4 + rng.normal(0, 0.15)
        _lay_petal(rng, (colour, cover, u, v), (reach, angle, part), pixel, (look, deep))
    _wind_bud(rng, colour, (u, v), pixel, (look, deep, hand))
    return colour, cover


def _lay_petal(rng, canvas, petal, pixel, paint):
    """Paint one petal: a wavy round lobe, its rim curled to the light, its foot deep in shadow."""
    (colour, cover, u, v), (reach, angle, part), (look, deep) = canvas, petal, paint
    size = reach * rng.uniform(0.54, 0.68)
    middle = (reach - size) * cos(angle), (reach - size) * sin(angle)
    box = _near(u, v, middle, size * 1.1 + 0.13)
    a, b = u[box] - middle[0], v[box] - middle[1]
    out, side = a * cos(angle) + b * sin(angle), (b * cos(angle) - a * sin(angle)) * rng.uniform(0.8, 0.97)
    inside = _lobe(rng, out, side, size)
    lobe = soft(inside, 1.5 * pixel)
    colour[:, *box] *= 1 - 0.45 * soft(inside + 0.04, 0.16) * (1 - lobe)
    height = np.clip((out + 0.75 * size) * (1 / (1.75 * size)), 0, 1)
    light = 0.12 * cos(angle - look.sun) + rng.normal(0, 0.03) - 0.08 * part
    fold = 0.22 * soft(0.03 - np.abs(inside - 0.12), 0.06)
    shade = np.clip(0.2 + height * (0.55 + 0.25 * height) + light - fold, 0, 1.1)
    rim = soft(0.05 - np.abs(inside - 0.05), 0.05)
    blend(colour[:, *box], mixed(deep, look.petal, shade) + ink(0.06 + 0.12 * look.tip) * rim, lobe)
    cover[box] = np.maximum(cover[box], lobe)


def _lobe(rng, out, side, size):
    """How far inside a round petal with a wavy rim each pixel lies; the waves are cos(3 angle + shift)."""
    r = np.hypot(out, side) + 1e-6
    c, s, shift = out / r, side / r, rng.uniform(0, 2 * pi)
    wave = (4 * c * c - 3) * c * cos(shift) - (3 - 4 * s * s) * s * sin(shift)
    return size * (1 + rng.uniform(0.02, 0.08) * wave) - r


def _near(u, v, middle, reach):
    """The rows and columns of the flower's plane within `reach` of a point."""
    close = (np.abs(u - middle[0]) < reach) & (np.abs(v - middle[1]) < reach)
    rows, columns = np.flatnonzero(close.any(1)), np.flatnonzero(close.any(0))
    return tuple(slice(ends[0], ends[-1] + 1) if len(ends) else slice(0, 0) for ends in (rows, columns))


def _wind_bud(rng, colour, plane, pixel, paint):
    """The heart of the rose: one petal wound up, a spiral from the rim of the bud to its middle."""
    (u, v), (look, deep, hand) = plane, paint
    size = rng.uniform(0.17, 0.24)
    box = _near(u, v, (0, 0), size * 1.2)
    r, theta = np.hypot(u[box], v[box]), np.arctan2(v[box], u[box])
    turns = hand / (2 * pi) * theta + rng.uniform(1.8, 3) * np.sqrt(r * (1 / size)) + rng.random()
    shade = 1.05 * np.sqrt(turns % 1)
    cover = soft(size * (1 + 0.08 * np.cos(2 * theta + rng.uniform(0, 6))) - r, 2 * pixel)
    blend(colour[:, *box], mixed(deep * 0.8, look.petal, shade), cover)
