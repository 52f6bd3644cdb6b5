"""What happens inside the walls: reading one notebook, or running one answer. It ends with this process.

Nothing in here is to be trusted once a student's code has run; what it sends back is judged as plain data by another
process. The right results are not in here.
"""

import __future__

import ast
import builtins
import copy
import json
import linecache
import os
import socket
import sys

import numpy as np

from cnnkit.checks import calls, plain, views
from cnnkit.checks.exercise import Exercise
from cnnkit.grade.answers import find_answers

__all__ = ["perform"]

CHUNK = 1 << 20
# Whoever puts something else in the place of what is in these wants to be judged by other rules.
WATCHED = (builtins, copy, json, np, np.linalg, np.random, np.testing, calls, plain, views)
# Names in annotations need not exist: they are never looked at, and whole notebooks may say so at their top.
FLAGS = __future__.annotations.compiler_flag


def perform(job: dict, world: dict, notebook: int | None) -> bytes:
    """Do a job and return its result as JSON.

    Parameters
    ----------
    job : what to do, ``{"do": "read" or "run" or "probe", …}``.
    world : the names that every answer finds: what the notebook's first cell has imported.
    notebook : file descriptor of the notebook to read.
    """
    result = {"read": _read, "run": _run, "probe": _probe}[job["do"]](job, world, notebook)
    return json.dumps(result).encode()


def _read(job: dict, world: dict, notebook: int | None) -> dict:
    pieces = []
    while piece := os.read(notebook, CHUNK):
        pieces.append(piece)
    try:
        return {"answers": find_answers(b"".join(pieces), job["exercises"])}
    except ValueError as error:
        return {"unreadable": str(error)}
    except (MemoryError, RecursionError) as error:
        return {"unreadable": f"too much to read ({type(error).__name__})"}


def _run(job: dict, world: dict, notebook: int | None) -> dict:
    exercise = Exercise(job["id"], "", tuple(job["parameters"]), {}, (), kind=job["kind"], view=job["view"])
    arguments = plain.loads(job["arguments"])
    touched = _forbid(job["hidden"])
    before = [dict(vars(module)) for module in WATCHED]
    codes = [{name: _code(value) for name, value in names.items()} for names in before]
    space = {"display": lambda *_, **__: None, **world, "__name__": "__main__", "__builtins__": builtins}
    for name in job["exercises"]:
        space.pop(name, None)
    error, absent = _execute(job["parts"], space, job["few"])
    if job["name"] in space:
        outcomes = calls.run(space[job["name"]], exercise, arguments)
    else:
        outcomes = [error or {"error": "NameError", "text": f"name {job['name']!r} is not defined"}] * len(arguments)
    if absent:  # says more than that a name is not known
        outcomes = [absent if each.get("error") == "NameError" else each for each in outcomes]
    changed = {
        f"{module.__name__}.{name}"
        for module, names, code in zip(WATCHED, before, codes, strict=True)
        for name, value in names.items()
        if callable(value) and (vars(module).get(name) is not value or _code(value) is not code[name])
    }
    return {"outcomes": plain.dumps(outcomes), "changed": sorted(changed)[:5], "touched": sorted(set(touched))[:5]}


def _code(value: object) -> object:
    """Return the instructions of a function: they can be exchanged without exchanging it."""
    return getattr(value, "__code__", None)


def _forbid(hidden: list[str]) -> list[str]:
    """Refuse Python's ways to see what is hidden, to write outside of this folder, and to start programs.

    A second wall, for where there are no namespaces; C code can climb over it. Returns the list that fills with the
    hidden paths that were asked for.
    """
    touched: list[str] = []
    mine, within, real = os.getcwd(), os.path.commonpath, os.path.realpath
    hidden = [real(path) for path in hidden]
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    looks = {"open", "os.listdir", "os.scandir", "os.chdir", "os.link", "os.symlink", "os.rename"}
    changes = {"os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "shutil.rmtree"}
    programs = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pty.spawn"}

    def hook(event: str, given: tuple) -> None:
        if event in programs:
            raise PermissionError(f"{event}: no other programs here")
        if event not in looks and event not in changes:
            return
        writes = event in changes or (event == "open" and isinstance(given[2], int) and given[2] & writing)
        for path in given[:2]:
            if not isinstance(path, str | bytes):
                continue
            place = real(os.fsdecode(path))
            if any(within([place, each]) == each for each in hidden):
                touched.append(place)
                raise PermissionError(f"{event}: {place} is not for you")
            if writes and not place.startswith("/dev/") and within([place, mine]) != mine:
                raise PermissionError(f"{event}: {place} is outside of your folder")
            if event == "open":
                break  # what follows is a mode

    sys.addaudithook(hook)
    return touched


def _execute(parts: list[dict], space: dict, few: bool) -> tuple[dict | None, dict | None]:
    """Run the statements one by one, those after an error, too.

    Returns the last error in the answer's own cell, and the last one because of a module that is not there.
    """
    found = absent = None
    for part in parts:
        label, code = part["label"], part["code"]
        linecache.cache[label] = (len(code), None, code.splitlines(keepends=True), label)
        chosen = part["few"] if few and "few" in part else part["all"]
        found = None
        try:
            body = ast.parse(code, label).body
        except BaseException as error:
            found = _described(error, label)
            continue
        for index, tree in enumerate(body):
            if chosen is None or index in chosen:
                try:
                    exec(compile(ast.Module([tree], []), label, "exec", FLAGS, dont_inherit=True), space)
                except BaseException as error:
                    found = _described(error, label)
                    absent = found if isinstance(error, ModuleNotFoundError) else absent
    return found, absent


def _described(error: BaseException, label: str) -> dict:
    line, trace = None, error.__traceback__
    if isinstance(error, SyntaxError) and error.filename == label:
        line = error.lineno
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == label else line
        trace = trace.tb_next
    code = linecache.getline(label, line).strip()[:200] if line else ""
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:
        text = ""
    return {"error": type(error).__name__, "text": str(text)[:300], "line": line, "code": code}


def _probe(job: dict, world: dict, notebook: int | None) -> dict:
    """Return what this process can see and do, to find out whether the walls stand."""
    with open("probe.txt", "w") as file:
        file.write("x")
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=1).close()
        network = True
    except ConnectionRefusedError:
        network = True
    except OSError:
        network = False
    return {
        "network": network,
        "process": os.getpid(),
        "user": os.getuid(),
        "seen": [path for path in job["hidden"] if _is_readable(path)],
        "python": sys.version.split()[0],
    }


def _is_readable(path: str) -> bool:
    try:
        return bool(os.listdir(path)) if os.path.isdir(path) else bool(open(path, "rb").read(1))
    except OSError:
        return False
