"""Answers: what the model was asked in use, and what it said, a line each.

They are kept by `predict --log FILE`, or by a server that calls `log`. The examples are
kept with them: be sure that you may.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import UserError
from ..evaluation import read_lines


@dataclass(frozen=True)
class Answer:
    """A question that the model was asked, and what it said.

    Attributes:
        when: In UTC, as 2026-11-27T12:30:00+00:00.
        model: Which one was asked.
        source: Where the example came from.
        answer: What the model said.
        unusual: How the example is unlike the data, in sentences.
        raw: The example as it was read, as lists of numbers.
    """

    when: str
    model: str
    source: str
    answer: str
    unusual: list[str]
    raw: list[Any]


def log(
    path: Path,
    source: Path,
    model: str,
    raw: Tensor,
    answers: Sequence[object],
    remarks: Sequence[list[str]],
) -> None:
    """Add answers to a file.

    Args:
        path: Of the log; several programs may write into it.
        source: Where the examples came from.
        model: Which one answered.
        raw: The examples as they were read, shape (N, ...).
        answers: What the model said about each.
        remarks: How each is unlike the data.

    Raises:
        UserError: The file cannot be written.
    """
    when = datetime.now(UTC).isoformat(timespec="seconds")
    lines = [
        Answer(when, model, str(source), str(answer), [*remark], example)
        for answer, remark, example in zip(answers, remarks, raw.tolist(), strict=True)
    ]
    text = "".join(f"{json.dumps(asdict(line))}\n" for line in lines)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UserError(f"no answer is kept in {path}: {error.strerror}") from error


def load_answers(paths: Iterable[Path]) -> list[Answer]:
    """Read logs.

    Args:
        paths: Files that `log` wrote.

    Returns:
        All answers, the oldest first.
    """
    kinds = {
        **dict.fromkeys(("when", "model", "source", "answer"), str),
        **dict.fromkeys(("unusual", "raw"), list),
    }
    answers = [Answer(**line) for path in paths for line in read_moments(path, kinds)]
    return sorted(answers, key=lambda answer: answer.when)


def read_moments(path: Path, kinds: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read a file whose lines have a moment each.

    Args:
        path: Of the file.
        kinds: The type of each value in a line, by name; `when` is one.

    Returns:
        The values of each line, by name.

    Raises:
        UserError: The file is missing, or holds something else.
    """
    try:
        found = read_lines(path, kinds)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no file of answers that can be read") from error
    for number, line in enumerate(found, start=1):
        try:
            moment = datetime.fromisoformat(line["when"])
        except ValueError:
            moment = datetime.min
        if moment.tzinfo is None:
            raise UserError(
                f"{path}, line {number}: {line['when']!r} is no moment with a time zone"
            )
    return found


def digest(raw: list[Any]) -> str:
    """Return a short hash of an example: the same question has the same."""
    return hashlib.sha256(json.dumps(raw).encode()).hexdigest()[:16]
