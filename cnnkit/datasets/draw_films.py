"""Draws chest phantoms, with and without an effusion, from chance alone. Drawn for teaching, not for diagnosis."""

from dataclasses import dataclass
from itertools import pairwise
from math import cos, exp, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from cnnkit.datasets.brushes import clouds, soft, to_bytes

__all__ = ["draw_film"]

SMALLEST = 64


def draw_film(effusion: bool, rng: np.random.Generator, side: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Draw a frontal chest film: a phantom made of simple shapes, not a patient. Not for diagnosis.

    Seen from the front, as films are hung: the patient's left, with the apex of the heart, is on the viewer's
    right. Coordinates inside run from -1 to 1, x to the right and y downwards.

    Parameters
    ----------
    effusion : draw fluid in the pleural space of one side or, at times, both.
    rng : where all chance comes from; the same state gives the same film.
    side : rows and columns in pixels, at least 64.

    Returns
    -------
    film : uint8 (side, side), bright where much is absorbed, as radiographs are shown.
    opacity : bool (side, side), true where fluid lies over the lung; all false without an effusion.

    Raises
    ------
    ValueError : side too small.

    >>> film, opacity = draw_film(True, np.random.default_rng(0))
    >>> film.shape, bool(opacity.any())
    ((256, 256), True)
    """
    if side < SMALLEST:
        raise ValueError(f"draw_film: a film needs a side of at least {SMALLEST} pixels, not {side}.")
    body = _body(rng)
    x, y = _posed(rng, side)
    out = np.abs(x)
    wall = _chest_wall(body, y)
    share = out / wall
    lungs, fluids = _lungs(body, x, y, wall), _fluid(effusion, rng, body, x, y, wall)
    middle = _middle(rng, body, x, y)
    chest = lungs * (1 - middle)
    absorbed = _soft_tissue(rng, body, x, y) - body.air * chest * (1 - fluids) + 0.05 * middle
    absorbed += _bones(rng, x, y, share, chest * (1 - 0.6 * fluids)) + (1 - fluids) * chest * _vessels(rng, x, y)
    absorbed += _incidental(rng, body, x, y, chest)
    return to_bytes(_exposed(rng, absorbed)), (fluids > 0.5 * body.dense) & (lungs > 0.5)


@dataclass(frozen=True)
class Body:
    """The build of one phantom; lengths in half sides of the film, strengths in absorbed light."""

    wide: float  # of the chest at its widest
    stout: float  # flesh beyond the ribs
    domes: tuple[float, float]  # height of the diaphragm's two domes, viewer's left and right
    corner: float  # height of the costophrenic angles
    heart: float
    air: float  # how dark the lungs are
    dense: float  # how dense fluid is against soft tissue


def _body(rng):
    dome = rng.normal(0.33, 0.06)
    raised = -rng.uniform(0.06, 0.16) if rng.random() < 0.2 else 0.0
    domes = (dome - 0.05 + raised, dome) if rng.random() < 0.6 else (dome - 0.03, dome + raised)
    return Body(
        wide=rng.normal(0.76, 0.045),
        stout=rng.uniform(0.06, 0.26),
        domes=domes,
        corner=max(domes) + rng.uniform(0.2, 0.3),
        heart=rng.normal(0.31, 0.035),
        air=rng.uniform(0.34, 0.5),
        dense=rng.uniform(0.85, 1),
    )


def _posed(rng, side):
    """Coordinates of the patient for each pixel: turned, scaled and shifted a little."""
    line = np.linspace(-1, 1, side, dtype=np.float32)
    angle, scale = rng.normal(0, 0.035), rng.normal(1.0, 0.05)
    across, down = line - rng.normal(0, 0.05), line[:, None] - rng.normal(0, 0.05)
    x, y = across * cos(angle) + down * sin(angle), down * cos(angle) - across * sin(angle)
    return x * scale, y * scale


def _chest_wall(body, y):
    """Half width of the rib cage at each height: a dome at the top, widest above the diaphragm."""
    rise = np.clip((y + 0.84) / 1.3, 0.002, 1)
    return body.wide * np.sqrt(1 - (1 - rise) ** 2.4) * (1 - 0.05 * np.clip(y - 0.45, 0, 1))


def _lungs(body, x, y, wall):
    """How much of each pixel is lung, 0 to 1, on both sides."""
    out = np.abs(x)
    middle = 0.10 + 0.03 * y
    return soft(wall - out, 0.03) * soft(out - middle, 0.06) * soft(_domes(body, x, wall) - y, 0.03)


def _domes(body, x, wall):
    """Height of the diaphragm: highest in the middle of each lung, falling to the angle at the wall."""
    tops = np.where(x < 0, *np.float32(body.domes))
    share = np.clip((np.abs(x) / wall - 0.42) * (1 / 0.58), -0.72, 1)
    square = share * share
    return tops + (body.corner - tops) * np.where(share > 0, square * (0.35 + 0.65 * square), 0.3 * square)


def _soft_tissue(rng, body, x, y):
    """Neck, shoulders with the arms, trunk; beside the flanks, below the armpits, the open air."""
    out, armpit = np.abs(x), rng.uniform(-0.1, 0.75)
    flank = body.wide + body.stout + 0.04 * y + 0.5 * soft(armpit - y, 0.7)
    shoulder = -0.97 + 0.38 * np.clip(out - 0.24, 0, 1) ** 1.2 - 0.2 * soft(0.24 - out, 0.1)
    trunk = soft(flank - out, 0.05) * soft(y - shoulder, 0.07)
    thick = np.sqrt(np.clip(1.12 - 0.5 * (out / flank) ** 2, 0.2, 1))
    belly = 0.12 * soft(y - 0.5, 0.6)
    return (rng.uniform(0.58, 0.68) * thick + belly) * trunk


def _ball(x, y, middle, half_x, half_y, turn=0.0):
    """How deep inside an ellipse each pixel lies: 1 in its middle, 0 at its edge, below 0 outside."""
    a, b, c, s = x - middle[0], y - middle[1], cos(turn), sin(turn)
    across, down = (a * c + b * s) * (1 / half_x), (b * c - a * s) * (1 / half_y)
    return 1 - across * across - down * down


def _middle(rng, body, x, y):
    """Heart and great vessels, 0 to 1; the apex of the heart points to the viewer's right."""
    low = body.domes[1]
    heart = soft(_ball(x, y, (0.12, low - 0.13), body.heart * 1.2, body.heart * 0.82, 0.55), 0.22)
    atrium = soft(_ball(x, y, (-0.05, low - 0.2), 0.16, 0.26), 0.25)
    arch = soft(_ball(x, y, (0.09, -0.36), 0.10, rng.uniform(0.09, 0.13)), 0.4)
    band = soft(0.09 + 0.05 * np.abs(y + 0.1) - np.abs(x), 0.06)
    return np.maximum(np.maximum(heart, atrium), np.maximum(arch, band))


def _bones(rng, x, y, share, chest):
    """Ribs behind and in front, collar bones, shoulder blades, the spine; and the windpipe before it."""
    out, pitch, first = np.abs(x), rng.uniform(0.15, 0.18), rng.random()
    inside = soft(1.03 - share, 0.03) * soft(0.62 - y, 0.5) * (0.4 + 0.6 * chest)
    share = np.minimum(share, 1.02)
    behind = _stripes((y - 0.02 - 0.22 * np.sin(2.4 * share) + 0.5 * share * share) / pitch + first, 0.22)
    front = _stripes((y + 0.5 * share - 0.25 * share * share) / (pitch * 1.2) + first, 0.19)
    ribs = 0.085 * behind * soft(out - 0.07, 0.04) + 0.05 * front * soft(out - 0.32, 0.3)
    collar = soft(0.034 - np.abs(y + 0.66 + 0.17 * out - 0.05 * np.sin(5 * out)), 0.015) * soft(out - 0.09, 0.04)
    blade = soft(_ball(out, y, (0.86, -0.38), 0.2, 0.33, -0.25), 0.3)
    spine = soft(0.08 - out, 0.025) * (0.75 + 0.25 * np.cos(y * 40))
    windpipe = soft(0.045 - np.abs(x + 0.01), 0.03) * soft(-0.3 - y, 0.1)
    bright = ribs * inside * rng.uniform(0.7, 1.4) + 0.09 * collar * soft(0.9 - out, 0.1) + 0.035 * blade
    return bright + 0.10 * spine - 0.10 * windpipe


def _stripes(phase, half):
    """Bands with brighter margins, one per unit of `phase`, like the two tables of a flat bone."""
    off = np.abs(phase - np.round(phase))
    return soft(half - off, 0.10) * (0.65 + 0.6 * soft(off - half * 0.6, 0.15))


def _vessels(rng, x, y):
    """Branching vessels that thin out from the roots of the lungs, and faint mottling."""
    side = x.shape[0]
    sheet = Image.new("L", (side, side))
    pen = ImageDraw.Draw(sheet)
    for sign in (-1, 1):
        for _ in range(rng.integers(20, 30)):
            _branch(rng, pen, side, sign)
    lines = np.asarray(sheet.filter(ImageFilter.GaussianBlur(side / 300)), dtype=np.float32) * (1 / 255)
    roots = soft(_ball(np.abs(x), y, (0.17, -0.02), 0.13, 0.24), 1.2)
    return rng.uniform(0.14, 0.26) * lines + 0.03 * clouds(rng, side, side, side / 14, 3) + 0.14 * roots


def _branch(rng, pen, side, sign):
    """One vessel from the root of a lung outwards: a bent line in pieces, each fainter than the last."""
    turns = np.cumsum(np.append(rng.uniform(-1.3, 1.4), rng.normal(0, 0.25, 6)))
    strides = rng.uniform(0.05, 0.12, 7)
    start = np.array(((sign * rng.uniform(0.1, 0.2)), rng.uniform(-0.15, 0.12)))
    path = np.cumsum(strides[:, None] * np.stack((sign * np.cos(turns), np.sin(turns)), 1), 0) + start
    dots = [tuple(dot) for dot in ((path + 1) * (side / 2)).tolist()]
    for step, ends in enumerate(pairwise(dots)):
        pen.line(ends, fill=int(210 * 0.8**step), width=max(1, int((3.2 - 0.5 * step) * side / 256)))


# --- fluid ---------------------------------------------------------------------------------------------------


def _fluid(effusion, rng, body, x, y, wall):
    """Fluid over the lungs, 0 to 1: on one side or, at times, on both; nothing without an effusion."""
    fluid = np.zeros_like(x)
    if effusion:
        for sign in ((-1,), (1,), (-1, 1))[rng.choice(3, p=(0.42, 0.38, 0.20))]:
            fluid += _meniscus(rng, body, x * sign, y, wall, body.domes[(sign + 1) // 2])
    return np.minimum(fluid, body.dense)


def _meniscus(rng, body, out, y, wall, dome):
    """Fluid that fills the costophrenic angle: its upper border is hollow and rises towards the wall."""
    much = rng.beta(2, 1.8)
    floor = body.corner + (dome - 0.04 - body.corner) * min(1, 1.6 * much) - 0.5 * max(0, much - 0.5)
    rise = rng.uniform(0.16, 0.26) + 0.12 * much
    border = floor - rise * np.exp(np.minimum(out - wall, 0) * (1 / rng.uniform(0.10, 0.2)))
    return body.dense * soft(y - border, rng.uniform(0.05, 0.12)) * (out > 0)


# --- what else films show, in both classes alike -----------------------------------------------------------------


def _incidental(rng, body, x, y, chest):
    """Breast shadows, scars, gas in the stomach: none of them an effusion."""
    extra = np.zeros_like(x)
    if rng.random() < 0.45:
        extra += _breasts(rng, x, y)
    if rng.random() < 0.35:
        extra += chest * _scar(rng, x, y)
    if rng.random() < 0.4:
        gas = soft(_ball(x, y, (0.34, body.domes[1] + rng.uniform(0.13, 0.2)), 0.16, 0.08), 0.4)
        extra -= 0.16 * gas * (1 - chest)
    return extra


def _breasts(rng, x, y):
    """Two soft round shadows, clearest at their lower rim."""
    low, size = rng.uniform(0.4, 0.62), rng.uniform(0.28, 0.42)
    depth = _ball(np.abs(x), y, (rng.uniform(0.42, 0.55), low - size), size, size)
    return rng.uniform(0.04, 0.11) * soft(depth - 0.12, 0.25) * soft(y - low + 1.3 * size, size)


def _scar(rng, x, y):
    """A thin oblique line low in one lung."""
    middle = float(rng.choice((-1, 1))) * rng.uniform(0.3, 0.6), rng.uniform(-0.2, 0.35)
    return rng.uniform(0.1, 0.2) * soft(_ball(x, y, middle, rng.uniform(0.1, 0.2), 0.012, rng.normal(0, 0.5)), 0.6)


# --- the film itself -------------------------------------------------------------------------------------------


def _exposed(rng, absorbed):
    """Blur, exposure, contrast, quantum noise, and what lies on the film: markers and leads."""
    side = absorbed.shape[0]
    absorbed = absorbed + 0.02 * clouds(rng, side, side, side / 3, 2)
    middle, steep = rng.normal(0.36, 0.04), rng.uniform(3.8, 5.5)
    film = 0.97 / (1 + np.exp(steep * (middle - absorbed))) - 0.97 / (1 + exp(steep * middle)) + rng.uniform(0, 0.06)
    film += rng.standard_normal(film.shape, dtype=np.float32) * rng.uniform(0.006, 0.022)
    return np.maximum(film, _metal(rng, side))


def _metal(rng, side):
    """A side marker, sometimes the lead of a monitor: bright, and in both classes alike."""
    sheet = Image.new("L", (side, side))
    pen = ImageDraw.Draw(sheet)
    if rng.random() < 0.75:
        _marker(rng, pen, side)
    if rng.random() < 0.15:
        _lead(rng, pen, side)
    return np.asarray(sheet.filter(ImageFilter.GaussianBlur(side / 512)), dtype=np.float32) / 255


LETTERS = {"L": ((0, 0), (0, 6), (4, 6)), "R": ((0, 6), (0, 0), (3, 0), (4, 1.5), (3, 3), (0, 3), (4, 6))}


def _marker(rng, pen, side):
    """The letter of the patient's side: L at the viewer's right, R at the left."""
    letter = rng.choice(("L", "R"))
    left = rng.uniform(0.84, 0.93) if letter == "L" else rng.uniform(0.03, 0.12)
    top, size = rng.uniform(0.02, 0.2), rng.uniform(0.007, 0.011)
    points = [((left + size * a) * side, (top + size * b) * side) for a, b in LETTERS[letter]]
    pen.line(points, fill=int(rng.integers(215, 256)), width=max(1, side // 100))


def _lead(rng, pen, side):
    """A thin wire with an electrode at its end."""
    start, stop = rng.uniform(0.15, 0.85, 2) * side, rng.uniform((0.2, 0.3), (0.8, 0.6)) * side
    bend = (start + stop) / 2 + rng.normal(0, 0.08, 2) * side
    pen.line([(start[0], 0), tuple(bend), tuple(stop)], fill=190, width=max(1, side // 200))
    dot = side / 60
    pen.ellipse([*(stop - dot), *(stop + dot)], fill=225)
