"""Runs the notebooks on freshly drawn data and compares each output with the one that is stored in it.

Usage: python tools/check_notebooks.py [notebook ...]      (lessons, solutions and exercises without arguments)

nbval does the running and the comparing, on two cores; tests/notebook_checks.py adds pictures, controls and time.
Exercises are blank, so there it is only asked that they run. With all of them goes what notebooks rely on and cannot
show: arguments, results and speed of the package (the tests marked `notebooks`). Exit status 1 if anything differs.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
CELL_TIMEOUT = 600  # seconds; without it nbval waits half an hour for a kernel that has died
WORKERS = 2
FIRST = "02_flowers_morphology.ipynb"


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a run: its own data and cache, and one core for each worker.

    Progress bars, which show themselves where something takes long, would be part of the outputs on slow machines. And
    memory that is given back and asked for again takes now little time and now much, so glibc is told to keep it.
    """
    switches = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "TQDM_DISABLE")
    places = {"CNNKIT_DATA": str(home / "data"), "XDG_CACHE_HOME": str(home / "cache")}
    memory = {"MALLOC_MMAP_THRESHOLD_": str(32 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(512 * 2**20)}
    return {**os.environ, **dict.fromkeys(switches, "1"), **places, **memory}


def draw(environ: dict[str, str], root: Path = ROOT) -> None:
    """Draw the data sets and fill the caches, which would otherwise be part of the first lesson's time.

    A test that calls the tools often names a folder that holds the sets already.
    """
    if drawn := os.environ.get("CNNKIT_TEST_SETS"):
        shutil.copytree(drawn, environ["CNNKIT_DATA"])
    line = "import sys, matplotlib.font_manager; from cnnkit import datasets; datasets.load(sys.argv[1])"
    calls = [[sys.executable, "-c", line, name] for name in ("flowers", "cxr")]
    drawing = [subprocess.Popen(call, cwd=root, env=environ) for call in calls]  # each set on a core of its own
    if any([process.wait() for process in drawing]):
        sys.exit("The data sets could not be drawn; the reason stands above.")


def nbval(*arguments: str, workers: int = WORKERS) -> list[str]:
    """Return the command that checks notebooks; whole notebooks go to one worker, since cells follow each other."""
    return [
        *(sys.executable, "-m", "pytest", "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT}"),
        *(f"--timeout={2 * CELL_TIMEOUT}", "-p", "tests.notebook_checks", "-p", "no:cacheprovider"),
        *("--numprocesses", str(workers), "--dist", "loadscope", "--no-loadscope-reorder", *arguments),
    ]


def relied_on(*options: str) -> list[str]:
    """Return the command that checks arguments, results and speed of the package; a file goes to one worker."""
    files = ("tests/test_signatures.py", "tests/test_results.py", "tests/test_speed.py")
    workers = ("--numprocesses", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder")
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *workers, *options, *files]


AFTER = """
Something is no longer what is stored. In a comparison "+" is what is stored, "-" what came out now; cells with code are
counted from 0. If the new is right:  make update-notebooks ARGS="notebooks/..."  and read what it shows before you
commit; if not, look for the cause. More: docs/regression.md"""


def named(name: str) -> str:
    """Return a notebook or a folder of them as it is called from the root."""
    path = Path(name).resolve()
    if not path.exists() or not path.is_relative_to(ROOT):
        raise argparse.ArgumentTypeError(f"there is no {name} in this project; for instance notebooks/{FIRST}")
    return path.relative_to(ROOT).as_posix()


def main() -> None:
    """Check what is named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.replace("%", "%%"), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=named, metavar="notebook", help="default: all")
    names = parser.parse_args().notebooks
    every = names or ["notebooks", "solutions", "exercises"]
    lax = [name for name in every if name.startswith("exercises")]
    strict = [name for name in every if name not in lax]
    commands = [] if names else [relied_on()]
    commands += [nbval("--nbval", *strict)] * bool(strict) + [nbval("--nbval-lax", *lax)] * bool(lax)
    with tempfile.TemporaryDirectory() as home:
        environ = environment(Path(home))
        draw(environ)
        failed = [subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode for command in commands]
    if any(failed):
        print(AFTER)
    sys.exit(any(failed))


if __name__ == "__main__":
    main()
