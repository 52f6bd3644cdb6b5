"""What a student sees of a check: four outcomes, a message that fits, and never an exception."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

import cnnkit
from cnnkit.checks import board, check, find_exercise, hint, progress, solution
from cnnkit.checks.calls import run
from cnnkit.checks.compare import Closeness, same
from cnnkit.checks.exercise import ASSIGNMENTS, all_names, shipped
from cnnkit.checks.judging import judge
from cnnkit.checks.plain import Unknown, dumps, freeze, loads


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setattr(board.platformdirs, "user_cache_path", lambda name: tmp_path / name)
    monkeypatch.setattr(board, "_unsaved", {})
    monkeypatch.setattr(board, "_hints", {})
    return tmp_path / "cnnkit" / "progress.json"


def right_flips(image):
    return image[::-1, ::-1]


def one_flip(image):
    return image[::-1]


HEALTHY = {
    "divide_by": 255,
    "learning_rate": 0.01,
    "last_activation": "softmax",
    "from_logits": False,
    "augment_training": True,
    "augment_validation": False,
    "shuffle_training": True,
}


def blank(image):
    pass


def documented(image):
    """Nothing yet."""


def unwritten(image):
    raise NotImplementedError


@pytest.mark.parametrize("answer", [None, ..., blank, documented, unwritten, lambda image: None])
def test_what_has_not_been_written_is_not_started(answer):
    found = check("flip_twice", answer)
    assert (found.status, float(found), repr(found)) == ("not started", 0.0, "0.0")


@pytest.mark.parametrize("constant", [5, "text", 0.5, True, ()])
def test_a_constant_is_an_answer_and_a_wrong_one(constant):
    found = check("flip_twice", lambda image: constant)
    assert (found.status, float(found)) == ("not yet", 0.0)


def test_right_says_visible_checks_passed_and_not_more():
    found = check("flip_twice", right_flips)
    assert (found.status, repr(found), found.misconception) == ("right", "1.0", None)
    assert "isible checks passed" in found.message and "orrect" not in found._repr_html_()


def test_a_known_mistake_is_named_and_comes_with_help():
    found = check("flip_twice", one_flip)
    assert (found.status, found.misconception) == ("not yet", "only_up_down")
    assert all(part in found.message for part in find_exercise("flip_twice")[1].misconceptions["only_up_down"])
    assert "hint(&quot;flip_twice&quot;)" in found._repr_html_()


def test_an_error_names_the_line_of_the_student_and_not_of_a_library():
    def deep(image):
        wide = np.zeros(3)
        return np.concatenate([image, wide])

    found = check("flip_twice", deep)
    assert found.status == "error" and "concatenate([image, wide])" in found.message
    assert f"Line {deep.__code__.co_firstlineno + 2} " in found.message


class Hostile:
    def __getattribute__(self, name):
        raise RuntimeError("leave me alone")


class AlwaysEqual(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


def exits(*given):
    raise SystemExit


def interrupts(*given):
    raise KeyboardInterrupt


def unprintable(*given):
    class Silent(Exception):
        def __str__(self):
            raise ValueError

    raise Silent


def endless(*given):
    nested = []
    nested.append(nested)
    return nested


HOSTILE = {
    "an object that raises": lambda: Hostile(),
    "its class": lambda: Hostile,
    "a number that equals everything": lambda: AlwaysEqual(7),
    "a function that returns it": lambda: lambda *given: AlwaysEqual(7),
    "the end of the program": lambda: exits,
    "an interrupt": lambda: interrupts,
    "an error without a text": lambda: unprintable,
    "a list in itself": lambda: endless,
    "a built-in function": lambda: print,
}


@pytest.mark.parametrize("name", ["flip_twice", "decayed_rate", "relabel", "small_resnet", "healthy_settings"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_nothing_is_raised_or_printed_and_nothing_passes(name, kind, capfd):
    found = check(name, HOSTILE[kind]())
    assert found.status in ("error", "not yet", "not started") and float(found) == 0
    assert found._repr_html_() and capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["flip_twise", "", None, 3, ["a"]])
def test_an_unknown_name_gets_a_card_and_a_near_name_a_proposal(name):
    for card in (check(name, right_flips), hint(name), solution(name)):
        assert "no " in str(card._repr_html_())
    assert "flip_twice" in check("flip_twise").message


def flip_twice(image):
    return image[::-1, ::-1]


@pytest.mark.parametrize("given", [(flip_twice,), (flip_twice, "flip_twice"), (lambda image: image, "flip_twice")])
def test_a_function_in_the_place_of_the_name_is_told_where_the_name_goes(given):
    found = check(*given)
    assert (found.status, float(found)) == ("error", 0.0)
    assert 'The name goes first, in quotes: check("flip_twice", flip_twice)' in found.message
    assert "in quotes" in repr(hint(flip_twice)) + repr(hint(flip_twice)._repr_html_())


def test_a_result_in_the_place_of_the_function_is_told_of_the_call():
    found = check("flip_twice", flip_twice(np.zeros((3, 4))))
    assert "did you call it? Give the function without brackets." in found.message


def test_a_number_too_large_for_uint8_is_explained():
    def too_much(image):
        return np.uint8([200]) + 300

    assert "uint8 holds 0 to 255" in check("flip_twice", too_much).message


FLIPS = "def flip_twice(image):\n    return image[::-1, ::-1]\n"
SLIP = "x = 1\ndef flip_twice(image):\n    return image[::-1, ::-1\n"
HISTORIES = {  # the cells that were run before the check, and in which line it is to find the slip
    "right": ([FLIPS], None),
    "after an older version": ([FLIPS, SLIP], 3),
    "on a fresh kernel": ([SLIP], 3),
    "beside a magic": ([FLIPS, "%pwd\n" + SLIP], 4),
    "no colon": ([FLIPS, "def flip_twice(image)\n    return image\n"], 1),
    "in a value": ([FLIPS, "flip_twice = lambda image: image[::-1\n"], 1),
    "corrected": ([FLIPS, SLIP, FLIPS], None),
    "corrected below a magic": ([SLIP, "%%time\n" + FLIPS], None),
    "magics are no slips": (["%pwd\nfiles = !ls\n" + FLIPS], None),
    "in other cells": ([FLIPS, "flip_twice(3", "other = (", "flip_twice == ("], None),
}
RUN = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
from cnnkit.checks import board, check

board._read, board._write = dict, lambda found: None
found = []
for cells, _ in json.loads(sys.argv[1]):
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    for cell in cells:
        shell.run_cell(cell, store_history=True)
    shell.user_ns["check"] = check
    shell.run_cell("card = check('flip_twice', globals().get('flip_twice'))", store_history=True)
    found.append([shell.user_ns["card"].status, shell.user_ns["card"].message])
    InteractiveShell.clear_instance()
print(json.dumps(found))
"""


def test_after_a_slip_in_the_cell_of_the_answer_no_older_version_is_judged(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    line = [sys.executable, "-c", RUN, json.dumps(list(HISTORIES.values()))]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for (words, (_, slip)), (status, message) in zip(
        HISTORIES.items(), json.loads(done.stdout.splitlines()[-1]), strict=True
    ):
        assert status == ("right" if slip is None else "error"), (words, message)
        assert slip is None or (f"syntax error in line {slip}" in message and "older version" in message), words


def test_html_of_a_message_is_escaped():
    def scripted(image):
        raise ValueError("<script>alert(1)</script>")

    assert "<script>" not in check("flip_twice", scripted)._repr_html_()


def test_an_argument_that_is_changed_is_noticed_and_the_next_case_is_whole():
    def spoils(image):
        result = image[::-1, ::-1].copy()
        image[...] = 0
        return result

    assert check("flip_twice", spoils).misconception == "changed_in_place"


def test_hints_come_one_by_one_and_the_last_stays():
    exercise = find_exercise("flip_twice")[1]
    shown = [repr(hint("flip_twice")) for _ in range(len(exercise.hints) + 1)]
    assert [each.count("\n") for each in shown] == [1, 2, 3, 4]
    assert exercise.hints[0] in shown[-1] and ["no more hints" in each for each in shown] == [False] * 3 + [True]


def test_a_hint_without_a_name_lists_the_names():
    shown = repr(hint())
    assert all(name in shown for name in all_names()) and shown.count("\n") == 1


def test_the_solution_unfolds_after_three_different_tries(monkeypatch):
    def text():
        return repr(solution("flip_twice"))

    check("flip_twice", one_flip)
    check("flip_twice", one_flip)
    check("flip_twice", lambda image: image.T)
    assert "def flip_twice" not in text() and "one more different try" in text()
    check("flip_twice", lambda image: image)
    assert "def flip_twice" in text()
    monkeypatch.setenv("CNNKIT_SOLUTIONS", "")
    assert "def flip_twice" not in text() and "instructor" in text()


def test_progress_is_kept_and_what_was_reached_stays(own_progress):
    check("flip_twice", one_flip)
    assert progress().states["flowers_preprocessing"]["flip_twice"] == "not yet"
    check("flip_twice", right_flips)
    check("flip_twice", one_flip)
    shown = cnnkit.progress()
    assert shown.states["flowers_preprocessing"]["flip_twice"] == "right"
    assert "1 of" in repr(shown) and set(shown.states) == set(ASSIGNMENTS)
    assert "Two flips: right" in shown._repr_html_()
    assert own_progress.is_file() and not list(own_progress.parent.glob("tmp*"))


@pytest.mark.parametrize("damage", ["", "{", "[1, 2]", '{"flip_twice": 3}', '{"flip_twice": {"status": "great"}}'])
def test_a_damaged_progress_file_counts_as_none(own_progress, damage):
    own_progress.parent.mkdir(parents=True)
    own_progress.write_text(damage)
    assert progress().states["flowers_preprocessing"]["flip_twice"] == "not started"
    assert check("flip_twice", right_flips).status == "right"
    assert progress().states["flowers_preprocessing"]["flip_twice"] == "right"


def test_without_a_place_to_write_progress_lasts_as_long_as_the_notebook(own_progress):
    own_progress.parent.write_text("a file where the folder should be")
    assert check("flip_twice", right_flips).status == "right"
    assert progress().states["flowers_preprocessing"]["flip_twice"] == "right"


def test_the_package_alone_does_not_load_the_exercises():
    code = "import sys, cnnkit; before = 'cnnkit.checks' in sys.modules; cnnkit.progress(); print(before)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


# --- judging


def test_of_two_mistakes_in_a_dictionary_one_is_named():
    two = HEALTHY | {"divide_by": 1, "augment_validation": True}
    assert check("healthy_settings", two).misconception in ("pixels_not_scaled", "validation_still_changed")
    three = HEALTHY | {"augment_validation": True, "learning_rate": 5.0, "from_logits": True}
    assert check("healthy_settings", three).misconception is not None


def test_contradicting_settings_may_be_cured_either_way():
    assert check("healthy_settings", HEALTHY).status == "right"
    assert check("healthy_settings", HEALTHY | {"last_activation": None, "from_logits": True}).status == "right"
    assert check("healthy_settings", {key: HEALTHY[key] for key in list(HEALTHY)[1:]}).misconception == "other_entries"


@pytest.mark.parametrize("name", ["sick_run_one", "sick_run_two", "sick_run_three"])
def test_the_shipped_cases_do_not_say_the_name_of_an_illness(name):
    assert "Secret" in repr(shipped("debugging", name)[0].right)


def test_a_sign_says_what_can_be_seen_in_a_result_of_any_exercise():
    signs = {
        "returns_a_thing": lambda batch: print,
        "another_kind": lambda batch: "bright",
        "another_shape": lambda batch: scaled(batch)[0],
        "shifted": lambda batch: scaled(batch) + 0.25,
        "scaled": lambda batch: scaled(batch) * 3,
        "wrong_sign": lambda batch: -scaled(batch),
        "complement": lambda batch: 1 - scaled(batch),
        "negative": lambda batch: 255 - scaled(batch),
        "mirrored": lambda batch: scaled(batch)[:, ::-1],
        "upside_down": lambda batch: scaled(batch)[::-1],
        "standardized": lambda batch: (batch - batch.mean()) / batch.std(),
        "stretched": lambda batch: (batch - 1.0 * batch.min()) / (1.0 * batch.max() - batch.min()),
        "one_value": lambda batch: np.full(batch.shape, 0.5),
        "no_number": lambda batch: np.where(scaled(batch) > 0.5, np.nan, scaled(batch)),
    }
    assert {sign: check("scaled_once", answer).misconception for sign, answer in signs.items()} == {
        sign: sign for sign in signs
    }


def test_a_picture_as_a_list_is_of_another_kind_even_if_nothing_was_done_to_it():
    assert check("stretch_quartiles", lambda image: image).misconception == "unchanged"
    assert check("stretch_quartiles", lambda image: image.tolist()).misconception == "another_kind"


def test_a_small_picture_cut_with_a_negative_margin_is_named():
    def no_skip(image, size):
        top, left = (image.shape[0] - size[0]) // 2, (image.shape[1] - size[1]) // 2
        return image[top : top + size[0], left : left + size[1]]

    assert check("center_crop", no_skip).misconception == "small_not_skipped"


def scaled(batch):
    return batch / 255 if batch.dtype == np.uint8 or batch.max() > 1 else batch


def test_a_wrong_order_and_a_wrong_length_of_a_list_are_seen():
    def places(labels, count):
        return sorted(place for kind in np.unique(labels) for place in np.flatnonzero(labels == kind)[:count])

    assert check("ablation_subset", lambda labels, count: places(labels, count)[::-1]).misconception == "another_order"
    assert check("ablation_subset", lambda labels, count: places(labels, count)[:-1]).misconception == "another_length"


def test_a_row_of_numbers_is_a_list_as_well():
    def ours(labels, theirs, own):
        return np.array([own.index(name) for name in theirs])[labels]

    assert check("relabel", lambda *given: ours(*given)[::-1]).misconception == "another_order"
    assert check("relabel", lambda *given: ours(*given)[1:]).misconception == "another_length"


@pytest.mark.parametrize("malformed", [None, [], {}, [{}], ["right"], [{"value": 1}] * 99, [None] * 5])
def test_malformed_outcomes_are_an_error(malformed):
    exercise, cases = find_exercise("flip_twice")[1], shipped("flowers_preprocessing", "flip_twice")
    assert judge(exercise, cases, malformed).status == "error"


# --- plain data


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, -2.5, "text", [1, [2.5, "a"]], {"a": [True, None]}, Unknown("function"),
        np.arange(6, dtype=np.uint8).reshape(2, 3), np.float32([0.1, -3]), np.zeros((0, 2)), np.array([True, False]),
    ],
)  # fmt: skip
def test_plain_data_survives_the_way_there_and_back(value):
    frozen = freeze(value)
    again = loads(dumps(frozen))
    assert type(again) is type(frozen)
    if isinstance(frozen, np.ndarray):
        assert again.dtype == frozen.dtype and again.shape == frozen.shape and np.array_equal(again, frozen)
    else:
        assert again == frozen


@pytest.mark.parametrize("text", ["", "{", '{"array": "object", "shape": [1], "values": [1]}', '{"a": 1}', "{}"])
def test_what_dumps_does_not_write_is_refused(text):
    with pytest.raises(ValueError, match="loads"):
        loads(text)


@pytest.mark.parametrize("value", [print, object(), AlwaysEqual, 2**70, np.array([1j]), np.zeros(20_000_000, bool)])
def test_what_is_no_plain_data_becomes_unknown(value):
    assert isinstance(freeze(value), Unknown)


def test_a_subclass_that_equals_everything_becomes_an_ordinary_number():
    assert type(freeze(AlwaysEqual(7))) is int and not same(8, freeze(AlwaysEqual(7)))


def test_form_does_not_matter_and_values_and_shapes_do():
    forms = [3, 3.0, np.int8(3), np.float32(3), np.array(3), np.array([3])]
    assert all(same(right, freeze(given)) for right, given in itertools.product([3, 3.0], forms))
    assert same(np.ones((2, 3)), [[1, 1, 1]] * 2) and not same(np.ones((2, 3)), np.ones(6))
    assert not same(1, True) and not same(np.float32([0.5]), np.float32([0.51]))
    assert not same(np.zeros(2), np.array([0, np.nan])) and not same(np.zeros(2), np.array([0, np.inf]))
    assert same([1, 2], [2, 1], Closeness(any_order=True)) and not same([1, 2], [2, 1])
    assert same("Softmax  twice", " softmax TWICE ") and not same("softmax", "softmax twice")


# --- networks


def network(shape, filters, classes, pooled="GlobalAveragePooling2D", shortcut=True, extra=False):
    import keras
    from keras import layers

    inputs = keras.Input(tuple(shape))
    x = layers.Conv2D(filters, 3, padding="same", name="whatever")(inputs)
    y = layers.Conv2D(filters, 3, padding="same", activation=None)(layers.Activation("relu")(x))
    y = layers.Conv2D(filters, 3, padding="same")(keras.ops.relu(y))
    y = y + x if shortcut else y
    y = layers.BatchNormalization()(y) if extra else y
    y = getattr(layers, pooled)()(y)
    return keras.Model(inputs, layers.Activation("softmax")(layers.Dense(classes)(y)))


def test_a_network_is_judged_by_what_it_does_and_not_by_how_it_is_written():
    assert check("small_resnet", network).status == "right"
    assert check("small_resnet", lambda *given: network(*given, shortcut=False)).misconception == "shortcut_forgotten"
    assert check("small_resnet", lambda *given: network(*given, extra=True)).misconception == "network_too_large"
    more = check("small_resnet", lambda shape, filters, classes: network(shape, filters, classes + 1))
    assert more.misconception == "network_outputs"
    assert check("small_resnet", lambda *given: network(*given).output).status == "not yet"


def test_every_exercise_can_be_looked_up_and_answers_a_blank():
    assert len(all_names()) >= 24
    for name in all_names():
        assert check(name).status == "not started"


def test_a_value_is_tried_once_and_a_function_with_every_case():
    cases = shipped("flowers_preprocessing", "flip_twice")
    outcomes = run(right_flips, find_exercise("flip_twice")[1], [case.arguments for case in cases])
    assert len(outcomes) == len(cases) and all("value" in outcome for outcome in outcomes)
    assert len(run("a text", find_exercise("sick_run_one")[1], [[]])) == 1
