"""The command line."""

from .commands import main
from .option_aliases import spell_out
from .parser import PROGRAM, Command, Parser, checkpoint_parser

__all__ = [
    "Command",
    "PROGRAM",
    "Parser",
    "checkpoint_parser",
    "main",
    "spell_out",
]
