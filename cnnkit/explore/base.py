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

__all__ = ["BLACK", "WHITE", "Explorer", "Panel", "Rendering", "action_button"]

BLACK, WHITE = "#000000", "#ffffff"
STILL = -1  # as in frames.js: this panel's picture is among the stills

WIDTH = "980px"  # as in frames.css

# Long enough to tell a drag from a rest, short enough that the slider is ready when the hand has moved to it.
QUIET_SECONDS = 0.25


@dataclasses.dataclass(frozen=True)
class Panel:
    """How one picture is shown.

    Parameters
    ----------
    title : what stands under it.
    alt : what it shows, in words, for those who cannot see it.
    palette : colours "#rrggbb" for a picture of indices 0, 1, …; a bool picture is black and white without one.
    legend : what a colour means, for the colours that need it.
    still : True if the picture does not depend on what is dragged; it is then sent only when it changes.
    """

    title: str
    alt: str
    palette: tuple[str, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    still: bool = False


@dataclasses.dataclass(frozen=True)
class Rendering:
    """What is shown for one set of parameters.

    Parameters
    ----------
    pictures : an array for each panel: bool or uint8 (rows, columns), or uint8 (rows, columns, 3).
    facts : one or two sentences that say in words what the pictures show.
    """

    pictures: dict[str, np.ndarray]
    facts: str


class _Frames(anywidget.AnyWidget):
    """The pictures in the page; `index` says which moment is shown."""

    _esm = Path(__file__).with_name("frames.js")
    _css = Path(__file__).with_name("frames.css")
    panels = traitlets.List().tag(sync=True)
    stills = traitlets.Dict().tag(sync=True)
    frames = traitlets.Dict().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)


class Explorer:
    """Base of the explorers. To make one, give these, and pass the parameters to begin with to `__init__`.

    `Parameters` : a frozen dataclass, one field for each control.
    `panels` : a `Panel` for each picture that `render` gives, in the order in which they are shown.
    `primary` : the field whose slider moves the picture in the page.
    `controls()`, `render(parameters)`, `code(parameters)` : see there.

    `parameters` may be read and set; `reset()` goes back to what the explorer began with.
    """

    Parameters: ClassVar[type]
    panels: ClassVar[dict[str, Panel]]
    primary: ClassVar[str]

    def __init__(self, initial: Any) -> None:
        self._initial = initial
        self._controls = self.controls()
        for name, control in self._controls.items():
            control.value = getattr(initial, name)
        self._frames = _Frames(index=self._slider.value)
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
    def _slider(self) -> ipywidgets.IntSlider:
        return self._controls[self.primary]

    def _primary_values(self) -> range:
        return range(self._slider.min, self._slider.max + 1)

    def _control_moved(self, change: dict) -> None:
        if self._silent:
            return
        if change["owner"] is not self._slider:
            self._refresh()
        elif str(self._slider.value) not in self._frames.frames["moments"]:
            self._send([self._slider.value])  # the frames are still being computed; this one is wanted now

    def _refresh(self) -> None:
        """Show the present parameters at once, and compute the frames around them when the hand rests."""
        if self._waiting:
            self._waiting.cancel()
        self._send([self._slider.value])
        try:
            self._waiting = asyncio.get_running_loop().create_task(self._fill())
        except RuntimeError:  # no kernel, so nobody drags
            self._send(self._primary_values())

    async def _fill(self) -> None:
        await asyncio.sleep(QUIET_SECONDS)
        moments = {}
        for value in self._primary_values():
            moments |= self._moments([value])
            await asyncio.sleep(0.001)  # let the kernel hear of a control that moves meanwhile
        self._send_moments(moments)

    def _send(self, values: Iterable[int]) -> None:
        self._send_moments(self._moments(values))

    def _moments(self, values: Iterable[int]) -> dict[int, tuple[Rendering, str]]:
        parameters = [dataclasses.replace(self.parameters, **{self.primary: value}) for value in values]
        return {getattr(each, self.primary): (self.render(each), self.code(each)) for each in parameters}

    def _send_moments(self, moments: dict[int, tuple[Rendering, str]]) -> None:
        """Send each distinct picture once, however many panels and moments show it."""
        pictures = next(iter(moments.values()))[0].pictures
        bits = {name: _bits(pictures[name], panel) for name, panel in self.panels.items()}
        buffers: dict[bytes, int] = {}
        packed = {}
        for value, (rendering, code) in moments.items():
            numbers = [
                STILL if panel.still else buffers.setdefault(_pack(rendering.pictures[name], bits[name]), len(buffers))
                for name, panel in self.panels.items()
            ]
            packed[str(value)] = {"pictures": numbers, "facts": rendering.facts, "code": code}
        with self._frames.hold_sync():
            self._frames.panels = [_description(name, panel, pictures[name]) for name, panel in self.panels.items()]
            self._frames.stills = {
                name: _pack(pictures[name], bits[name]) for name, panel in self.panels.items() if panel.still
            }
            self._frames.frames = {"buffers": list(buffers), "moments": packed}

    def _static_picture(self, rendering: Rendering) -> bytes:
        """Draw the panels side by side as a PNG."""
        from matplotlib.colors import ListedColormap
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch

        columns = min(len(self.panels), 3)
        rows = -(-len(self.panels) // columns)
        figure = Figure(figsize=(3 * columns, 2.5 * rows), layout="constrained", dpi=84)
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for ax in axes:
            ax.axis("off")
        for ax, (name, panel) in zip(axes, self.panels.items(), strict=False):
            picture = rendering.pictures[name]
            palette = _palette(picture, panel)
            colors = ListedColormap(palette) if palette else "gray"
            ax.imshow(picture, cmap=colors, vmin=0, vmax=len(palette) - 1 if palette else 255, interpolation="none")
            ax.set_title(panel.title, fontsize=9)
            if panel.legend:
                patches = [Patch(facecolor=color, edgecolor="gray", label=label) for color, label in panel.legend]
                ax.legend(handles=patches, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2, frameon=False)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", bbox_inches="tight", metadata={"Software": None})
        return stream.getvalue()


def action_button(text: str, action: Callable[[], None]) -> ipywidgets.Button:
    """Return a button that calls `action` without arguments."""
    button = ipywidgets.Button(description=text, layout={"width": "max-content"})
    button.on_click(lambda _: action())
    return button


def _palette(picture: np.ndarray, panel: Panel) -> tuple[str, ...]:
    return panel.palette or ((BLACK, WHITE) if picture.dtype == bool else ())


def _bits(picture: np.ndarray, panel: Panel) -> int:
    """Return how many bits each pixel needs: 1, 2, 8 or 24."""
    if picture.ndim == 3:
        return 24
    colors = len(_palette(picture, panel))
    return 8 if not 0 < colors <= 4 else 1 if colors <= 2 else 2


def _pack(picture: np.ndarray, bits: int) -> bytes:
    """Return the pixels in that many bits each, row after row, the first in the highest bits."""
    if bits >= 8:
        return picture.tobytes()
    if bits == 1:
        return np.packbits(picture.astype(bool)).tobytes()
    flat = picture.ravel()
    quads = np.pad(flat, (0, -len(flat) % 4)).reshape(-1, 4)
    return (quads[:, 0] << 6 | quads[:, 1] << 4 | quads[:, 2] << 2 | quads[:, 3]).tobytes()


def _description(name: str, panel: Panel, picture: np.ndarray) -> dict:
    """Return what the page must know of a panel before its first picture comes."""
    bits = _bits(picture, panel)
    grays = [f"#{level:02x}{level:02x}{level:02x}" for level in range(256)] if bits == 8 else []
    return {
        "name": name,
        "title": panel.title,
        "alt": panel.alt,
        "legend": [list(entry) for entry in panel.legend],
        "rows": picture.shape[0],
        "columns": picture.shape[1],
        "bits": bits,
        "palette": list(_palette(picture, panel)) or grays,
    }
