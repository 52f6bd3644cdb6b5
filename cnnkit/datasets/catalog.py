"""What is known of each data set: classes, source, size, hash, licence, whom to credit. Facts, no code that acts."""

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CATALOG", "PICTURES", "DataSet", "FetchError", "Source", "data_dir"]


PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")


class FetchError(Exception):
    """A data set cannot be had as asked; the text is one line that names the file and the remedy."""

    def __init__(self, text: str):
        # names in archives are chosen by strangers, and may hold line ends or control characters for the terminal
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in text))


@dataclass(frozen=True)
class Source:
    """An archive as its publisher offers it: address, size in bytes, and ``algorithm:digest`` of the whole file."""

    url: str
    bytes: int
    hash: str

    @property
    def file(self) -> str:
        """Return the archive's file name."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class DataSet:
    """One set of pictures, a sub-folder per class.

    Attributes
    ----------
    counts : pictures of each class in the published set.
    source_folders : for each class, what its folder may be called in a source; compared without case, space, - and _.
    unpacked : bytes, about, of what a source holds when unpacked; `archive.BOMB` times this is refused.
    manifest : name of the file in this package that lists the wanted pictures and their classes, for an archive that
        has no class folders and holds much besides; empty for one that has.
    """

    name: str
    classes: tuple[str, ...]
    counts: Mapping[str, int]
    source_folders: Mapping[str, tuple[str, ...]]
    unpacked: int
    licence: str
    citation: str
    source: Source
    manifest: str = ""

    def listed(self) -> dict[str, str]:
        """Return the class of each picture that the manifest names, by file name."""
        with open(Path(__file__).with_name(self.manifest), encoding="utf-8", newline="") as lines:
            return {row["file"]: row["class"] for row in csv.DictReader(lines)}


CATALOG: dict[str, DataSet] = {
    "flowers": DataSet(
        name="flowers",
        classes=("daisy", "rose"),
        counts={"daisy": 633, "rose": 641},
        source_folders={"daisy": ("daisy",), "rose": ("roses", "rose")},
        unpacked=230_000_000,
        licence="Creative Commons Attribution; the photographers are named in LICENSE.txt",
        citation="The TensorFlow Team: Flowers, January 2019",
        source=Source(
            url="https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
            bytes=228_813_984,
            hash="sha256:4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
        ),
    ),
    "cxr": DataSet(
        name="cxr",
        classes=("nofinding", "effusion"),  # their labels: 0 is well, 1 is ill
        counts={"nofinding": 1000, "effusion": 107},
        source_folders={"nofinding": ("nofinding",), "effusion": ("effusion",)},
        unpacked=440_000_000,
        licence="no restriction on use; credit the NIH Clinical Center as the provider and cite the paper",
        citation="Wang et al.: ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks, CVPR 2017",
        source=Source(
            url="https://nihcc.box.com/shared/static/0aowwzs5lhjrceb3qp67ahp0rd1l1etg.gz",
            bytes=3_838_903_983,
            hash="md5:9f1b7f5aae01b13f4bc8e2c44a4b8ef6",
        ),
        manifest="cxr_manifest.csv",
    ),
}


def data_dir() -> Path:
    """Return the folder that holds the data sets, which need not exist.

    It is what the environment variable CNNKIT_DATA says; without one, ``data`` in the checkout that this package
    lies in, or else in the current folder.
    """
    if os.environ.get("CNNKIT_DATA"):
        return Path(os.environ["CNNKIT_DATA"]).expanduser()
    checkout = Path(__file__).parents[2]
    return (checkout if (checkout / "data_fetch.py").is_file() else Path.cwd()) / "data"
