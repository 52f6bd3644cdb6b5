"""What every explorer is made of: parameters in, pictures and facts out, in a thin shell of controls.

An explorer names its panels and says how to `render` parameters into their pictures and how to `code` them; both
are pure functions. The shell does the rest. One control, the primary one, is a slider that moves the picture in the
page: the pictures for all its values are computed ahead and sent once. Any other control asks the kernel.
"""

import asyncio
import base64
import dataclasses
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import ipywidgets
import numpy as np
import traitlets

from cnnkit import datasets
from cnnkit.explore import panels as panel_kinds
from cnnkit.explore.panels import Chart, Panel, Table, Toned
from cnnkit.images import resize

__all__ = ["Explorer", "Rendering", "action_button", "fitting", "named", "sample"]

MAX_SIDE = 512  # pixels; the frames of a larger picture would be too many bytes to drag
STILL = -1  # as in frames.js: this panel's picture is among the stills

WIDTH = "980px"  # as in frames.css

# Long enough to tell a drag from a rest, short enough that the slider is ready when the hand has moved to it.
QUIET_SECONDS = 0.25


@dataclasses.dataclass(frozen=True)
class Rendering:
    """What is shown for one set of parameters.

    Parameters
    ----------
    pictures : for each panel an array, bool or uint8 (rows, columns) or uint8 (rows, columns, 3), or one of the other
        kinds in `cnnkit.explore.panels`; the kind and size of a panel's picture do not depend on the primary field.
    facts : one or two sentences that say in words what the pictures show.
    """

    pictures: dict[str, np.ndarray | Toned | Chart | Table]
    facts: str


class _Frames(anywidget.AnyWidget):
    """The pictures in the page; `index`, the primary slider's value, says which moment is shown."""

    _esm = Path(__file__).with_name("frames.js")
    _css = Path(__file__).with_name("frames.css")
    panels = traitlets.List().tag(sync=True)
    stills = traitlets.Dict().tag(sync=True)
    frames = traitlets.Dict().tag(sync=True)
    index = traitlets.Any(0).tag(sync=True)
    lines = traitlets.Int(3).tag(sync=True)


class Explorer:
    """Base of the explorers. To make one, give these, and pass the parameters to begin with to `__init__`.

    `Parameters` : a frozen dataclass, one field for each control.
    `panels` : a `Panel` for each picture that `render` gives, in the order in which they are shown.
    `primary` : the field whose slider moves the picture in the page; an IntSlider, or an IntRangeSlider, of which
        one end moves at a time.
    `lines` : how many lines the facts take at most, so that nothing below them jumps.
    `controls()`, `render(parameters)`, `code(parameters)` : see there.

    `parameters` may be read and set; `reset()` goes back to what the explorer began with.
    """

    Parameters: ClassVar[type]
    panels: ClassVar[dict[str, Panel]]
    primary: ClassVar[str]
    lines: ClassVar[int] = 3

    def __init__(self, initial: Any) -> None:
        self._initial = initial
        self._controls = self.controls()
        for name, control in self._controls.items():
            control.value = getattr(initial, name)
        self._frames = _Frames(index=self._slider.value, lines=self.lines)
        self._waiting: asyncio.Task | None = None
        self._silent = False
        ipywidgets.jslink((self._slider, "value"), (self._frames, "index"))
        for control in self._controls.values():
            control.observe(self._control_moved, "value")
        self._send(self._primary_values())

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Return a labelled ipywidgets control for each field of `Parameters`, in the order shown."""
        raise NotImplementedError

    def render(self, parameters: Any) -> Rendering:
        """Return the pictures and facts for these parameters; the same parameters always give the same."""
        raise NotImplementedError

    def code(self, parameters: Any) -> str:
        """Return plain code, without cnnkit, that computes exactly what `render` shows."""
        raise NotImplementedError

    def _check_picture(self, name: str) -> None:
        if name not in self.pictures:
            raise ValueError(f"there is no picture {name!r}, only {', '.join(self.pictures)}.")

    @property
    def parameters(self) -> Any:
        """What the controls say now."""
        return self.Parameters(**{name: control.value for name, control in self._controls.items()})

    @parameters.setter
    def parameters(self, parameters: Any) -> None:
        self._silent = True
        try:
            for name, control in self._controls.items():
                control.value = getattr(parameters, name)
        finally:
            self._silent = False
        self._refresh()

    def reset(self) -> None:
        """Put every control back to where it was at the beginning."""
        self.parameters = self._initial

    def arrange(self) -> list[ipywidgets.Widget]:
        """Return the controls and buttons in the order in which they stand, two in a row."""
        return [*self._controls.values(), self.reset_button()]

    def reset_button(self) -> ipywidgets.Button:
        """Return the button that calls `reset`."""
        return action_button("Reset", self.reset)

    @property
    def widget(self) -> ipywidgets.Widget:
        """The controls and the pictures, to be placed among other widgets."""
        for control in self._controls.values():
            control.layout.width = "auto"
            control.style.description_width = "90px"
        layout = {"grid_template_columns": "repeat(auto-fill, minmax(380px, 1fr))", "max_width": WIDTH}
        return ipywidgets.VBox([ipywidgets.GridBox(self.arrange(), layout=layout), self._frames])

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict, dict]:
        """Show the widget, and where there is none (a saved notebook, a code-hosting page) a picture of it."""
        rendering = self.render(self.parameters)
        live = self.widget._repr_mimebundle_()
        picture = base64.b64encode(self._static_picture(rendering)).decode()
        return {**live, "image/png": picture, "text/plain": rendering.facts}, {"image/png": {"alt": rendering.facts}}

    @property
    def _slider(self) -> ipywidgets.IntSlider | ipywidgets.IntRangeSlider:
        return self._controls[self.primary]

    def _primary_values(self) -> list:
        """Return what the slider can be dragged to next: all its values, or all of one end with the other at rest."""
        values = range(self._slider.min, self._slider.max + 1, self._slider.step)
        if isinstance(self._slider, ipywidgets.IntSlider):
            return list(values)
        low, high = self._slider.value
        return [(end, high) for end in values if end <= high] + [(low, end) for end in values if end >= low]

    def _is_ahead(self, values: Iterable) -> bool:
        moments = self._frames.frames["moments"]
        return all(_key(value) in moments for value in values)

    def _control_moved(self, change: dict) -> None:
        if self._silent:
            return
        if change["owner"] is not self._slider:
            self._refresh()
            return
        if not self._is_ahead([self._slider.value]):
            self._send([self._slider.value])  # the frames are still being computed; this one is wanted now
        if not self._is_ahead(self._primary_values()):  # of a range slider, the other end has moved
            self._fill_soon()

    def _refresh(self) -> None:
        """Show the present parameters at once, and compute the frames around them when the hand rests."""
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None
        self._send([self._slider.value])
        self._fill_soon()

    def _fill_soon(self) -> None:
        if self._waiting and not self._waiting.done():
            return
        try:
            self._waiting = asyncio.get_running_loop().create_task(self._fill())
        except RuntimeError:  # no kernel, so nobody drags
            self._send(self._primary_values())

    async def _fill(self) -> None:
        await asyncio.sleep(QUIET_SECONDS)
        moments = {}
        while missing := [value for value in self._primary_values() if value not in moments]:
            for value in missing:
                moments |= self._moments([value])
                await asyncio.sleep(0.001)  # let the kernel hear of a control that moves meanwhile
        self._send_moments(moments)

    def _send(self, values: Iterable) -> None:
        self._send_moments(self._moments(values))

    def _moments(self, values: Iterable) -> dict[Any, tuple[Rendering, str]]:
        parameters = [dataclasses.replace(self.parameters, **{self.primary: value}) for value in values]
        return {getattr(each, self.primary): (self.render(each), self.code(each)) for each in parameters}

    def _send_moments(self, moments: dict[Any, tuple[Rendering, str]]) -> None:
        """Send each distinct picture once, however many panels and moments show it."""
        pictures = next(iter(moments.values()))[0].pictures
        buffers: dict[bytes, int] = {}
        packed = {}
        for value, (rendering, code) in moments.items():
            numbers = [
                STILL
                if panel.still
                else buffers.setdefault(panel_kinds.pack(rendering.pictures[name], panel), len(buffers))
                for name, panel in self.panels.items()
            ]
            packed[_key(value)] = {"pictures": numbers, "facts": rendering.facts, "code": code}
        stills = {name: panel_kinds.pack_still(pictures[name], panel) for name, panel in self.panels.items()}
        with self._frames.hold_sync():
            self._frames.panels = [
                panel_kinds.describe(name, panel, pictures[name]) for name, panel in self.panels.items()
            ]
            self._frames.stills = {name: data for name, data in stills.items() if data is not None}
            self._frames.frames = {"buffers": list(buffers), "moments": packed}

    def _static_picture(self, rendering: Rendering) -> bytes:
        """Draw the panels side by side as a PNG."""
        from matplotlib.figure import Figure

        columns = min(len(self.panels), 3)
        rows = -(-len(self.panels) // columns)
        figure = Figure(figsize=(3 * columns, 2.5 * rows), layout="constrained", dpi=84)
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for ax in axes[len(self.panels) :]:
            ax.axis("off")
        for ax, (name, panel) in zip(axes, self.panels.items(), strict=False):
            panel_kinds.draw(ax, rendering.pictures[name], panel)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", bbox_inches="tight", metadata={"Software": None})
        return stream.getvalue()


def action_button(text: str, action: Callable[[], None]) -> ipywidgets.Button:
    """Return a button that calls `action` without arguments."""
    button = ipywidgets.Button(description=text, layout={"width": "max-content"})
    button.on_click(lambda _: action())
    return button


def named(pictures: np.ndarray | dict[str, np.ndarray] | None) -> dict[str, np.ndarray]:
    """Return the pictures that an explorer was given, by name and fit to be dragged; without any, some of the kit's.

    Raises
    ------
    ValueError : no picture, or one that is not uint8 (rows, columns) or (rows, columns, 3).
    """
    if pictures is None:
        pictures = sample()
    elif not isinstance(pictures, dict):
        pictures = {"picture": pictures}
    if not pictures:
        raise ValueError("an explorer needs at least one picture.")
    return {name: fitting(name, picture) for name, picture in pictures.items()}


def fitting(name: str, picture: np.ndarray, largest: int = MAX_SIDE) -> np.ndarray:
    """Check a picture, and scale it down where a side has more than `largest` pixels."""
    picture = np.asarray(picture)
    if picture.dtype != np.uint8 or picture.size == 0 or not (picture.ndim == 2 or picture.shape[2:] == (3,)):
        raise ValueError(
            f"picture {name!r} must be uint8 of shape (rows, columns) or (rows, columns, 3),"
            f" and is {picture.dtype} {picture.shape}. cnnkit.images.read_image reads such."
        )
    rows, columns = picture.shape[:2]
    share = largest / max(rows, columns)
    return resize(picture, (max(round(rows * share), 1), max(round(columns * share), 1))) if share < 1 else picture


def sample() -> dict[str, np.ndarray]:
    """Return the first pictures of each class, named by class, number and kind of data."""
    pictures = {}
    for name, count in (("flowers", 2), ("cxr", 1)):
        folder = datasets.load(name)
        kind = datasets.state(name).kind
        for label, label_name in enumerate(folder.classes):
            for number, index in enumerate(np.flatnonzero(folder.labels == label)[:count], 1):
                pictures[f"{label_name} {number} ({kind})"] = folder.read(index)
    return pictures


def _key(value: Any) -> str:
    """Return the name of a moment, as JavaScript writes the slider's value: 7 as "7", (5, 95) as "5,95"."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
