"""A new model compared with the production model, on the data of today."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .. import interface, paths
from ..errors import UserError
from ..interface import Evaluation, Examples
from ..run_records import load_training_record, require_finished
from .evaluation_set import TEST_SPLIT, correct, load_evaluation_set
from .model_store import NoModel, load_checkpoint, load_production, load_record
from .significance import SuiteComparison, compare_suites


class ShadowResult(Protocol):
    """The predictions of both models for logged requests, which have no labels."""

    def section(self, folder: Path) -> list[str]:
        """Return parts of the model card; their pictures go into the folder."""

    def write(self, sha256: str, folder: Path) -> None:
        """Write the result beside the record of the model with these weights."""


# Of any split, the production network and the new one, in this order.
Replay = Callable[[Any, Any, Any], ShadowResult]


@dataclass(frozen=True)
class ModelComparison:
    """A new model compared with the production model.

    Attributes:
        checkpoint: The new model.
        result: The verdict, and how both do on each suite.
        new: The evaluation of the new model on the test split.
        old: The same of the production model, if it fits today's network.
        data: The test split.
        changed_splits: Those whose data have changed since the last promotion.
        training: The record of the training of the new model.
        shadow: How both answer logged requests, if there are any.
    """

    checkpoint: Path
    result: SuiteComparison
    new: Evaluation
    old: Evaluation | None
    data: Examples
    changed_splits: list[str]
    training: dict[str, Any]
    shadow: ShadowResult | None = None

    @property
    def run(self) -> Path:
        """The folder of the run that trained the new model."""
        return self.checkpoint.resolve().parents[1]


def compare_models(
    checkpoint: Path,
    folder: Path | None = None,
    *,
    even_if_stopped_early: bool = False,
    replay: Replay | None = None,
) -> ModelComparison:
    """Compare a checkpoint with the production model, on the data of today.

    Args:
        checkpoint: Written by a training run.
        folder: Of the production model; by default, that of the repository.
        even_if_stopped_early: Accept a training that did not finish.
        replay: Compares both models on logged requests.

    Returns:
        The comparison; no file is changed.

    Raises:
        UserError: There is no such checkpoint, its training did not finish, a metric is
            not finite, or the production model is damaged.
    """
    # Imported here: its checks of types take a tenth of a second.
    from .settings import load_settings

    folder = folder or paths.production()
    net, _ = load_checkpoint(checkpoint)
    training = load_training_record(checkpoint)
    require_finished(training, checkpoint, even_if_stopped_early=even_if_stopped_early)
    splits = interface.splits()
    evaluation_set = load_evaluation_set(splits)
    new = evaluation_set.evaluate(net)
    for name, value in new[TEST_SPLIT].metrics().items():
        if not math.isfinite(value):
            raise UserError(f"{checkpoint} cannot be used: its {name} is {value}")
    shadow = None
    try:
        in_use = load_production(folder)
        old = evaluation_set.evaluate(in_use)
        recorded = load_record(folder).get("data", {})
    except (NoModel, RuntimeError):  # of another architecture, or none at all
        old, recorded = None, {}
    if old is not None and replay is not None:
        shadow = replay(splits[TEST_SPLIT], in_use, net)
    return ModelComparison(
        checkpoint=checkpoint,
        result=compare_suites(
            correct(new),
            None if old is None else correct(old),
            evaluation_set.suites,
            evaluation_set.min_accuracy,
            load_settings().alpha,
            one_sided=evaluation_set.from_files,
        ),
        new=new[TEST_SPLIT],
        old=None if old is None else old[TEST_SPLIT],
        data=splits[TEST_SPLIT],
        changed_splits=[
            name
            for name, split in splits.items()
            if name in recorded and recorded[name] != split.fingerprint()
        ],
        training=training,
        shadow=shadow,
    )
