"""Plain data: what a student's answer is turned into before anybody looks at it, and how that travels as text.

None, bool, int, float, str, list, dict and arrays of numbers, of exactly these types. A subclass that claims to equal
everything, a function, a file: none of them gets through. The grader's child process sends its answers in this form,
and nothing that it sends is ever executed.
"""

import json
import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Secret", "Unknown", "decoded", "dumps", "freeze", "loads", "rounded"]

MOST_VALUES = 10_000_000  # in an array or list; no exercise asks for a thousandth of it
DEEPEST = 8  # lists within lists


@dataclass(frozen=True)
class Unknown:
    """Stands for something that is not plain data: a function, a figure, lists nested without end."""

    kind: str


@dataclass(frozen=True)
class Secret:
    """Stands for a value of which only the fingerprint is known; see `cnnkit.checks.compare.fingerprint`."""

    digest: str


def freeze(value: object, depth: int = 0) -> object:
    """Return `value` as plain data, copied; what cannot be becomes `Unknown`.

    >>> freeze((1, np.float32(0.5), {"a": np.True_}, print))
    [1, 0.5, {'a': True}, Unknown(kind='builtin_function_or_method')]
    """
    if value is None or depth > DEEPEST:
        return None if value is None else Unknown(type(value).__name__)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        number = int(value)
        return number if abs(number) < 2**64 else Unknown("int")
    if isinstance(value, float | np.floating):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)[:MOST_VALUES]
    if isinstance(value, dict):
        return {_key(key): freeze(item, depth + 1) for key, item in list(value.items())[:MOST_VALUES]}
    if isinstance(value, set | frozenset):
        return sorted((freeze(item, depth + 1) for item in value), key=repr)
    if isinstance(value, list | tuple | range) and len(value) <= MOST_VALUES:
        return [freeze(item, depth + 1) for item in value]
    return _frozen_array(value)


def _key(key: object) -> str:
    return str.__str__(key) if isinstance(key, str) else repr(freeze(key))


def _frozen_array(value: object) -> object:
    """Return an array of what NumPy can make one of, such as a tensor."""
    kind = type(value).__name__
    if not isinstance(value, np.ndarray) and not hasattr(value, "__array__"):
        return Unknown(kind)
    array = np.array(value, subok=False)
    if array.size > MOST_VALUES:
        return Unknown(kind)
    if array.dtype.kind in "OU":
        return freeze(array.tolist(), 1)
    if array.dtype.kind not in "biuf":
        return Unknown(f"array of {array.dtype}")
    return array.astype(array.dtype.newbyteorder("="), order="C")


def rounded(value: object, digits: int = 7) -> object:
    """Return plain data with its floats rounded to so many significant digits, to be stored."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, list):
        return [rounded(item, digits) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        numbers = [float(f"{number:.{digits}g}") for number in value.ravel().tolist()]
        return np.array(numbers, value.dtype).reshape(value.shape)
    return value


def dumps(value: object) -> str:
    """Return plain data as JSON text; NaN and infinity are written as Python writes them."""
    return json.dumps(_encoded(value), separators=(",", ":"))


def loads(text: str) -> object:
    """Return the plain data in a text.

    Raises
    ------
    ValueError : the text is not what `dumps` writes.
    """
    try:
        return decoded(json.loads(text))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(f"loads: this is not plain data ({type(error).__name__}: {error}).") from None


def _encoded(value: object) -> object:
    if isinstance(value, np.ndarray):
        flat = value.ravel()
        if value.dtype.kind == "f":
            return {"array": str(value.dtype), "shape": value.shape, "values": [_short(x) for x in flat.tolist()]}
        return {"array": str(value.dtype), "shape": value.shape, "values": flat.astype(int).tolist()}
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    if isinstance(value, dict):
        return {"dict": {key: _encoded(item) for key, item in value.items()}}
    if isinstance(value, Unknown):
        return {"unknown": value.kind}
    if isinstance(value, Secret):
        return {"secret": value.digest}
    return value


def _short(number: float) -> float | int:
    return int(number) if math.isfinite(number) and number == int(number) and abs(number) < 1e15 else number


def decoded(value: object) -> object:
    """Return the plain data that parsed JSON stands for; raises as json and NumPy do."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"array": str(kind), "shape": list(shape), "values": list(values)}:
            dtype = np.dtype(kind)
            if dtype.kind not in "biuf" or not all(type(number) in (int, float) for number in values):
                raise ValueError(f"no array of {kind}")
            return np.array(values, dtype).reshape(shape)
        case {"dict": dict(items)}:
            return {key: decoded(item) for key, item in items.items()}
        case {"unknown": str(kind)}:
            return Unknown(kind)
        case {"secret": str(digest)}:
            return Secret(digest)
    raise ValueError("an object of no known kind")
