"""Judgement: a new model beside the one in use, on the data of today."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .. import interface, paths
from ..errors import UserError
from ..interface import Evaluation, Examples
from ..run_records import load_training, require_sound
from .evaluation_set import JUDGED, correct, load_exam
from .model_store import load_checkpoint, load_production, load_record
from .significance import Comparison, compare


class Trial(Protocol):
    """What both models say to requests that nobody has labelled."""

    def section(self, folder: Path) -> list[str]:
        """Return parts of the card, in Markdown; their pictures go into the folder."""

    def write(self, sha256: str, folder: Path) -> None:
        """Write the result beside the record of the model with these weights."""


# Tries a new model, the last argument, beside the one in use; the first is any split.
Replay = Callable[[Any, Any, Any], Trial]


@dataclass(frozen=True)
class Judgement:
    """What is known about a new model beside the one in use.

    Attributes:
        checkpoint: The new model.
        comparison: The verdict.
        new: What the new model says about each example.
        old: What the one in use says, if it fits today's network.
        data: The examples.
        changed: The splits that are not what they were at the last promotion.
        training: The record of the training of the new model.
        trial: What both say to questions of users, if there are any.
    """

    checkpoint: Path
    comparison: Comparison
    new: Evaluation
    old: Evaluation | None
    data: Examples
    changed: list[str]
    training: dict[str, Any]
    trial: Trial | None = None

    @property
    def run(self) -> Path:
        """The folder of the run that trained the new model."""
        return self.checkpoint.resolve().parents[1]


def judge(
    checkpoint: Path,
    folder: Path | None = None,
    *,
    even_if_stopped_early: bool = False,
    replay: Replay | None = None,
) -> Judgement:
    """Compare a checkpoint with the model in use, on the data of today.

    Args:
        checkpoint: Written by a training run.
        folder: Of the model in use; by default, where that is kept.
        even_if_stopped_early: Judge what an unfinished training has left, too.
        replay: Tries both models on what the one in use was asked.

    Returns:
        The judgement; nothing is changed by it.

    Raises:
        UserError: There is no such checkpoint, its training was not sound, or what
            it says is no number.
    """
    # Imported here: its checks of types take a tenth of a second.
    from .settings import load_settings

    folder = folder or paths.production()
    net, _ = load_checkpoint(checkpoint)
    training = load_training(checkpoint)
    require_sound(training, checkpoint, even_if_stopped_early=even_if_stopped_early)
    splits = interface.splits()
    exam = load_exam(splits)
    new = exam.evaluate(net)
    for name, value in new[JUDGED].metrics().items():
        if not math.isfinite(value):
            raise UserError(f"{checkpoint} cannot be used: its {name} is {value}")
    trial = None
    try:
        in_use = load_production(folder)
        old = exam.evaluate(in_use)
        recorded = load_record(folder).get("data", {})
    except (UserError, RuntimeError):  # of another kind, or none at all
        old, recorded = None, {}
    if old is not None and replay is not None:
        trial = replay(splits[JUDGED], in_use, net)
    return Judgement(
        checkpoint=checkpoint,
        comparison=compare(
            correct(new),
            None if old is None else correct(old),
            exam.suites,
            exam.floors,
            load_settings().chance,
            guards=exam.kept,
        ),
        new=new[JUDGED],
        old=None if old is None else old[JUDGED],
        data=splits[JUDGED],
        changed=[
            name
            for name, split in splits.items()
            if name in recorded and recorded[name] != split.fingerprint()
        ],
        training=training,
        trial=trial,
    )
