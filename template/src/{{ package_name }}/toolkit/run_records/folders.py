"""Runs: the numbered folder of each training or evaluation, and the record in it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths
from ..errors import UserError

if TYPE_CHECKING:
    from lightning import Trainer  # some commands do without it

RECORD = "record.json"  # the metadata of a run
TRAINED_ON = "trained-on.txt"  # digests of the training data, beside the record
MAX_TRAINED_ON = 20_000  # of more, the rule that chose them is recorded
# Names the folder of a run to the process that trains.
VARIABLE = f"{paths.PACKAGE.upper()}_RUN"


def new_run_dir(command: str, runs_dir: Path | None = None) -> Path:
    """Create the folder of a new run, numbered one up from the newest of all commands.

    So `fit-0001` is followed by `test-0002`.
    """
    runs_dir = runs_dir or paths.runs()
    try:
        runs_dir.mkdir(exist_ok=True)
        while True:
            number = max(map(_number, runs_dir.iterdir()), default=0) + 1
            path = runs_dir / f"{command}-{number:04d}"
            # Another run may take the same number at the same moment.
            with suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        raise UserError(f"cannot write to {runs_dir}/: {error.strerror}") from error


def start_run(command: str) -> Path:
    """Return the folder of a run that starts.

    Args:
        command: What the run does.

    Returns:
        The one that the parent process made for it, or a new one.
    """
    # Removed, as processes that this one starts are other runs.
    made = os.environ.pop(VARIABLE, "")
    return Path(made) if made else new_run_dir(command)


def newest_checkpoint(runs_dir: Path | None = None) -> Path:
    """Find the best checkpoint of the newest training run.

    Args:
        runs_dir: Holds all runs; by default, the folder of the repository that does.

    Returns:
        Its path.

    Raises:
        UserError: There is no training run yet, or the newest kept no best model.
    """
    runs_dir = runs_dir or paths.runs()
    runs = [path for path in runs_dir.glob("fit-*") if _number(path)]
    newest = max(runs, key=_number, default=None)
    if newest is None:
        raise UserError(f"no run under {runs_dir}/: train a model first, with fit")
    record = newest / RECORD
    facts = read_record(record) if record.is_file() else {}
    # An older version, or a training that was killed, did not record it.
    name = facts.get("best_checkpoint") or "checkpoints/best.ckpt"
    checkpoint = newest / name
    if not checkpoint.is_file():
        raise UserError(
            f"{newest} was not validated and has no best model: train again, or name "
            "a model with --ckpt_path"
        )
    return checkpoint


def run_of(checkpoint: Path) -> Path:
    """Return the folder of the run that wrote a checkpoint.

    Args:
        checkpoint: Its path; a name with a slash, as in `val/loss`, makes folders.

    Returns:
        The nearest folder above it with a record, or else that above `checkpoints`.
    """
    above = checkpoint.resolve().parents
    return next((path for path in above if (path / RECORD).is_file()), above[1])


def read_record(path: Path) -> dict[str, Any]:
    """Read the record of a training; what is none is a `UserError`."""
    try:
        facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
        _ = facts["finished"], facts["metrics"], facts["steps"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not a record of a training: train again, or name another "
            "checkpoint with --ckpt_path"
        ) from error
    return facts


def _number(path: Path) -> int:
    """Return the number of a run, by the name of its folder; 0 if it is none."""
    found = re.fullmatch(r".+-(\d{4,})", path.name)
    return int(found[1]) if found else 0


def run_folder(trainer: "Trainer") -> Path | None:
    """Return the folder of the run, if there is one.

    Only the process of rank zero has one, and none with `fast_dev_run`.
    """
    if trainer.fast_dev_run or not trainer.is_global_zero:  # type: ignore[attr-defined]
        return None
    folder = Path(trainer.default_root_dir)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_run_json(
    trainer: "Trainer", name: str, facts: Mapping[str, Any]
) -> Path | None:
    """Write a JSON file into the folder of the run, if there is one.

    Args:
        trainer: Of the run.
        name: Of the file.
        facts: Its content.

    Returns:
        The file.
    """
    folder = run_folder(trainer)
    if folder is None:
        return None
    path = folder / name
    path.write_text(json.dumps(facts, indent=2) + "\n")
    return path


def load_training_record(checkpoint: Path) -> dict[str, Any]:
    """Read the record of the training that wrote a checkpoint.

    Args:
        checkpoint: Still in the folder of its run.

    Returns:
        The record by its keys, as `MetadataRecorder` wrote it.

    Raises:
        UserError: There is no record.
    """
    path = run_of(checkpoint) / RECORD
    if not path.is_file():
        raise UserError(f"{path} is missing: name a checkpoint in its run, or train")
    return read_record(path)


def load_trained_on(checkpoint: Path) -> list[str] | None:
    """Read what the model of a checkpoint was trained on.

    Args:
        checkpoint: Still in the folder of its run.

    Returns:
        The digests of the examples, if they were recorded.
    """
    path = run_of(checkpoint) / TRAINED_ON
    # What is damaged is no digest, and matches none.
    text = path.read_text("utf-8", "replace") if path.is_file() else ""
    return text.split() or None


def require_finished(
    training: Mapping[str, Any],
    checkpoint: Path,
    *,
    even_if_stopped_early: bool = False,
) -> None:
    """Raise an error for a training that cannot be compared with others.

    Args:
        training: Its metadata.
        checkpoint: Named in the message.
        even_if_stopped_early: Accept a training that did not finish.

    Raises:
        UserError: It stopped early, or a metric is missing or not finite.
    """
    if not training["finished"] and not even_if_stopped_early:
        last = checkpoint.with_name("last.ckpt")
        resume = f"resume it with fit --ckpt_path {last}, or " * last.is_file()
        raise UserError(
            f"the training of {checkpoint} stopped early, after {training['steps']} "
            f"steps: {resume}train again"
        )
    metrics = training["metrics"]
    if not metrics:
        raise UserError(
            f"the training of {checkpoint} has left no metrics: train again"
        )
    for name, value in metrics.items():
        if not isinstance(value, int | float):
            raise UserError(
                f"the training of {checkpoint} ended with {name} = {value}: lower the "
                "learning rate, or look at the data"
            )


def current_commit() -> str | None:
    """Name the commit of the code, with `-dirty` if it was edited since.

    Where git knows none, such as in a repository of another user, warn with its reason.
    """
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    here = Path(__file__).parent
    try:
        done = subprocess.run(command, cwd=here, capture_output=True, text=True)
        commit, reason = done.stdout.strip(), done.stderr.partition("\n")[0]
    except OSError as error:
        commit, reason = "", f"git does not run: {error.strerror}"
    if not commit:
        print(f"warning: the record names no commit ({reason})", file=sys.stderr)
    return commit or None
