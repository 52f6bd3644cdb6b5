"""The examples in the docstrings are true."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import cnnkit

MODULES = [module.name for module in pkgutil.walk_packages(cnnkit.__path__, "cnnkit.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, extraglobs={"np": np})
    assert failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    tests = [test for name in MODULES for test in finder.find(importlib.import_module(name))]
    assert sum(len(test.examples) for test in tests) >= 15
