"""Mutants: edits of the package's source, such as another sign or a missing call.

Existing tools start pytest anew for each mutant, which takes longer than the tests,
and do not report whether tests reach a mutant.
"""

import ast
import random
import re
from collections import defaultdict
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from .changes import Change, Run

SOURCE = Path("src")
TOOLKIT = "toolkit"  # tested by the template
SHOWN = 60  # maximum characters of code in a name
# Marks a line whose mutants are equivalent, such as a batch size. Add the reason.
EQUIVALENT = b"# pragma: no mutate"

# Options without mutants: `strict` is itself a check, the others change only output.
KEPT_OPTIONS = {
    *("alpha", "cmap", "color", "dpi", "figsize", "fontsize", "ha", "indent"),
    *("integer", "layout", "linestyle", "linewidth", "marker", "prog_bar"),
    *("refresh_rate", "strict", "va", "yscale"),
}

OTHER: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True)
class Edit:
    """A replacement of an expression or a statement.

    Attributes:
        path: Path of the file.
        scope: Function or class of the code; empty at module level.
        old: The original expression or statement.
        new: The new expression, or None to delete the statement.
        what: Description of the difference.
    """

    path: Path
    scope: str
    old: ast.expr | ast.stmt
    new: ast.expr | None
    what: str

    def __str__(self) -> str:
        """Return place and description in one line."""
        where = f"{self.path.as_posix()}:{self.old.lineno}"
        scope = self.scope and f" {self.scope}"
        return f"{where}{scope}: {self.what}"

    def apply(self, run: Run) -> None:
        """Make the edit in the copy, with code that creates the mark when it runs."""
        path = run.folder / self.path
        lines = path.read_bytes().splitlines(keepends=True)
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line))
        assert self.old.end_lineno is not None
        assert self.old.end_col_offset is not None
        # The column offsets of `ast` count bytes.
        begin = starts[self.old.lineno - 1] + self.old.col_offset
        end = starts[self.old.end_lineno - 1] + self.old.end_col_offset
        code = f'__import__("pathlib").Path({str(run.mark)!r}).touch()'
        if self.new is not None:
            code = f"({code} or ({ast.unparse(self.new)}))"
        text = b"".join(lines)
        path.write_bytes(text[:begin] + code.encode() + text[end:])


def mutants() -> list[Change]:
    """Return all mutants of the package."""
    return [_change(edit) for edit in _all_edits()]


def draw_mutants(size: int, generator: random.Random) -> list[Change]:
    """Sample mutants from as many functions as possible, outside the toolkit."""
    scopes: dict[tuple[Path, str], list[Edit]] = defaultdict(list)
    for edit in _all_edits():
        if TOOLKIT not in edit.path.parts:
            scopes[edit.path, edit.scope].append(edit)
    piles = [*scopes.values()]
    for pile in piles:
        generator.shuffle(pile)
    drawn: list[Edit] = []
    while piles and len(drawn) < size:
        generator.shuffle(piles)
        drawn += [pile.pop() for pile in piles]
        piles = [pile for pile in piles if pile]
    return [_change(edit) for edit in drawn[:size]]


def _change(edit: Edit) -> Change:
    return Change(str(edit), "source", "unit", edit.apply, edit.path.stem)


def _all_edits() -> list[Edit]:
    found: dict[str, Edit] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        source = path.read_bytes()
        lines = source.splitlines()
        finder = _Finder(path)
        finder.visit(ast.parse(source))
        for edit in finder.found:
            if EQUIVALENT not in lines[edit.old.lineno - 1]:
                # Two edits in a line may have the same description.
                found.setdefault(str(edit), edit)
    return [*found.values()]


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node)
    return f"`{text}`" if len(text) <= SHOWN else f"`{text[: SHOWN - 4]} ...`"


class _Finder(ast.NodeVisitor):
    """Finds possible edits of code that runs, except texts for people."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.scopes: list[str] = []
        self.found: list[Edit] = []

    def add(
        self, old: ast.expr | ast.stmt, new: ast.expr | None, what: str = ""
    ) -> None:
        """Add an edit."""
        if not what:
            what = f"becomes {_shown(new)}" if new else "is left out"
            what = f"{_shown(old)} {what}"
        scope = ".".join(self.scopes)
        self.found.append(Edit(self.path, scope, old, new, what))

    def change(self, old: ast.expr, what: str = "", **fields: object) -> None:
        """Add an edit that changes some fields of the node."""
        new = copy(old)
        for name, value in fields.items():
            setattr(new, name, value)
        self.add(old, new, what)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Visit only the body, not decorators and bases."""
        self._body(node.name, node.body)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Visit defaults and the body, not decorators and annotations."""
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        self._body(node.name, node.body)

    def _body(self, name: str, body: list[ast.stmt]) -> None:
        self.scopes.append(name)
        for statement in body:
            self.visit(statement)
        self.scopes.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Visit the value, not the annotation."""
        if node.value is not None:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Delete assignments to attributes and items; skip values of `__` names."""
        target, *_ = node.targets
        if isinstance(target, ast.Attribute | ast.Subscript):
            self.add(node, None)
        if not (isinstance(target, ast.Name) and target.id.startswith("__")):
            self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """Delete the assignment."""
        self.add(node, None)
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        """Delete a call that is made for its side effect.

        Docstrings and warning filters have no mutants.
        """
        if isinstance(node.value, ast.Call) and not _hides_warnings(node.value):
            self.add(node, None)
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        """Negate the condition, unless it is about type checking or `__main__`."""
        test = ast.unparse(node.test)
        if "TYPE_CHECKING" in test or "__name__" in test:
            return
        self.turn_around(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """Negate the condition."""
        self.turn_around(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        """Negate the conditions; skip the first item."""
        for test in node.ifs:
            self.turn_around(test)
        self.skip_first(node.iter)
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        """Skip the first item."""
        self.skip_first(node.iter)
        self.generic_visit(node)

    def turn_around(self, test: ast.expr) -> None:
        """Add an edit that negates an expression."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=opposite):
                self.add(test, opposite)
            case _:
                self.add(test, ast.UnaryOp(ast.Not(), test))

    def skip_first(self, iterable: ast.expr) -> None:
        """Add an edit that skips the first item of an iterable."""
        code = f'__import__("itertools").islice({ast.unparse(iterable)}, 1, None)'
        new = ast.parse(code, mode="eval").body
        self.add(iterable, new, f"the first of {_shown(iterable)} is skipped")

    def visit_Compare(self, node: ast.Compare) -> None:
        """Include or exclude the limit of a comparison, or negate it."""
        first, *rest = node.ops
        if type(first) in OTHER:
            self.change(node, ops=[OTHER[type(first)](), *rest])
        else:
            self.turn_around(node)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """Swap `and` and `or`."""
        self.change(node, op=OTHER[type(node.op)]())
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Replace an operation on numbers by its opposite."""
        text = _is_text(node.left) or _is_text(node.right)
        if type(node.op) in OTHER and not text:
            self.change(node, op=OTHER[type(node.op)]())
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """Delete `not` or the sign."""
        if isinstance(node.op, ast.Not | ast.USub):
            self.add(node, node.operand)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Delete an option, swap the first two arguments, or delete a method call."""
        for number, keyword in enumerate(node.keywords):
            if keyword.arg in {None, *KEPT_OPTIONS} or _is_for_people(keyword.value):
                continue
            rest = node.keywords[:number] + node.keywords[number + 1 :]
            what = f"`{ast.unparse(keyword)}` of {_shown(node.func)} is left out"
            self.change(node, what, keywords=rest)
        plain = (ast.Name, ast.Attribute)
        match node:
            case ast.Call(args=[ast.expr() as one, ast.expr() as two, *others]):
                same = ast.dump(one) == ast.dump(two)
                if isinstance(one, plain) and isinstance(two, plain) and not same:
                    names = f"{_shown(one)} and {_shown(two)} change places"
                    self.change(node, names, args=[two, one, *others])
            case ast.Call(args=[], keywords=[], func=ast.Attribute(value=owner)):
                if not isinstance(owner, ast.Call):
                    self.add(node, owner)
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        """Visit the value, unless the option has no mutants."""
        if node.arg not in KEPT_OPTIONS:
            self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Change a number, a Boolean or a name."""
        value = node.value
        if isinstance(value, bool):
            self.change(node, value=not value)
        elif isinstance(value, int):
            self.change(node, value=value + 1)
        elif isinstance(value, float):
            self.change(node, value=value * 2 or 1.0)
        elif isinstance(value, str) and not _is_for_people(node):
            self.change(node, value=f"{value}_")

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Skip texts for people; before Python 3.12, their columns are wrong, too."""

    def visit_Raise(self, node: ast.Raise) -> None:
        """Skip errors, which are texts for people."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """Skip assertions, which are checks themselves."""


def _hides_warnings(call: ast.Call) -> bool:
    return ast.unparse(call.func) == "warnings.filterwarnings"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _is_for_people(node: ast.expr) -> bool:
    """Return whether a node is a text for people, not an identifier."""
    return _is_text(node) and not (
        isinstance(node, ast.Constant)
        and re.fullmatch("[a-z][a-z0-9_]{2,}", str(node.value))
    )
