"""Settings that a team writes down in a file of its own."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from jsonargparse import ArgumentError, ArgumentParser
from jsonargparse.typing import ClosedUnitInterval as Share

from .errors import InputError

SETTINGS = Path("configs", "comparison.yaml")
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Settings:
    """How models are compared.

    Attributes:
        mode: `report` blocks nothing; `enforce` makes a regression an error.
        chance: The highest probability that an equally good model is called worse.
        floors: The least share of examples that must be right, by suite.
    """

    mode: Literal["report", "enforce"] = "report"
    chance: Share = 0.05
    floors: dict[str, Share] = field(default_factory=dict)


def load_settings(path: Path = SETTINGS) -> Settings:
    """Read the settings; without a file they are those that block nothing."""
    return load(Settings, path)


def load(kind: type[Kind], path: Path) -> Kind:
    """Read settings.

    Args:
        kind: A dataclass of them; what is not in the file is as it says.
        path: A YAML file, or none.

    Returns:
        The settings.

    Raises:
        InputError: Something else is in the file.
    """
    if not path.is_file():
        return kind()
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind)
    try:
        return kind(**vars(parser.parse_path(path)))
    except ArgumentError as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from error
