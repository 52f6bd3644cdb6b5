"""What the panels of an explorer show: pictures, charts and tables, packed for the page or drawn for a saved notebook.

A picture is an array; `Toned` is one whose pixels stay while their tones move, `Chart` lines on labelled axes, and
`Table` rows of words and numbers. `pack` and `describe` say to the page (frames.js) what `draw` says to Matplotlib.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["BLACK", "WHITE", "Chart", "Line", "Panel", "Table", "Toned"]

BLACK, WHITE = "#000000", "#ffffff"
STYLES = {"solid": "-", "dashed": "--", "dotted": ":", "dash-dot": "-.", "dots": "o", "bars": "-"}


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
class Toned:
    """A picture whose pixels stay and whose tones move: only 256 bytes are sent for each moment.

    Parameters
    ----------
    pixels : uint8 (rows, columns) or (rows, columns, 3), the same at every moment.
    tones : uint8 (256,), what is shown for each value of a pixel.
    """

    pixels: np.ndarray
    tones: np.ndarray


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a chart through the points (x, y).

    Parameters
    ----------
    x, y : numbers, as many of one as of the other.
    color : "#rrggbb".
    style : "solid", "dashed", "dotted", "dash-dot", "dots" for the points alone, or "bars" from the axis up to each.
    """

    x: Sequence[float]
    y: Sequence[float]
    color: str
    style: str = "solid"

    def __post_init__(self) -> None:
        if self.style not in STYLES or len(self.x) != len(self.y):
            raise ValueError(
                f"Line: as many x as y are needed, and a style of {', '.join(STYLES)}; these are {len(self.x)},"
                f" {len(self.y)} and {self.style!r}."
            )


@dataclasses.dataclass(frozen=True)
class Chart:
    """Lines on labelled axes; what lies outside the ranges is cut off.

    Parameters
    ----------
    lines : drawn in this order, the last on top.
    x_label, y_label : what the axes count, with units.
    x_range, y_range : (low, high); the ticks are chosen to fit.
    """

    lines: tuple[Line, ...]
    x_label: str
    y_label: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of words and numbers.

    Parameters
    ----------
    header : a title for each column.
    rows : as many entries each.
    marked : numbers of the rows, counted from 0, that stand out.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: tuple[int, ...] = ()


def pack(picture: np.ndarray | Toned | Chart | Table, panel: Panel) -> bytes:
    """Return what the page needs of a picture at one moment; `pixels` of a toned one are a still."""
    if isinstance(picture, Toned):
        return picture.tones.tobytes()
    if isinstance(picture, Chart):
        ticks = {"x_ticks": _ticks(*picture.x_range), "y_ticks": _ticks(*picture.y_range)}
        return json.dumps(dataclasses.asdict(picture) | ticks, default=_plain).encode()
    if isinstance(picture, Table):
        return json.dumps(dataclasses.asdict(picture)).encode()
    return _packed(picture, _bits(picture, panel))


def pack_still(picture: np.ndarray | Toned | Chart | Table, panel: Panel) -> bytes | None:
    """Return what of a picture is the same at every moment, if anything is."""
    if isinstance(picture, Toned):
        return picture.pixels.tobytes()
    return pack(picture, panel) if panel.still else None


def describe(name: str, panel: Panel, picture: np.ndarray | Toned | Chart | Table) -> dict:
    """Return what the page must know of a panel before its first picture comes."""
    description = {
        "name": name,
        "kind": type(picture).__name__.lower() if isinstance(picture, Toned | Chart | Table) else "picture",
        "title": panel.title,
        "alt": panel.alt,
        "legend": [list(entry) for entry in panel.legend],
        "still": panel.still,
    }
    if isinstance(picture, Chart | Table):
        return description
    pixels = picture.pixels if isinstance(picture, Toned) else picture
    bits = _bits(pixels, panel)
    grays = [f"#{level:02x}{level:02x}{level:02x}" for level in range(256)] if bits == 8 else []
    palette = list(_palette(pixels, panel)) or grays
    return description | {"rows": pixels.shape[0], "columns": pixels.shape[1], "bits": bits, "palette": palette}


def draw(ax: Any, picture: np.ndarray | Toned | Chart | Table, panel: Panel) -> None:
    """Draw a picture into Matplotlib axes."""
    from matplotlib.patches import Patch

    if isinstance(picture, Chart):
        _draw_chart(ax, picture)
    elif isinstance(picture, Table):
        _draw_table(ax, picture)
    else:
        _draw_pixels(ax, picture.tones[picture.pixels] if isinstance(picture, Toned) else picture, panel)
    ax.set_title(panel.title, fontsize=9)
    if panel.legend:
        patches = [Patch(facecolor=color, edgecolor="gray", label=label) for color, label in panel.legend]
        below = -0.2 if isinstance(picture, Chart) else 0
        columns = min(len(patches), 3)
        ax.legend(
            handles=patches, loc="upper center", bbox_to_anchor=(0.5, below), ncols=columns, frameon=False, fontsize=8
        )


def _draw_pixels(ax: Any, picture: np.ndarray, panel: Panel) -> None:
    from matplotlib.colors import ListedColormap

    palette = _palette(picture, panel)
    colors = ListedColormap(palette) if palette else "gray"
    ax.imshow(picture, cmap=colors, vmin=0, vmax=len(palette) - 1 if palette else 255, interpolation="none")
    ax.axis("off")


def _draw_chart(ax: Any, chart: Chart) -> None:
    for line in chart.lines:
        if line.style == "bars":
            ax.vlines(line.x, 0, line.y, colors=line.color, linewidth=2)
        else:
            ax.plot(line.x, line.y, STYLES[line.style], color=line.color, markersize=5)
    ax.set(xlim=chart.x_range, ylim=chart.y_range)
    ax.set_xlabel(chart.x_label, fontsize=8)
    ax.set_ylabel(chart.y_label, fontsize=8)
    ax.tick_params(labelsize=8)


def _draw_table(ax: Any, table: Table) -> None:
    ax.axis("off")
    drawn = ax.table([list(row) for row in table.rows], colLabels=list(table.header), loc="center", cellLoc="center")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(8)
    for row in table.marked:
        for column in range(len(table.header)):
            drawn[row + 1, column].set_text_props(weight="bold")  # below the header, which is row 0
    drawn.auto_set_column_width(list(range(len(table.header))))


def _palette(picture: np.ndarray, panel: Panel) -> tuple[str, ...]:
    return panel.palette or ((BLACK, WHITE) if picture.dtype == bool else ())


def _bits(picture: np.ndarray, panel: Panel) -> int:
    """Return how many bits each pixel needs: 1, 2, 8 or 24."""
    if picture.ndim == 3:
        return 24
    colors = len(_palette(picture, panel))
    return 8 if not 0 < colors <= 4 else 1 if colors <= 2 else 2


def _packed(picture: np.ndarray, bits: int) -> bytes:
    """Return the pixels in that many bits each, row after row, the first in the highest bits."""
    if bits >= 8:
        return picture.tobytes()
    if bits == 1:
        return np.packbits(picture.astype(bool)).tobytes()
    flat = picture.ravel()
    quads = np.pad(flat, (0, -len(flat) % 4)).reshape(-1, 4)
    return (quads[:, 0] << 6 | quads[:, 1] << 4 | quads[:, 2] << 2 | quads[:, 3]).tobytes()


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers in a range: steps of 1, 2 or 5 times a power of ten."""
    from matplotlib.ticker import MaxNLocator

    inside = [tick for tick in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high]
    return [round(float(tick), 10) for tick in inside]


def _plain(values: Any) -> Any:
    """Return NumPy's numbers as JSON knows them, short."""
    return np.round(np.asarray(values, float), 5).tolist()
