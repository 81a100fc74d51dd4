"""Import rules between the rooms (subpackages) of the toolkit, read from source."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

# Allowed imports of each room, or of a module beside the rooms.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "errors": (),
    "paths": ("errors",),
    "splits": ("errors",),
    "interface": ("errors", "paths", "splits"),
    "figures": ("errors", "interface"),
    "run_records": ("errors", "paths"),
    "evaluation": (
        *("errors", "paths", "splits", "interface", "figures", "run_records"),
    ),
    "training": (
        *("errors", "paths", "splits", "interface", "run_records", "evaluation"),
    ),
    "debug": ("errors", "interface", "figures", "run_records", "training"),
    "performance": ("errors", "paths", "figures", "run_records", "training"),
    "scaling": ("errors", "paths", "interface", "run_records", "evaluation"),
    "analysis": ("errors", "paths", "interface", "figures", "evaluation"),
    "serving": ("errors", "paths", "interface", "figures", "evaluation"),
    "cli": ("errors", "paths"),
}
MODULES = ("errors", "paths", "splits", "interface")  # the others are rooms
# Modules that files of the team may import besides rooms: every size has them.
PUBLIC_MODULES = ("errors", "splits", "interface")
# Commands may import any room through its facade, and extend commands of others.
COMMANDS = ("commands", "predict")
OUTSIDE = "the package"  # the place of the team's modules


class Import(NamedTuple):
    """An import of a name from the toolkit.

    Attributes:
        place: The source module, relative to the toolkit: `figures`, `figures.reports`,
            or empty for the toolkit itself.
        name: The imported name.
        line: Line number in the file.
    """

    place: str
    name: str
    line: int


def imports(source: str, place: str | None, package: str) -> Iterator[Import]:
    """Find all imports of a file from the toolkit, including those in functions.

    Args:
        source: Source code of the file.
        place: The module relative to the toolkit, such as `figures.reports`; empty for
            a module of the package beside the toolkit, None for any other file.
        package: Name of the package.

    Yields:
        Import: Each imported name.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first, *rest = alias.name.split(".")
                if first == package and rest[:1] == ["toolkit"]:
                    yield Import(".".join(rest[1:]), "", node.lineno)
                elif first == package:
                    yield Import(OUTSIDE, ".".join(rest), node.lineno)
            continue
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level and place is None:
            continue
        if node.level and place == "":
            words = (node.module or "").split(".")
        elif node.level and place:
            here = [package, "toolkit", *place.split(".")]
            words = here[1 : len(here) - node.level]
            words += (node.module or "").split(".") if node.module else []
        else:
            words = (node.module or "").split(".")
            if words[0] != package:
                continue
            words = words[1:]
        for alias in node.names:
            if words[:1] == ["toolkit"]:
                yield Import(".".join(words[1:]), alias.name, node.lineno)
            elif [*filter(None, words), alias.name] == ["toolkit"]:
                yield Import("", "toolkit", node.lineno)
            else:
                yield Import(OUTSIDE, alias.name, node.lineno)


def facades(toolkit: Path) -> dict[str, list[str]]:
    """Read the public names of each room.

    Args:
        toolkit: Folder of the toolkit.

    Returns:
        The names in `__all__`, by room.
    """
    found = {}
    for path in sorted(toolkit.glob("*/__init__.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if (
                isinstance(node, ast.Assign)
                and ast.unparse(node.targets[0]) == "__all__"
            ):
                found[path.parent.name] = ast.literal_eval(node.value)
    return found


def outside(
    source: str, place: str | None, package: str, public: Mapping[str, list[str]]
) -> list[str]:
    """Return the imports of a team's file that are not public.

    Args:
        source: Source code of the file.
        place: As in `imports`.
        package: Name of the package.
        public: Public names of each room.

    Returns:
        A message for each.
    """
    return [
        f"line {line}: {name or where} is not public in {where or 'the toolkit'}"
        for where, name, line in imports(source, place, package)
        if where not in (OUTSIDE, *PUBLIC_MODULES)
        and not (where == "" and name in (*public, *PUBLIC_MODULES))
        and not (where in public and name in ("", *public[where]))
    ]


def inside(
    source: str, place: str, package: str, public: Mapping[str, list[str]]
) -> list[str]:
    """Return the forbidden imports of a toolkit module: wrong order or not public.

    Args:
        source: Source code of the module.
        place: The module, such as `figures.reports`.
        package: Name of the package.
        public: Public names of each room.

    Returns:
        A message for each.
    """
    own, _, module = place.partition(".")
    wrong = []
    for where, name, line in imports(source, place, package):
        room, _, inner = (where or name).partition(".")
        if where == OUTSIDE:
            wrong.append(f"line {line}: {name} is of the task: ask the interface")
            continue
        if room == own:
            continue
        if room not in MAY_IMPORT[own] and module not in COMMANDS:
            wrong.append(f"line {line}: {own} is not above {room}")
        elif module in COMMANDS and (inner or name) in COMMANDS:
            continue  # with more options than the command below
        elif inner or where and room not in MODULES and name not in ("", *public[room]):
            wrong.append(f"line {line}: {name} is not public in {room}")
    return wrong
