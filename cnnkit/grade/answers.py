"""Finds the answers in a student's notebook, and nothing but them.

An answer is the cell with the exercise's nbgrader id, else the cell that defines the name, whatever has become of the
ids; with it go the statements of other cells that it needs: imports, helper functions, constants. Tests are left
where they are; a definition that somebody has written among them is taken if there is no other. All this reads code,
and runs none.
"""

import ast
import builtins
import json
import re
import symtable
from dataclasses import dataclass, field

__all__ = ["find_answers"]

LONGEST = 400_000  # characters of code in a cell; nobody types as much
MOST_STATEMENTS = 2000  # that an answer may need from other cells
BUILTINS = frozenset(dir(builtins))


@dataclass
class Statement:
    """A statement at the top of a cell: the names that it gives a value, and those that it needs."""

    tree: ast.stmt
    binds: frozenset[str]
    needs: frozenset[str]
    blank: bool


@dataclass
class Cell:
    """A code cell, be it for an answer or for a test. `statements` is None where Python cannot read it."""

    number: int
    grade_id: str | None
    code: str
    statements: list[Statement] | None
    tests: bool
    names: frozenset[str] = field(default_factory=frozenset)

    def answers(self, name: str) -> bool:
        """Return True if the cell gives this name a value that is not the released notebook's."""
        return any(name in each.binds and not each.blank for each in self.statements or ())


def find_answers(raw: bytes, exercises: list[str]) -> dict:
    """Return the answers in a notebook.

    Parameters
    ----------
    raw : the notebook file.
    exercises : the ids to look for.

    Returns
    -------
    For each id a dictionary with a ``note`` and, unless the answer is missing, ``name`` (what the answer is called),
    and ``parts``: cells to run in this order, each with a ``label``, its ``code``, and the statements to run of it:
    ``all`` and, where they suffice for the answer, fewer in ``few``.

    Raises
    ------
    ValueError : this is no notebook; the message says why.
    """
    cells = _cells(raw)
    return {name: _answer(name, cells, exercises) for name in exercises}


def _cells(raw: bytes) -> list[Cell]:
    try:
        notebook = json.loads(raw)
    except (ValueError, RecursionError) as error:
        if not re.search(rb"\S", raw):
            raise ValueError("the file is empty") from None
        if b"{" not in raw[:100]:
            raise ValueError("this is not a Jupyter notebook; hand in the .ipynb again") from None
        raise ValueError(f"this is no JSON ({error.__class__.__name__}: {str(error)[:100]})") from None
    notebook = notebook if isinstance(notebook, dict) else {}
    listed = notebook.get("cells", _old_cells(notebook))
    if not isinstance(listed, list):
        raise ValueError("this is no notebook: it has no list of cells")
    cells = []
    for number, entry in enumerate(listed, 1):
        if not isinstance(entry, dict) or entry.get("cell_type") != "code":
            continue
        source, marks = entry.get("source", entry.get("input")), _marks(entry)
        lines = source if isinstance(source, list) else [source]
        if all(isinstance(line, str) for line in lines):
            cells.append(_read(number, marks, "".join(lines)))
    return cells


def _old_cells(notebook: dict) -> list | None:
    """Return the cells of a notebook in the format before 4; None if there are none."""
    sheets = notebook.get("worksheets")
    cells = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else []
    return cells[0] if cells else None  # nothing has ever made a second sheet


def _marks(entry: dict) -> dict:
    metadata = entry.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return marks if isinstance(marks, dict) else {}


def _read(number: int, marks: dict, code: str) -> Cell:
    grade_id = marks.get("grade_id") if isinstance(marks.get("grade_id"), str) else None
    tests = marks.get("grade") is True
    code = code.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    for text in (code, _without_magics(code)):
        try:
            if len(text) > LONGEST:
                break
            statements = [_statement(tree) for tree in ast.parse(text).body]
            names = frozenset().union(*(each.binds for each in statements))
            return Cell(number, grade_id, text, statements, tests, names)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return Cell(number, grade_id, code[:LONGEST], None, tests)


def _without_magics(code: str) -> str:
    """Return the code without Jupyter's commands (%time, !ls, name?), as many lines as before."""
    if re.match(r"\s*%%(?!time\b|timeit\b|capture\b|prun\b)", code):
        return ""  # another language
    code = re.sub(r"^([\w ,]+=\s*)(%\w|!).*", r"\1None", code, flags=re.M)  # files = !ls
    command = re.compile(r"\s*(%{1,2}[A-Za-z]|!(?!=)|\?)|\s*[\w.]+\?{1,2}\s*$")
    return "\n".join(re.sub(r"\S.*", "pass", line) if command.match(line) else line for line in code.split("\n"))


def _statement(tree: ast.stmt) -> Statement:
    binds = _bound(tree)
    return Statement(tree, frozenset(binds), _needed(tree), _is_blank(tree))


def _bound(tree: ast.AST) -> set[str]:
    """Return the names that a statement gives a value, or changes the value of, at the top of a cell."""
    found: set[str] = set()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            found.update(name for each in ast.walk(node) if isinstance(each, ast.Global) for name in each.names)
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update((each.asname or each.name).split(".")[0] for each in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):  # table["a"] = 1
            found.update(_owner(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):  # numbers.append(1)
            function = node.value.func
            found.update(_owner(function.value) if isinstance(function, ast.Attribute) else ())
        waiting.extend(ast.iter_child_nodes(node))
    return found


def _owner(node: ast.AST) -> list[str]:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return [node.id] if isinstance(node, ast.Name) else []


def _needed(tree: ast.stmt) -> frozenset[str]:
    """Return the names from outside that a statement needs, be it now or when its functions are called."""
    found, waiting = set(), [symtable.symtable(ast.unparse(tree), "cell", "exec")]
    while waiting:
        table = waiting.pop()
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
                found.add(symbol.get_name())
        waiting.extend(table.get_children())
    return frozenset(found) - BUILTINS


def _is_blank(tree: ast.stmt) -> bool:
    """Return True for what is as it was handed out: a function without a body, a name without a value."""
    if isinstance(tree, ast.FunctionDef):
        return all(_says_nothing(each) for each in tree.body)
    if isinstance(tree, ast.Assign | ast.AnnAssign):
        return tree.value is None or _is_constant(tree.value, None, ...)
    return False


def _says_nothing(tree: ast.stmt) -> bool:
    if isinstance(tree, ast.Raise):
        raised = tree.exc.func if isinstance(tree.exc, ast.Call) else tree.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    if isinstance(tree, ast.Return):
        return tree.value is None or _is_constant(tree.value, None, ...)
    return isinstance(tree, ast.Pass) or (isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant))


def _is_constant(tree: ast.expr, *values: object) -> bool:
    return isinstance(tree, ast.Constant) and any(tree.value is value for value in values)


def _answer(name: str, cells: list[Cell], exercises: list[str]) -> dict:
    marked = [cell for cell in cells if cell.grade_id == name]
    others = [cell for cell in cells if cell.grade_id != name and not cell.tests]
    tests = [cell for cell in cells if cell.grade_id != name and cell.tests]
    for some, word in ((marked, "marked"), (others, "found by its name"), (tests, "found among the tests")):
        answers = [cell for cell in some if cell.answers(name)]
        if answers:
            later = _later(name, answers[-1], cells) if some is marked else []
            return _made(name, answers[-1], cells, exercises, _note(name, answers, others, later, word), later)
    definition = re.compile(rf"^[ \t]*(def[ \t]+)?{name}[ \t]*[(=]", re.M)
    for some in (marked, [cell for cell in others if definition.search(cell.code)]):
        unreadable = [cell for cell in some if cell.statements is None]
        if unreadable:
            return _made(name, unreadable[-1], cells, exercises, "Python cannot read the cell")
    for cell in reversed(marked):
        called = [each.tree.name for each in cell.statements if isinstance(each.tree, ast.FunctionDef)]
        if len(called) == 1 and called[0] not in exercises and cell.answers(called[0]):
            return _made(called[0], cell, cells, exercises, f"the function is called {called[0][:60]}")
    handed_out = marked or any(name in cell.names for cell in others)
    return {"note": "nothing written yet" if handed_out else "there is no such cell and no such name"}


def _later(name: str, home: Cell, cells: list[Cell]) -> list[Cell]:
    """Return the cells between an answer and its check that change it, as they do when the notebook is run."""
    rest = cells[cells.index(home) + 1 :]
    check = next((index for index, cell in enumerate(rest) if cell.grade_id == f"{name}_check"), 0)
    return [cell for cell in rest[:check] if cell.grade_id is None and cell.answers(name)]


def _note(name: str, answers: list[Cell], others: list[Cell], later: list[Cell], word: str) -> str:
    notes = [] if word == "marked" else [word]
    if len(answers) > 1:
        notes.append(f"there are {len(answers)} cells with an answer; the last was taken")
    if later:
        notes.append("a cell between it and its check changes it; so it was taken")
    elif word == "marked" and any(cell.answers(name) for cell in others):
        notes.append("other cells define it, too; the marked one was taken")
    return "; ".join(notes)


def _made(
    name: str, cell: Cell, cells: list[Cell], exercises: list[str], note: str, later: list[Cell] | tuple = ()
) -> dict:
    if cell.statements is None:
        return {"name": name, "note": note, "parts": [{"label": _label(cell), "code": cell.code, "all": None}]}
    few = _chosen(name, [cell, *later], cells)
    alone = not (cell.tests or cell.names & (set(exercises) - {name}))
    parts = []
    for each in sorted(few.keys() | {cell.number}):
        mine = next(other for other in cells if other.number == each)
        part = {"label": _label(mine), "code": mine.code, "all": sorted(few.get(each, ()))}
        if mine is cell and alone:
            whole = list(range(len(cell.statements)))
            part |= {"all": whole} if whole == part["all"] else {"all": whole, "few": part["all"]}
        parts.append(part)
    last = [_label(each) for each in (cell, *later)]
    parts.sort(key=lambda part: last.index(part["label"]) if part["label"] in last else -1)  # the answer last
    return {"name": name, "note": note, "parts": parts}


def _label(cell: Cell) -> str:
    return f"cell {cell.number}"


def _chosen(name: str, homes: list[Cell], cells: list[Cell]) -> dict[int, set[int]]:
    """Return the statements, by cell, that give `name` its value in the cells `homes`, and all that those need."""
    tests = [cell for cell in cells if cell.tests]
    cells = [cell for cell in cells if not cell.tests]
    chosen: dict[int, set[int]] = {}
    done, waiting = {name}, []

    def take(cell: Cell, index: int) -> None:
        if index not in chosen.setdefault(cell.number, set()):
            chosen[cell.number].add(index)
            waiting.extend(cell.statements[index].needs)

    def definers(wanted: str, some: list[Cell]) -> list[tuple[Cell, int]]:
        found = [
            (cell, index)
            for cell in some
            for index, each in enumerate(cell.statements or ())
            if wanted in each.binds and not each.blank
        ]
        imports = [(cell, i) for cell, i in found if isinstance(cell.statements[i].tree, ast.Import | ast.ImportFrom)]
        return imports or found  # np.seterr() changes nothing that an answer should need

    for home in homes:
        for index, each in enumerate(home.statements):
            if name in each.binds:
                take(home, index)
    while waiting and sum(map(len, chosen.values())) < MOST_STATEMENTS:
        wanted = waiting.pop()
        if wanted in done:
            continue
        done.add(wanted)
        found = definers(wanted, homes) or definers(wanted, cells) or definers(wanted, tests)
        for cell, index in found or definers("*", cells):  # from somewhere import *
            take(cell, index)
    return chosen
