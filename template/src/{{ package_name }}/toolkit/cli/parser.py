"""Parsers of the commands, whose errors are one line, and short names of options."""

import argparse
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NoReturn

from ..errors import UserError, full_disk
from ..paths import PACKAGE

PROGRAM = f"python -m {PACKAGE}"
TRACEBACK = "--traceback"
# The same for commands that another program starts, such as nox.
VARIABLE = f"{PACKAGE.upper()}_TRACEBACK"
Command = Callable[[Sequence[str]], int | None]
# Options that the trainer had once, and their replacements.
REMOVED = {
    "auto_lr_find": "--trainer.callbacks+=LearningRateFinder",
    "auto_scale_batch_size": "--trainer.callbacks+=BatchSizeFinder",
    "auto_select_gpus": "--trainer.devices=1",
    "checkpoint_callback": "--trainer.enable_checkpointing",
    "gpus": "--trainer.accelerator=gpu --trainer.devices",
    "num_processes": "--trainer.accelerator=cpu --trainer.devices",
    "progress_bar_refresh_rate": "refresh_rate of TQDMProgressBar, in a configuration",
    "resume_from_checkpoint": "--ckpt_path",
    "tpu_cores": "--trainer.accelerator=tpu --trainer.devices",
    "track_grad_norm": "--config=configs/debug/nan.yaml",
    "weights_summary": "--trainer.enable_model_summary",
}


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
    """Call a command; return its exit status, 2 after a `UserError`, 130 after Ctrl-C.

    With `--traceback` here, an error of this command, or of one that it starts, has its
    traceback. A full disk gives 2, too; another `OSError` is raised.
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


def option_names(groups: Mapping[str, Callable[..., Any]]) -> list[tuple[str, str]]:
    """Return the group and the name of each option.

    Args:
        groups: Classes that take the options, by the name of the group.

    Returns:
        In the order of the groups.
    """
    return [
        (group, name)
        for group, taker in groups.items()
        for name in inspect.signature(taker).parameters
    ]


def expand_aliases(
    arguments: Sequence[str], groups: Mapping[str, Callable[..., Any]]
) -> list[str]:
    """Add the group of options to those that lack it.

    Args:
        arguments: From the command line.
        groups: Classes that take the options, by the name of the group.

    Returns:
        The arguments as the parser knows them; those of no group are unchanged.

    Raises:
        UserError: An option was removed; the message names the replacement.

    Examples:
        >>> class Trainer:
        ...     def __init__(self, precision: str) -> None: ...
        >>> expand_aliases(["--precision", "16", "--threads=2"], {"trainer": Trainer})
        ['--trainer.precision', '16', '--threads=2']
    """
    # Of two groups with such an option the first one.
    owner = {name: group for group, name in option_names(groups)[::-1]}
    expanded = []
    for argument, value in zip_longest(arguments, arguments[1:], fillvalue="--"):
        if re.fullmatch(r"--(trainer\.)?fast_dev_run", argument) and value[:2] == "--":
            argument += "=true"  # as older versions took it
        found = re.match(r"--(?:trainer\.)?(\w+)", argument)
        name = found[1] if found else ""
        if name in REMOVED:
            raise UserError(f"--{name} was removed: use {REMOVED[name]}")
        plain = re.fullmatch(rf"--{name}\b(?!\.).*", argument, re.DOTALL)
        if plain and name in owner:
            argument = f"--{owner[name]}.{argument[2:]}"
        expanded.append(argument)
    return expanded
