"""Where the files of this repository are, wherever a command is called.

Each is looked up when it is needed, and none is a constant of a module: what was found
in one folder must not be read or written in another.
"""

import os
from pathlib import Path

from .errors import UserError

PACKAGE = __name__.partition(".")[0]
VARIABLE = f"{PACKAGE.upper()}_ROOT"  # another root, such as an empty one for a test


def root() -> Path:
    """Return the absolute path of the repository that this package is in.

    It is empty for the current folder: what is printed is then short, and names no
    machine. A package installed without its repository works in the current folder.
    """
    given = os.environ.get(VARIABLE)
    folder = Path(given) if given else Path(__file__).resolve().parents[3]
    if given and not folder.is_dir():
        raise UserError(f"{VARIABLE} names no folder: {folder}")
    if not given and not (folder / "pyproject.toml").is_file():
        return Path()
    folder, here = folder.resolve(), Path.cwd()
    for other in () if given else (here, *here.parents):
        # Such as a second worktree: neither is what somebody means who works in it.
        if (other / "src" / PACKAGE / "toolkit").is_dir() and other != folder:
            raise UserError(
                f"this is {other}, but the package that runs is in {folder}: take the "
                f"environment of this repository, or set {VARIABLE}"
            )
        if other == folder:
            break
    return Path() if folder == here else folder


def found(path: Path) -> Path:
    """Return a path of a configuration: from the current folder, or else the root."""
    return path if path.exists() else root() / path


def configs() -> Path:
    """Return the folder of the configurations."""
    return root() / "configs"


def default_config() -> Path:
    """Return the configuration that all others change."""
    return configs() / "default.yaml"


def recipes() -> Path:
    """Return the folder of the recipes."""
    return configs() / "debug"


def settings() -> Path:
    """Return the settings of the comparison of models."""
    return configs() / "comparison.yaml"


def studies() -> Path:
    """Return the sizes that `scale-data` and `scale-model` train."""
    return configs() / "studies.yaml"


def suites() -> Path:
    """Return the folder of the suites."""
    return root() / "tests" / "model" / "suites"


def review() -> Path:
    """Return the file in which people review hard examples."""
    return root() / "tests" / "model" / "review.jsonl"


def feedback() -> Path:
    """Return the file in which people label logged requests."""
    return root() / "tests" / "model" / "feedback.jsonl"


def speed() -> Path:
    """Return the file of the recorded speeds of training."""
    return root() / "tests" / "training" / "speed.json"


def runs() -> Path:
    """Return the folder of all runs."""
    return root() / "runs"


def production() -> Path:
    """Return the folder of the production model."""
    return root() / "models" / "production"


def build(name: str) -> Path:
    """Return the path of a file that can be made again, such as a picture."""
    return root() / "build" / name
