"""Paints what stands about a drawn flower: background, stem, leaves, blades of grass, and the light of the day."""

from math import pi

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from cnnkit.datasets.brushes import Place, blend, blurred, clouds, ink, mixed, slope, soft, to_bytes

__all__ = ["add_glints", "add_greenery", "background", "blade_in_front", "cast_shadow", "daylight", "grass"]


def background(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Foliage out of focus, grass, soil, sky or a wall: float32 (3, rows, columns)."""
    scene = rng.choice(len(SCENES), p=(0.36, 0.26, 0.14, 0.10, 0.14))
    return np.clip(SCENES[scene](rng, rows, columns), 0, 1).astype(np.float32)


def _green(rng):
    return np.clip(np.array((0.28, 0.46, 0.16)) * rng.uniform(0.5, 1.4) + rng.normal(0, 0.05, 3), 0.03, 1)


def _foliage(rng, rows, columns):
    """Leaves far behind, dark to light, with round spots of light as a lens draws them."""
    dark, light = _green(rng) * rng.uniform(0.2, 0.7), _green(rng) * 1.4 + rng.uniform(0, 0.2)
    image = mixed(dark, light, 0.45 + 0.5 * clouds(rng, rows, columns, min(rows, columns) / 3, 3))
    for _ in range(rng.integers(0, 16)):
        spot = Place(rng.uniform(0, rows), rng.uniform(0, columns), rng.uniform(0.03, 0.12) * rows)
        box = spot.box(rows, columns)
        alpha = soft(1 - np.hypot(*spot.plane(box)), 0.25) * rng.uniform(0.1, 0.45)
        blend(image[:, *box], ink(_green(rng) + rng.uniform(0.1, 0.6)), alpha)
    return image


def grass(rng: np.random.Generator, rows: int, columns: int, bright: float = 1.0) -> np.ndarray:
    """A lawn seen from the side: many thin blades before a dark mat; planes 0 … 1."""
    mat = mixed(_green(rng) * 0.4 * bright, _green(rng) * bright, 0.4 + 0.5 * clouds(rng, rows, columns, 14, 3))
    sheet = Image.fromarray(to_bytes(mat.transpose(1, 2, 0)))
    pen = ImageDraw.Draw(sheet)
    for _ in range(rng.integers(60, 160)):
        x, y, lean = rng.uniform(0, columns), rng.uniform(0, rows * 1.3), rng.normal(0, 0.25)
        tall, width = rows * rng.uniform(0.15, 0.5), rows * rng.uniform(0.004, 0.014)
        blade = [(x - width, y), (x + width, y), (x + lean * tall, y - tall)]
        pen.polygon(blade, fill=tuple(to_bytes(_green(rng) * rng.uniform(0.6, 1.5) * bright).tolist()))
    return _planes(sheet.filter(ImageFilter.BoxBlur(int(rng.integers(0, 3)))))


def add_glints(rng: np.random.Generator, image: np.ndarray, share: float) -> None:
    """Let the sun catch tips of grass: strokes 1/100 of the side wide, on about `share` of the picture."""
    rows, columns = image.shape[1:]
    side = min(rows, columns)
    sheet = Image.new("L", (columns, rows))
    pen = ImageDraw.Draw(sheet)
    width, number = max(1, round(side / 100)), round(share * rows * columns * 1000 / side**2)
    for x, y, lean, tall in zip(*(rng.uniform(*ends, number) for ends in GLINTS), strict=True):
        foot = np.array((x * columns, y * rows))
        tip = foot + side * tall * np.array((lean, -1))
        pen.line([tuple(foot), tuple(tip)], fill=int(rng.integers(215, 256)), width=width)
    blend(image, ink((0.86, 0.92, 0.52)), blurred(sheet, 0.4))


GLINTS = ((0, 1), (0, 1.1), (-0.7, 0.7), (0.04, 0.14))


def _planes(picture):
    return np.ascontiguousarray(np.asarray(picture, np.float32).transpose(2, 0, 1)) * (1 / 255)


def _soil(rng, rows, columns):
    share = 0.45 + 0.35 * clouds(rng, rows, columns, 30, 4)
    return mixed((0.20, 0.14, 0.09), (0.68, 0.55, 0.42), share) * rng.uniform(0.75, 1.25)


def _sky(rng, rows, columns):
    image = mixed(
        (0.25, 0.48, 0.80),
        (0.72, 0.84, 0.95),
        np.linspace(0, 1, rows, dtype=np.float32)[:, None] + np.zeros(columns, np.float32),
    )
    blend(image, ink((0.96, 0.96, 0.97)), soft(clouds(rng, rows, columns, columns / 3, 4) - rng.uniform(0, 0.9), 1))
    return image


def _wall(rng, rows, columns):
    light = slope(rng, rows, columns, 0.55, 1.4) + 0.05 * clouds(rng, rows, columns, 5, 2)
    return ink(rng.uniform(0.15, 0.85) + rng.normal(0, 0.08, 3)) * light


SCENES = (_foliage, grass, _soil, _sky, _wall)


def cast_shadow(rng: np.random.Generator, image: np.ndarray, box: tuple[slice, slice], cover: np.ndarray) -> None:
    """Darken what lies behind a flower a little, to one side of it."""
    reach = max(2, cover.shape[0] // 30)
    shift = (int(rng.integers(1, reach + 1)), int(rng.integers(-reach, reach + 1)))
    image[:, *box] *= 1 - rng.uniform(0.15, 0.5) * blurred(cover, reach, shift)


def add_greenery(rng: np.random.Generator, image: np.ndarray, place: Place) -> None:
    """Grow up to four leaves and, mostly, a stem down to the edge of the picture; the flower comes on top."""
    for _ in range(rng.integers(0, 5)):
        _leaf(rng, image, place)
    if rng.random() < 0.8:
        rows, columns = image.shape[1:]
        foot = place.column + rng.normal(0, 0.2) * columns
        bend = ((place.column * 2 + foot) / 3, (place.row + rows) / 2)
        width = max(2, int(place.radius * rng.uniform(0.06, 0.14)))
        _stalk(rng, image, [(place.column, place.row), bend, (foot, rows + 9)], width)


def _stalk(rng, image, points, width):
    """A green line, light on one side; returns its alpha."""
    sheet = Image.new("L", image.shape[:0:-1])
    ImageDraw.Draw(sheet).line(points, fill=255, width=width, joint="curve")
    alpha = blurred(sheet, 0.7)
    tint = ink(_green(rng) * rng.uniform(0.8, 1.3)) * (0.8 + 0.3 * blurred(sheet, width / 2, (0, -width // 2)))
    blend(image, tint, alpha)
    return alpha


def _leaf(rng, image, place):
    """One pointed leaf with a midrib and side veins, growing away from the flower."""
    angle, length = rng.uniform(0, 2 * pi), place.radius * rng.uniform(0.5, 1.1)
    away = place.radius * rng.uniform(0.5, 1.1)
    row, column = place.row + away * np.sin(angle), place.column + away * np.cos(angle)
    middle = Place(float(row), float(column), length, 1, angle + rng.normal(0, 0.4))
    box = middle.box(*image.shape[1:], margin=1)
    u, v = middle.plane(box)
    half = rng.uniform(0.25, 0.42) * (1 - u * u)
    veins = 0.10 * np.cos(28 * (u - np.abs(v))) - 0.5 * soft(0.02 - np.abs(v), 0.03)
    shade = 1 + 0.18 * np.sign(v) + veins - 0.2 * u
    blend(image[:, *box], ink(_green(rng)) * shade, soft(half - np.abs(v), 1.5 / length))


def blade_in_front(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Paint a blade of grass across the lower part of the picture; returns its alpha (rows, columns)."""
    rows, columns = image.shape[1:]
    x, top = rng.uniform(0, columns), rows * rng.uniform(0.1, 0.6)
    lean = rng.normal(0, 0.3) * columns
    points = [(x, rows), (x + lean / 3, (rows + top) / 2), (x + lean, top)]
    return _stalk(rng, image, points, max(2, int(min(rows, columns) * rng.uniform(0.012, 0.035))))


def daylight(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Return the planes in warm or cool light, brighter or darker, shaded, blurred by the lens and noisy."""
    rows, columns = image.shape[1:]
    warmth = rng.normal(0, 0.07)
    image = image * ink(np.array((1 + warmth, 1, 1 - warmth)) * rng.uniform(0.7, 1.15))
    if rng.random() < 0.5:
        image *= slope(rng, rows, columns, 0.6, 1.4)
    if rng.random() < 0.25:
        image *= 1 - rng.uniform(0.2, 0.45) * soft(clouds(rng, rows, columns, min(rows, columns) / 1.5), 1)
    if rng.random() < 0.35:
        sheet = Image.fromarray(to_bytes(image.transpose(1, 2, 0)))
        image = _planes(sheet.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.1) * min(rows, columns) / 200)))
    grain = rng.standard_normal((rows, columns), dtype=np.float32)
    return image + grain * rng.uniform(0.004, 0.03)
