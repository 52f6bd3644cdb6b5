"""Plants regressions into copies of the kit, one at a time, and counts how many `make notebooks` notices.

Usage: python tools/plant_regressions.py [--all] [name ...]      (every plant without names)

A plant changes one place of the package, as a careless edit or a new version of a library would. Each is tried with the
notebooks that it concerns (--all: with all of them, which takes hours). The harmless ones, such as a comment or another
seed of Python's hash, must not be reported; they are planted into one copy together, and if that is reported, one by
one. Exit status 1 if fewer than nine in ten regressions are noticed, or anything harmless is.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from check_notebooks import ROOT, draw, environment, nbval, relied_on
from regressions import HARMLESS, REGRESSIONS, Plant

NEEDED = 0.9
PARTS = ("cnnkit", "notebooks", "solutions", "exercises", "tests", "tools", "pyproject.toml", "README.md")


def copy_of_the_kit(folder: Path) -> Path:
    """Copy what the check needs."""
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(source, folder / name)
    return folder


def noticed(plants: Sequence[Plant], home: Path, everything: bool) -> bool:
    """Say whether the check fails on a copy of the kit with these plants in it."""
    with tempfile.TemporaryDirectory() as place:
        root = copy_of_the_kit(Path(place) / "kit")
        for plant in plants:
            plant.put_into(root)
        own, redraw = Path(place) / "home", any(plant.redraw for plant in plants)
        # Before the package that is installed comes the copy.
        environ = environment(own) | {"PYTHONPATH": str(root)}
        environ |= {name: value for plant in plants for name, value in plant.environment.items()}
        if redraw:
            draw(environ, root)
        else:
            shutil.copytree(home, own)
        patterns = {pattern: None for plant in plants for pattern in plant.concerns}  # each once, in order
        names = [path.relative_to(root).as_posix() for pattern in patterns for path in root.glob(pattern)]
        options = ["--exitfirst", "--quiet"]
        which = ["notebooks", "solutions"] if everything else names
        notebooks = nbval("--nbval", *options, *which, workers=2 * (len(which) > 1))
        return any(_fails(command, root, environ, plants[0].name) for command in (notebooks, relied_on(*options)))


def _fails(command: list[str], root: Path, environ: dict[str, str], name: str) -> bool:
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 2):  # 1: tests failed; 2: stopped at the first
        sys.exit(f"{name}: pytest ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.returncode != 0


def main() -> None:
    """Try the plants that are named on the command line."""
    wanted = [name for name in sys.argv[1:] if name != "--all"]
    everything = "--all" in sys.argv
    chosen = [plant for plant in [*REGRESSIONS, *HARMLESS] if not wanted or plant.name in wanted]
    regressions = [plant for plant in chosen if plant not in HARMLESS]
    harmless = [plant for plant in chosen if plant in HARMLESS]
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        draw(environment(home))
        missed = [plant.name for plant in regressions if not _tried([plant], home, everything)]
        false_alarms = []
        if harmless and _tried(harmless, home, everything):
            false_alarms = [plant.name for plant in harmless if _tried([plant], home, everything)]
            false_alarms = false_alarms or ["all together"]
    tried = len(regressions)
    print(f"{tried - len(missed)} of {tried} regressions noticed; missed: {', '.join(missed) or 'none'}")
    print(f"harmless changes reported: {', '.join(false_alarms) or 'none'}, of {len(harmless)}")
    sys.exit(bool(false_alarms) or len(missed) > (1 - NEEDED) * tried)


def _tried(plants: Sequence[Plant], home: Path, everything: bool) -> bool:
    """Say whether the check notices, and print it."""
    begin = time.perf_counter()
    seen = noticed(plants, home, everything)
    names = f"{len(plants)} harmless changes" if len(plants) > 1 else plants[0].name
    print(f"{'noticed' if seen else 'not noticed':12}{names} ({time.perf_counter() - begin:.0f} s)", flush=True)
    return seen


if __name__ == "__main__":
    main()
