"""Are two pieces of plain data the same, as far as an exercise cares?

Form does not matter: uint8 or float, list or array, 3 or 3.0, a number or an array of one. Values and shapes do.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from cnnkit.checks.plain import Secret, Unknown, dumps, rounded

__all__ = ["Closeness", "as_array", "fingerprint", "same"]

RELATIVE = 1e-5  # what single precision costs, with room to spare


@dataclass(frozen=True)
class Closeness:
    """How near is near enough.

    Parameters
    ----------
    tolerance : by how much a number may differ, beside rounding errors.
    on_average : True to compare the mean of the differences in a picture with `tolerance`, not each.
    any_order : True where the order of a list does not matter.
    """

    tolerance: float = 1e-4
    on_average: bool = False
    any_order: bool = False


def same(right: object, given: object, close: Closeness = Closeness()) -> bool:
    """Return True if `given` is as good as `right`; both are plain data.

    >>> same([1, 2.5], np.array([1.0, 2.5], np.float32))
    True
    >>> same(np.zeros((2, 3)), np.zeros((3, 2)))
    False
    """
    if isinstance(right, Secret):
        return right.digest == fingerprint(given)
    if isinstance(given, Unknown) or isinstance(right, Unknown):
        return False
    if right is None or given is None:
        return right is given
    if isinstance(right, str):
        return isinstance(given, str) and _words(right) == _words(given)
    if isinstance(right, dict):
        return (
            isinstance(given, dict)
            and right.keys() == given.keys()
            and all(same(right[key], given[key], close) for key in right)
        )
    if isinstance(right, list):
        return _same_lists(right, given, close)
    if isinstance(right, np.ndarray):
        array = as_array(given)
        return array is not None and array.shape == right.shape and _near(right, array, close)
    if isinstance(given, bool) and not isinstance(right, bool):
        return False
    number = as_array(given)
    return number is not None and number.size == 1 and number.ndim <= 1 and _near(np.asarray(right), number, close)


def as_array(value: object) -> np.ndarray | None:
    """Return plain data as an array of numbers; None if it is not one."""
    if isinstance(value, np.ndarray):
        return value
    if not isinstance(value, bool | int | float | list):
        return None
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):  # rows that are not all as long
        return None
    return array if array.dtype.kind in "biuf" else None


def fingerprint(value: object) -> str:
    """Return a digest that is equal for values that are the same, by which one knows an answer without saying it."""
    return hashlib.sha256(dumps(_normal(value)).encode()).hexdigest()


def _same_lists(right: list, given: object, close: Closeness) -> bool:
    if isinstance(given, np.ndarray) and given.ndim:
        given = given.tolist()
    if not isinstance(given, list) or len(given) != len(right):
        return False
    if close.any_order:
        right, given = sorted(right, key=repr), sorted(given, key=repr)
    return all(same(one, other, close) for one, other in zip(right, given, strict=True))


def _near(right: np.ndarray, given: np.ndarray, close: Closeness) -> bool:
    right, given = right.astype(float), given.astype(float)
    with np.errstate(invalid="ignore"):
        if not (np.isfinite(given) == np.isfinite(right)).all():
            return False
        differences = np.where(given == right, 0, np.abs(given - right))
    if close.on_average:
        return not differences.size or bool(differences.mean() <= close.tolerance)
    same_nan = np.isnan(given) & np.isnan(right)
    return bool((same_nan | (differences <= close.tolerance + RELATIVE * np.abs(right))).all())


def _words(text: str) -> str:
    return " ".join(text.casefold().split())


def _normal(value: object) -> object:
    if isinstance(value, str):
        return _words(value)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, dict):
        return {_words(key): _normal(value[key]) for key in sorted(value)}
    return rounded(float(value), 5) if isinstance(value, int | float) else value
