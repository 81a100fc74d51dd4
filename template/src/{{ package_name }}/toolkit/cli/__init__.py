"""The command line."""

from .commands import run_command
from .option_aliases import spell_out
from .parser import PROGRAM, Command, Parser, call, checkpoint_parser

__all__ = [
    "Command",
    "PROGRAM",
    "Parser",
    "call",
    "checkpoint_parser",
    "run_command",
    "spell_out",
]
