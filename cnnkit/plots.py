"""The few figures that lessons share: pictures side by side, each figure with its description in words."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

__all__ = ["show", "show_figure"]


def show(
    images: Sequence[np.ndarray], titles: Sequence[str], alt: str, *, columns: int = 4, width: float = 2.6
) -> None:
    """Show pictures side by side, each with its true values: 0 is black, 255 (or True, or 1.0) is white.

    Parameters
    ----------
    images : bool, uint8 or float in 0-1; (rows, columns) or (rows, columns, 3).
    titles : one for each.
    alt : what is to be seen, in words; kept with the picture for those who cannot see it, and compared by nbval.
    columns : pictures in a row.
    width : of each picture, in inches.

    Raises
    ------
    ValueError : not as many titles as images, or none.
    """
    if not images or len(images) != len(titles):
        raise ValueError(f"show: {len(images)} images and {len(titles)} titles; one title for each is needed.")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(width * columns, (width - 0.2) * rows), layout="constrained", dpi=72)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax in axes:
        ax.axis("off")
    for ax, image, title in zip(axes, images, titles, strict=False):
        image = np.asarray(image)
        # Of a photograph the true pixels are shown; a mask made smaller that way would lose its thin lines.
        interpolation = "auto" if image.dtype == bool else "nearest"
        top = 255 if image.dtype == np.uint8 else 1
        ax.imshow(image, cmap="gray", vmin=0, vmax=top, interpolation=interpolation)
        ax.set_title(title, fontsize=9)
    show_figure(figure, alt)


def show_figure(figure: Figure, alt: str) -> None:
    """Show a Matplotlib figure together with its description in words."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", bbox_inches="tight", metadata={"Software": None})
    picture = base64.b64encode(stream.getvalue()).decode()
    display({"image/png": picture, "text/plain": alt}, raw=True, metadata={"image/png": {"alt": alt}})
