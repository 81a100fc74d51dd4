"""The command line."""

from .commands import main
from .option_aliases import expand_aliases, option_names
from .parser import PROGRAM, Command, Parser, checkpoint_parser

__all__ = [
    "Command",
    "PROGRAM",
    "Parser",
    "checkpoint_parser",
    "expand_aliases",
    "main",
    "option_names",
]
