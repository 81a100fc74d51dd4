"""The commands of all rooms, and the help from the tables of commands.

A room is imported when one of its commands is called, so that help answers at once.
"""

import textwrap
import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from ..errors import UserError
from .parser import PROGRAM, Command, call

# By command: room, help and session. A later table may give a command more options.
TABLE: dict[str, dict[str, str]] = {
    name: entry
    for path in sorted(Path(__file__).parent.glob("*.toml"))
    for name, entry in tomllib.loads(path.read_text("utf-8")).items()
    if "room" in entry
}


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; a `UserError` is one line."""
    return call(_run, arguments)


def _run(arguments: Sequence[str]) -> int | None:
    command, *rest = arguments or ["--help"]
    if command in ("-h", "--help", "help"):
        print(help_text())
        return 0
    if command not in TABLE:
        meant = "".join(f"{name}? Or " for name in get_close_matches(command, TABLE, 1))
        raise UserError(f"unknown command {command!r}: {meant}see {PROGRAM} --help")
    toolkit = __package__.rpartition(".")[0]
    entry = TABLE[command]
    place = f"{toolkit}.{entry['room']}.{entry.get('module', 'commands')}"
    commands: dict[str, Command] = import_module(place).COMMANDS
    return commands[command](rest)


def help_text() -> str:
    """Return the help text of all commands."""
    width = 2 + max(map(len, TABLE))
    lines = [f"usage: {PROGRAM} COMMAND [OPTION ...]", ""]
    for name, entry in TABLE.items():
        lines += textwrap.wrap(
            entry["help"],
            width=80,
            initial_indent=f"  {name:<{width}}",
            subsequent_indent=" " * (width + 2),
        )
    lines += [
        "",
        "COMMAND --help lists the options of a command; --traceback adds the traceback",
        "to an error of one line.",
    ]
    return "\n".join(lines)
