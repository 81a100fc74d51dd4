"""The prediction log: requests and the predictions for them, a line each.

It is written by `predict --log FILE`, or by a server that calls `log_predictions`. It
holds the examples of users: make sure that you are allowed to keep them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..evaluation import read_json_lines
from ..interface import Values, task


@dataclass(frozen=True)
class LoggedPrediction:
    """A request and the prediction for it.

    Attributes:
        when: In UTC, as 2026-11-27T12:30:00+00:00.
        model: That predicted.
        source: Where the example came from.
        prediction: For people to read.
        warnings: A sentence for each attribute that is out of its range.
        raw: The example as it was read, as `task.example_to_json` writes it.
    """

    when: str
    model: str
    source: str
    prediction: str
    warnings: list[str]
    raw: Any


def log_predictions(
    path: Path,
    source: Path,
    model: str,
    raw: Values,
    predictions: Sequence[object],
    warnings: Sequence[list[str]],
) -> None:
    """Add predictions to a log.

    Args:
        path: Of the log; several programs may write to it.
        source: Where the examples came from.
        model: That predicted.
        raw: The examples as they were read.
        predictions: Of each example.
        warnings: Sentences for each example, as `out_of_range` returns them.

    Raises:
        UserError: The file cannot be written.
    """
    when = datetime.now(UTC).isoformat(timespec="seconds")
    lines = [
        LoggedPrediction(
            when,
            model,
            str(source),
            str(prediction),
            [*found],
            task.example_to_json(example),
        )
        for prediction, found, example in zip(predictions, warnings, raw, strict=True)
    ]
    text = "".join(f"{json.dumps(asdict(line))}\n" for line in lines)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UserError(f"cannot write the log {path}: {error.strerror}") from error


def load_predictions(paths: Iterable[Path]) -> list[LoggedPrediction]:
    """Read prediction logs.

    Args:
        paths: Files that `log_predictions` wrote.

    Returns:
        All predictions, the oldest first.
    """
    kinds = {
        **dict.fromkeys(("when", "model", "source", "prediction"), str),
        "warnings": list,
        "raw": object,
    }
    predictions = [
        LoggedPrediction(**line)
        for path in paths
        for line in read_timed_lines(path, kinds)
    ]
    return sorted(predictions, key=lambda prediction: prediction.when)


def read_timed_lines(path: Path, kinds: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read a JSON Lines file whose lines have a time each.

    Args:
        path: Of the file.
        kinds: The type of each value in a line, by name; `when` is one.

    Returns:
        The values of each line, by name.

    Raises:
        UserError: The file is missing, or holds something else.
    """
    try:
        found = read_json_lines(path, kinds)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no prediction log that can be read") from error
    for number, line in enumerate(found, start=1):
        try:
            moment = datetime.fromisoformat(line["when"])
        except ValueError:
            moment = datetime.min
        if moment.tzinfo is None:
            raise UserError(
                f"{path}, line {number}: {line['when']!r} is no time with a time zone"
            )
    return found


def digest(raw: Any) -> str:
    """Return a short hash of an example: the same request has the same hash."""
    return hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()[:16]
