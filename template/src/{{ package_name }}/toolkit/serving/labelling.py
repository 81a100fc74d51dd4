"""Feedback: what people say about answers of the model in use.

They are asked about a sample of what it was asked, whatever it said: if only complaints
were looked into, the share of right answers would say nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .. import figures, interface, paths
from ..errors import UserError
from ..evaluation import load_production, write_lines
from ..interface import task
from .prediction_log import Answer, digest, read_moments

if TYPE_CHECKING:  # prediction does without
    from matplotlib.figure import Figure

UNCLEAR = "?"  # the label of what people cannot tell either
SHOWN = 12  # labels in an error message


@dataclass(frozen=True)
class Question:
    """A question for people, without the answer: who knows it agrees too easily.

    Attributes:
        label: What is right, as `task.label_name` names it; `?` if nobody can tell,
            and empty as long as nobody has looked.
        when: As in `Answer`.
        raw: The example.
    """

    label: str
    when: str
    raw: list[Any]


def load_questions(path: Path | None = None) -> list[Question]:
    """Read what people said is right; without a file, nobody was asked.

    Args:
        path: Written by `write_questions`, with labels by people.

    Returns:
        The questions in the order of the file.
    """
    path = path or paths.feedback()
    if not path.is_file():
        return []
    kinds = {**dict.fromkeys(("label", "when"), str), "raw": list}
    return [Question(**line) for line in read_moments(path, kinds)]


def write_questions(questions: Sequence[Question], path: Path | None = None) -> None:
    """Write questions for people to answer, one a line."""
    write_lines(path or paths.feedback(), [asdict(question) for question in questions])


def sample(
    answers: Iterable[Answer], asked: Sequence[Question], count: int
) -> list[Question]:
    """Choose what people are asked next.

    It is what has the smallest digests: as good as by chance, but the same questions
    whoever chooses, and what was asked in months stays one sample of all there was.

    Args:
        answers: That were logged.
        asked: What people were asked before.
        count: How many to choose.

    Returns:
        Questions that nobody was asked yet, at most so many.
    """
    known = {digest(question.raw) for question in asked}
    new = {
        key: Question("", answer.when, answer.raw)
        for answer in answers
        if (key := digest(answer.raw)) not in known
    }
    return [question for _, question in sorted(new.items())[:count]]


def labelled(questions: Iterable[Question], newest: timedelta | None = None) -> Any:
    """Make examples of what people have labelled.

    Args:
        questions: Some with labels.
        newest: How long ago the model may have been asked; by default, ever.

    Returns:
        Examples, as `task.load_splits` gives them.
    """
    since = datetime.now(UTC) - newest if newest else datetime.min.replace(tzinfo=UTC)
    told = [
        question
        for question in questions
        if question.label not in ("", UNCLEAR)
        and datetime.fromisoformat(question.when) >= since
    ]
    splits = interface.splits()
    data = splits["train"]
    names = {
        task.label_name(label): label
        for split in splits.values()
        for label in split.labels.unique()
    }
    labels = [_label(question.label, names) for question in told]
    raw = [question.raw for question in told]
    given = torch.stack(labels) if labels else data.labels[:0]
    return as_examples(raw, data, paths.feedback(), given)


def summary(answers: Sequence[Answer], questions: Iterable[Question]) -> str:
    """Say how much was asked, and what share of the answers is right.

    Args:
        answers: That were logged.
        questions: Some with labels.

    Returns:
        A line on each. What is right is what the model in use says today.
    """
    lines = ["answers   none yet"]
    if answers:
        unusual = sum(bool(answer.unusual) for answer in answers) / len(answers)
        since = f"since {answers[0].when[:10]}"
        lines = [f"answers   {len(answers):,} {since}, {unusual:.0%} with a warning"]
    told = labelled(questions)
    if len(told):
        correct = task.evaluate(load_production(), told).correct  # (N,)
        # Imported here: it takes half a second, and there is nothing to count at first.
        from scipy.stats import binomtest

        found = binomtest(int(correct.sum()), len(told)).proportion_ci(method="wilson")
        likely = f"{found.low:.0%} to {found.high:.0%}"
        share = correct.double().mean().item()
        lines += [f"labelled  {len(told)}, {share:.0%} right; of all, likely {likely}"]
    return "\n".join(lines)


def draw(questions: Sequence[Question]) -> "Figure":
    """Draw the questions that wait for an answer, with their lines in the file."""
    waiting = [
        (n, one.raw) for n, one in enumerate(questions, start=1) if not one.label
    ]
    data = interface.splits()["train"]
    shown = as_examples([raw for _, raw in waiting], data, paths.feedback())
    titles = {row: f"line {number}" for row, (number, _) in enumerate(waiting)}
    return figures.draw_titled(shown, titles)


def as_examples(
    raw: Sequence[Any], data: Any, source: Path, labels: Tensor | None = None
) -> Any:
    """Make examples, like those of the data, of what was asked.

    Args:
        raw: N examples, as lists of numbers.
        data: Any split, as `task.load_splits` gives it.
        source: The file that they came from.
        labels: What is right, shape (N,); by default nobody knows, and any label does.

    Returns:
        Examples, as those of the split.

    Raises:
        UserError: They are of another shape than the data.
    """
    shape = data.raw.shape[1:]
    found = data.raw.new_empty((0, *shape))
    with suppress(RuntimeError, TypeError, ValueError):  # such as of different lengths
        if raw:
            found = found.new_tensor(raw)  # (N, ...)
    if found.shape != (len(raw), *shape):
        raise UserError(
            f"{source} has examples of another shape than the data: take them out"
        )
    if labels is None:
        labels = data.labels[:1].expand(len(raw))
    return interface.replace(data, raw=found, labels=labels)


def _label(text: str, names: Mapping[str, Tensor]) -> Tensor:
    """Return the label of this name; where labels are numbers, any number is one."""
    if text in names:
        return names[text]
    like = next(iter(names.values()))
    if like.is_floating_point():
        with suppress(ValueError):
            return torch.tensor(float(text), dtype=like.dtype)
    known = ", ".join(sorted(names)[:SHOWN])
    raise UserError(f"{paths.feedback()}: {text!r} is no label: they are {known}")
