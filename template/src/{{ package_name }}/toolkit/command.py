"""Command lines: what went wrong is one line, and no traceback."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from .errors import InputError

Command = Callable[[Sequence[str]], int | None]


class Parser(argparse.ArgumentParser):
    """Reports a wrong option in one line, and takes none for another."""

    def __init__(self, program: str, epilog: str | None = None) -> None:
        super().__init__(prog=program, epilog=epilog, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise what `call` prints."""
        raise InputError(message)


def call(command: Command, arguments: Sequence[str]) -> int:
    """Call a command and return its exit status.

    Args:
        command: Takes the arguments; returns an exit status, or nothing for 0.
        arguments: From the command line.

    Returns:
        2 if what was asked for cannot be done, 130 after Ctrl-C.
    """
    try:
        return command(arguments) or 0
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130  # what shells expect of Ctrl-C
