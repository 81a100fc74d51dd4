"""Settings that a team writes down in a file of its own."""

from pathlib import Path
from typing import TypeVar

from .. import paths
from ..errors import UserError

Kind = TypeVar("Kind")


def read_settings(kind: type[Kind], path: Path) -> Kind:
    """Read settings.

    Args:
        kind: A dataclass of them; what is not in the file is as it says.
        path: A YAML file. There need be none in a folder without configurations.

    Returns:
        The settings.

    Raises:
        UserError: The file is missing, or something else is in it.
    """
    if not path.is_file():
        if path.with_name(paths.default_config().name).is_file():
            # Defaults would compare a model without its thresholds.
            raise UserError(
                f"{path} is missing: restore it with git checkout, or make an empty "
                "one for the defaults"
            )
        return kind()
    lines = path.read_text("utf-8").splitlines()
    if {line.partition("#")[0].strip() for line in lines} <= {"", "---", "null"}:
        return kind()  # jsonargparse takes an empty file for a mistake
    # Imported here: it takes a tenth of a second.
    from jsonargparse import ArgumentError, ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind)
    try:
        return kind(**vars(parser.parse_path(path)))
    except ArgumentError as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error
