"""Retraining: old configurations with the code and the data of today."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import InputError
from .record import RECORD
from .runs import RUNS_DIR

CONFIGS_DIR = Path("configs")
DEFAULT = CONFIGS_DIR / "default.yaml"


def configurations(folder: Path = CONFIGS_DIR) -> list[Path]:
    """Find the configurations that say `retrain: true` in a line.

    Args:
        folder: Holds YAML files.

    Returns:
        Their paths, the default one last: the newest run is the one that is compared.

    Raises:
        InputError: There is none.
    """
    wanted = re.compile(r"^retrain:\s*true\b", re.MULTILINE)
    found = [
        path
        for path in sorted(folder.glob("*.yaml"))
        if wanted.search(path.read_text("utf-8"))
    ]
    if not found:
        raise InputError(f"no file in {folder}/ has a line retrain: true")
    return sorted(found, key=lambda path: path.name == DEFAULT.name)


def fit_command(options: Sequence[str]) -> list[str]:
    """Return what trains in a process of its own."""
    return [sys.executable, "-m", __package__.partition(".")[0], "fit", *options]


def fit_and_read(
    options: Sequence[str], name: str
) -> tuple[dict[str, Any] | None, str]:
    """Train in a process of its own, and read what a callback left of it.

    Args:
        options: Of the command `fit`.
        name: Of the JSON file in the folder of the run.

    Returns:
        What is in the file, nothing if there is none; and what was printed.
    """
    before = set(RUNS_DIR.glob(f"*/{name}"))
    ended = subprocess.run(fit_command(options), text=True, capture_output=True)
    found = set(RUNS_DIR.glob(f"*/{name}")) - before
    facts = json.loads(max(found).read_text()) if found else None
    return facts, f"{ended.stdout}\n{ended.stderr}"


def retrain(files: Sequence[Path], options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Train configurations one after the other, each in a process of its own.

    Args:
        files: The configurations.
        options: Of the command `fit`, for all of them.

    Returns:
        What became of each, by what `Recorder` calls it; `run` is the folder.

    Raises:
        InputError: There is no such file.
    """
    for file in files:
        if not file.is_file():
            raise InputError(f"no file {file}")
    return [_train(file, options) for file in files]


def _train(file: Path, options: Sequence[str]) -> dict[str, Any]:
    print(f"\n{file}", flush=True)
    before = set(RUNS_DIR.glob(f"*/{RECORD}"))
    status = subprocess.run(fit_command([f"--config={file}", *options])).returncode
    found = set(RUNS_DIR.glob(f"*/{RECORD}")) - before
    facts: dict[str, Any] = {"configuration": str(file), "finished": False, "run": ""}
    if found:
        path = max(found)
        facts |= json.loads(path.read_text()) | {"run": str(path.parent)}
    facts["finished"] = facts["finished"] and status == 0
    return facts
