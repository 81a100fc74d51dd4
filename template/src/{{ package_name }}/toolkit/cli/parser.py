"""Parsers of the commands, whose errors are one line without a traceback."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from ..errors import UserError, full_disk
from ..paths import PACKAGE

PROGRAM = f"python -m {PACKAGE}"
TRACEBACK = "--traceback"
# The same for commands that another program starts, such as nox.
VARIABLE = f"{PACKAGE.upper()}_TRACEBACK"
Command = Callable[[Sequence[str]], int | None]


class Parser(argparse.ArgumentParser):
    """Reports a wrong option in one line, and accepts no abbreviations."""

    def __init__(
        self,
        program: str,
        epilog: str | None = None,
        parents: Sequence[argparse.ArgumentParser] = (),
    ) -> None:
        from .commands import TABLE  # which imports this module

        text = TABLE.get(program.rpartition(" ")[2], {}).get("help", "")
        description = text and f"{text[0].upper()}{text[1:]}."
        super().__init__(
            program, None, description, epilog, parents, allow_abbrev=False
        )

    def error(self, message: str) -> NoReturn:
        """Raise what `call` prints."""
        raise UserError(message)


def checkpoint_parser(
    command: str,
    default: str = "that of the newest run",
    parents: Sequence[argparse.ArgumentParser] = (),
) -> Parser:
    """Return the parser of a command that takes a checkpoint.

    Args:
        command: Its name.
        default: The checkpoint it takes by default, in words.
        parents: Parsers of further options, which a room above adds.

    Returns:
        A parser with the option `--ckpt_path`.
    """
    parser = Parser(f"{PROGRAM} {command}", parents=parents)
    parser.add_argument("--ckpt_path", type=Path, help=f"default: {default}")
    return parser


def call(command: Command, arguments: Sequence[str]) -> int:
    """Call a command and return its exit status.

    Args:
        command: Takes the arguments; returns an exit status, or nothing for 0.
        arguments: From the command line. With `--traceback` among them, here or in a
            command that this one starts, an error comes with its traceback.

    Returns:
        2 after a `UserError` or with a full disk, 130 after Ctrl-C.

    Raises:
        OSError: For another reason than a full disk.
    """
    if TRACEBACK in arguments:
        os.environ[VARIABLE] = "1"
    try:
        return command([word for word in arguments if word != TRACEBACK]) or 0
    except UserError as error:
        cause = ""
        if os.environ.get(VARIABLE):
            traceback.print_exception(error)
        elif error.__cause__ is not None:
            cause = f" (the cause: {TRACEBACK}, or {VARIABLE}=1)"
        print(f"error: {error}{cause}", file=sys.stderr)
        return 2
    except OSError as error:
        reason = full_disk(error)
        if reason is None or os.environ.get(VARIABLE):
            raise
        print(f"error: {reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130  # what shells expect of Ctrl-C
