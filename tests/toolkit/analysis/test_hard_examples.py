"""Do hard examples become a suite after a person has reviewed them?"""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from digit_recognizer.toolkit import paths
from digit_recognizer.toolkit.analysis.hard_examples import (
    NAME,
    collect_hard_examples,
    extend_suite,
    suspected_label_errors,
)
from digit_recognizer.toolkit.analysis.label_review import (
    HardExample,
    load_review,
    write_review,
)
from digit_recognizer.toolkit.cli.commands import main
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.evaluation import load_production
from digit_recognizer.toolkit.evaluation.evaluation_set import load_evaluation_set
from digit_recognizer.toolkit.evaluation.suites import load_suites, write_suite
from digit_recognizer.toolkit.interface import TASK, task
from tests.helpers.training import enter

pytestmark = pytest.mark.task_interface

EXAMPLE = HardExample("0123", "1", "2", 3.5, suspect=True)


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a new folder, so that the project's review is unchanged."""
    enter(tmp_path, monkeypatch, "models/production")


def review_first(*verdicts: str) -> None:
    """Review the first examples: is the model wrong, or the data?"""
    examples = load_review()
    for row, wrong in enumerate(verdicts):
        examples[row] = dataclasses.replace(
            examples[row], wrong=wrong, why=f"as {row} says"
        )
    write_review(examples)


def mislabelled() -> tuple[Any, list[str]]:
    """Return the validation split with swapped labels, and their digests.

    Ten labels are swapped, or fewer in a small split: each with the one that is half of
    the sorted labels away.
    """
    data = task.load_splits()["val"]
    half = len(data) // 2
    order = data.labels.argsort()  # (N,)
    places = torch.linspace(0, half - 1, min(5, len(data) // 36)).long()
    few, many = order[places], order[places + half]
    labels = data.labels.clone()
    labels[few], labels[many] = data.labels[many], data.labels[few]
    digests = data.digests()
    changed = [digests[row] for row in [*few.tolist(), *many.tolist()]]
    return dataclasses.replace(data, labels=labels), changed


def test_wrong_labels_are_among_the_hardest() -> None:
    """All swapped labels are among the 25 hardest examples."""
    data, changed = mislabelled()
    evaluation = task.evaluate(load_production(), data)
    found = [
        example.digest for example in collect_hard_examples(evaluation, data, [], 25)
    ]
    assert {*changed} <= {*found}


def without_correct(losses: torch.Tensor) -> Any:
    """Return an evaluation without correct predictions."""
    data = task.load_splits()["val"]
    wrong = torch.zeros(len(data), dtype=torch.bool)
    return SimpleNamespace(predictions=data.labels, losses=losses, correct=wrong)


def test_suspected_label_errors_are_marked() -> None:
    """An example whose loss is an outlier is a suspect."""
    data = task.load_splits()["val"]
    losses = torch.zeros(len(data))
    losses[3] = 1
    examples = collect_hard_examples(without_correct(losses), data, [], 2)
    assert [example.suspect for example in examples] == [True, False]
    assert examples[0].digest == data.digests()[3]
    assert (examples[0].loss, examples[1].loss) == (1, 0)


def test_suspects_have_confident_wrong_predictions() -> None:
    """Suspects reach the mean confidence of correct predictions of their class."""
    evaluation = SimpleNamespace(
        predictions=torch.tensor([0, 0, 0, 0, 1, 1, 2]),
        correct=torch.tensor([True, True, False, False, True, False, False]),
        confidences=torch.tensor([0.9, 0.7, 0.81, 0.79, 0.99, 0.98, 1.0]),
        losses=torch.zeros(7),
    )
    assert suspected_label_errors(evaluation) == [
        *(False, False, True, False, False, False),
        None,  # no prediction of this class is correct
    ]


def test_suspects_of_a_task_without_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """All predictions have one mean confidence; the rule of a task goes before it."""
    for name in ("CLASSES", "class_index"):
        monkeypatch.delattr(f"{TASK}.{name}")
    evaluation: Any = SimpleNamespace(
        predictions=["12", "345", "6", "7"],
        correct=torch.tensor([True, True, False, False]),
        confidences=torch.tensor([0.9, 0.7, 0.85, 0.75]),
    )
    assert suspected_label_errors(evaluation) == [False, False, True, False]
    evaluation.correct[:] = False
    assert suspected_label_errors(evaluation) == [None] * 4
    rule = f"{TASK}.suspected_label_errors"
    monkeypatch.setattr(rule, lambda _: [True, None], raising=False)
    assert suspected_label_errors(evaluation) == [True, None]


def test_unknown_suspects_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is unknown is no zero, and is kept in the file."""
    rule = f"{TASK}.suspected_label_errors"
    count = len(task.load_splits()["val"])
    monkeypatch.setattr(rule, lambda _: [None] * count, raising=False)
    assert main(["review-errors", "--count=3"]) == 0
    said = "0 of these may have a wrong label; of 3 it is unknown\n"
    assert said in capsys.readouterr().out
    assert [example.suspect for example in load_review()] == [None] * 3


def marked(evaluation: Any) -> list[int]:
    """Return the rows of suspected label errors."""
    found = suspected_label_errors(evaluation)
    return [row for row, suspect in enumerate(found) if suspect]


def test_suspects_have_outlying_losses() -> None:
    """Outliers of the loss are used where the model gives no confidences."""
    losses = torch.tensor([*range(100), 229, 230, 260]).double()
    correct = torch.zeros(103, dtype=torch.bool)
    evaluation = SimpleNamespace(losses=losses, correct=correct)
    # The quartiles are 25.5 and 76.5: above the upper one by more than 153.
    assert marked(evaluation) == [101, 102]
    correct[102] = True
    assert marked(evaluation) == [101]


def test_reviewed_examples_become_a_suite(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors of the model are added to a suite; wrong labels are to be corrected."""
    assert main(["review-errors", "--count=3"]) == 0
    assert f"{paths.review()}: 3 of 3 are not reviewed" in capsys.readouterr().out
    assert paths.build("hard-examples.png").read_bytes().startswith(b"\x89PNG")
    first, second, third = load_review()
    assert first.loss >= second.loss >= third.loss
    assert not paths.suites().exists()
    review_first("model", "data")
    assert main(["review-errors", "--count=3"]) == 0
    assert f"{paths.review()}: 1 of 3 are not reviewed" in capsys.readouterr().out
    assert not paths.suites().exists()
    review_first("model", "data", "model")
    assert main(["review-errors", "--count=3"]) == 0
    printed = capsys.readouterr().out
    assert f"relabel  {second.digest}, whose label is {second.label}" in printed
    (suite,) = load_suites()
    assert [example.digest for example in suite.examples] == [
        first.digest,
        third.digest,
    ]
    assert [example.why for example in suite.examples] == ["as 0 says", "as 2 says"]
    path = paths.suites() / f"{NAME}.jsonl"
    assert f"{path}: 2 examples, min_accuracy {suite.min_accuracy:.2f}" in printed
    evaluation_set = load_evaluation_set(task.load_splits())
    assert [
        split for split, _ in map(evaluation_set.locate, evaluation_set.suites[NAME])
    ] == ["val"] * 2
    # The review of earlier examples stays when more are added.
    before = path.read_text()
    assert main(["review-errors", "--count=5"]) == 0
    assert f"{paths.review()}: 2 of 5 are not reviewed" in capsys.readouterr().out
    assert [example.wrong for example in load_review()] == [
        "model",
        "data",
        "model",
        "",
        "",
    ]
    assert path.read_text() == before


def test_suite_keeps_manual_changes() -> None:
    """The minimum accuracy, the reason and the lines are unchanged."""
    data = task.load_splits()["val"]
    evaluation = task.evaluate(load_production(), data)
    first, second, third = collect_hard_examples(evaluation, data, [], 3)
    reviewed = [
        dataclasses.replace(example, wrong="model") for example in (first, second)
    ]
    suite = extend_suite(reviewed, evaluation, data)
    assert suite.examples[0].why == f"predicted {first.prediction}"
    write_suite(dataclasses.replace(suite, min_accuracy=0.125, why="mine"))
    reviewed.append(dataclasses.replace(third, wrong="model"))
    extend_suite(reviewed, evaluation, data)
    (again,) = load_suites()
    assert (again.min_accuracy, again.why) == (0.125, "mine")
    assert again.examples[:2] == suite.examples
    assert [example.digest for example in again.examples[2:]] == [third.digest]


def test_new_suite_has_reachable_minimum_accuracy() -> None:
    """The minimum is the accuracy of the production model."""
    data = task.load_splits()["val"]
    evaluation = without_correct(torch.arange(len(data)) * 1.0)
    evaluation.correct[-2] = True
    examples = collect_hard_examples(evaluation, data, [], 4)
    reviewed = [dataclasses.replace(example, wrong="model") for example in examples]
    assert extend_suite(reviewed, evaluation, data).min_accuracy == 0.25
    with pytest.raises(UserError, match="not every example in .* is reviewed"):
        extend_suite(examples, evaluation, data)


def test_wrong_labels_alone_make_no_suite() -> None:
    """No suite without examples is written."""
    data = task.load_splits()["val"]
    evaluation = task.evaluate(load_production(), data)
    (example,) = collect_hard_examples(evaluation, data, [], 1)
    extend_suite([dataclasses.replace(example, wrong="data")], evaluation, data)
    assert not paths.suites().exists()


def test_corrected_labels_are_not_reviewed_again() -> None:
    """The same holds for examples that were removed."""
    data = task.load_splits()["val"]
    evaluation = task.evaluate(load_production(), data)
    (example,) = collect_hard_examples(evaluation, data, [], 1)
    old = dataclasses.replace(example, label="another", wrong="data")
    assert collect_hard_examples(evaluation, data, [EXAMPLE, old], 1) == [example]


def test_given_checkpoint_adds_its_hard_examples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A checkpoint with zero weights has other hard examples."""
    main(["review-errors", "--count=1"])
    net = load_production()
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
    monkeypatch.setattr(
        "digit_recognizer.toolkit.analysis.commands.load_checkpoint",
        lambda path: (net, {"from": path}),
    )
    main(["review-errors", "--count=1", "--ckpt_path=a.ckpt"])
    first, second = load_review()
    data = task.load_splits()["val"]
    (worst,) = collect_hard_examples(task.evaluate(net, data), data, [], 1)
    assert second == worst
    assert first != second


def test_review_of_an_example_that_is_gone_is_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What a person has reviewed stays in the file, at its end."""
    gone = dataclasses.replace(EXAMPLE, wrong="model", why="a smudge")
    write_review([gone, dataclasses.replace(EXAMPLE, digest="4567")])
    assert main(["review-errors", "--count=2"]) == 0
    assert "kept     1 reviews of examples that the data have no more" in (
        capsys.readouterr().out
    )
    first, second, last = load_review()
    assert last == gone
    assert "" == first.wrong == second.wrong


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("model", "line 1 must be one JSON object with digest, label, prediction"),
        (json.dumps({"digest": "0123"}), "line 1 must be"),
        (
            json.dumps(dataclasses.asdict(EXAMPLE) | {"wrong": "nobody"}),
            "line 1: wrong is model or data, not 'nobody'",
        ),
    ],
)
def test_invalid_review_is_named(
    line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the line, and the file is unchanged."""
    paths.review().parent.mkdir(parents=True)
    paths.review().write_text(f"{line}\n")
    assert main(["review-errors"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {paths.review()}, ")
    assert message in error
    assert paths.review().read_text() == f"{line}\n"


def test_count_must_be_positive(capsys: pytest.CaptureFixture[str]) -> None:
    """A count of 0 is an error."""
    assert main(["review-errors", "--count=0"]) == 2
    assert capsys.readouterr().err == "error: --count is at least 1, not 0\n"
