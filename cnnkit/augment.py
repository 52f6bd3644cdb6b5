"""Augmentation: turn, shift, scale and light pictures a little differently each time, so that few become many.

`Transform` holds exact amounts and is also a matrix; `Augmentation` holds ranges and draws transforms from them.

A picture is moved by asking, for every pixel of the result: where in the original does it come from? The inverse of
the matrix answers. The place mostly lies between four pixels, and their mean, weighted by nearness, is taken (bilinear
interpolation); what would come from outside the picture is made up as `fill_mode` says. One function moves a picture
and a batch, so that both agree in every pixel. It is plain NumPy: measured on two cores, that is faster than
`keras.ops.image.affine_transform` on TensorFlow (benchmarks/bench_preprocessing.py), and its "wrap" is right at the
seam.

>>> import numpy as np
>>> picture = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], dtype=np.uint8)
>>> Transform(rotation=90).apply(picture)
array([[3, 6, 9],
       [2, 5, 8],
       [1, 4, 7]], dtype=uint8)
>>> batch = np.stack([picture[:, :, None]] * 4)
>>> Augmentation(horizontal_flip=True)(batch, seed=0)[:, 0, :, 0]
array([[3, 2, 1],
       [1, 2, 3],
       [1, 2, 3],
       [1, 2, 3]], dtype=uint8)
"""

import math
import warnings
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real

import numpy as np

__all__ = ["FILL_MODES", "LIMITS", "XRAY_WARNINGS", "Augmentation", "Transform"]

FILL_MODES = ("constant", "nearest", "reflect", "wrap")

# What the amounts may be: wide enough for every use, and narrow enough to notice somebody who counts in pixels.
LIMITS = {
    "crop": (0, 0.49),
    "zoom": (0.01, 100),
    "shear": (-89, 89),
    "rotation": (-3600, 3600),
    "width_shift": (-1, 1),
    "height_shift": (-1, 1),
    "contrast": (0, 100),
    "brightness": (-1, 1),
    "noise": (0, 1),
}

XRAY_WARNINGS = {
    "vertical_flip": "A vertical flip of a chest film makes one that cannot exist: a body has an up and a down, and"
    " fluid collects at the bottom of the lung.",
    "crop": "A crop can cut away the costophrenic angle, the lower corner of the lung where a small effusion shows;"
    " the film would keep a label that is no longer true.",
}

AT_ONCE = 65536  # pixels moved together: enough to be worth the calls, few enough for the processor's cache


@dataclass(frozen=True, kw_only=True)
class Transform:
    """Exact amounts by which to change a picture; the default changes nothing.

    The changes follow each other in the order of this list. All motion is about the true centre of the picture,
    x = (columns - 1) / 2 and y = (rows - 1) / 2, and the frame keeps its size: what leaves it is lost.

    Parameters
    ----------
    horizontal_flip, vertical_flip : swap left and right (`numpy.fliplr`), top and bottom (`numpy.flipud`).
    crop : fraction of the width and of the height cut off at each side, 0 to 0.49; the rest is enlarged to the frame
        again. As a matrix that is a zoom by 1 / (1 - 2 crop).
    zoom : factor, 0.01 to 100; above 1 enlarges.
    shear : degrees, -89 to 89; positive leans the top to the right, like italics.
    rotation : degrees; positive is counter-clockwise, as in `numpy.rot90`. Of a square picture multiples of 90 equal
        `numpy.rot90`, of any other multiples of 180 do.
    width_shift, height_shift : fractions of the width and of the height, -1 to 1; positive is right and down.
    fill_mode : what lies outside the picture: "constant" (black), "nearest" (the border pixel again and again),
        "reflect" (the picture in a mirror, border pixel included; "symmetric" in NumPy) or "wrap" (the other side).
    contrast : factor, 0 to 100, on each pixel's distance from mid-grey.
    brightness : what is added, as a fraction of the range from black to white, -1 to 1.
    noise : standard deviation of the noise that is added, as a fraction of the same range, 0 to 1.
    noise_seed : which noise: ``numpy.random.default_rng(noise_seed).standard_normal(image.shape, dtype="float32")``.

    Raises
    ------
    ValueError : an amount beyond its limits, or an unknown fill mode.
    """

    horizontal_flip: bool = False
    vertical_flip: bool = False
    crop: float = 0.0
    zoom: float = 1.0
    shear: float = 0.0
    rotation: float = 0.0
    width_shift: float = 0.0
    height_shift: float = 0.0
    fill_mode: str = "constant"
    contrast: float = 1.0
    brightness: float = 0.0
    noise: float = 0.0
    noise_seed: int = 0

    def __post_init__(self) -> None:
        _check_choices("Transform", self)
        for name, limits in LIMITS.items():
            _check_number("Transform", name, getattr(self, name), *limits)
        if not isinstance(self.noise_seed, Integral) or self.noise_seed < 0:
            raise ValueError(f"Transform: noise_seed is a whole number of 0 or more, not {self.noise_seed!r}.")

    def matrix(self, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """Return the 3×3 matrix that takes a point (x, y, 1) of the picture to where it lies afterwards.

        x counts columns to the right, y counts rows downwards. The upper left 2×2 is the linear part (turn, lean,
        scale, flip), the last column the translation. The linear part is rotation · shear · zoom · crop · flip: what
        happens first stands last.

        Parameters
        ----------
        shape : of the picture, (rows, columns) or (rows, columns, channels): x and y are then the indices of its
            columns and rows. Without it, they are measured from the centre of a square, in widths of it.

        Returns
        -------
        float64 (3, 3), last row 0 0 1.

        Raises
        ------
        ValueError : a shape of another kind.

        >>> Transform(rotation=90).matrix(shape=(5, 5))[:2]  # x' = y and y' = 4 - x
        array([[ 0.,  1.,  0.],
               [-1.,  0.,  4.]])
        """
        rows, columns = (1, 1) if shape is None else _checked_size(shape)
        angle, lean = math.radians(self.rotation), math.tan(math.radians(self.shear))
        # To 15 decimals, so that a quarter turn is one: the cosine of the float nearest to pi / 2 is 6e-17.
        cosine, sine = round(math.cos(angle), 15), round(math.sin(angle), 15)
        scale = self.zoom / (1 - 2 * self.crop)

        rotation = np.array([[cosine, sine], [-sine, cosine]])  # y points down, hence the signs
        shear = np.array([[1, -lean], [0, 1]])
        zoom = np.array([[scale, 0], [0, scale]])
        flip = np.array([[-1 if self.horizontal_flip else 1, 0], [0, -1 if self.vertical_flip else 1]])
        shift = np.array([self.width_shift * columns, self.height_shift * rows])
        center = np.array([(columns - 1) / 2, (rows - 1) / 2])

        linear = rotation @ shear @ zoom @ flip
        matrix = np.eye(3)
        matrix[:2, :2] = linear
        matrix[:2, 2] = center - linear @ center + shift  # linear · (point - center) + center + shift, multiplied out
        return matrix

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Return the changed picture.

        Parameters
        ----------
        image : (rows, columns) or (rows, columns, channels). uint8 and uint16 are rounded and stay in their range.
            Float: contrast, brightness and noise need black at 0 and white at 1, and stay there; motion alone takes
            any finite values. Bool, a mask: it moves with its picture but is not lit, and a pixel belongs to it where
            at least half of the mixture did.

        Returns
        -------
        A new array of the same shape and dtype.

        Raises
        ------
        ValueError : another shape or dtype, NaN or infinite values, or light on values outside 0 to 1.
        """
        image = np.asarray(image)
        if image.ndim not in (2, 3):
            raise ValueError(
                "apply: one picture is needed, shape (rows, columns) or (rows, columns, channels), and this has shape"
                f" {image.shape}. For a batch use Augmentation."
            )
        batch = image[None] if image.ndim == 3 else image[None, :, :, None]
        _check_pixels(batch)
        return _changed(batch, [self]).reshape(image.shape)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Ranges from which each picture gets its own `Transform`; the default changes nothing.

    A range is a pair (low, high), or one number r that stands for -r to r; for zoom and contrast 1 - r to 1 + r; for
    crop and noise 0 to r. Every value in it is equally likely.

    Parameters
    ----------
    rotation, width_shift, height_shift, zoom, shear, crop, brightness, contrast, noise : ranges of the amounts that
        `Transform` describes, in its units.
    horizontal_flip, vertical_flip : flip every other picture, by chance.
    fill_mode : see `Transform`.
    fraction : probability with which a picture is changed at all, 0 to 1.

    Raises
    ------
    ValueError : a range beyond the limits of `Transform`, an unknown fill mode, a fraction outside 0 to 1.

    >>> Augmentation(rotation=20, zoom=(1, 1.5)).draw(np.random.default_rng(3)).zoom <= 1.5
    True
    """

    rotation: float | tuple[float, float] = 0
    width_shift: float | tuple[float, float] = 0
    height_shift: float | tuple[float, float] = 0
    zoom: float | tuple[float, float] = 0
    shear: float | tuple[float, float] = 0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    crop: float | tuple[float, float] = 0
    brightness: float | tuple[float, float] = 0
    contrast: float | tuple[float, float] = 0
    noise: float | tuple[float, float] = 0
    fill_mode: str = "constant"
    fraction: float = 1.0

    def __post_init__(self) -> None:
        _check_choices("Augmentation", self)
        _check_number("Augmentation", "fraction", self.fraction, 0, 1)
        for name, (low, high) in self.ranges.items():
            _check_number("Augmentation", f"the lower end of {name}", low, *LIMITS[name])
            _check_number("Augmentation", f"the upper end of {name}", high, *LIMITS[name])
            if low > high:
                raise ValueError(f"Augmentation: {name} goes from {low} to {high}. Give the lower end first.")

    @classmethod
    def flowers(cls, **changes) -> "Augmentation":
        """Return what suits photographs of flowers: each is turned, shifted and, every other one, mirrored.

        `changes` are parameters of `Augmentation` that replace the preset's.
        """
        preset = {"rotation": 20, "width_shift": 0.2, "height_shift": 0.2, "horizontal_flip": True}
        return cls(**{**preset, "fill_mode": "nearest", **changes})

    @classmethod
    def chest_xray(cls, **changes) -> "Augmentation":
        """Return what suits chest films: half of them are turned by up to 10°, as patients stand a little askew.

        `changes` are parameters of `Augmentation` that replace the preset's. For a vertical flip or a crop among them
        a UserWarning says why it is wrong here (see `XRAY_WARNINGS`).
        """
        augmentation = cls(**{"rotation": 10, "fraction": 0.5, **changes})
        asked = {"vertical_flip": augmentation.vertical_flip, "crop": augmentation.ranges["crop"][1] > 0}
        for name, reason in XRAY_WARNINGS.items():
            if asked[name]:
                warnings.warn(f"chest_xray: {reason}", UserWarning, stacklevel=2)
        return augmentation

    @cached_property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """The lowest and the highest value of each amount."""
        return {name: _range(name, getattr(self, name)) for name in LIMITS}

    def draw(self, rng: np.random.Generator) -> Transform:
        """Draw exact amounts for one picture; for one that stays as it is, the transform that changes nothing.

        All chances are drawn each time, so that changing one range leaves the other amounts as they were.
        """
        change, left_right, top_down, noise, *places = rng.random(4 + len(LIMITS)).tolist()
        if change >= self.fraction:
            return Transform(fill_mode=self.fill_mode)
        amounts = {
            name: low + place * (high - low)
            for place, (name, (low, high)) in zip(places, self.ranges.items(), strict=True)
        }
        return Transform(
            horizontal_flip=self.horizontal_flip and left_right < 0.5,
            vertical_flip=self.vertical_flip and top_down < 0.5,
            fill_mode=self.fill_mode,
            noise_seed=int(noise * 2**32),
            **amounts,
        )

    def __call__(self, images: np.ndarray, seed: int | np.random.Generator) -> np.ndarray:
        """Change a batch, each picture by a transform of its own, drawn in the order of the batch.

        Parameters
        ----------
        images : (pictures, rows, columns, channels), dtypes and ranges as for `Transform.apply`.
        seed : whole number, for the same draws each time; or a generator, which moves on.

        Returns
        -------
        A new array of the same shape and dtype: the same pixels as ``self.draw(rng).apply(image)``, image by image.

        Raises
        ------
        ValueError : another shape or dtype, or values that `Transform.apply` refuses.
        """
        images, rng = np.asarray(images), _generator(seed)
        if images.ndim != 4:
            raise ValueError(
                "Augmentation: a batch has shape (pictures, rows, columns, channels), and this has"
                f" {images.shape}. For one picture use draw(rng).apply(picture)."
            )
        _check_pixels(images)
        return _changed(images, [self.draw(rng) for _ in images])


def _changed(images: np.ndarray, transforms: list[Transform]) -> np.ndarray:
    """Change each picture of a batch by its own transform, as many at once as is quick; they share one fill mode."""
    still = {Transform(fill_mode=mode) for mode in {transform.fill_mode for transform in transforms}}
    busy = [n for n, transform in enumerate(transforms) if transform not in still]
    if len(busy) < len(images):
        result = images.copy()
        result[busy] = _changed(images[busy], [transforms[n] for n in busy])
        return result
    result = np.empty_like(images, order="C")
    matrices = [transform.matrix(images.shape[1:]) for transform in transforms]
    inverses = np.linalg.inv(np.reshape(matrices, (-1, 3, 3)))
    at_once = max(1, AT_ONCE // max(1, images.shape[1] * images.shape[2]))
    for start in range(0, len(images), at_once):
        part = slice(start, start + at_once)
        if start == 0 or len(images[part]) < at_once:
            mover = _Mover(images[part], transforms[0].fill_mode)
        moved = mover.move(images[part], inverses[part])
        result[part] = _finished(moved, images[part], transforms[part])
    return result


def _finished(moved: np.ndarray, images: np.ndarray, transforms: list[Transform]) -> np.ndarray:
    """Light pictures that have been moved, and only then round them."""
    if images.dtype == bool:
        return moved >= 0.5
    if any((transform.contrast, transform.brightness, transform.noise) != (1, 0, 0) for transform in transforms):
        moved = _lit(moved, transforms, _white(images))
    return np.rint(moved, out=moved) if images.dtype.kind == "u" else moved


class _Mover:
    """Moves pictures of one number, size and dtype; its working memory serves one such part of a batch after another.

    Memory is kept, and written to with ``out=``, since fresh memory costs more here than the sums done in it.
    """

    def __init__(self, like: np.ndarray, fill_mode: str) -> None:
        count, rows, columns, channels = like.shape
        dtype = np.result_type(like, np.float32)
        self.fill_mode = fill_mode
        self.size = np.array([[columns], [rows]], dtype)
        self.points = np.ones((3, rows, columns), dtype)  # a column (x, y, 1) for each pixel
        self.points[0], self.points[1] = np.arange(columns), np.arange(rows)[:, None]
        self.points = self.points.reshape(3, -1)
        self.planes = np.zeros((channels, count, rows + 2, columns + 2), dtype)
        self.step = np.empty(count * (rows + 2) * (columns + 2) - 1, dtype)
        self.sources, self.whole = np.empty((2, count, 2, rows * columns), dtype)
        self.index = np.empty(self.whole.shape, np.int32)
        self.place = np.empty((count, rows * columns), np.intp)
        self.upper, self.lower, self.pixel = np.empty((3, count, rows * columns), dtype)
        self.result = np.empty((count, rows * columns, channels), dtype)

    def move(self, images: np.ndarray, inverses: np.ndarray) -> np.ndarray:
        """Read every pixel of the result where the inverse matrix (count, 3, 3) says that it comes from.

        Returns float32, or float64 if the images are; valid until the next call.
        """
        self._frame(images)
        self._find(inverses)
        right, down = self.sources.swapaxes(0, 1)  # beyond the whole pixel
        width = self.planes.shape[3]
        for channel in range(len(self.planes)):
            plane = self.planes[channel].ravel()
            np.subtract(plane[1:], plane[:-1], out=self.step)
            self._between(plane, self.step, right, out=self.upper)
            self._between(plane[width:], self.step[width:], right, out=self.lower)
            self.lower -= self.upper
            self.lower *= down
            np.add(self.upper, self.lower, out=self.result[:, :, channel])
        return self.result.reshape(images.shape)

    def _frame(self, images: np.ndarray) -> None:
        """Set each channel into a frame, one pixel wide, of what lies just outside it."""
        planes = self.planes
        planes[:, :, 1:-1, 1:-1] = np.moveaxis(images, 3, 0)
        if self.fill_mode == "wrap":  # the other modes read black there, or nothing
            planes[:, :, 0], planes[:, :, -1] = planes[:, :, -2], planes[:, :, 1]
            planes[:, :, :, 0], planes[:, :, :, -1] = planes[:, :, :, -2], planes[:, :, :, 1]

    def _find(self, inverses: np.ndarray) -> None:
        """Set place to the whole pixel, up and left, of where each pixel comes from, and sources to what is beyond."""
        into_frame = np.array([[1, 0, 1], [0, 1, 1]])
        # To 12 decimals, so that a shift by whole pixels is one: 0.07 · 100 is 7.000000000000001.
        inverses = np.round(into_frame @ inverses, 12).astype(self.points.dtype)
        np.matmul(inverses, self.points, out=self.sources)
        self._fold()
        np.floor(self.sources, out=self.whole)
        self.sources -= self.whole
        np.copyto(self.index, self.whole, casting="unsafe")
        column, row = self.index.swapaxes(0, 1)
        height, width = self.planes.shape[2:]
        row += np.arange(0, len(row) * height, height, dtype=row.dtype)[:, None]  # all pictures read as one line
        row *= width
        row += column
        self.place[...] = row

    def _fold(self) -> None:
        """Bring sources outside the picture, which goes from 1 to size in its frame, to where their fill is found."""
        sources, size = self.sources, self.size
        low, high = (1, size) if self.fill_mode in ("nearest", "reflect") else (0, size + 1)
        if self.fill_mode == "wrap":
            sources -= size * np.floor((sources - 1) / size)
        if self.fill_mode == "reflect":
            sources -= 0.5
            sources -= 2 * size * np.floor(sources / (2 * size))
            np.minimum(sources, 2 * size - sources, out=sources)
            sources += 0.5
        sources.clip(low, high, out=sources)

    def _between(self, plane: np.ndarray, step: np.ndarray, share: np.ndarray, out: np.ndarray) -> None:
        """Go from each pixel by a share of the step to its right neighbour; beyond the very last the share is 0."""
        step.take(self.place, mode="wrap", out=out)  # the fastest of the modes
        out *= share
        out += plane.take(self.place, mode="wrap", out=self.pixel)


def _lit(images: np.ndarray, transforms: list[Transform], white: float) -> np.ndarray:
    """Stretch about mid-grey, add brightness and noise, and cut off at black and white."""
    contrast, brightness = (
        np.array([getattr(transform, name) for transform in transforms], images.dtype)[:, None, None, None]
        for name in ("contrast", "brightness")
    )
    # Not as (image - middle) * contrast + middle, which would round the pixels of a picture that stays as it is.
    images = images * contrast + white * ((1 - contrast) / 2 + brightness)
    for image, transform in zip(images, transforms, strict=True):
        if transform.noise:
            rng = np.random.default_rng(transform.noise_seed)
            image += white * transform.noise * rng.standard_normal(image.shape, dtype=np.float32)
    return images.clip(0, white)


def _white(images: np.ndarray) -> float:
    """Return the value of white, and make sure that a float picture keeps between 0 and it."""
    if images.dtype.kind == "u":
        return float(np.iinfo(images.dtype).max)
    if images.min(initial=0) < 0 or images.max(initial=1) > 1:
        raise ValueError(
            "augment: contrast, brightness and noise need float pixels from 0 to 1, and these go from"
            f" {images.min():g} to {images.max():g}. Normalise first, for instance with cnnkit.normalize.min_max."
        )
    return 1.0


def _range(name: str, value: float | tuple[float, float]) -> tuple[float, float]:
    """Return the ends of a range that is given as a pair or as one number."""
    if isinstance(value, tuple | list):
        if len(value) != 2:
            raise ValueError(f"Augmentation: {name} is a number or a pair (low, high), not {value!r}.")
        return tuple(value)
    _check_number("Augmentation", name, value, 0, LIMITS[name][1])
    if name in ("crop", "noise"):
        return 0, value
    neutral = 1 if name in ("zoom", "contrast") else 0
    return neutral - value, neutral + value


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, Integral) and seed >= 0:
        return np.random.default_rng(int(seed))
    raise ValueError(f"Augmentation: seed is a whole number of 0 or more, or a numpy Generator, not {seed!r}.")


def _check_number(caller: str, name: str, value: float, low: float, high: float) -> None:
    if not isinstance(value, Real) or isinstance(value, bool) or not low <= value <= high:  # NaN lies nowhere
        raise ValueError(f"{caller}: {name} is a number from {low} to {high}, not {value!r}.")


def _check_choices(caller: str, amounts: Transform | Augmentation) -> None:
    for name in ("horizontal_flip", "vertical_flip"):
        if not isinstance(getattr(amounts, name), bool | np.bool_):
            raise ValueError(f"{caller}: {name} is True or False, not {getattr(amounts, name)!r}.")
    if amounts.fill_mode not in FILL_MODES:
        raise ValueError(f"{caller}: fill_mode is one of {', '.join(FILL_MODES)}, not {amounts.fill_mode!r}.")


def _checked_size(shape: tuple[int, ...]) -> tuple[int, int]:
    try:
        rows, columns, *_ = [int(side) for side in shape]
    except (TypeError, ValueError):
        raise ValueError(f"matrix: shape is (rows, columns) or (rows, columns, channels), not {shape!r}.") from None
    return rows, columns


def _check_pixels(images: np.ndarray) -> None:
    if images.dtype.kind != "f" and images.dtype not in (np.bool_, np.uint8, np.uint16):
        raise ValueError(f"augment: pixels must be bool, uint8, uint16 or float, not {images.dtype}.")
    if images.dtype.kind == "f" and not (-np.inf < images.min(initial=0) <= images.max(initial=0) < np.inf):
        raise ValueError("augment: there are NaN or infinite pixels, which would spread. Replace them first.")
