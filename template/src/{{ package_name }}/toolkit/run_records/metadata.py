"""The metadata of a training, in `record.json`."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from .folders import RECORD, read_record, run_of

TRAINED_ON = "trained-on.txt"  # digests of the training data, beside the record
MAX_TRAINED_ON = 20_000  # of more, the rule that chose them is recorded


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
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True
        )
        commit, reason = done.stdout.strip(), done.stderr.partition("\n")[0]
    except OSError as error:
        commit, reason = "", f"git does not run: {error.strerror}"
    if not commit:
        print(f"warning: the record names no commit ({reason})", file=sys.stderr)
    return commit or None
