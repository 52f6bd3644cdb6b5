"""The plants of `plant_regressions.py`: changes of the kit that must be noticed, and harmless ones that must not."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

# Appended to a module, it makes a function ten times as slow.
SLOW = """

def _ten_times(function):
    def slow(*args, **kwargs):
        for _ in range(9):
            function(*args, **kwargs)
        return function(*args, **kwargs)
    return slow

{name} = _ten_times({name})
"""


@dataclass(frozen=True)
class Plant:
    """One change of a copy of the kit.

    Parameters
    ----------
    name : what was changed, in words.
    concerns : patterns of the notebooks, from the root, with which it is tried.
    edit : changes the text of `file`; None for a change of the environment alone.
    redraw : True if the data sets must be drawn anew.
    """

    name: str
    concerns: tuple[str, ...]
    file: str = ""
    edit: Callable[[str], str] | None = None
    redraw: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    def put_into(self, root: Path) -> None:
        """Change the copy."""
        for path in root.glob(self.file) if self.edit else ():
            before = path.read_text(encoding="utf-8")
            after = self.edit(before)
            if after == before:
                raise ValueError(f"{self.name}: nothing to change in {self.file}; the plant is out of date.")
            path.write_text(after, encoding="utf-8")


def lessons(*numbers: int) -> tuple[str, ...]:
    """Return patterns of the lessons of these numbers."""
    return tuple(f"notebooks/{number:02}_*.ipynb" for number in numbers)


def swap(old: str, new: str) -> Callable[[str], str]:
    """Return an edit that puts one text in the place of another, which must be there once."""

    def edit(text: str) -> str:
        return text.replace(old, new) if text.count(old) == 1 else text

    return edit


def slow(name: str) -> Callable[[str], str]:
    """Return an edit that makes a function of a module ten times as slow."""
    return lambda text: text + SLOW.format(name=name)


def in_notebooks(change: Callable[[nbformat.NotebookNode], None]) -> Callable[[str], str]:
    """Return an edit that changes a notebook."""

    def edit(text: str) -> str:
        notebook = nbformat.reads(text, as_version=4)
        change(notebook)
        return nbformat.writes(notebook)

    return edit


def _rename_cells(notebook: nbformat.NotebookNode) -> None:
    for number, cell in enumerate(notebook.cells):
        cell.id = f"box-{number}"


def _comment_cells(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = f"# a comment more\n{cell.source}"


def _reword(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source += "\n\nOne sentence more."


MORPHOLOGY, NORMALIZE, AUGMENT = "cnnkit/morphology.py", "cnnkit/normalize.py", "cnnkit/augment.py"
IMAGES, GENERATOR, RESNET = "cnnkit/images.py", "cnnkit/generator.py", "cnnkit/resnet.py"
BASE, PANELS, PLOTS = "cnnkit/explore/base.py", "cnnkit/explore/panels.py", "cnnkit/plots.py"

REGRESSIONS = (
    # Defaults
    Plant(
        "radius to begin with",
        lessons(2),
        "cnnkit/explore/morphology.py",
        swap('operation: str = "erosion"\n    radius: int = 3', 'operation: str = "erosion"\n    radius: int = 4'),
    ),
    Plant(
        "percentiles to begin with",
        lessons(3),
        NORMALIZE,
        swap(
            "image: np.ndarray, low: float = 5, high: float = 95, clip",
            "image: np.ndarray, low: float = 1, high: float = 99, clip",
        ),
    ),
    Plant(
        "crop of the generator",
        lessons(6),
        GENERATOR,
        swap("crop: tuple[int, int] | int | None = (100, 100),", "crop: tuple[int, int] | int | None = (96, 96),"),
    ),
    Plant(
        "angle of the flowers' augmentation",
        lessons(4),
        AUGMENT,
        swap('preset = {"rotation": 20,', 'preset = {"rotation": 30,'),
    ),
    Plant(
        "decay of the learning rate",
        lessons(8),
        "cnnkit/callbacks.py",
        swap("factor: float = 0.5, every: int = 1) -> None:", "factor: float = 0.9, every: int = 1) -> None:"),
    ),
    Plant(
        "certainty of an AUC",
        lessons(12),
        "cnnkit/evaluate.py",
        swap("confidence: float = 0.95,", "confidence: float = 0.8,"),
    ),
    # Axes
    Plant(
        "axes of resize",
        lessons(1),
        IMAGES,
        swap(
            ".resize((columns, rows), Image.Resampling.BILINEAR)", ".resize((rows, columns), Image.Resampling.BILINEAR)"
        ),
    ),
    Plant(
        "axes of the middle",
        lessons(1),
        IMAGES,
        swap(
            "return image[top : top + rows, left : left + columns]",
            "return image[left : left + rows, top : top + columns]",
        ),
    ),
    Plant(
        "axes of a shift",
        lessons(4),
        AUGMENT,
        swap(
            "[self.width_shift * columns, self.height_shift * rows]",
            "[self.height_shift * columns, self.width_shift * rows]",
        ),
    ),
    Plant(
        "weights transposed",
        lessons(13),
        "cnnkit/losses.py",
        swap(
            "ops.argmax(y_true, axis=-1) * classes + ops.argmax(y_pred, axis=-1)",
            "ops.argmax(y_pred, axis=-1) * classes + ops.argmax(y_true, axis=-1)",
        ),
    ),
    Plant(
        "channels in another order", lessons(1), IMAGES, swap("gray = image[:, :, :3] @", "gray = image[:, :, 2::-1] @")
    ),
    # Seeds
    Plant(
        "seed of the drawn data",
        lessons(1),
        "cnnkit/datasets/synthetic.py",
        swap("default_rng((self.seed, names", "default_rng((self.seed + 1, names"),
        redraw=True,
    ),
    Plant(
        "seed of the split",
        lessons(11),
        "cnnkit/datasets/folder.py",
        swap("np.random.default_rng(seed)", "np.random.default_rng(seed + 1)"),
    ),
    Plant(
        "seed of the batches",
        lessons(6),
        GENERATOR,
        swap("default_rng([self.seed, *use])", "default_rng([self.seed + 1, *use])"),
    ),
    # Steps left out
    Plant(
        "no division by 255",
        lessons(6),
        GENERATOR,
        swap("return divide_by_255(pictures)", "return pictures.astype(np.float32)"),
    ),
    Plant(
        "no min-max",
        lessons(3),
        NORMALIZE,
        swap(
            'return _stretch(image, float(image.min()), float(image.max()), "min_max")',
            "return image.astype(np.float32)",
        ),
    ),
    Plant("no standard deviation", lessons(3), NORMALIZE, swap("        value /= value.std()\n", "")),
    Plant(
        "last batch dropped",
        lessons(6),
        GENERATOR,
        swap("return math.ceil(len(self.paths) / self.batch_size)", "return len(self.paths) // self.batch_size"),
    ),
    Plant(
        "no batch normalisation",
        lessons(5),
        RESNET,
        swap('return layers.Activation("relu")(layers.BatchNormalization()(x))', 'return layers.Activation("relu")(x)'),
    ),
    Plant(
        "opening is closing",
        lessons(2),
        MORPHOLOGY,
        swap("return dilation(erosion(image, radius), radius)", "return erosion(dilation(image, radius), radius)"),
    ),
    Plant("a disk without its rim", lessons(2), MORPHOLOGY, swap("steps**2 <= radius**2", "steps**2 < radius**2")),
    # Names
    Plant(
        "an argument of the generator renamed",
        lessons(6),
        GENERATOR,
        lambda text: text.replace("append_augmented", "add_augmented"),
    ),
    Plant(
        "an argument of the network renamed",
        lessons(7),
        RESNET,
        lambda text: re.sub(r"\bwidth\b", "channels_first_stage", text),
    ),
    Plant("a function gone", lessons(3), NORMALIZE, lambda text: text.replace("standardize", "standardise")),
    # Pictures
    Plant("colour map of pictures", lessons(1), PLOTS, swap('cmap="gray"', 'cmap="jet"')),
    Plant(
        "colours of an explorer",
        lessons(2),
        "cnnkit/explore/morphology.py",
        swap('ADDED, REMOVED = "#0072b2", "#e69f00"', 'ADDED, REMOVED = "#e69f00", "#0072b2"'),
    ),
    Plant("brightness stretched", lessons(1), PLOTS, swap("vmin=0, vmax=top, ", "")),
    Plant("titles left out", lessons(1), PLOTS, swap("        ax.set_title(title, fontsize=9)\n", "")),
    Plant(
        "pictures mirrored", lessons(4), PLOTS, swap("image = np.asarray(image)", "image = np.asarray(image)[:, ::-1]")
    ),
    # Explorers
    Plant("controls ask nobody", lessons(2), BASE, swap('control.observe(self._control_moved, "value")', "pass")),
    Plant(
        "the slider sends one picture",
        lessons(2),
        BASE,
        swap(
            "self._send(self._primary_values())\n\n    def controls",
            "self._send([self._slider.value])\n\n    def controls",
        ),
    ),
    Plant(
        "a control that is not read",
        lessons(2),
        "cnnkit/explore/morphology.py",
        swap(
            "binary = morphology.threshold(channel, parameters.threshold)",
            "binary = morphology.threshold(channel, 125)",
        ),
    ),
    Plant(
        "code that shows another radius",
        lessons(2),
        "cnnkit/explore/morphology.py",
        swap(
            'lines.append(f"result = {_step_code(operation, source, radius)}")',
            'lines.append(f"result = {_step_code(operation, source, 3)}")',
        ),
    ),
    # Judging
    Plant(
        "a right answer is not right",
        ("solutions/flowers_preprocessing/*.ipynb",),
        "cnnkit/checks/compare.py",
        swap(
            "array.shape == right.shape and _near(right, array, close)",
            "array.shape == right.shape and _near(right, array + 1, close)",
        ),
    ),
    Plant(
        "curve of scores turned over",
        lessons(12),
        "cnnkit/evaluate.py",
        swap(
            "return RocCurve(thresholds, false_positive_rate, sensitivity)",
            "return RocCurve(thresholds, sensitivity, false_positive_rate)",
        ),
    ),
    # Speed
    Plant("erosion ten times as slow", lessons(2), MORPHOLOGY, slow("_under_disk")),
    Plant("decoding ten times as slow", lessons(6), "cnnkit/datasets/reading.py", slow("read_image")),
    Plant("augmentation ten times as slow", lessons(4), AUGMENT, slow("_changed")),
    Plant(
        "drawing ten times as slow",
        lessons(1),
        PLOTS,
        swap(
            "    stream = io.BytesIO()\n",
            "    for _ in range(9):\n        figure.savefig(io.BytesIO(), format='png')\n    stream = io.BytesIO()\n",
        ),
    ),
    Plant("percentiles ten times as slow", lessons(3), NORMALIZE, slow("percentile")),
)

HARMLESS = (
    Plant("nothing at all", lessons(1, 2)),
    Plant("another seed of the hash", lessons(2, 6), environment={"PYTHONHASHSEED": "4242"}),
    Plant("comments in the package", lessons(2, 4), "cnnkit/*.py", lambda text: text + "\n# A comment more.\n"),
    Plant(
        "docstrings",
        lessons(2),
        MORPHOLOGY,
        swap("Erode, then dilate: bright things", "First erode, then dilate: bright things"),
    ),
    Plant(
        "a comment in code that a lesson prints",
        lessons(5),
        "cnnkit/resnet.py",
        swap("    residual = x\n", "    residual = x  # where the path begins\n"),
    ),
    Plant("private names", lessons(2), MORPHOLOGY, lambda text: text.replace("_under_disk", "_below_disk")),
    Plant("white space", lessons(2), MORPHOLOGY, lambda text: text.replace("\n\n\ndef ", "\n\n\n\ndef ")),
    Plant("cells renamed", lessons(1), "notebooks/01_*.ipynb", in_notebooks(_rename_cells)),
    Plant("comments in cells", lessons(1), "notebooks/01_*.ipynb", in_notebooks(_comment_cells)),
    Plant("prose", lessons(1), "notebooks/01_*.ipynb", in_notebooks(_reword)),
    Plant(
        "another processor, short lessons",
        lessons(1, 2, 3, 4),
        environment={"ONEDNN_MAX_CPU_ISA": "AVX2", "TF_ENABLE_ONEDNN_OPTS": "0"},
    ),
    Plant("another language and time zone", lessons(1), environment={"LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"}),
)
