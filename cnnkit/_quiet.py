"""Lets TensorFlow be imported without the page of remarks that it prints; they only worry beginners.

TF_CPP_MIN_LOG_LEVEL should do this and does not: since TensorFlow 2.19 some of the remarks are written before it is
read. They come from C++ and go past Python straight to file descriptor 2, so that is where they are caught, for as
long as the import lasts. If it fails, they are printed after all.
"""

import importlib.abc
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class _Finder(importlib.abc.MetaPathFinder):
    """Waits for somebody to import tensorflow, most often Keras, and wraps that import."""

    def find_spec(self, name, path, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec and spec.loader:
            spec.loader.exec_module = _quietly(spec.loader.exec_module)
        return spec


def install() -> None:
    """Make the first import of tensorflow in this process a quiet one."""
    if "tensorflow" not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _quietly(execute: Callable) -> Callable:
    def execute_quietly(module):
        with _stderr_aside():
            execute(module)

    return execute_quietly


@contextmanager
def _stderr_aside() -> Iterator[None]:
    try:
        saved = os.dup(2)
    except OSError:  # no standard error at all
        yield
        return
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(saved, aside.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
