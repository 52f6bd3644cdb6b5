"""From one file to one array: the only place where picture files are opened."""

from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = ["read_image"]

# Above this a "picture" is a trap or a mistake: 64 million pixels, eight films wide and eight high.
MAX_PIXELS = 64 * 1024 * 1024


def read_image(path: str | PathLike) -> np.ndarray:
    """Read a picture file as a viewer would show it.

    Grey files give one channel, all others three. Transparent parts are shown on white, palettes are resolved,
    16-bit grey is scaled to 8 bits, a camera's rotation mark (EXIF) is obeyed, of an animation the first frame is
    taken.

    Returns
    -------
    uint8 (rows, columns) or (rows, columns, 3), values 0-255.

    Raises
    ------
    FileNotFoundError : there is no such file.
    ValueError : the file is not a picture, or is truncated, corrupt or unreadable; the message says which.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"read_image: there is no file {path}.")
    try:
        return _decode(path)
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files
        raise ValueError(f"read_image: {path.name} {_reason(path, error)}.") from None


def _decode(path: Path) -> np.ndarray:
    if not path.is_file():  # opening a pipe or device would wait for ever
        raise IsADirectoryError
    with Image.open(path) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        picture.load()
        # Pillow keeps the pixels' own meaning in the mode; see its "Concepts" page.
        if picture.mode.startswith("I"):
            return _eight_bits(np.asarray(picture))
        picture = _plain(ImageOps.exif_transpose(picture))
    return np.asarray(picture).copy()  # Pillow's own memory is read-only


def _plain(picture: Image.Image) -> Image.Image:
    """Convert to 8-bit grey ("L") or colour ("RGB")."""
    if picture.mode in ("1", "L"):
        return picture.convert("L")
    if picture.mode == "F":
        raise TypeError("floating-point pixels have no agreed range")
    if picture.has_transparency_data:
        gray = picture.mode in ("LA", "La")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("L" if gray else "RGB")
    return picture.convert("RGB")


def _eight_bits(levels: np.ndarray) -> np.ndarray:
    """Scale 16-bit grey levels to 8 bits: 65535 / 255 = 257."""
    return np.round(np.clip(levels, 0, 65535) / 257).astype(np.uint8)


def _reason(path: Path, error: Exception) -> str:
    """Say in a few words, without Pillow's, why a file cannot be used."""
    if isinstance(error, PermissionError):
        return "is unreadable (no permission)"
    if isinstance(error, IsADirectoryError):
        return "is not an image (no ordinary file)"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning | MemoryError):
        return f"is unreadable (more than {MAX_PIXELS // 10**6} million pixels)"
    if path.stat().st_size == 0:
        return "is truncated (an empty file)"
    if isinstance(error, UnidentifiedImageError):
        return "is not an image"
    if isinstance(error, TypeError) and "floating-point" in str(error):
        return "is unreadable (floating-point pixels have no agreed range)"
    return "is truncated" if "truncated" in str(error).lower() else "is corrupt"
