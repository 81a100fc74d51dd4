"""The review: what people say about examples that a model is bad at."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import paths
from ..errors import UserError
from ..evaluation import read_lines, write_lines

ANSWERS = ("model", "data")


@dataclass(frozen=True)
class Case:
    """An example with a high loss, and what a person says about it.

    Attributes:
        digest: Of its content, as in `Examples.digests`.
        label: As `task.label_name` names it.
        prediction: The same of what was predicted.
        loss: What the prediction costs.
        suspect: Whether it looks like a wrong label, as `suspects` says.
        wrong: Who is, in a person's eyes: `model`, `data`, or nothing yet.
        why: A remark of this person.
    """

    digest: str
    label: str
    prediction: str
    loss: float
    suspect: bool
    wrong: str = ""
    why: str = ""


def load_review(path: Path | None = None) -> list[Case]:
    """Read what people said about hard examples; without a file, nobody did.

    Args:
        path: Written by `write_review`, with answers of people.

    Returns:
        The cases in the order of the file.

    Raises:
        UserError: Something else is in the file, or an answer that is none.
    """
    path = path or paths.review()
    if not path.is_file():
        return []
    kinds: dict[str, Any] = {
        **dict.fromkeys(("digest", "label", "prediction"), str),
        "loss": (int, float),
        "suspect": bool,
        **dict.fromkeys(("wrong", "why"), str),
    }
    cases = []
    for number, line in enumerate(read_lines(path, kinds), start=1):
        case = Case(**line)
        if case.wrong not in ("", *ANSWERS):
            raise UserError(
                f"{path}, line {number}: who is wrong is {' or '.join(ANSWERS)}, not "
                f"{case.wrong!r}"
            )
        cases.append(case)
    return cases


def write_review(cases: Sequence[Case], path: Path | None = None) -> None:
    """Write cases for people to answer, one a line."""
    write_lines(path or paths.review(), [asdict(case) for case in cases])
