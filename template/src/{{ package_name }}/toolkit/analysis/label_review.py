"""The file in which people review hard examples."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import paths
from ..errors import UserError
from ..evaluation import read_json_lines, write_json_lines

WRONG = ("model", "data")


@dataclass(frozen=True)
class HardExample:
    """An example with a high loss, and the review of a person.

    Attributes:
        digest: Of its content, as in `Examples.digests`.
        label: As `task.label_name` names it.
        prediction: The same.
        loss: Of the prediction.
        suspect: Whether `suspected_label_errors` has found it; None if it cannot tell.
        wrong: What is wrong, by the review: `model`, `data`, or nothing yet.
        why: The reason that the reviewer gives, if any.
    """

    digest: str
    label: str
    prediction: str
    loss: float
    suspect: bool | None
    wrong: str = ""
    why: str = ""


def load_review(path: Path | None = None) -> list[HardExample]:
    """Read the reviews of hard examples; without a file there are none.

    Args:
        path: Written by `write_review`, and edited by people.

    Returns:
        The examples in the order of the file.

    Raises:
        UserError: A line of the file is not valid.
    """
    path = path or paths.review()
    if not path.is_file():
        return []
    kinds: dict[str, Any] = {
        **dict.fromkeys(("digest", "label", "prediction"), str),
        "loss": (int, float),
        "suspect": (bool, type(None)),
        **dict.fromkeys(("wrong", "why"), str),
    }
    examples = []
    for number, line in enumerate(read_json_lines(path, kinds), start=1):
        example = HardExample(**line)
        if example.wrong not in ("", *WRONG):
            raise UserError(
                f"{path}, line {number}: wrong is {' or '.join(WRONG)}, not "
                f"{example.wrong!r}"
            )
        examples.append(example)
    return examples


def write_review(examples: Sequence[HardExample], path: Path | None = None) -> None:
    """Write examples for people to review, one a line."""
    write_json_lines(path or paths.review(), [asdict(example) for example in examples])
