"""A plugin of pytest for what nbval leaves out: pictures, the controls of explorers, and time.

`make notebooks` loads it with `-p tests.notebook_checks`. It looks at the outputs that nbval has just computed, and
asks the kernel that nbval has just used, so nothing runs twice. A cell that is tagged `nbval-ignore-output` is let off
the comparison of pictures, and one that is tagged `picture-varies` too, whose text is compared all the same.
Where the tag is `shows-code`, the text is code of the package, and is compared without its comments and line breaks.
"""

import ast
import inspect
import textwrap
from importlib.metadata import version

import pytest
from nbval.plugin import IPyNbCell

from tests import explorers
from tests.lesson_runs import Clock, limit, reference, stored_runs
from tests.pictures import FAR, NEAR, difference, distance, pictures

WIDGET = "application/vnd.jupyter.widget-view+json"
CONTROLS_TIMEOUT = 120  # seconds

# Sent to the kernel. Whatever the user's names are, `Out` has the object that the cell has shown.
MOVE = """
def _move():
    shown = get_ipython().user_ns["_oh"]
    explorer = shown[max(shown)]
    names = {{}}
    exec({source!r}, names)
    if hasattr(explorer, "_controls"):
        names["move_every_control"](explorer)
        if explorer._waiting:
            explorer._waiting.cancel()  # or the next cell would pay for it
try:
    _move()
finally:
    del _move
"""


def pytest_collection_modifyitems(items: list) -> None:
    """Put the notebook that takes longest first, so that at the end no worker waits for the other for long."""
    stored = stored_runs()
    items.sort(key=lambda item: -sum(stored.get(item.path.stem, {}).get("cells", {}).values()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if not isinstance(item, IPyNbCell):
        return (yield)
    if "shows-code" in item.cell.metadata.get("tags", []):
        item.sanitize = code_alone
    clock = Clock(item.parent.kernel.km.provisioner.pid)
    if not hasattr(item.parent, "reference"):
        item.parent.reference = reference()
    result = yield
    used = clock.seconds()
    if item.config.option.nbval:
        check_pictures(item)
        check_time(item, used)
        check_controls(item)
    return result


def code_alone(text: str) -> str:
    """Return code in one way of writing it, without comments and docstrings."""
    tree = ast.parse(textwrap.dedent(text))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def check_pictures(item: IPyNbCell) -> None:
    """Compare the pictures of a cell with the stored ones."""
    tags = item.cell.metadata.get("tags", [])
    if item.options["skip"] or not item.options["check"] or "picture-varies" in tags:
        return
    stored, new = pictures(item.cell.outputs), pictures(item.test_outputs)
    if len(stored) != len(new):
        item.raise_cell_error(f"The cell shows {len(new)} pictures, and {len(stored)} are stored.")
    same_release = stored_runs().get(item.path.stem, {}).get("matplotlib") == version("matplotlib")
    measure, most = (difference, NEAR) if same_release else (distance, FAR)
    for number, (before, now) in enumerate(zip(stored, new, strict=True), 1):
        if before != now and (far := measure(before, now)) > most:
            item.raise_cell_error(
                f"Picture {number} differs from the stored one by {far:.0f} (more than {most}). If it should,"
                " make update-notebooks stores it anew."
            )


def check_time(item: IPyNbCell, used: float) -> None:
    """Compare the processor time of a cell with the stored one, by the pace that this machine has now."""
    stored = stored_runs().get(item.path.stem, {})
    before = stored.get("cells", {}).get(item.cell.id)
    if before is None or used <= limit(before, stored["reference"], item.parent.reference):
        return
    pace = max(item.parent.reference, reference())  # perhaps the machine has been slowed down since
    if used > limit(before, stored["reference"], pace):
        item.raise_cell_error(
            f"The cell took {used:.1f} s of processor time; {before:.1f} s are stored, and this machine"
            f" takes {pace / stored['reference']:.1f} times as long as the one that took those."
        )


def check_controls(item: IPyNbCell) -> None:
    """Move every control of an explorer that the cell shows; what it says must follow."""
    if not any(WIDGET in output.get("data", {}) for output in item.test_outputs):
        return
    kernel = item.parent.kernel
    message = kernel.kc.execute(MOVE.format(source=inspect.getsource(explorers)), silent=True, store_history=False)
    while (reply := kernel.get_message("shell", timeout=CONTROLS_TIMEOUT))["parent_header"].get("msg_id") != message:
        pass
    kernel.await_idle(message, CONTROLS_TIMEOUT)
    reply = reply["content"]
    if reply["status"] != "ok":
        item.raise_cell_error("A control of the explorer does not do what it says.", "\n".join(reply["traceback"]))
