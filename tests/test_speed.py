"""What a lesson or a slider calls often stays fast; `make notebooks` asks that too.

In a lesson, a function that has become ten times as slow mostly hides behind what else its cell does. Here each is
called alone and measured in processor time against a fixed piece of work, so that slow or busy machines do not matter:
of several tries the quickest counts, and up to six times what is written down in speed.json is fast enough. That is
the smallest of some machines; `python tests/test_speed.py` writes down what is new, and of what is named behind it,
what it takes now.
"""

import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lesson_runs import reference
from relied_on import every_call

pytestmark = pytest.mark.notebooks

STORED = Path(__file__).with_name("speed.json")
SLACK = 6
TRIES = 3
AGAIN = 4
LEAST = 0.01  # seconds; the clock of processor time is coarse


def multiples(call: Callable, pace: float) -> float:
    """Return how many times as long as the reference a call takes."""
    begin = time.process_time()
    call()  # what is made once is not counted
    long = time.process_time() - begin > 20 * LEAST
    best, count = np.inf, 1
    for _ in range(1 if long else TRIES):
        while True:
            begin = time.process_time()
            for _ in range(count):
                call()
            taken = time.process_time() - begin
            if taken >= LEAST:
                break
            count *= 4
        best = min(best, taken / count)
    return best / pace


def measured(place) -> dict[str, float]:
    """Return the multiples of all calls; the pace is the quickest of three, as theirs are."""
    import cnnkit.plots

    cnnkit.plots.display = lambda *_, **__: None
    found = {}
    every = every_call(place)
    # What seems slow is measured again: perhaps it was the machine, which others use as well.
    for _ in range(AGAIN):
        slow = [
            name for name in every if found.get(name, np.inf) > SLACK * KNOWN.get(name, np.inf) or name not in found
        ]
        pace = min(reference() for _ in range(3))
        found |= {name: min(multiples(every[name], pace), found.get(name, np.inf)) for name in slow}
    return found


KNOWN = json.loads(STORED.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def now(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnnkit.plots.display", lambda *_, **__: None)
        patch.setattr("sys.stdout", io.StringIO())
        return measured(tmp_path_factory.mktemp("speed"))


@pytest.mark.parametrize("name", KNOWN)
def test_it_is_not_much_slower_than_it_was(now, name):
    assert now[name] <= SLACK * KNOWN[name], f"{name} takes {now[name] / KNOWN[name]:.1f} times as long as before"


if __name__ == "__main__":
    import contextlib
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(None):
        found = measured(Path(name))
    # A quick machine and a slow one differ by up to three: the smaller is kept, unless a call is named.
    best = {name: now if name in sys.argv else min(now, KNOWN.get(name, now)) for name, now in found.items()}
    lines = [f"{json.dumps(name)}: {multiple:.2g}" for name, multiple in best.items()]
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
