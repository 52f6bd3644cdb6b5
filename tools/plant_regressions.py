"""Plants regressions into copies of the kit, one at a time, and counts how many `make notebooks` notices.

Usage: python tools/plant_regressions.py [--all] [name ...]      (every plant without names)

A plant changes one place of the package, as a careless edit or a new version of a library would. Each is tried with the
notebooks that it concerns (--all: with all of them, which takes hours). The harmless ones, such as a comment or
another seed of Python's hash, must not be reported. Exit status 1 if fewer than nine in ten regressions are
noticed, or anything harmless is.
"""

import shutil
import subprocess
import sys
import tempfile
import time
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


def noticed(plant: Plant, home: Path, everything: bool) -> bool:
    """Say whether the check fails on a copy of the kit with this plant in it."""
    with tempfile.TemporaryDirectory() as place:
        root = copy_of_the_kit(Path(place) / "kit")
        plant.put_into(root)
        own = Path(place) / "home"
        shutil.copytree(home, own)
        if plant.redraw:
            shutil.rmtree(own)
        # Before the package that is installed comes the copy.
        environ = environment(own) | {"PYTHONPATH": str(root), **plant.environment}
        if plant.redraw:
            draw(environ, root)
        names = [path.relative_to(root).as_posix() for pattern in plant.concerns for path in root.glob(pattern)]
        options = ["--exitfirst", "--quiet"]
        which = ["notebooks", "solutions"] if everything else names
        notebooks = nbval("--nbval", *options, *which, workers=2 * (len(which) > 1))
        return any(_fails(command, root, environ, plant.name) for command in (relied_on(*options), notebooks))


def _fails(command: list[str], root: Path, environ: dict[str, str], name: str) -> bool:
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 2):  # 1: tests failed; 2: stopped at the first
        sys.exit(f"{name}: pytest ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.returncode != 0


def main() -> None:
    """Try the plants that are named on the command line."""
    wanted = [name for name in sys.argv[1:] if name != "--all"]
    everything = "--all" in sys.argv
    missed, false_alarms, tried = [], [], 0
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        draw(environment(home))
        for plant in [*REGRESSIONS, *HARMLESS]:
            if wanted and plant.name not in wanted:
                continue
            begin = time.perf_counter()
            seen = noticed(plant, home, everything)
            harmless = plant in HARMLESS
            tried += not harmless
            if seen == harmless:
                (false_alarms if harmless else missed).append(plant.name)
            word = "noticed" if seen else "not noticed"
            print(f"{word:12}{'harmless: ' * harmless}{plant.name} ({time.perf_counter() - begin:.0f} s)", flush=True)
    print(f"{tried - len(missed)} of {tried} regressions noticed; missed: {', '.join(missed) or 'none'}")
    print(f"harmless changes reported: {', '.join(false_alarms) or 'none'}")
    sys.exit(bool(false_alarms) or len(missed) > (1 - NEEDED) * tried)


if __name__ == "__main__":
    main()
