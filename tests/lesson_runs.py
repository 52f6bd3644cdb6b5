"""How long the cells of the lessons take, and how long they may: processor time, by the pace of the machine.

A busy machine makes everything wait, so what counts is processor time, and how long the same piece of work, the
`reference`, takes just then. `tools/update_notebooks.py` stores what it measures in lesson_runs.json.
"""

import json
import time
from pathlib import Path

import numpy as np
import psutil

STORED = Path(__file__).with_name("lesson_runs.json")

# Wide, since the pace is that of Python and NumPy, and a training's may be another: without AVX-512 three to five times
# as slow was seen.
FACTOR, SLACK = 4, 0.5


class Clock:
    """Measures the processor time of another process and its children from now on."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._begin = self._now()

    def _now(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system + times.children_user + times.children_system

    def seconds(self) -> float:
        """Return the processor time since the beginning, in seconds."""
        return self._now() - self._begin


def reference() -> float:
    """Return how many seconds of processor time a fixed piece of work takes: half of it Python, half NumPy."""
    times = []
    for _ in range(3):
        begin = time.process_time()
        sum(number * number % 7 for number in range(300_000))
        np.sort(np.random.default_rng(0).random(400_000))
        times.append(time.process_time() - begin)
    return sorted(times)[1]


def limit(stored: float, reference_then: float, reference_now: float) -> float:
    """Return how many seconds a cell may take that took `stored` seconds."""
    return (FACTOR * stored + SLACK) * reference_now / reference_then


def stored_runs() -> dict[str, dict]:
    """Return what was measured of each notebook, by its stem.

    "cells": seconds of processor time by the cells' names; "reference": what the
    reference took then; "matplotlib": the release that drew the pictures.
    """
    return json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
