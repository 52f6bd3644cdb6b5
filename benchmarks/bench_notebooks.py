"""How long the whole check of the notebooks takes, and what of it each lesson costs.

    python benchmarks/bench_notebooks.py [--run]

Without `--run`, from the processor times that `make update-notebooks` has stored; with it, `make notebooks` is run and
timed as a whole, which takes some eight minutes on two cores.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from lesson_runs import reference, stored_runs  # noqa: E402


def main() -> None:
    """Print a table, the most costly first."""
    pace = reference()
    print("| notebook | cells | processor seconds | at this machine's pace | most costly cell |")
    print("|---|---|---|---|---|")
    total = 0.0
    for name, run in sorted(stored_runs().items(), key=lambda item: -sum(item[1]["cells"].values())):
        taken = sum(run["cells"].values())
        here = taken * pace / run["reference"]
        total += here
        dearest = max(run["cells"], key=run["cells"].get)
        print(f"| {name} | {len(run['cells'])} | {taken:.0f} | {here:.0f} | {dearest}, {run['cells'][dearest]:.0f} s |")
    print(f"\nSum at this machine's pace: {total:.0f} s, so about {total / 2 / 60:.1f} minutes on two quiet cores.")
    if "--run" in sys.argv:
        begin = time.perf_counter()
        done = subprocess.run([sys.executable, ROOT / "tools" / "check_notebooks.py"], cwd=ROOT, check=False)
        print(f"\n`make notebooks`: {(time.perf_counter() - begin) / 60:.1f} minutes, exit status {done.returncode}.")


if __name__ == "__main__":
    main()
