"""The augmentation explorer: turn, shift, lean, scale, flip and light a picture, and see the matrix that does it."""

import dataclasses
import functools

import ipywidgets
import numpy as np

from cnnkit.augment import FILL_MODES, XRAY_WARNINGS, Augmentation, Transform
from cnnkit.explore.base import Explorer, Rendering, fitting, named
from cnnkit.explore.panels import Panel, Table

__all__ = ["AugmentationExplorer", "AugmentationParameters"]

MAX_SIDE = 320
DRAWS = 2, 4  # rows and columns of the grid of random draws
DRAW_SIDE = 64
KINDS = ("photograph", "X-ray film")
HORIZONTAL_FLIP_WARNING = "A horizontal flip puts the heart on the wrong side: true of one person in some ten thousand."
# skimage.transform.warp calls them so.
WARP_MODES = {"constant": "constant", "nearest": "edge", "reflect": "symmetric", "wrap": "wrap"}

# What the sliders reach: (least, greatest, step). Transform allows more; here a picture should still be seen.
SLIDERS = {
    "width_shift": (-0.5, 0.5, 0.05),
    "height_shift": (-0.5, 0.5, 0.05),
    "zoom": (0.25, 4.0, 0.05),
    "shear": (-45, 45, 5),
    "crop": (0.0, 0.45, 0.05),
    "brightness": (-0.5, 0.5, 0.05),
    "contrast": (0.0, 2.0, 0.1),
    "noise": (0.0, 0.3, 0.02),
}
ROTATION = (-90, 90, 5)
HEADER = ("", "linear · x", "linear · y", "translation", "from the centre")
NAMES = ("new x", "new y", "")
SEEDS = 100


@dataclasses.dataclass(frozen=True)
class AugmentationParameters:
    """What the controls say: the amounts of `cnnkit.augment.Transform`, and which random draws to show.

    Parameters
    ----------
    picture : name of one of the explorer's pictures.
    kind : "photograph", or "X-ray film", for which the facts say what must not be done.
    rotation : degrees, -90 to 90 in steps of 5; the other amounts as for `cnnkit.augment.Transform`.
    seed : 0-99, of the random draws.

    Raises
    ------
    ValueError : a value that the controls do not have.
    """

    picture: str
    kind: str = "photograph"
    rotation: int = 15
    width_shift: float = 0.0
    height_shift: float = 0.0
    zoom: float = 1.0
    shear: int = 0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    crop: float = 0.0
    brightness: float = 0.0
    contrast: float = 1.0
    noise: float = 0.0
    fill_mode: str = "constant"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}, not {self.kind!r}.")
        low, high, step = ROTATION
        if self.rotation not in range(low, high + 1, step):
            raise ValueError(f"rotation goes from {low} to {high} in steps of {step}, not {self.rotation!r}.")
        if self.seed not in range(SEEDS):
            raise ValueError(f"seed is a whole number from 0 to {SEEDS - 1}, not {self.seed!r}.")
        for name, (low, high, _) in SLIDERS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is a number from {low} to {high}, not {getattr(self, name)!r}.")
        self.transform  # noqa: B018 - it refuses what is left

    @property
    def transform(self) -> Transform:
        """These amounts, exactly."""
        names = {field.name for field in dataclasses.fields(Transform)} & vars(self).keys()
        return Transform(**{name: getattr(self, name) for name in names})

    @property
    def augmentation(self) -> Augmentation:
        """Ranges that go from no change to these amounts, for what can go both ways to as much the other way."""
        both = ("rotation", "width_shift", "height_shift", "shear", "brightness")
        ranges = {name: abs(getattr(self, name)) for name in both}
        ranges |= {name: tuple(sorted((1, getattr(self, name)))) for name in ("zoom", "contrast")}
        return Augmentation(
            **ranges,
            crop=self.crop,
            noise=self.noise,
            horizontal_flip=self.horizontal_flip,
            vertical_flip=self.vertical_flip,
            fill_mode=self.fill_mode,
        )


class AugmentationExplorer(Explorer):
    """Explore what may happen to a picture in augmentation, and the 3×3 matrix that moves it.

    Parameters
    ----------
    pictures : uint8 (rows, columns) or (rows, columns, 3); one, or a dict of several by name. Those with a side of
        more than 320 pixels are scaled down. By default four of the flowers and two of the films.
    **parameters : where the controls begin, see `AugmentationParameters`.

    Raises
    ------
    ValueError : no picture, one that is not uint8, a parameter out of its range.

    >>> photo = np.arange(60, dtype=np.uint8).reshape(6, 10)
    >>> explorer = AugmentationExplorer(photo, rotation=0, horizontal_flip=True)
    >>> np.array_equal(explorer.render(explorer.parameters).pictures["after"], np.fliplr(photo))
    True
    """

    Parameters = AugmentationParameters
    primary = "rotation"
    lines = 5
    panels = {  # noqa: RUF012
        "before": Panel("Picture", "The picture as it is.", still=True),
        "after": Panel("Changed", "The picture after the change."),
        "draws": Panel(
            "Drawn by chance, up to these amounts", "Eight small copies, each changed by amounts drawn by chance."
        ),
        "matrix": Panel(
            "The matrix: where the point (x, y, 1) goes, in pixels; x to the right, y down",
            "The 3×3 matrix of the change, row by row, and the translation measured from the centre.",
        ),
    }

    def __init__(self, pictures: np.ndarray | dict[str, np.ndarray] | None = None, **parameters: object) -> None:
        self.pictures = {name: fitting(name, picture, MAX_SIDE) for name, picture in named(pictures).items()}
        first = AugmentationParameters(**{"picture": next(iter(self.pictures)), **parameters})
        self._check_picture(first.picture)
        self._small = functools.cache(self._shrink)
        super().__init__(first)

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return the controls, named as in `AugmentationParameters`."""

        def choice(description: str, options: tuple) -> ipywidgets.Dropdown:
            return ipywidgets.Dropdown(options=options, description=description)

        def slider(name: str) -> ipywidgets.Widget:
            low, high, step = SLIDERS[name]
            kind = ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider
            return kind(value=max(low, 0), min=low, max=high, step=step, description=_label(name))

        def box(name: str) -> ipywidgets.Checkbox:
            return ipywidgets.Checkbox(description=_label(name), indent=False)

        low, high, step = ROTATION
        return {
            "picture": choice("Picture", tuple(self.pictures)),
            "kind": choice("Kind", KINDS),
            "rotation": ipywidgets.IntSlider(min=low, max=high, step=step, description="Rotation °"),
            **{name: slider(name) for name in ("width_shift", "height_shift", "zoom", "shear", "crop")},
            **{name: box(name) for name in ("horizontal_flip", "vertical_flip")},
            **{name: slider(name) for name in ("brightness", "contrast", "noise")},
            "fill_mode": choice("Fill mode", FILL_MODES),
            "seed": ipywidgets.IntSlider(max=SEEDS - 1, description="Seed"),
        }

    @property
    def picture(self) -> np.ndarray:
        """The picture that is shown now: uint8 (rows, columns) or (rows, columns, 3)."""
        return self.pictures[self.parameters.picture]

    def render(self, parameters: AugmentationParameters) -> Rendering:
        """Return the panels; "after" is the changed picture, "draws" a grid of small ones."""
        picture = self.pictures[parameters.picture]
        matrix = parameters.transform.matrix(picture.shape)
        small = self._small(parameters.picture)
        draws = parameters.augmentation(np.stack([small] * DRAWS[0] * DRAWS[1]), parameters.seed)
        pictures = {
            "before": picture,
            "after": parameters.transform.apply(picture),
            "draws": _grid(draws) if picture.ndim == 3 else _grid(draws)[:, :, 0],
            "matrix": _table(matrix, picture.shape),
        }
        return Rendering(pictures, _facts(parameters, matrix, picture.shape))

    def code(self, parameters: AugmentationParameters) -> str:
        """Return the NumPy and scikit-image code that makes `matrix` and `after`.

        `after` agrees with what is shown to 1/255: both interpolate, and may round to either side.
        """
        motion, light = _motion_code(parameters), _light_code(parameters)
        return "\n".join(
            [
                "import numpy as np",
                *(["from skimage.transform import warp"] if motion else []),
                "",
                "# picture = explorer.picture, a NumPy array of uint8",
                *(motion or ["matrix = np.eye(3)  # nothing moves", "after = picture.astype(float)"]),
                *light,
                "after = after.round().clip(0, 255).astype(np.uint8)",
            ]
        )

    def _shrink(self, name: str) -> np.ndarray:
        """Return a small copy (rows, columns, channels) for the random draws."""
        small = fitting(name, self.pictures[name], DRAW_SIDE)
        return small if small.ndim == 3 else small[:, :, None]


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize() + (" °" if name == "shear" else "")


def _motion_code(parameters: AugmentationParameters) -> list[str]:
    """Return the lines that make the matrix and move the picture; none if nothing moves."""
    factors = _factor_code(parameters)
    shifted = parameters.width_shift or parameters.height_shift
    if not factors and not shifted:
        return []
    lines = ["rows, columns = picture.shape[:2]", "matrix = np.eye(3)"]
    if factors:
        names = ["np.linalg.inv(to_center)", *factors, "to_center"]
        lines[1:] = [
            "to_center = np.array([[1, 0, -(columns - 1) / 2], [0, 1, -(rows - 1) / 2], [0, 0, 1]])",
            *(line for code in factors.values() for line in code),
            f"matrix = {' @ '.join(names)}  # what happens first stands last",
        ]
    if shifted:
        lines.append(f"matrix[:2, 2] += {parameters.width_shift:g} * columns, {parameters.height_shift:g} * rows")
    return [
        *lines,
        "# For each pixel of the result, warp asks where it comes from: hence the inverse.",
        'linear = {"order": 1, "preserve_range": True}',
        f'after = warp(picture, np.linalg.inv(matrix), mode="{WARP_MODES[parameters.fill_mode]}", **linear)',
    ]


def _factor_code(parameters: AugmentationParameters) -> dict[str, list[str]]:
    """Return the matrices that are needed, each with its lines; the one that acts first stands last."""
    flips = [-1 if flip else 1 for flip in (parameters.horizontal_flip, parameters.vertical_flip)]
    crop = f" / (1 - 2 * {parameters.crop:g})" if parameters.crop else ""
    factors = {
        "rotation": [
            f"angle = np.radians({parameters.rotation})",
            "rotation = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])",
        ],
        "shear": [f"shear = np.array([[1, -np.tan(np.radians({parameters.shear})), 0], [0, 1, 0], [0, 0, 1]])"],
        "zoom": [f"scale = {parameters.zoom:g}{crop}", "zoom = np.diag([scale, scale, 1])"],
        "flip": [f"flip = np.diag([{flips[0]}, {flips[1]}, 1])"],
    }
    needed = {
        "rotation": parameters.rotation != 0,
        "shear": parameters.shear != 0,
        "zoom": parameters.zoom != 1 or parameters.crop != 0,
        "flip": -1 in flips,
    }
    return {name: lines for name, lines in factors.items() if needed[name]}


def _light_code(parameters: AugmentationParameters) -> list[str]:
    lines = []
    if parameters.contrast != 1:
        lines.append(f"after = {parameters.contrast:g} * (after - 127.5) + 127.5")
    if parameters.brightness:
        lines.append(f"after = after + {parameters.brightness:g} * 255")
    if parameters.noise:
        lines.append("noise = np.random.default_rng(0).standard_normal(picture.shape, dtype=np.float32)")
        lines.append(f"after = after + {parameters.noise:g} * 255 * noise")
    return lines


def _grid(draws: np.ndarray) -> np.ndarray:
    """Set pictures (count, rows, columns, channels) side by side, two white pixels apart."""
    framed = np.pad(draws, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=255)
    _, rows, columns, channels = framed.shape
    down, across = DRAWS
    grid = framed.reshape(down, across, rows, columns, channels).swapaxes(1, 2)
    return grid.reshape(down * rows, across * columns, channels)


def _table(matrix: np.ndarray, shape: tuple[int, ...]) -> Table:
    """Return the matrix with its translation measured from the corner, as pixels are counted, and from the centre."""
    rows = [[name, *row, shift] for name, row, shift in zip(NAMES, matrix, _shift(matrix, shape), strict=True)]
    return Table(HEADER, tuple(tuple(_entry(value) for value in row) for row in rows))


def _entry(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.3f}".replace("-0.000", "0.000")


def _shift(matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return how far the centre of the picture moves, as (x, y, 1)."""
    center = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2, 1])
    return matrix @ center - center + np.array([0, 0, 1])


def _facts(parameters: AugmentationParameters, matrix: np.ndarray, shape: tuple[int, ...]) -> str:
    area = np.linalg.det(matrix[:2, :2])
    right, down, _ = _shift(matrix, shape)
    if parameters.width_shift or parameters.height_shift:
        kind = f"linear and a shift, {right:.1f} pixels to the right and {down:.1f} down, so affine"
    else:
        kind = "linear alone, measured from the centre"
    sentence = (
        f"{_amounts(parameters)}: {kind}; every area becomes {abs(area):.2f} times as large"
        f"{', and mirrored' if area < 0 else ''}."
    )
    if parameters.kind == "photograph":
        return sentence
    reasons = [reason for name, reason in XRAY_WARNINGS.items() if getattr(parameters, name)]
    if parameters.horizontal_flip:
        reasons.append(HORIZONTAL_FLIP_WARNING)
    return " ".join([sentence, *(f"WARNING: {reason}" for reason in reasons)])


def _amounts(parameters: AugmentationParameters) -> str:
    """Name what is not at rest."""
    default = Transform()
    moved = {
        field.name: getattr(parameters, field.name)
        for field in dataclasses.fields(parameters)
        if hasattr(default, field.name) and getattr(parameters, field.name) != getattr(default, field.name)
    }
    told = [
        name.replace("_", " ") if value is True else f"{name.replace('_', ' ')} {value:g}"
        for name, value in moved.items()
        if name != "fill_mode"
    ]
    return ", ".join(told).capitalize() or "No change"
