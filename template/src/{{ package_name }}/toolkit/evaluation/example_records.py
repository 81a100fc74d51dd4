"""What is recorded of single examples: which a model was trained on, and its results.

So a later comparison knows which of today's examples it was trained on, and how it did
on each of them, even if today's code can no longer load it.
"""

import csv
import hashlib
import io
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch

from .. import interface
from ..errors import UserError
from ..interface import Evaluation, task
from ..run_records import MAX_TRAINED_ON
from ..splits import SplitRule
from .evaluation_set import TEST_SPLIT, TRAIN_SPLIT

FILE = "examples.csv"  # beside the record of the model


class Result(NamedTuple):
    """How a model did on one example."""

    label: str  # the true one, as `label_text` writes it
    correct: bool
    loss: float  # in the unit of training
    error: float | None = None  # as in `Evaluation`, if it has errors


COLUMNS = ("digest", "split", *Result._fields)


@dataclass(frozen=True)
class ExampleRecords:
    """What is recorded of single examples, each by the digest of its content."""

    splits: Mapping[str, str] = field(default_factory=dict)
    # Of the examples that the model was not trained on.
    results: Mapping[str, Result] = field(default_factory=dict)
    trained_on: Collection[str] | None = None  # if it is recorded

    def is_complete(self, split: str) -> bool:
        """Return whether a split is recorded as a whole, not as a part."""
        if split == TRAIN_SPLIT:
            return self.trained_on is not None
        return sum(each == split for each in self.splits.values()) < MAX_TRAINED_ON


def write_example_records(
    folder: Path,
    trained_on: Collection[str] | None,
    results: Iterable[tuple[str, Any, Evaluation]],
) -> str:
    """Write `examples.csv` into the folder of a model, and return its hash.

    The results are name, examples and evaluation of each split but the training split.
    Of a large one, the examples with the smallest digests are recorded.
    """
    lines = {digest: [TRAIN_SPLIT, "", "", "", ""] for digest in trained_on or ()}
    for name, data, evaluation in results:
        labels = map(label_text, data.labels)
        correct, losses = evaluation.correct.tolist(), evaluation.losses.tolist()
        errors = getattr(evaluation, "errors", None)
        errors = [math.nan] * len(losses) if errors is None else errors.tolist()
        digests = interface.digests(data)
        rows = zip(digests, labels, correct, losses, errors, strict=True)
        for digest, label, right, loss, error in sorted(rows)[:MAX_TRAINED_ON]:
            known = "" if math.isnan(error) else f"{error:.5g}"
            line = [name, label, str(int(right)), f"{loss + 0.0:.5g}", known]
            lines.setdefault(digest, line)
    columns = COLUMNS if any(line[-1] for line in lines.values()) else COLUMNS[:-1]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([d, *line][: len(columns)] for d, line in sorted(lines.items()))
    (folder / FILE).write_text(file.getvalue(), "utf-8", newline="")
    return _hash(file.getvalue())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def label_text(label: Any) -> str:
    """Return what `task.label_name` says; of a number with a point, all its digits."""
    number = label.item() if getattr(label, "ndim", 1) == 0 else label
    return repr(number) if isinstance(number, float) else task.label_name(label)


def read_example_records(path: Path, known_hash: str) -> ExampleRecords:
    """Read `examples.csv`; a file with another hash is a `UserError`.

    Line ends do not count in the hash, as git may change them.
    """
    splits: dict[str, str] = {}
    results: dict[str, Result] = {}
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        text = ""
    if _hash(text) != known_hash:
        raise UserError(
            f"{path} is not the file of its record.json: restore both with git checkout"
        )
    for row in csv.DictReader(io.StringIO(text)):
        digest = row["digest"]
        splits[digest] = row["split"]
        if row["split"] != TRAIN_SPLIT:
            correct = bool(int(row["correct"]))
            error = row.get("error")  # a record without errors has no such column
            known = float(error) if error else None
            results[digest] = Result(row["label"], correct, float(row["loss"]), known)
    trained_on = [digest for digest, split in splits.items() if split == TRAIN_SPLIT]
    return ExampleRecords(splits, results, trained_on or None)


class Changes(NamedTuple):
    """How a model does today on the examples that have recorded results."""

    wrong: str  # what it does otherwise, in a line, or nothing
    note: str  # what the data have lost or got since then, or nothing


def find_changes(
    records: ExampleRecords, data: Any, evaluation: Evaluation, tolerance: float
) -> Changes:
    """Compare the results of a model with its recorded ones, example by example.

    The data are today's test split; the tolerance of a loss is absolute and relative.
    """
    digests = interface.digests(data)
    row_of = {d: row for row, d in enumerate(digests) if d in records.results}
    same = {
        row: records.results[digest]
        for digest, row in row_of.items()
        if records.results[digest].label == label_text(data.labels[row])
    }
    lost = records.results.keys() - row_of
    gone = [digest for digest in lost if records.splits[digest] == TEST_SPLIT]
    counts = {
        "new": (len(digests) - len(row_of)) * records.is_complete(TEST_SPLIT),
        "gone": len(gone),
        "with another label": len(row_of) - len(same),
    }
    note = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    if not same:
        return Changes("no example with a recorded result is left: promote", note)
    rows = [*same]
    before = torch.tensor([known.loss for known in same.values()])  # (R,)
    right = torch.tensor([known.correct for known in same.values()])  # (R,)
    difference = (evaluation.losses[rows].cpu().float() - before).abs()  # (R,)
    wrong = ~(difference <= tolerance * (1 + before.abs()))  # (R,), also nan
    if wrong.any():
        first = digests[rows[int(wrong.nonzero()[0])]]
        text = f"{int(wrong.sum())} of {len(rows)} losses are not those recorded"
        return Changes(f"{text}, such as that of {first}", note)
    other = int((evaluation.correct[rows].cpu() != right).sum())
    return Changes(f"{other} predictions differ in correctness" * bool(other), note)


def seen_in_training(
    trained_on: Collection[str] | None,
    training: Mapping[str, Any],
    splits: Mapping[str, Any],
) -> set[str] | None:
    """Return the digests of today's evaluated examples that a model was trained on.

    These are all but the training split. None means that it is not known.
    """
    others = {name: data for name, data in splits.items() if name != TRAIN_SPLIT}
    every = [digest for data in others.values() for digest in interface.digests(data)]
    if trained_on is not None:
        return {*every}.intersection(trained_on)
    if splits[TRAIN_SPLIT].fingerprint() == training.get("data", {}).get(TRAIN_SPLIT):
        return set()
    # The training data of a large project are recorded by the rule that chose them.
    rule = training.get("split_rule")
    if rule is None or rule["by"] != "content":  # groups may be others by now
        return None
    chosen = SplitRule(rule["salt"], rule["fractions"])
    return {digest for digest in every if chosen.split_of(digest) == TRAIN_SPLIT}
