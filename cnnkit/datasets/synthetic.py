"""Draws the synthetic data sets: flowers and chest phantoms made by chance, so that the kit works with no download.

Every picture is drawn; none shows a real flower or a patient, and no film is for diagnosis. Each says so in its own
file, as text in the PNG or as comment in the JPEG.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from os import cpu_count
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from cnnkit.datasets.draw_films import draw_film
from cnnkit.datasets.draw_flowers import draw_daisy_in_grass, draw_flower

__all__ = ["COUNTS", "NOTE", "draw", "draw_daisy_in_grass", "draw_film", "draw_flower"]

NOTE = "synthetic: drawn by cnnkit, not a photograph or a radiograph; not for diagnosis"
COUNTS = {"flowers": {"daisy": 300, "rose": 300}, "cxr": {"effusion": 107, "nofinding": 1000}}

# (rows, columns) as photographs on the web have them, and how often each comes.
SIZES = ((180, 240), (240, 240), (213, 320), (240, 320), (320, 240), (320, 213), (240, 180), (333, 500))
SIZE_CHANCES = (0.24, 0.12, 0.13, 0.20, 0.12, 0.05, 0.11, 0.03)
RGBA_FILMS = {"effusion": 3, "nofinding": 26}


@dataclass(frozen=True)
class Job:
    """One picture still to be drawn; `number` counts from 0 within its class."""

    name: str
    label: str
    number: int
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        """Chance of its own, so that a picture does not depend on those drawn before it."""
        names = list(COUNTS)
        classes = list(COUNTS[self.name])
        return np.random.default_rng((self.seed, names.index(self.name), classes.index(self.label), self.number))


def draw(name: str, folder: str | Path, seed: int = 0, progress: bool = True) -> None:
    """Draw a whole synthetic set into an existing, empty folder: one folder per class.

    The same seed gives the same bytes with the same versions of NumPy and Pillow. Films are 256 × 256 and 8 bits
    deep, 29 of them stored as RGBA; a few flowers are smaller than 100 pixels, grey or with alpha, as in real folders.

    Parameters
    ----------
    name : "flowers" (300 daisies, 300 roses) or "cxr" (107 effusions, 1000 without a finding).
    folder : where the class folders are to be made.
    seed : another seed gives another set.
    progress : show a bar if it takes longer than two seconds.

    Raises
    ------
    ValueError : another name, or a folder that is missing or not empty.
    OSError : the pictures cannot be written.
    """
    _draw(name, _checked(name, Path(folder)), seed, progress)


def _draw(name: str, folder: Path, seed: int, progress: bool, limit: int | None = None) -> None:
    """Draw the set, or the first `limit` of each class, on all cores: NumPy and Pillow release the interpreter."""
    from tqdm import tqdm

    for label in COUNTS[name]:
        (folder / label).mkdir()
    jobs = list(_jobs(name, seed, limit))
    silence = {} if progress else {"disable": True}  # what is said here TQDM_DISABLE cannot take back
    bar = tqdm(desc=f"drawing synthetic {name}", total=len(jobs), unit="image", delay=2, **silence)
    with bar, ThreadPoolExecutor(cpu_count()) as pool:
        try:
            for _ in pool.map(lambda job: _write(job, folder), jobs):
                bar.update()
        finally:
            pool.shutdown(cancel_futures=True)  # or an interrupt would wait for all the others


def _checked(name, folder):
    if name not in COUNTS:
        raise ValueError(f"draw: name must be one of {', '.join(COUNTS)}, not {name!r}.")
    if not folder.is_dir():
        raise ValueError(f"draw: {folder} must be an existing folder. Make it first.")
    if any(folder.iterdir()):
        raise ValueError(f"draw: {folder} must be empty, and it is not. Choose another folder; nothing was changed.")
    return folder


def _jobs(name: str, seed: int, limit: int | None = None) -> Iterator[Job]:
    """The pictures of a set, or the first `limit` of each class."""
    for label, count in COUNTS[name].items():
        yield from islice((Job(name, label, number, seed) for number in range(count)), limit)


def _write(job: Job, folder: Path) -> None:
    """Write JPEG for plain photographs, PNG for films and for what has alpha; both carry the word synthetic."""
    picture = MAKERS[job.name](job)
    stem = folder / job.label / f"synthetic_{job.number + 1:04d}"
    if job.name == "cxr" or picture.mode == "RGBA":
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", NOTE)
        picture.save(stem.with_suffix(".png"), pnginfo=info, compress_level=2)
    else:
        picture.save(stem.with_suffix(".jpg"), quality=90, comment=NOTE.encode())


def _flower(job: Job) -> Image.Image:
    """One picture of the flowers; some are tiny, grey or have alpha."""
    rng = job.rng
    rows, columns = SIZES[rng.choice(len(SIZES), p=SIZE_CHANCES)]
    if job.number % 50 == 7:
        rows, columns = rng.integers(56, 98, 2)
    image, _ = draw_flower(job.label, rng, int(rows), int(columns))
    return Image.fromarray(image).convert({19: "L", 33: "RGBA"}.get(job.number % 50, "RGB"))


def _film(job: Job) -> Image.Image:
    """One film; a few of each class are stored as RGBA with equal channels, as in the real set."""
    film, _ = draw_film(job.label == "effusion", job.rng)
    every = COUNTS["cxr"][job.label] // RGBA_FILMS[job.label]
    turn, place = divmod(job.number, every)
    stored_as = "RGBA" if place == every // 2 and turn < RGBA_FILMS[job.label] else "L"
    return Image.fromarray(film).convert(stored_as)


MAKERS: dict[str, Callable[[Job], Image.Image]] = {"flowers": _flower, "cxr": _film}
