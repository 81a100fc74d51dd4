"""Configurations: recipes that answer one question, and files of settings."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from .. import paths
from ..errors import UserError

Kind = TypeVar("Kind")


def recipes(folder: Path | None = None) -> dict[str, str]:
    """List the recipes: by name the first line of each, which says what it is for."""
    folder = folder or paths.recipes()
    found = {
        name: path.read_text("utf-8").partition("\n")[0].lstrip("# ")
        for name, path in _files(folder).items()
    }
    if not found:
        raise UserError(f"no recipes: there is no YAML file in {folder}/")
    return found


def fit_options(
    names: Sequence[str], options: Sequence[str], folder: Path | None = None
) -> list[str]:
    """Put recipes between the configurations and the other options of `fit`.

    Recipes come after the configurations, whose settings they overrule.

    Args:
        names: Of the recipes.
        options: Of the command `fit`.
        folder: Holds the recipes.

    Returns:
        All options, in their order.

    Raises:
        UserError: There is no such recipe, or an option names no file.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "fast.yaml").write_text("# A few batches.")
        >>> options = ["--trainer.max_epochs=2", "--config=configs/wide.yaml"]
        >>> [option[:12] for option in fit_options(["fast"], options, folder)]
        ['--config=con', '--config=/tm', '--trainer.ma']
    """
    folder = folder or paths.recipes()
    known = recipes(folder)
    for name in names:
        if name not in known:
            there = ", ".join(known)
            raise UserError(f"no recipe {name!r} in {folder}/: it has {there}")
    configurations, others = _divide(options)
    file_of = _files(folder)
    wanted = [f"--config={file_of[name]}" for name in names]
    given = [f"--config={file}" for file in configurations]
    return [*given, *wanted, *others]


def _files(folder: Path) -> dict[str, Path]:
    """Return the file of each recipe by its name."""
    return {path.stem: path for path in yaml_files(folder) if path.parent == folder}


def yaml_files(folder: Path) -> list[Path]:
    """Return the YAML files in a folder and in the folders below it, sorted."""
    return sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")])


def _divide(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate the configurations from all other options."""
    configurations, others = [], []
    words = iter(options)
    for word in words:
        # `-c FILE`, `-cFILE`, `--config FILE` or `--config=FILE`
        found = re.fullmatch(r"(?:--config|-c)(?:=(.*))?|-c(.+)", word, re.DOTALL)
        if found is None:
            others.append(word)
            continue
        inside = [group for group in found.groups() if group is not None]
        file = inside[0] if inside else next(words, "")
        if not file:
            raise UserError(f"{word} names no file")
        configurations.append(file)
    return configurations, others


def run_name(options: Sequence[str]) -> str:
    """Return what the folder of a training is called: its last recipe, or else `fit`.

    A training with a recipe makes no model to promote.
    """
    configurations, _ = _divide(options)
    return recipe_among(configurations) or "fit"


def recipe_among(files: Iterable[object]) -> str | None:
    """Name the recipe that a training was given, if there is one.

    Args:
        files: Its configurations.

    Returns:
        The name of the last one.

    Examples:
        >>> recipe_among(["wide.yaml", paths.recipes() / "shapes.yaml"])
        'shapes'
        >>> recipe_among(["wide.yaml"])
    """
    folder = paths.recipes().resolve()
    given = [Path(str(file)).resolve() for file in files]
    names = [path.stem for path in given if path.parent == folder]
    return names[-1] if names else None


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
    except (ArgumentError, ValueError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error
