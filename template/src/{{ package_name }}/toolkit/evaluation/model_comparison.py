"""A new model compared with the production model, on the data of today."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from .. import interface, paths
from ..errors import UserError
from ..interface import Evaluation, Examples, task
from ..run_records import load_trained_on, load_training_record, require_finished
from .evaluation_set import TEST_SPLIT, EvaluationSet, correct, load_evaluation_set
from .example_records import ExampleRecords, Result, seen_in_training
from .model_store import (
    NoModel,
    load_checkpoint,
    load_example_records,
    load_production,
    load_record,
)
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
        old_correct: Which of these examples the production model predicts correctly,
            today or as recorded; shape (N,).
        data: The test split, without the examples that are left out.
        changed_splits: Those whose data have changed since the last promotion.
        notes: Sentences on what the comparison leaves out, and why.
        training: The record of the training of the new model.
        shadow: How both answer logged requests, if there are any.
    """

    checkpoint: Path
    result: SuiteComparison
    new: Evaluation
    old: Evaluation | None
    old_correct: Tensor | None
    data: Examples
    changed_splits: list[str]
    notes: list[str]
    training: dict[str, Any]
    shadow: ShadowResult | None = None

    @property
    def run(self) -> Path:
        """The folder of the run that trained the new model."""
        return self.checkpoint.resolve().parents[1]


@dataclass(frozen=True)
class _Production:
    """The production model, or what its record says of it.

    Attributes:
        net: Unless it does not fit today's network.
        record: Empty if there is no production model.
        examples: What is recorded of single examples.
    """

    net: Any
    record: Mapping[str, Any]
    examples: ExampleRecords


def compare_models(
    checkpoint: Path,
    folder: Path | None = None,
    *,
    even_if_stopped_early: bool = False,
    replay: Replay | None = None,
) -> ModelComparison:
    """Compare a checkpoint with the production model, on the data of today.

    Examples that one of the two was trained on are left out. A production model that
    does not fit today's network is compared by its recorded results.

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

    net, _ = load_checkpoint(checkpoint)
    training = load_training_record(checkpoint)
    require_finished(training, checkpoint, even_if_stopped_early=even_if_stopped_early)
    production = _load(folder or paths.production())
    splits = interface.splits()
    evaluation_set, results, notes = _comparable(
        production, checkpoint, training, splits
    )
    new = evaluation_set.evaluate(net)
    for name, value in new[TEST_SPLIT].metrics().items():
        if not math.isfinite(value):
            raise UserError(f"{checkpoint} cannot be used: its {name} is {value}")
    old, shadow = None, None
    if production.net is not None:
        old = evaluation_set.evaluate(production.net)
        if replay is not None:
            shadow = replay(splits[TEST_SPLIT], production.net, net)
    old_correct = _old_correct(old, results, evaluation_set)
    data = evaluation_set.splits[TEST_SPLIT]
    recorded = production.record.get("data", {})
    return ModelComparison(
        checkpoint=checkpoint,
        result=compare_suites(
            correct(new),
            old_correct,
            evaluation_set.suites,
            evaluation_set.min_accuracy,
            load_settings().alpha,
            one_sided=evaluation_set.from_files,
        ),
        new=new[TEST_SPLIT],
        old=None if old is None else old[TEST_SPLIT],
        old_correct=None if old_correct is None else old_correct[: len(data)],
        data=data,
        changed_splits=[
            name
            for name, split in splits.items()
            if name in recorded and recorded[name] != split.fingerprint()
        ],
        notes=notes,
        training=training,
        shadow=shadow,
    )


def _load(folder: Path) -> _Production:
    """Load the production model, as far as there is one and it fits."""
    try:
        record = load_record(folder)
    except NoModel:
        return _Production(None, {}, ExampleRecords())
    examples = load_example_records(folder)
    try:
        return _Production(load_production(folder), record, examples)
    except NoModel:  # of another architecture
        return _Production(None, record, examples)


def _comparable(
    production: _Production,
    checkpoint: Path,
    training: Mapping[str, Any],
    splits: Mapping[str, Any],
) -> tuple[EvaluationSet, Mapping[str, Result], list[str]]:
    """Leave out the examples that say nothing about which model is better.

    Args:
        production: The model in use.
        checkpoint: The new model.
        training: The record of its training.
        splits: The data of today.

    Returns:
        The other examples; recorded results of the production model for them, if it
        cannot be evaluated; and a sentence on each kind that was left out.
    """
    evaluation_set = load_evaluation_set(splits)
    comparable = {*evaluation_set.digests()}
    left_out: set[str] = set()
    results: Mapping[str, Result] = {}
    notes = []
    models: list[tuple[str, Collection[str] | None, Mapping[str, Any]]] = []
    if production.record:
        record = production.record.get("training", {})
        models.append(("the production model", production.examples.trained_on, record))
    models.append(("the new model", load_trained_on(checkpoint), training))
    for model, digests, record in models:
        seen = seen_in_training(digests, record, splits)
        if seen is None:
            notes.append(
                f"whether {model} was trained on some of these examples is not recorded"
            )
        elif found := (seen & comparable) - left_out:
            left_out |= found
            notes.append(f"left out: {len(found)} examples that {model} was trained on")
    if production.record and production.net is None:
        notes.append("the production model does not fit the network in model.py")
        names = _labels(evaluation_set)
        known = {
            digest: result
            for digest, result in production.examples.results.items()
            if digest in comparable and result.label == names[digest]
        }
        if known.keys().isdisjoint(evaluation_set.splits[TEST_SPLIT].digests()):
            notes.append(
                "no result of it is recorded for these examples: only minimum "
                "accuracies count"
            )
        else:
            notes.append("its recorded results are compared")
            results = known
            if found := comparable - left_out - known.keys():
                left_out |= found
                notes.append(
                    f"left out: {len(found)} examples that are new or have another "
                    "label since then"
                )
    if left_out:
        evaluation_set = evaluation_set.without(left_out)
    return evaluation_set, results, notes


def _labels(evaluation_set: EvaluationSet) -> dict[str, str]:
    """Return the name of the label of each example by its digest."""
    return {
        digest: task.label_name(label)
        for data in evaluation_set.splits.values()
        for digest, label in zip(data.digests(), data.labels, strict=True)
    }


def _old_correct(
    old: Mapping[str, Evaluation] | None,
    results: Mapping[str, Result],
    evaluation_set: EvaluationSet,
) -> Tensor | None:
    """Return which examples the production model predicts correctly, shape (N,)."""
    if old is not None:
        return correct(old)
    if not results:
        return None
    digests = [d for data in evaluation_set.splits.values() for d in data.digests()]
    # One that is in no suite does not count.
    return torch.tensor([d in results and results[d].correct for d in digests])
