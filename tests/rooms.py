"""The rooms of the toolkit: who may import what, read from the source alone."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

# What a room, or a module beside the rooms, may import: it is above all of these.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "errors": (),
    "paths": ("errors",),
    "interface": ("errors", "paths"),
    "figures": ("interface",),
    "run_records": ("errors", "paths"),
    "evaluation": ("errors", "paths", "interface", "figures", "run_records"),
    "training": ("errors", "paths", "interface", "run_records", "evaluation"),
    "debug": ("errors", "figures", "run_records", "training"),
    "performance": ("errors", "paths", "figures", "run_records", "training"),
    "scaling": ("errors", "paths", "interface", "run_records"),
    "analysis": ("errors", "paths", "interface", "figures", "evaluation"),
    "serving": ("errors", "paths", "interface", "figures", "evaluation"),
    "cli": ("errors", "paths"),
}
MODULES = ("errors", "paths", "interface")  # the others are rooms
# For files of the team, beside rooms: what they name is there in every size.
PUBLIC_MODULES = ("errors", "interface")
# A room's commands belong to the command line: they may use any room, by its facade.
COMMANDS = "commands"
OUTSIDE = "the package"  # the place of what the team owns


class Import(NamedTuple):
    """A name that a file takes from the toolkit.

    Attributes:
        place: Where it is taken from, from the toolkit: `figures`, `figures.tables`, or
            nothing for the toolkit itself.
        name: What is taken.
        line: Of the file.
    """

    place: str
    name: str
    line: int


def imports(source: str, place: str | None, package: str) -> Iterator[Import]:
    """Find what a file imports from the toolkit, also within functions.

    Args:
        source: Of the file.
        place: The module it is, from the toolkit, such as `figures.tables`; empty for a
            module of the package beside the toolkit, and nothing for any other file.
        package: Its name.

    Yields:
        Import: Each name that is taken.
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
    """Read what each room makes public.

    Args:
        toolkit: Its folder.

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
    """Say what a file of the team takes that may be renamed at any time.

    Args:
        source: Of the file.
        place: As in `imports`.
        package: Its name.
        public: What each room makes public.

    Returns:
        A sentence for each.
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
    """Say what a module of the toolkit takes from a room above it, or past a facade.

    Args:
        source: Of the module.
        place: The module it is, such as `figures.tables`.
        package: Its name.
        public: What each room makes public.

    Returns:
        A sentence for each.
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
        if room not in MAY_IMPORT[own] and module != COMMANDS:
            wrong.append(f"line {line}: {own} is not above {room}")
        elif inner or where and room not in MODULES and name not in ("", *public[room]):
            wrong.append(f"line {line}: {name} is not public in {room}")
    return wrong
