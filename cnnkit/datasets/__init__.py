"""The pictures: what the kit knows of each data set, how to get or draw it, and the index of its folders."""

import os

from cnnkit.datasets.catalog import CATALOG
from cnnkit.datasets.fetch import install_synthetic, state
from cnnkit.datasets.folder import ImageFolder, patient

__all__ = ["ImageFolder", "in_use", "load", "patient", "state"]


def load(name: str, data: str | os.PathLike | None = None) -> ImageFolder:
    """Return the index of a data set: the real pictures if they have been fetched, else the synthetic ones.

    If there are none at all, the synthetic ones are drawn first, which takes some seconds.

    Parameters
    ----------
    name : "flowers", with the classes daisy (0) and rose (1); or "cxr", with nofinding (0) and effusion (1).
    data : the folder that holds the data sets; by default the kit's, see `cnnkit.datasets.catalog.data_dir`.

    Raises
    ------
    cnnkit.datasets.catalog.FetchError : no set of this name, or there is no room or permission to draw it.
    """
    found = state(name, data)
    if found.kind == "absent":
        found = install_synthetic(name, data)
    return ImageFolder(found.path, CATALOG[name].classes)


def in_use(*names: str) -> str:
    """Say in a line for each data set whether its pictures are real or synthetic: every lesson begins with this."""
    return "\n".join(_in_use(state(name)) for name in names)


def _in_use(found) -> str:
    if found.kind == "absent":
        return f"{found.path.name}: none yet"
    origin = "SYNTHETIC, drawn by this kit" if found.kind == "synthetic" else "real"
    return f"{found.path.name}: {found.images:,} pictures, {origin}"
