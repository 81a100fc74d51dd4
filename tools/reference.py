"""Write docs/reference.md from the sources: sessions, commands and public names."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tools.sizes import larger

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "template"
PAGE = ROOT / "docs" / "reference.md"
PACKAGE = TEMPLATE / "src" / "{{ package_name }}"
TOOLKIT = PACKAGE / "toolkit"
INTRODUCTION = """# Reference

Sessions, commands and public names of a generated repository. The command
`python3 start.py reference` makes this page from the sources. See also
[questions](questions.md), [checks](checks.md), and
[which files updates change](updates.md).

What is marked *all* comes with `practices=all`.
"""


def main() -> None:
    """Replace the page."""
    PAGE.write_text(page(), "utf-8")


def page() -> str:
    """Return the page of today."""
    parts = [
        INTRODUCTION,
        "## Sessions: `nox -s NAME`",
        "",
        "| session | what it does | |",
        "|---|---|---|",
        *(f"| `{name}` | {text} | {size} |" for name, text, size in sessions()),
        "",
        "## Commands: `python -m PACKAGE NAME`",
        "",
        "`NAME --help` lists the options of a command.",
        "",
        "| command | what it does | |",
        "|---|---|---|",
        *(f"| `{name}` | {text} | {size} |" for name, text, size in commands()),
        "",
        "## Rooms of the toolkit",
        "",
        "`src/*/toolkit/` has sub-packages, called rooms. Import what a room names",
        "here, and nothing from the modules inside it: any update may change them.",
    ]
    for room, text, size in rooms():
        mark = ", *all*" if size else ""
        parts += ["", f"### `{room}`{mark}", "", text, "", "| name | what it is |"]
        parts += ["|---|---|"]
        parts += [f"| `{name}` | {about} |" for name, about in public_names(room)]
    return "\n".join([*parts, ""])


def _tables() -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield the entries of the tables of commands: name, entry and size."""
    seen = set()
    for path in sorted((TOOLKIT / "cli").glob("*.toml")):
        size = "*all*" if path.stem.endswith("_all") else ""
        for name, entry in tomllib.loads(path.read_text("utf-8")).items():
            if name not in seen:
                seen.add(name)
                yield name, entry, size


def commands() -> list[tuple[str, str, str]]:
    """Return name, help and size of each command."""
    return [
        (name, _cell(entry["help"]), size)
        for name, entry, size in _tables()
        if "room" in entry
    ]


def sessions() -> list[tuple[str, str, str]]:
    """Return name, help and size of each session, in alphabetical order."""
    found = {
        name: (_cell(entry["help"]), size)
        for name, entry, size in _tables()
        if "session" in entry
    }
    tree = ast.parse((TEMPLATE / "noxfile.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            given = re.search(r"name='([\w-]+)'", ast.unparse(node.decorator_list[0]))
            text = (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
            name = given[1] if given else node.name
            found[name] = (f"{text[0].lower()}{text[1:]}", "")
    return [(name, *found[name]) for name in sorted(found)]


def rooms() -> list[tuple[str, str, str]]:
    """Return name, description and size of each room."""
    found = []
    for path in sorted(TOOLKIT.glob("*/__init__.py")):
        text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        size = "*all*" if larger(f"src/*/toolkit/{path.parent.name}") else ""
        found.append((path.parent.name, text.partition("\n")[0], size))
    return found


def public_names(room: str) -> list[tuple[str, str]]:
    """Return what a room offers: each name with the first line about it."""
    tree = ast.parse((TOOLKIT / room / "__init__.py").read_text("utf-8"))
    places = {
        alias.asname or alias.name: node.module or ""
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    names = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return [(name, _about(room, places[name], name)) for name in sum(names, [])]


def _about(room: str, module: str, name: str) -> str:
    """Return the first line of a docstring, or the comment of a constant."""
    source = (TOOLKIT / room / f"{module}.py").read_text("utf-8")
    for node in ast.parse(source).body:
        if getattr(node, "name", None) == name:
            text = ast.get_docstring(node) or ""  # type: ignore[arg-type]
            return _cell(text.partition("\n\n")[0])
    found = re.search(rf"^{name}\b.*?(?:  # (.*))?$", source, re.MULTILINE)
    if found is None:
        raise ValueError(f"{module} of {room} has no {name}")
    return _cell(found[1] or "a constant")


def _cell(text: str) -> str:
    """Return a text as a cell of a table."""
    return " ".join(text.split()).rstrip(".").replace("|", r"\|")


if __name__ == "__main__":
    main()
