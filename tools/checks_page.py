"""Write the list of checks in docs/checks.md from their docstrings."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HELPERS = ROOT / "template" / "tests" / "helpers"
PAGE = ROOT / "docs" / "checks.md"
# The page has this line, and the list after it.
MARK = "<!-- From here on the template makes this page from the docstrings. -->"
KINDS = {"pytest.mark.gpu": "on a GPU", "pytest.mark.slow": "at night"}


def main() -> None:
    """Replace the list on the page."""
    PAGE.write_text(page(), "utf-8")


def page() -> str:
    """Return the page with the list of today."""
    head, mark, _ = PAGE.read_text("utf-8").partition(MARK)
    if not mark:
        raise SystemExit(f"{PAGE} has no line {MARK}")
    lines = [f"{head}{mark}"]
    for name, helper in sources().items():
        for checks in classes(helper):
            described = ast.get_docstring(checks) or ""
            text, _, settings = described.partition("\n\nAttributes:\n")
            lines += ["", f"### {checks.name}", ""]
            lines += [f"In `tests/helpers/{name}`. {_joined(text)}", ""]
            lines += map(_item, checks_of(checks))
            if settings:
                lines += ["", "Settings:", ""]
                lines += [
                    f"- `{key}`: {_joined(rest)}" for key, rest in _pairs(settings)
                ]
    return "\n".join([*lines, ""])


def sources() -> dict[str, str]:
    """Return the helpers of the template, by the name that a project gives them."""
    return {
        path.name.removesuffix(".jinja"): path.read_text("utf-8")
        for path in sorted(HELPERS.glob("*.py*"))
    }


def names(texts: Mapping[str, str]) -> set[str]:
    """Return all checks in helpers, as `StepChecks.test_every_parameter_learns`."""
    return {
        f"{checks.name}.{check.name}"
        for text in texts.values()
        for checks in classes(text)
        for check in checks_of(checks)
    }


def classes(text: str) -> Iterator[ast.ClassDef]:
    """Yield each class of checks in a helper."""
    for node in parse(text).body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Checks"):
            if node.name != "Checks":  # the base has none
                yield node


def parse(text: str) -> ast.Module:
    """Parse a helper, which may need the name of the package."""
    return ast.parse(text.replace("{{ package_name }}", "package"))


def checks_of(checks: ast.ClassDef) -> list[ast.FunctionDef]:
    """Return the checks of a class."""
    methods = [node for node in checks.body if isinstance(node, ast.FunctionDef)]
    return [method for method in methods if method.name.startswith("test_")]


def _item(check: ast.FunctionDef) -> str:
    marks = [ast.unparse(mark) for mark in check.decorator_list]
    kind = "".join(f" ({KINDS[mark]})" for mark in marks if mark in KINDS)
    return f"- `{check.name}`{kind}: {_joined(ast.get_docstring(check) or '')}"


def _pairs(settings: str) -> list[tuple[str, str]]:
    # The text of a setting may go on in lines that are further to the right.
    return re.findall(r"^ {4}(\w+): ((?:.|\n {8})+)", settings, re.MULTILINE)


def _joined(text: str) -> str:
    return " ".join(inspect.cleandoc(text).split())


if __name__ == "__main__":
    main()
