"""Looks at the machine and says on one page what works, what does not, and what to do: python -m cnnkit.doctor.

It imports nothing but Python's own library until it has looked whether the rest is there, so that it also runs where
the kit's packages are missing or broken. JupyterLab is really started, on this machine only, and asked for the files
of the widgets in the way in which a browser asks; TensorFlow, which takes long to load, is loaded only where there is
a graphics card to be found.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["Finding", "examine", "main"]

OK, NOTE, FAILS = "ok", "note", "FAILS"

# Distribution and, where it differs, the name under which it is imported; without any of these a lesson stops.
PACKAGES = {
    "keras": "keras",
    "tensorflow": "tensorflow",
    "numpy": "numpy",
    "scipy": "scipy",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "matplotlib": "matplotlib",
    "ipywidgets": "ipywidgets",
    "anywidget": "anywidget",
    "jupyterlab": "jupyterlab",
}
INSTALL = (
    'make lab, which repairs the environment; or, in your own: pip install --constraint constraints.txt --editable "."'
)
EXTENSIONS = {"@jupyter-widgets/jupyterlab-manager": "jupyterlab-widgets", "anywidget": "anywidget"}

MEMORY_NEEDED, MEMORY_WANTED = 1.5, 3.0  # GB free; the lessons' networks are small, TensorFlow itself takes 0.5
DISK_NEEDED, DISK_WANTED = 0.3, 5.0  # GB free; the drawn sets take less than 0.1, the real ones 4.5 while they arrive
PATIENCE = 180  # seconds that JupyterLab, or TensorFlow, may take on a busy machine


class Finding(NamedTuple):
    """One line of the page: state "ok", "note" or "FAILS"; what was looked at; what was found; what to do about it."""

    state: str
    what: str
    found: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Yield what was found, in the order of the page. Nothing is raised: a check that breaks is a finding."""
    with _lab() as lab:  # it starts while the rest is being looked at
        yield from _guarded("Python", _python)
        for name, module in PACKAGES.items():
            yield from _guarded(name, lambda name=name, module=module: _package(name, module))
        yield from _guarded("GPU", _gpu)
        yield from _guarded("memory", _memory)
        yield from _guarded("disk", _disk)
        for name in ("flowers", "cxr"):
            yield from _guarded(f"data: {name}", lambda name=name: _data(name))
        yield from _guarded("JupyterLab", lambda: _jupyterlab(lab))


def _guarded(what: str, look: Callable[[], Iterator[Finding] | Finding]) -> Iterator[Finding]:
    try:
        found = look()
        yield from [found] if isinstance(found, Finding) else found
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        yield Finding(FAILS, what, f"could not be looked at ({text[:200]})", INSTALL)


def _python() -> Finding:
    version = platform.python_version()
    where = f"{version} in {sys.prefix}"
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding(FAILS, "Python", where, "the kit needs Python 3.11 to 3.13: make lab PYTHON=python3.12")
    return Finding(OK, "Python", where)


def _package(name: str, module: str) -> Finding:
    """Say which version there is. Whether TensorFlow loads is not tried, but what most often stops it is looked at."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = ""
    if name == "tensorflow" and not version:  # other distributions bring the same module
        version = next(filter(None, map(_version, ("tensorflow-cpu", "tensorflow-macos", "tf-nightly"))), "")
    if importlib.util.find_spec(module) is None:
        lost = f"{version}, but its files are missing" if version else "not installed"
        return Finding(FAILS, name, lost, INSTALL)
    if name == "tensorflow" and not _has_avx():
        return Finding(
            FAILS, name, f"{version}, but this processor lacks AVX, which it needs", "use a machine built after 2012"
        )
    return Finding(OK, name, version or "version unknown")


def _version(name: str) -> str:
    with suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return ""


def _has_avx() -> bool:
    """Return False only where Linux says plainly that the processor cannot do what TensorFlow was compiled for."""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        flags = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)  # ARM has "Features", and no AVX to miss
        return flags is None or "avx" in flags.group(1).split()
    return True


def _gpu() -> Finding:
    """Say which graphics card TensorFlow uses, or why none. Every lesson runs without one, so nothing fails here."""
    without = "nothing to do: every lesson runs without"
    if importlib.util.find_spec("tensorflow") is None:
        return Finding(NOTE, "GPU", "not looked for: TensorFlow, which would use it, is not installed")
    if sys.platform == "darwin":
        return Finding(NOTE, "GPU", "none: TensorFlow for the Mac computes on the processor", without)
    cards = _nvidia_cards()
    if not cards:
        return Finding(NOTE, "GPU", "none: there is no NVIDIA card here, or no driver for it", without)
    listed = ", ".join(cards)
    if sys.platform == "win32":
        advice = "use WSL 2, where TensorFlow finds it; every lesson runs without"
        return Finding(NOTE, "GPU", f"{listed} is not used: TensorFlow for Windows has no GPU support", advice)
    used = _ask_tensorflow()
    if used is None:
        return Finding(FAILS, "GPU", f"{listed} is there, but TensorFlow does not load", INSTALL)
    if used == 0:
        reason = "its CUDA libraries are missing" if not _version("nvidia-cudnn-cu12") else "the driver may be too old"
        advice = '.venv/bin/pip install --editable ".[gpu]" --constraint constraints.txt; every lesson runs without'
        return Finding(NOTE, "GPU", f"{listed} is there, but TensorFlow sees none: {reason}", advice)
    return Finding(OK, "GPU", f"{listed}; TensorFlow uses {used}")


def _nvidia_cards() -> list[str]:
    with suppress(OSError, subprocess.SubprocessError):
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        return [line.strip() for line in answer.stdout.splitlines() if line.strip()]
    return []


def _ask_tensorflow() -> int | None:
    """Return how many GPUs TensorFlow sees, asked in a process of its own; None if it does not load."""
    code = "import tensorflow as tf; print('GPUS', len(tf.config.list_physical_devices('GPU')))"
    with suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
        if found := re.search(r"^GPUS (\d+)$", answer.stdout, re.MULTILINE):
            return int(found.group(1))
    return None


def _memory() -> Finding:
    free = _free_memory()
    if free is None:
        return Finding(NOTE, "memory", "this system does not say how much is free", "3 GB free are enough")
    found = f"{free:.1f} GB free, {os.cpu_count()} processor cores"
    if free < MEMORY_NEEDED:
        return Finding(
            FAILS, "memory", found, f"close other programs and kernels until {MEMORY_WANTED:.0f} GB are free"
        )
    if free < MEMORY_WANTED:
        return Finding(NOTE, "memory", found, "enough for one lesson at a time; shut down the kernels of the others")
    return Finding(OK, "memory", found)


def _free_memory() -> float | None:
    """Return GB free to this process: of the machine, or of its container, which on Binder is far less."""
    free = []
    with suppress(ImportError):
        import psutil

        free.append(psutil.virtual_memory().available)
    if not free:
        with suppress(OSError, ValueError, AttributeError):
            free.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with suppress(OSError, ValueError):  # "max" where there is no limit
            group = Path("/sys/fs/cgroup")
            free.append(int((group / limit).read_text()) - int((group / used).read_text()))
    return min(free) / 1e9 if free else None


def _disk() -> Finding:
    from cnnkit.datasets.catalog import data_dir

    folder = data_dir()
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free / 1e9
    found = f"{free:.1f} GB free for {folder}"
    if not os.access(there, os.W_OK):
        return Finding(
            FAILS, "disk", f"{there} may not be written to", "name another folder: CNNKIT_DATA=/where/you/may"
        )
    if free < DISK_NEEDED:
        return Finding(FAILS, "disk", found, "make room, or name a folder on another disk: CNNKIT_DATA=/path/to/it")
    if free < DISK_WANTED:
        return Finding(NOTE, "disk", found, f"enough for the drawn pictures; the real films want {DISK_WANTED:.0f} GB")
    return Finding(OK, "disk", found)


def _data(name: str) -> Finding:
    from cnnkit.datasets import fetch

    what = f"data: {name}"
    anew = f"remove {{}}, then: python data_fetch.py {name}{{}}"
    try:
        found, facts = fetch.state(name), fetch.facts(name)
    except fetch.FetchError as error:
        return Finding(
            FAILS, what, str(error).partition(";")[0], f"remove its folder, then: python data_fetch.py {name}"
        )
    if found.kind == "absent":
        return Finding(
            NOTE, what, "none yet", "the first lesson draws it, or: python data_fetch.py flowers cxr --synthetic"
        )
    origin = "SYNTHETIC, drawn by this kit" if found.kind == "synthetic" else "real"
    text = f"{found.images:,} pictures, {origin}, in {found.path}"
    listed = [size for file, (size, _) in facts.get("files", {}).items() if "/" in file]
    if listed and (found.images != len(listed) or found.bytes != sum(listed)):
        lost = f"{text}; {len(listed):,} of {sum(listed):,} bytes came, {found.images:,} of {found.bytes:,} are there"
        return Finding(FAILS, what, lost, anew.format(found.path, " --synthetic" if found.kind == "synthetic" else ""))
    return Finding(OK, what, text)


class _Lab(NamedTuple):
    server: subprocess.Popen
    address: str
    log: Path


@contextmanager
def _lab() -> Iterator[_Lab | None]:
    """Start JupyterLab on this machine only, with settings and a folder of its own; None where it is not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("jupyterlab", "jupyter_server")):
        yield None
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
        command += [
            "--IdentityProvider.token=",
            "--ServerApp.port_retries=0",
            "--allow-root",
            f"--notebook-dir={place}",
        ]
        log = Path(place, "log")
        with open(log, "w") as stream:
            server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=os.environ | {"JUPYTER_RUNTIME_DIR": place},
            )
        try:
            yield _Lab(server, f"http://127.0.0.1:{port}", log)
        finally:
            server.terminate()
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _jupyterlab(lab: _Lab | None) -> Iterator[Finding]:
    """Ask the server for its page, and for the program of each extension that the explorers need."""
    if lab is None:
        yield Finding(FAILS, "JupyterLab", "not installed", INSTALL)
        return
    page = _wait_for_page(lab)
    if page is None:
        lines = [line for line in lab.log.read_text(errors="replace").splitlines() if line.strip()]
        reason = f"its last line: {lines[-1].strip()[:160]}" if lines else "it said nothing"
        yield Finding(FAILS, "JupyterLab", f"does not start, or cannot be reached on 127.0.0.1; {reason}", INSTALL)
        return
    yield Finding(OK, "JupyterLab", "starts, and answers on this machine")
    config = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL).group(1))
    extensions = {entry["name"]: entry for entry in config["federated_extensions"]}
    disabled = config.get("disabledExtensions", [])
    for name, package in EXTENSIONS.items():
        what = f"widgets: {package}"
        again = f"pip install --force-reinstall --no-deps {package}, then start JupyterLab anew"
        if name not in extensions:
            yield Finding(FAILS, what, f"JupyterLab does not know the extension {name}", again)
        elif any(entry == name or entry.startswith(f"{name}:") for entry in disabled):
            yield Finding(FAILS, what, f"{name} is switched off", f"jupyter labextension enable {name}")
        else:
            program = f"{config['fullLabextensionsUrl']}/{name}/{extensions[name]['load']}"
            size = len(_get(f"{lab.address}{program}") or "")
            if size:
                yield Finding(OK, what, "live, and within the browser's reach")
            else:
                yield Finding(FAILS, what, f"the browser would not get {program}", again)


def _wait_for_page(lab: _Lab) -> str | None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and lab.server.poll() is None:
        if page := _get(f"{lab.address}/lab"):
            return page
        time.sleep(0.1)
    return None


def _get(address: str) -> str | None:
    """Fetch from this machine; a proxy that the environment names has no business here."""
    with suppress(OSError):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address, timeout=10) as answer:
            return answer.read().decode("utf-8", errors="replace")
    return None


def main() -> int:
    """Print the page; return 1 if something fails, 2 for a wrong call, else 0."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if sys.argv[1:]:
        print("usage: python -m cnnkit.doctor    (it takes no arguments, and changes nothing)")
        return 0 if set(sys.argv[1:]) <= {"-h", "--help"} else 2
    from cnnkit import __version__

    print(f"cnnkit {__version__} on {platform.system()} {platform.release()}, {platform.machine()}")
    states = []
    for finding in examine():
        states.append(finding.state)
        print(f"{finding.state:6}{finding.what:28}{finding.found}", flush=True)
        if finding.remedy:
            print(f"{'':34}-> {finding.remedy}", flush=True)
    failing = states.count(FAILS)
    print("All is well." if not failing else f"{failing} of {len(states)} fail; what to do stands beneath each.")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
