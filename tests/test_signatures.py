"""The names that lessons may call keep their arguments, defaults and constants; `make notebooks` asks that too.

signatures.txt has them as they were. A change that is wanted is written down with

    python tests/test_signatures.py
"""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import cnnkit

STORED = Path(__file__).with_name("signatures.txt")
# What instructors call from the command line has tests of its own; and modules that start something when imported.
LEFT_OUT = re.compile(r"\b(__main__|_\w+|grade|doctor)\b")
PLAIN = (bool, int, float, str)


def lines() -> Iterator[str]:
    """Describe every public function, class and constant in a line of its own."""
    for module in pkgutil.walk_packages(cnnkit.__path__, "cnnkit."):
        if LEFT_OUT.search(module.name):
            continue
        names = vars(importlib.import_module(module.name))
        for name in sorted(set(names.get("__all__", ())) & set(names)):  # a package knows some only when it is asked
            if getattr(names[name], "__module__", module.name).startswith(module.name):
                yield from _described(f"{module.name}.{name}", names[name])
        for name, value in sorted(names.items()):
            if (
                re.fullmatch(r"[A-Z][A-Z0-9_]*", name)
                and _is_plain(value)
                and not re.search(r" at 0x|array\(", repr(value))
            ):
                yield f"{module.name}.{name} = {value!r}"


def _is_plain(value: object) -> bool:
    """True for numbers, words and tuples of them; a text of several lines may be reworded."""
    if type(value) is tuple:
        return all(map(_is_plain, value))
    return type(value) in PLAIN and "\n" not in str(value)


def _described(name: str, thing: object) -> Iterator[str]:
    if not inspect.isclass(thing):
        if callable(thing):
            yield f"{name}({_arguments(thing)})"
        return
    yield f"{name}({_arguments(thing)})"
    for attribute, member in sorted(vars(thing).items()):
        if not attribute.startswith("_") and attribute != "panels" and not dataclasses.is_dataclass(member):
            if isinstance(member, classmethod | staticmethod):
                member = member.__func__
            if inspect.isfunction(member):
                yield f"{name}.{attribute}({_arguments(member)})"
    for panel, shown in getattr(thing, "panels", {}).items():
        yield f"{name}.panels[{panel!r}] = {shown.title!r}, {shown.palette!r}, {shown.legend!r}"


def _arguments(function: object) -> str:
    """Return names and defaults, without types, since a type that is said more precisely changes nothing."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return "…"
    bare = [each.replace(annotation=each.empty) for each in signature.parameters.values() if each.name != "self"]
    shown = str(signature.replace(parameters=bare, return_annotation=signature.empty))[1:-1]
    return re.sub(r" at 0x\w+", "", shown)


@pytest.mark.notebooks
def test_public_names_keep_their_arguments_defaults_and_constants():
    now = {line.split("(")[0].split(" = ")[0]: line for line in lines()}
    changed = []
    for line in STORED.read_text(encoding="utf-8").splitlines():
        name = line.split("(")[0].split(" = ")[0]
        if now.get(name) != line:
            changed.append(f"was: {line}\nis:  {now.get(name, 'gone')}")
    assert not changed, "\n".join([*changed, "If this is wanted: python tests/test_signatures.py"])


if __name__ == "__main__":
    STORED.write_text("\n".join(lines()) + "\n", encoding="utf-8")
