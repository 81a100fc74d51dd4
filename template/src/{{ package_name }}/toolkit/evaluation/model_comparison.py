"""A new model compared with the production model, on the data of today."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from .. import interface, paths
from ..errors import UserError
from ..interface import Evaluation, Examples
from ..run_records import (
    load_trained_on,
    load_training_record,
    require_finished,
    run_of,
)
from .evaluation_set import TEST_SPLIT, EvaluationSet, load_evaluation_set, outcomes
from .example_records import ExampleRecords, Result, label_text, seen_in_training
from .model_store import (
    NoModel,
    load_checkpoint,
    load_example_records,
    load_production,
    load_record,
)
from .significance import (
    Outcomes,
    SuiteComparison,
    compare_suites,
    load_settings,
    require_minima,
)


class ShadowResult(Protocol):
    """The predictions of both models for logged requests, which have no labels."""

    def section(self, folder: Path) -> list[str]:
        """Return parts of the model card; their pictures go into the folder."""

    def write(self, sha256: str, folder: Path) -> None:
        """Write the result beside the record of the model with these weights."""


# Of the production network and the new one, in this order.
Replay = Callable[[Any, Any], ShadowResult]


@dataclass(frozen=True)
class ModelComparison:
    """A new model compared with the production model."""

    checkpoint: Path  # the new model
    result: SuiteComparison
    new: Evaluation  # on the test split
    old: Evaluation | None  # of the production model, if it fits today's network
    old_correct: Tensor | None  # of the production model, today or as recorded, (N,)
    data: Examples  # the test split, without the examples that are left out
    left_out: int  # how many are
    changed_splits: list[str]  # whose data have changed since the last promotion
    notes: list[str]  # sentences on what the comparison leaves out, and why
    in_use: bool  # whether there is a production model
    training: dict[str, Any]  # the record of the new model's training
    shadow: ShadowResult | None = None  # answers to logged requests, if there are any

    @property
    def run(self) -> Path:
        """The folder of the run that trained the new model."""
        return run_of(self.checkpoint)


@dataclass(frozen=True)
class _Production:
    """The production model, or what its record says of it."""

    net: Any  # None if it does not fit today's network
    record: Mapping[str, Any]  # empty if there is no production model
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
    net, _ = load_checkpoint(checkpoint)
    training = load_training_record(checkpoint)
    require_finished(training, checkpoint, even_if_stopped_early=even_if_stopped_early)
    production = _load(folder or paths.production())
    splits = interface.splits()
    whole = load_evaluation_set(splits)
    left_out = _left_out(production, checkpoint, training, splits, whole)
    evaluation_set = whole.without({*left_out.seen, *left_out.others})
    new = evaluation_set.evaluate(net)
    for name, value in new[TEST_SPLIT].metrics().items():
        if not math.isfinite(value):
            raise UserError(f"{checkpoint} cannot be used: its {name} is {value}")
    old, shadow = None, None
    if production.net is not None:
        old = evaluation_set.evaluate(production.net)
        if replay is not None:
            shadow = replay(production.net, net)
    before = _before(old, left_out.results, evaluation_set)
    data = evaluation_set.splits[TEST_SPLIT]
    settings = load_settings()
    result = compare_suites(
        outcomes(new),
        before,
        evaluation_set.suites,
        evaluation_set.min_accuracy,
        settings.alpha,
        one_sided=evaluation_set.from_files,
        groups=evaluation_set.groups(),
        decides=settings.decides,
    )
    if left_out.others:
        own = whole.without(left_out.seen)
        every = outcomes(own.evaluate(net))
        minima = compare_suites(every, None, own.suites, own.min_accuracy)
        result = require_minima(result, minima.suites)
    notes = left_out.notes
    if gone := whole.suites.keys() - evaluation_set.suites.keys():
        notes.append(f"not compared: {', '.join(sorted(gone))}, with no example left")
    recorded = production.record.get("data", {})
    return ModelComparison(
        checkpoint=checkpoint,
        result=result,
        new=new[TEST_SPLIT],
        old=None if old is None else old[TEST_SPLIT],
        old_correct=None if before is None else before.correct[: len(data)],
        data=data,
        left_out=len(splits[TEST_SPLIT]) - len(data),
        changed_splits=[
            name
            for name, split in splits.items()
            if name in recorded and recorded[name] != split.fingerprint()
        ],
        notes=notes,
        in_use=bool(production.record),
        training=training,
        shadow=shadow,
    )


@dataclass
class _LeftOut:
    """Digests of the examples that say nothing about which model is better."""

    seen: set[str] = field(default_factory=set)  # in training, by the new model
    # By the production model, or without a result of it.
    others: set[str] = field(default_factory=set)
    # Recorded, of a production model that cannot be evaluated.
    results: Mapping[str, Result] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


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


def _left_out(
    production: _Production,
    checkpoint: Path,
    training: Mapping[str, Any],
    splits: Mapping[str, Any],
    whole: EvaluationSet,
) -> _LeftOut:
    """Find the examples that say nothing about which model is better."""
    wanted, found = whole.in_suites(), _LeftOut()
    models: list[tuple[str, set[str] | None, set[str]]] = []
    if production.record:
        record = production.record.get("training", {})
        seen = seen_in_training(production.examples.trained_on, record, splits)
        models.append(("the production model", seen, found.others))
    seen = seen_in_training(load_trained_on(checkpoint), training, splits)
    models.append(("the new model", seen, found.seen))
    for model, seen, left_out in models:
        if seen is None:
            found.notes.append(
                f"whether {model} was trained on some of these examples is not recorded"
            )
        elif known := seen & wanted:
            left_out |= known
            found.notes.append(
                f"left out: {len(known)} examples that {model} was trained on"
            )
    if production.record and production.net is None:
        _leave_out_unknown(production.examples.results, whole, found)
    return found


def _leave_out_unknown(
    recorded: Mapping[str, Result], whole: EvaluationSet, found: _LeftOut
) -> None:
    """Leave out what a production model that cannot be evaluated has no result of."""
    found.notes.append("the production model does not fit the network in model.py")
    every = [label_text(y) for data in whole.splits.values() for y in data.labels]
    labels = dict(zip(whole.digests(), every, strict=True))
    wanted = whole.in_suites()
    known = {
        digest: result
        for digest, result in recorded.items()
        if digest in wanted and result.label == labels[digest]
    }
    test = {*interface.digests(whole.splits[TEST_SPLIT])}
    if not (test & known.keys()) - found.others - found.seen:
        found.notes.append(
            "no result of it is recorded for these examples: only minimum accuracies "
            "count"
        )
        return
    found.notes.append("its recorded results are compared")
    found.results = known
    if unknown := wanted - known.keys() - found.others - found.seen:
        found.others |= unknown
        found.notes.append(
            f"left out: {len(unknown)} examples without a recorded result, or with "
            "another label since then"
        )


def _before(
    old: Mapping[str, Evaluation] | None,
    results: Mapping[str, Result],
    evaluation_set: EvaluationSet,
) -> Outcomes | None:
    """Return how the production model does on each example, today or as recorded."""
    if old is not None:
        return outcomes(old)
    if not results:
        return None
    # One that is in no suite does not count.
    unknown = Result("", correct=False, loss=0, error=0)
    found = [results.get(digest, unknown) for digest in evaluation_set.digests()]
    errors = [result.error for result in found if result.error is not None]
    return Outcomes(
        torch.tensor([result.correct for result in found]),
        torch.tensor(errors) if len(errors) == len(found) else None,
    )
