"""Commands that train in a process of its own: recipes and retraining.

Retraining trains old configurations with the code and the data of today.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import paths
from ..cli import PROGRAM, Command, Parser
from ..errors import UserError
from ..figures import as_text
from .folders import RECORD, VARIABLE, new_run_dir
from .recipes import fit_options, recipes, run_name, yaml_files


def configurations(folder: Path | None = None) -> list[Path]:
    """Find the configurations that say `retrain: true`, also in folders of this one.

    The default one is the last: the newest run is the one that is compared.
    """
    folder = folder or paths.configs()
    found = [path for path in yaml_files(folder) if _says_retrain(path)]
    if not found:
        raise UserError(f"no file in {folder}/ has a line retrain: true")
    return sorted(found, key=lambda path: path == folder / paths.default_config().name)


def _says_retrain(path: Path) -> bool:
    # Imported here: it takes a tenth of a second.
    from jsonargparse import get_loader

    try:
        content = get_loader("yaml")(path.read_text("utf-8"))  # as `fit` reads it
    except Exception as error:  # of the reader or the parser of YAML
        text = " ".join(str(error).split())
        raise UserError(f"{path} cannot be read: {text}") from error
    value = content.get("retrain") if isinstance(content, dict) else None
    return str(value).lower() == "true"


def fit_command(options: Sequence[str]) -> list[str]:
    """Return the command line of a training."""
    return [sys.executable, "-m", __package__.partition(".")[0], "fit", *options]


def fit_in_subprocess(
    options: Sequence[str], name: str
) -> tuple[dict[str, Any] | None, str]:
    """Train in a process of its own, and read what a callback has written.

    Args:
        options: Of the command `fit`.
        name: Of the JSON file in the folder of the run.

    Returns:
        The content of the file, if there is one; and the output of the process.
    """
    run = new_run_dir(run_name(options))
    ended = _fit(options, run, text=True, capture_output=True)
    return _read_run_json(run, name), f"{ended.stdout}\n{ended.stderr}"


def _fit(
    options: Sequence[str], run: Path, **how: Any
) -> "subprocess.CompletedProcess[Any]":
    """Train in a process of its own; remove the folder of a run that did not start."""
    environ = os.environ | {VARIABLE: str(run)}
    try:
        return subprocess.run(fit_command(options), env=environ, **how)
    finally:
        with suppress(OSError):  # there is something in it, or it is gone
            run.rmdir()


def _read_run_json(run: Path, name: str) -> dict[str, Any] | None:
    """Read a JSON file in the folder of a run, if there is one."""
    path = run / name
    return json.loads(path.read_text()) if path.is_file() else None


def retrain(files: Sequence[Path], options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Train configurations one after the other, each in a process of its own.

    Return the record of each, with its folder as `run`.
    """
    for file in files:
        if not file.is_file():
            raise UserError(f"no file {file}")
    return [_train(file, options) for file in files]


def _train(file: Path, options: Sequence[str]) -> dict[str, Any]:
    print(f"\n{file}", flush=True)
    wanted = [f"--config={file}", *options]
    run = new_run_dir(run_name(wanted))
    status = _fit(wanted, run).returncode
    facts: dict[str, Any] = {"configuration": str(file), "finished": False, "run": ""}
    record = _read_run_json(run, RECORD)
    if record is not None:
        facts |= record | {"run": str(run)}
    facts["finished"] = facts["finished"] and status == 0
    return facts


def _retrain(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} retrain", "further options are those of fit")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    options = (n for n, word in enumerate(arguments) if word.startswith("-"))
    count = next(options, None)
    files, of_fit = arguments[:count], [] if count is None else arguments[count:]
    wanted = parser.parse_args([*files, *{"-h", "--help"}.intersection(of_fit)]).files

    trainings = retrain(wanted or configurations(), of_fit)
    rows = [["configuration", "seconds", "examples a second", "outcome"]]
    for facts in trainings:
        names = ("seconds", "examples_per_second")
        figures = [f"{facts.get(name, 0):,}" for name in names]
        outcome = facts["run"] or "did not begin"
        if facts["run"] and not facts["finished"]:
            outcome += "  stopped early"
        rows.append([facts["configuration"], *figures, outcome])
    print("\n" + as_text(rows))
    return 0 if all(facts["finished"] for facts in trainings) else 1


def _debug(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} debug", "further options are those of fit")
    parser.add_argument(
        "recipe", nargs="?", help="its name; without one, all are listed"
    )
    asked, options = parser.parse_known_args(arguments)
    if asked.recipe is None:
        print(as_text([["recipe", "the question"], *map(list, recipes().items())]))
        return 0
    return subprocess.run(fit_command(fit_options([asked.recipe], options))).returncode


COMMANDS: dict[str, Command] = {
    "debug": _debug,
    "retrain": _retrain,
}
