"""The pictures: what the kit knows of each data set, how to get or draw it, and the index of its folders."""

from cnnkit.datasets.folder import ImageFolder, patient

__all__ = ["ImageFolder", "load", "patient"]
