"""Runs the benchmarks and writes what they print, with the facts of the machine, into results.md.

    python benchmarks/run.py [name ...]      (all without arguments: `make bench`, half an hour on two quiet cores)

A benchmark is `bench_<name>.py`. What it prints replaces its section; sections of others stay as they are, each with
its own date and load. Exit status 1 if one of them says that something is slower than it should be.
"""

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results.md"
LIBRARIES = ("numpy", "scikit-image", "tensorflow", "keras", "ipywidgets", "jupyterlab", "matplotlib")
HEAD = """# What is fast, and how fast

Written by `make bench`. Ratios are of things measured side by side in one run, so they stand for themselves;
seconds depend on the machine and on what else it did. A section says when and under which load it was measured (the
load: processes that wanted to run at the beginning and at the end; more than the number of cores is a busy machine).
"""


def machine() -> str:
    """Return a line of facts about this machine."""
    found = {}
    for path, pattern in (("/proc/cpuinfo", r"model name\s*:\s*(.+)"), ("/proc/meminfo", r"MemTotal:\s*(\d+) kB")):
        text = Path(path).read_text() if Path(path).exists() else ""
        match = re.search(pattern, text)
        found[path] = match[1] if match else ""
    processor = found["/proc/cpuinfo"] or platform.processor() or platform.machine()
    memory = f"{int(found['/proc/meminfo']) / 1e6:.0f} GB of memory" if found["/proc/meminfo"] else "memory unknown"
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return f"{processor}, {os.cpu_count()} cores, {memory}; Python {platform.python_version()}, {versions}."


def load() -> str:
    """Return how many processes have wanted to run in the last minute, on average."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def measure(script: Path) -> tuple[str, int]:
    """Run a benchmark and return its section and its exit status."""
    before, begin = load(), time.perf_counter()
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    lines = [
        f"## {script.stem.removeprefix('bench_')}",
        "",
        script.read_text(encoding="utf-8").split('"""')[1].splitlines()[0],
        "",
        f"*{time.strftime('%Y-%m-%d')}, {time.perf_counter() - begin:.0f} s, load {before} to {load()}. {machine()}*",
        "",
    ]
    printed = done.stdout.strip()
    text = printed if printed.startswith("|") else f"```\n{printed}\n```"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        text += f"\n\n**Exit status {done.returncode}:** {last}"
    return "\n".join([*lines, text, ""]), done.returncode


def main() -> None:
    """Run what is named on the command line."""
    names = sys.argv[1:] or sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    old = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    sections = {part.split("\n", 1)[0]: f"## {part.rstrip()}\n" for part in re.split(r"^## ", old, flags=re.M)[1:]}
    failed = False
    for name in names:
        print(f"{name} …", flush=True)
        sections[name], status = measure(HERE / f"bench_{name}.py")
        failed |= bool(status)
        RESULTS.write_text("\n".join([HEAD, *(sections[each] for each in sorted(sections))]), encoding="utf-8")
    sys.exit(failed)


if __name__ == "__main__":
    main()
