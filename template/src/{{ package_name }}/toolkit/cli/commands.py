"""The commands of all rooms: one table, from which the help is made.

A room is imported when one of its commands is called, so that help answers at once.
"""

import textwrap
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from ..errors import UserError
from .parser import PROGRAM, Command, call


class Entry(NamedTuple):
    """A command.

    Attributes:
        room: Whose module `commands` has it.
        help: What it does.
    """

    room: str
    help: str


TABLE = {
    "fit": Entry(
        "training",
        "train; options come from configs/default.yaml, then from --config FILE (may "
        "be repeated), then from the command line, such as --trainer.max_epochs=3 or "
        "--model.width=32",
    ),
    "validate": Entry(
        "training",
        "evaluate the newest run, or --ckpt_path FILE, on the validation data",
    ),
    "test": Entry("training", "the same on the test data"),
    "predict": Entry(
        "serving",
        "say what the production model, or --ckpt_path FILE, makes of files: predict "
        "FILE",
    ),
    "feedback": Entry(
        "serving",
        "ask people about a sample of what predict --log FILE kept, and count what is "
        "right",
    ),
    "debug": Entry(
        "run_records",
        "train with a recipe of configs/debug/ that looks into one question: debug "
        "shapes; without a name it lists them",
    ),
    "benchmark": Entry(
        "performance",
        "compare the speed of training with a loop by hand, and with what was "
        "recorded; --accept records it",
    ),
    "costs": Entry(
        "performance",
        "compare memory and speed of training as it is and with recipes",
    ),
    "retrain": Entry(
        "run_records",
        "train each file in configs/ that says so, with today's code and data",
    ),
    "compare": Entry(
        "evaluation",
        "judge the newest run, or --ckpt_path FILE, beside the production model",
    ),
    "promote": Entry(
        "evaluation",
        "make the newest run, or --ckpt_path FILE, the production model",
    ),
    "hard": Entry(
        "analysis",
        "collect the highest losses for people to say: is the model wrong there, or "
        'the data? What they answered with "model" becomes a suite',
    ),
    "slices": Entry(
        "analysis",
        "find groups of examples on which the model is often wrong, and say what they "
        "have in common; --suite makes one a suite",
    ),
    "scale-data": Entry(
        "scaling",
        "train with more and more data, and say what twice as much would bring",
    ),
    "scale-model": Entry(
        "scaling",
        "the same with larger and larger models",
    ),
}


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; a mistake is one line."""
    return call(_run, arguments)


def _run(arguments: Sequence[str]) -> int | None:
    command, *rest = arguments or ["--help"]
    if command in ("-h", "--help", "help"):
        print(help_text())
        return 0
    if command not in TABLE:
        raise UserError(f"unknown command {command!r}: see {PROGRAM} --help")
    toolkit = __package__.rpartition(".")[0]
    commands: dict[str, Command]
    commands = import_module(f"{toolkit}.{TABLE[command].room}.commands").COMMANDS
    return commands[command](rest)


def help_text() -> str:
    """Return what there is to say about all commands."""
    width = 2 + max(map(len, TABLE))
    lines = [f"usage: {PROGRAM} COMMAND [OPTION ...]", ""]
    for name, entry in TABLE.items():
        lines += textwrap.wrap(
            entry.help,
            width=80,
            initial_indent=f"  {name:<{width}}",
            subsequent_indent=" " * (width + 2),
        )
    lines += [
        "",
        "COMMAND --help lists the options of a command; --traceback shows where an",
        "error of one line comes from.",
    ]
    return "\n".join(lines)
