"""Signs of a mistake that can be read off a wrong result of any exercise, where none of its known mistakes fits.

A sign is a name, a question put to every wrong result, and a text: what happened, why, what to try. It is shown if the
answer is yes for all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnnkit.checks.compare import Closeness, as_array, same
from cnnkit.checks.plain import Secret, Unknown

__all__ = ["Wrong", "read_sign"]


@dataclass(frozen=True)
class Wrong:
    """A case that came out wrong: what went in, what should have come out, what did."""

    arguments: list
    right: object
    given: object
    close: Closeness

    def equals(self, change: Callable) -> bool:
        """Return True if the result is the right one after this change to it, and differs from it."""
        right = as_array(self.right)
        if right is None or right.size == 0:
            return False
        with np.errstate(all="ignore"):
            return same(change(right.astype(float)), self.given, self.close)


def _of_picture(change: Callable) -> Callable:
    """Ask only where the right result is a picture."""
    return lambda case: isinstance(case.right, np.ndarray) and case.right.ndim >= 2 and case.equals(change)


def _is_argument(case: Wrong) -> bool:
    return any(same(argument, case.given, case.close) for argument in case.arguments)


def _is_picture_as_list(case: Wrong) -> bool:
    """Return True for a picture that went in and came back as a list; of one that was changed, other signs say more."""
    picture = isinstance(case.right, np.ndarray) and case.right.ndim >= 2
    return picture and isinstance(case.given, list) and _is_argument(case)


def _no_number(case: Wrong) -> bool:
    given = as_array(case.given)
    return given is not None and given.dtype.kind == "f" and not np.isfinite(given).all()


def _shapes(case: Wrong) -> tuple[tuple, tuple] | None:
    """Return the shape that was expected and the one that came, where they differ."""
    given = as_array(case.given)
    if not isinstance(case.right, np.ndarray) or given is None or given.shape == case.right.shape:
        return None
    return case.right.shape, given.shape


def _sides_swapped(case: Wrong) -> bool:
    shapes = _shapes(case)
    return shapes is not None and len(shapes[1]) >= 2 and shapes[0] == (shapes[1][1], shapes[1][0], *shapes[1][2:])


def _another_kind(case: Wrong) -> bool:
    if isinstance(case.right, str | dict):
        return not isinstance(case.given, type(case.right))
    if isinstance(case.right, list):
        return not isinstance(case.given, list) and not (isinstance(case.given, np.ndarray) and case.given.ndim)
    given = as_array(case.given)
    if isinstance(case.right, np.ndarray):
        return given is None or _is_picture_as_list(case)
    return given is None or given.size != 1


def _lists(case: Wrong) -> tuple[list, list] | None:
    """Return the list that was expected and the one that came, if both are lists; a row of numbers is one, too."""
    both = [each.tolist() if isinstance(each, np.ndarray) and each.ndim else each for each in (case.right, case.given)]
    flat = not isinstance(case.right, np.ndarray) or case.right.ndim == 1
    return tuple(both) if flat and all(isinstance(each, list) for each in both) else None


def _another_length(case: Wrong) -> bool:
    lists = _lists(case)
    return lists is not None and len(lists[0]) != len(lists[1])


def _another_order(case: Wrong) -> bool:
    lists = _lists(case)
    return lists is not None and same(*lists, Closeness(case.close.tolerance, any_order=True))


def _networks(case: Wrong) -> tuple[dict, dict] | None:
    """Return what `cnnkit.checks.views.network` says of the expected Keras model and of the one that came."""
    both = case.right, case.given
    return both if all(isinstance(each, dict) and "parameters" in each for each in both) else None


def _network_differs(part: str, differs: Callable = lambda right, given: right != given) -> Callable:
    """Ask of two networks whether they differ in this, and in nothing that comes before it in their description."""

    def asked(case: Wrong) -> bool:
        networks = _networks(case)
        if networks is None:
            return False
        names = list(networks[0])
        alike = all(same(*(each.get(name) for each in networks)) for name in names[: names.index(part)])
        return alike and differs(*(each.get(part) for each in networks))

    return asked


def _ratio(case: Wrong) -> float | None:
    """Return the factor by which all of a result is too large."""
    right, given = as_array(case.right), as_array(case.given)
    if right is None or given is None or right.shape != given.shape or not np.any(right):
        return None
    right, given = right.astype(float), given.astype(float)
    factor = float((right * given).sum() / (right * right).sum())
    if abs(factor) < 1e-9 or abs(factor - 1) < 1e-3 or not case.equals(lambda value: value * factor):
        return None
    return factor


def _shift(case: Wrong) -> float | None:
    """Return the number by which all of a result is too large."""
    right, given = as_array(case.right), as_array(case.given)
    if right is None or given is None or right.shape != given.shape or not right.size:
        return None
    shift = float(np.median(given.astype(float) - right.astype(float)))
    return shift if shift and case.equals(lambda value: value + shift) else None


def _one_value(case: Wrong) -> bool:
    right, given = as_array(case.right), as_array(case.given)
    if right is None or given is None or given.shape != right.shape or given.size < 2:
        return False
    return bool((given == given.ravel()[0]).all() and (right != right.ravel()[0]).any())


def _only_border(case: Wrong) -> bool:
    right, given = as_array(case.right), as_array(case.given)
    if right is None or given is None or right.ndim < 2 or right.shape != given.shape or min(right.shape[:2]) < 5:
        return False
    return same(right[1:-1, 1:-1], given[1:-1, 1:-1], Closeness(case.close.tolerance))


SIGNS: tuple[tuple[str, Callable, tuple[str, str, str]], ...] = (
    (
        "returns_nothing",
        lambda case: case.given is None,
        (
            "Your function came to its end and gave nothing back.",
            "Without a return, Python gives back None; printing or showing a result is not returning it.",
            "Look at the last line of each way through your function.",
        ),
    ),
    (
        "returns_a_thing",
        lambda case: isinstance(case.given, Unknown),
        (
            "What came back is no number, array, text or list.",
            "Often that is a function that was named but not called: its brackets are missing.",
            "Look at the type of what you return: type(result).",
        ),
    ),
    (
        "unchanged",
        lambda case: _is_argument(case) and not _is_picture_as_list(case),
        (
            "What came back is what went in.",
            "NumPy's functions give their result back and leave the argument alone: a result not kept is lost.",
            "Follow the result from line to line: is it what you return?",
        ),
    ),
    (
        "another_kind",
        _another_kind,
        (
            "What came back is of another kind than the task asks for.",
            "A number, a list, a text and an array are different answers, even with the same content.",
            "Read in the task what the function returns, and print type(result).",
        ),
    ),
    (
        "sides_swapped",
        _sides_swapped,
        (
            "Rows and columns of your result have changed places.",
            "An array is (rows, columns), a size as people say it is width times height.",
            "Try a picture that is wider than high, and print the shape after each step.",
        ),
    ),
    (
        "another_length",
        _another_length,
        (
            "Your list has more or fewer entries than it should.",
            "Something was counted twice, or left out.",
            "Make an example of five by hand, and compare entry by entry.",
        ),
    ),
    (
        "another_shape",
        lambda case: _shapes(case) is not None,
        (
            "Your result has another shape than it should.",
            "A pixel too many or too few at an edge, or an axis that was lost or added, is enough.",
            "Print the shape of what goes in and of what you return, for one small picture.",
        ),
    ),
    (
        "network_inputs",
        _network_differs("input"),
        (
            "Your network takes pictures of another shape.",
            "A shape is (rows, columns, channels), without the number of pictures in a batch.",
            "Look at the first line of model.summary().",
        ),
    ),
    (
        "network_outputs",
        _network_differs("output"),
        (
            "What comes out of your network has another shape than it should.",
            "There is one number for each class, so the last layer has as many units as there are classes.",
            "Look at the last line of model.summary().",
        ),
    ),
    (
        "network_too_large",
        _network_differs("parameters", lambda right, given: given > right),
        (
            "Your network has more parameters than it should.",
            "A layer too many, batch normalisation that is not asked for, or a window or a number of filters that is"
            " too large.",
            "Go through model.summary() line by line, and work out the parameters of each.",
        ),
    ),
    (
        "network_too_small",
        _network_differs("parameters", lambda right, given: given < right),
        (
            "Your network has fewer parameters than it should.",
            "A layer is missing, or a window or a number of filters is too small.",
            "Go through model.summary() line by line, and work out the parameters of each.",
        ),
    ),
    (
        "network_connected_otherwise",
        _network_differs("result", lambda right, given: not same(right, given)),
        (
            "Your network has the right shapes and parameters, and calculates something else.",
            "What has no parameters differs: an activation, the stride, the pooling, a sum, or the order of layers.",
            "Draw your network from model.summary(), with all arrows, and compare it with the task.",
        ),
    ),
    (
        "other_entries",
        lambda case: isinstance(case.given, dict) and case.given.get("names") != case.right.get("names"),
        (
            "Your dictionary has other entries than it should.",
            "One is missing, is there too much, or is spelt in another way.",
            "Compare list(yours) with list(of the one in the task).",
        ),
    ),
    (
        "one_value",
        _one_value,
        (
            "Every place of your result holds the same value.",
            "What the pixels differ in was lost on the way: by cutting off, by rounding, or because it was never used.",
            "Print the lowest and the highest value after each step.",
        ),
    ),
    (
        "no_number",
        _no_number,
        (
            "There is a NaN or an infinity in your result.",
            "That comes of dividing by zero, of the logarithm of zero, or of a NaN that was there before.",
            "Find the division or the logarithm, and ask what it does at zero.",
        ),
    ),
    (
        "another_order",
        _another_order,
        (
            "The right entries, in the wrong order.",
            "The task says in which order they belong.",
            "Read the sentence about the order again.",
        ),
    ),
    (
        "mirrored",
        _of_picture(lambda picture: picture[:, ::-1]),
        (
            "Your result is the right one, mirrored: left and right are exchanged.",
            "The last axis but the channels runs along the columns, from left to right.",
            "Try a picture with a single bright pixel in one corner.",
        ),
    ),
    (
        "upside_down",
        _of_picture(lambda picture: picture[::-1]),
        (
            "Your result is the right one, upside down.",
            "Rows are counted from the top.",
            "Try a picture with a single bright pixel in one corner.",
        ),
    ),
    (
        "half_turn",
        _of_picture(lambda picture: picture[::-1, ::-1]),
        (
            "Your result is the right one, turned by 180°.",
            "Two flips, or two quarter turns, have crept in, or are missing.",
            "Try a picture with a single bright pixel in one corner, and count the steps.",
        ),
    ),
    (
        "complement",
        lambda case: case.equals(lambda value: 1 - value),
        (
            "Your result is 1 minus the right one: what should be high is low.",
            "A comparison the wrong way round, or the share of the others.",
            "Take one value that is easy to judge, and follow it.",
        ),
    ),
    (
        "negative",
        lambda case: case.equals(lambda value: 255 - value),
        (
            "Your result is 255 minus the right one: what should be bright is dark.",
            "It is the negative of the picture.",
            "Take one pixel that is easy to judge, and follow it.",
        ),
    ),
    (
        "standardized",
        lambda case: case.equals(lambda value: (value - value.mean()) / value.std()),
        (
            "Your values have the mean 0 and the standard deviation 1.",
            "That is standardising; the task asks for another scale.",
            "Which two values does the task name, and what are they to become?",
        ),
    ),
    (
        "stretched",
        lambda case: case.equals(lambda value: (value - value.min()) / (value.max() - value.min())),
        (
            "Your values run exactly from 0 to 1.",
            "You have stretched them between the lowest and the highest that occur; the task asks for another scale.",
            "What does your code do with a picture whose pixels are nearly all alike?",
        ),
    ),
    (
        "wrong_sign",
        lambda case: case.equals(lambda value: -value),
        (
            "Your result has the wrong sign.",
            "Two things were subtracted the wrong way round, or a minus is missing.",
            "Which of the two is larger in your example? Which one did you take away?",
        ),
    ),
    (
        "cut_off",
        lambda case: case.equals(np.floor),
        (
            "Your result is the right one without what stands behind the point.",
            "Something was turned into whole numbers: by //, by int, or by an array of a whole-number type.",
            "Print the dtype after each step.",
        ),
    ),
    (
        "rounded",
        lambda case: case.equals(np.round),
        (
            "Your result is the right one, rounded to whole numbers.",
            "An exact result is wanted here.",
            "Leave the rounding out.",
        ),
    ),
    (
        "clipped",
        lambda case: case.equals(lambda value: np.clip(value, 0, 1)),
        (
            "Your result is the right one with everything outside 0 to 1 cut off.",
            "The task does not ask for that; what lies outside is kept.",
            "Leave out the clipping.",
        ),
    ),
    (
        "ran_over",
        lambda case: case.equals(lambda value: np.mod(value, 256)),
        (
            "Your numbers have run over: after 255 they began again at 0.",
            "uint8 has room for 0 to 255 only, and NumPy does not tell.",
            "Calculate in floating point, and go back to uint8 at the end.",
        ),
    ),
    (
        "scaled",
        lambda case: _ratio(case) is not None,
        (
            "Your result is the right one times a factor.",
            "Something was divided or multiplied once too often or not at all, such as 255, 100, or a count.",
            "Print your result divided by the one that you work out by hand: which number is it?",
        ),
    ),
    (
        "shifted",
        lambda case: _shift(case) is not None,
        (
            "Your result is the right one, and the same amount too high or too low everywhere.",
            "Off by one is the classic: counting from 0 or from 1, with or without the end.",
            "Work out the smallest example by hand.",
        ),
    ),
    (
        "only_the_border",
        _only_border,
        (
            "Inside the picture all is right; only the outermost rows or columns are not.",
            "At the border something is missing or made up.",
            "Ask what your code does with the first and the last row.",
        ),
    ),
)

# Where all is right for one sort of input and wrong for another, that is worth saying.
SORTS: tuple[tuple[str, str, Callable], ...] = (
    ("only_gray", "pictures with channels", lambda first: first.ndim == 3),
    ("only_colour", "pictures without channels", lambda first: first.ndim == 2),
    ("only_even", "pictures with an odd side", lambda first: first.ndim >= 2 and any(n % 2 for n in first.shape[:2])),
    ("only_floats", "pictures of whole numbers (uint8)", lambda first: first.dtype.kind == "u"),
    ("only_integers", "pictures of floating-point numbers", lambda first: first.dtype.kind == "f"),
)


def read_sign(wrong: list[Wrong], fine: list[Wrong]) -> tuple[str, tuple[str, str, str]] | None:
    """Return the first sign that all wrong results show: its name and its text."""
    known = [case for case in wrong if not isinstance(case.right, Secret)]
    for name, asked, text in SIGNS:
        if known and len(known) == len(wrong) and all(asked(case) for case in known):
            return name, text
    return _always_the_same(wrong + fine) or _one_sort(wrong, fine)


def _always_the_same(cases: list[Wrong]) -> tuple[str, tuple[str, str, str]] | None:
    first = cases[0]
    if len(cases) < 2 or isinstance(first.right, Secret) or first.given is None:
        return None
    if not all(same(first.given, case.given) for case in cases):
        return None
    return "always_the_same", (
        "Whatever goes in, the same comes out.",
        "Does the result depend on the argument at all, or on a variable from elsewhere in the notebook?",
        "Call your function twice, with very different arguments.",
    )


def _one_sort(wrong: list[Wrong], fine: list[Wrong]) -> tuple[str, tuple[str, str, str]] | None:
    """Say for which sort of picture it goes wrong, if it does for all of it and for none of another."""
    firsts = [[case.arguments[0] for case in cases if case.arguments] for cases in (wrong, fine)]
    if not all(firsts) or not all(isinstance(first, np.ndarray) for each in firsts for first in each):
        return None
    for name, words, belongs in SORTS:
        if all(map(belongs, firsts[0])) and not any(map(belongs, firsts[1])):
            return name, (
                f"It goes wrong for {words}, and only for them.",
                "The others come out right, so the idea is sound.",
                "Make a small example of that sort, and print what happens line by line.",
            )
    return None
