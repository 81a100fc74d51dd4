"""The commands of all rooms, each imported when it is called."""

from collections.abc import Sequence
from importlib import import_module

from ..errors import InputError
from .parser import PROGRAM, Command, call

ROOMS = {
    "benchmark": "performance",
    "compare": "evaluation",
    "costs": "performance",
    "debug": "run_records",
    "feedback": "serving",
    "fit": "training",
    "hard": "analysis",
    "promote": "evaluation",
    "retrain": "run_records",
    "scale-data": "scaling",
    "scale-model": "scaling",
    "slices": "analysis",
    "test": "training",
    "validate": "training",
}


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; a mistake is one line."""
    return call(run_command, arguments)


def run_command(arguments: Sequence[str]) -> int | None:
    """Run one command and return its exit status.

    Args:
        arguments: The command and what follows it.

    Returns:
        The exit status, or nothing for 0.

    Raises:
        InputError: There is no such command, or it cannot do what was asked.
    """
    command, *rest = arguments or [""]
    if command not in ROOMS:
        raise InputError(f"unknown command {command!r}: see {PROGRAM} --help")
    toolkit = __package__.rpartition(".")[0]
    commands: dict[str, Command]
    commands = import_module(f"{toolkit}.{ROOMS[command]}.commands").COMMANDS
    return commands[command](rest)
