"""The command line."""

from .commands import main
from .parser import (
    PROGRAM,
    Command,
    Parser,
    checkpoint_parser,
    expand_aliases,
    option_names,
)

__all__ = [
    "Command",
    "PROGRAM",
    "Parser",
    "checkpoint_parser",
    "expand_aliases",
    "main",
    "option_names",
]
