"""Are slices with many errors found and described?"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from digit_recognizer.toolkit import interface, paths
from digit_recognizer.toolkit.analysis import slices
from digit_recognizer.toolkit.analysis.slices import (
    Slice,
    describe_slice,
    draw_slices,
    find_slices,
    write_slice,
)
from digit_recognizer.toolkit.cli.commands import main
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.evaluation import load_production
from digit_recognizer.toolkit.evaluation.evaluation_set import load_evaluation_set
from digit_recognizer.toolkit.evaluation.suites import load_suites
from digit_recognizer.toolkit.interface import optional, task
from tests.helpers.training import enter

pytestmark = pytest.mark.task_interface

PLANTED = [*range(15)]


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a new folder, so that the project's suites are unchanged."""
    enter(tmp_path, monkeypatch, "models/production")


@pytest.fixture
def labels() -> torch.Tensor:
    """120 labels that alternate between two classes."""
    data = task.load_splits()["train"]
    classes = optional("class_index")(data.labels)  # (N,)
    few = [data.labels[(classes == index).nonzero()[0]] for index in (0, 1)]
    return torch.cat(few).repeat(60)


def planted(labels: torch.Tensor) -> tuple[torch.Tensor, Any]:
    """Return embeddings and an evaluation with a slice of 15 errors.

    The two classes are clearly separate, and one in ten of all others is wrong.
    """
    generator = torch.Generator().manual_seed(1)
    order = labels.argsort(stable=True)  # all planted rows are of one class
    ordered = labels[order]
    embeddings = torch.randn(len(labels), 4, generator=generator)
    embeddings[:, 0] += 8 * (ordered == ordered[0])
    embeddings[PLANTED, 1] += 8
    correct = torch.arange(len(labels)) % 10 != 9
    correct[PLANTED] = False
    predictions = torch.where(correct, ordered, ordered.flip(0))
    losses = torch.rand(len(labels), generator=generator)
    evaluation = SimpleNamespace(
        labels=ordered, predictions=predictions, correct=correct, losses=losses
    )
    return embeddings, evaluation


@pytest.mark.parametrize("confidence", [None, 0.9, 0.6], ids=str)
def test_planted_slice_is_found(labels: torch.Tensor, confidence: float | None) -> None:
    """Exactly the planted rows are found, with and without confidences."""
    embeddings, evaluation = planted(labels)
    if confidence:
        evaluation.confidences = torch.full((len(labels),), confidence)
    first, *_ = find_slices(embeddings, evaluation, {})
    assert sorted(first.rows) == PLANTED
    assert first.wrong == len(PLANTED)


def test_slices_are_found_without_classes(
    labels: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two groups of errors are two slices, also if labels have no classes."""
    embeddings, evaluation = planted(labels)
    others = [*range(20, 35)]
    embeddings[others, 1] -= 8
    evaluation.correct[others] = False
    for name in ("CLASSES", "class_index"):
        monkeypatch.delattr(f"{interface.TASK}.{name}")
    found = sorted(
        sorted(each.rows) for each in find_slices(embeddings, evaluation, {})
    )
    for group in (PLANTED, others):
        assert any(len(rows) >= 10 and {*rows} <= {*group} for rows in found)


def test_slice_with_correct_predictions_is_found(labels: torch.Tensor) -> None:
    """A third of the predictions in the slice are correct."""
    embeddings, evaluation = planted(labels)
    evaluation.correct[PLANTED[::3]] = True
    evaluation.predictions[PLANTED[::3]] = evaluation.labels[PLANTED[::3]]
    evaluation.confidences = torch.full((len(labels),), 0.6)
    first, *_ = find_slices(embeddings, evaluation, {})
    assert {*first.rows} <= {*PLANTED}
    assert first.wrong / len(first.rows) >= 0.6


def test_errors_within_the_correct_class_are_found(labels: torch.Tensor) -> None:
    """In regression, a prediction in the correct range can be too far off."""
    embeddings, evaluation = planted(labels)
    evaluation.predictions = evaluation.labels
    first, *_ = find_slices(embeddings, evaluation, {})
    assert {*first.rows} >= {*PLANTED}
    assert first.wrong / len(first.rows) > 0.7


def test_slice_with_most_errors_comes_first(labels: torch.Tensor) -> None:
    """Slices are sorted by error rate, and no example is in two slices."""
    embeddings, evaluation = planted(labels)
    evaluation.correct[:] = True
    evaluation.correct[PLANTED[4:]] = False
    small = [*range(70, 76)]
    embeddings[small, 2] += 8
    evaluation.correct[small] = False
    evaluation.predictions = torch.where(
        evaluation.correct, evaluation.labels, evaluation.labels.flip(0)
    )
    evaluation.confidences = torch.full((len(labels),), 0.3)
    first, second = find_slices(embeddings, evaluation, {})
    assert sorted(first.rows) == small
    assert sorted(second.rows) == PLANTED
    embeddings[small, 2] -= 7
    found = find_slices(embeddings, evaluation, {})
    rows = [row for each in found for row in each.rows]
    assert len(rows) == len({*rows})


def test_frequent_errors_come_first(
    labels: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If there are too many kinds of error, the search starts with frequent ones."""
    monkeypatch.setattr(slices, "MAX_ERRORS", 1)
    embeddings, evaluation = planted(labels)
    first, *_ = find_slices(embeddings, evaluation, {})
    assert sorted(first.rows) == PLANTED


def test_typical_examples_come_first(labels: torch.Tensor) -> None:
    """The example that is farthest from its slice comes last."""
    embeddings, evaluation = planted(labels)
    embeddings[PLANTED] = embeddings[PLANTED].mean(dim=0)
    embeddings[PLANTED[4], 1] += 3
    evaluation.confidences = torch.full((len(labels),), 0.6)
    first, *_ = find_slices(embeddings, evaluation, {})
    assert first.rows[-1] == PLANTED[4]


def test_few_or_uniform_errors_are_no_slice(labels: torch.Tensor) -> None:
    """A slice has five examples or more, and an error rate above the mean."""
    embeddings, evaluation = planted(labels)
    evaluation.predictions, evaluation.correct[:] = evaluation.labels, True
    assert find_slices(embeddings, evaluation, {}) == []
    evaluation.correct[:1] = False
    assert find_slices(embeddings, evaluation, {}) == []
    evaluation.correct[:] = False
    assert find_slices(embeddings, evaluation, {}) == []
    evaluation.correct[:] = True
    evaluation.correct[:4] = False
    embeddings[PLANTED[4:]] -= 8
    assert find_slices(embeddings, evaluation, {}) == []


def test_equal_embeddings_are_accepted(labels: torch.Tensor) -> None:
    """An untrained network still has a slice of errors of one kind."""
    embeddings, evaluation = planted(labels)
    first, *_ = find_slices(torch.ones_like(embeddings), evaluation, {})
    assert {*first.rows} >= {*PLANTED}


def test_description_names_largest_differences(labels: torch.Tensor) -> None:
    """At most three attributes are named, by standardized difference."""
    _, evaluation = planted(labels)
    inside = torch.zeros(len(labels), dtype=torch.bool)
    inside[PLANTED] = True
    noise = torch.arange(len(labels)) % 2
    columns = {
        "same": noise * 0,
        "noise": noise,
        "second": noise + inside,
        "size": 1000 + 9 * inside,
    }
    first = optional("CLASSES")[int(optional("class_index")(evaluation.labels)[0])]
    assert describe_slice(inside, evaluation, columns) == (
        "size: 1,009 (elsewhere 1,000), second: 1.47 (elsewhere 0.505), "
        f"label {first}: 100% (elsewhere 43%)"
    )
    evaluation.labels = evaluation.predictions = labels[:1].repeat(len(labels))
    assert (
        describe_slice(inside, evaluation, {})
        == "no difference in the known attributes"
    )


def test_picture_shows_five_examples_per_slice() -> None:
    """Each slice is a row of the picture."""
    data = task.load_splits()["val"]
    evaluation = task.evaluate(load_production(), data)
    found = [Slice([*range(7)], 2, ""), Slice([*range(7, 12)], 2, "")]
    titles = [axes.get_title() for axes in draw_slices(found, evaluation, data).axes]
    assert [title.splitlines()[0] for title in titles] == [
        *["slice 1"] * 5,
        *["slice 2"] * 5,
    ]


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Eight rows with similar embeddings, on which predictions are made wrong."""
    data, net = task.load_splits()["val"], load_production()
    embeddings = task.embed(net, data)
    distances = torch.cdist(embeddings, embeddings[:1])[:, 0]  # (N,)
    classes = optional("class_index")(data.labels)  # (N,)
    distances[classes != classes[0]] += distances.max()
    nearest = distances.argsort()  # (N,)
    rows = nearest[:8]
    correct = torch.ones(len(data), dtype=torch.bool)
    correct[rows] = False
    predictions = data.labels.clone()
    predictions[rows] = data.labels[nearest[-1]]
    evaluation = SimpleNamespace(
        labels=data.labels,
        predictions=predictions,
        correct=correct,
        losses=1 - correct.double(),
    )
    monkeypatch.setattr(f"{interface.TASK}.evaluate", lambda net, data: evaluation)
    return rows.tolist()


def test_slice_becomes_a_suite(
    alike: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """A suite is written on request, with the description of the slice."""
    assert main(["slices"]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("slice 1  ")
    assert paths.build("slices.png").read_bytes().startswith(b"\x89PNG")
    assert not paths.suites().exists()
    assert main(["slices", "--suite", "1", "near-each-other"]) == 0
    (suite,) = load_suites()
    path = paths.suites() / "near-each-other.jsonl"
    count, minimum = len(suite.examples), suite.min_accuracy
    assert capsys.readouterr().out == (
        f"suite    {path}: {count} examples, min_accuracy {minimum:.2f}\n"
    )
    assert first.endswith(suite.why)
    splits = task.load_splits()
    digests = splits["val"].digests()
    found = {example.digest for example in suite.examples}
    assert len(found & {digests[row] for row in alike}) >= 6
    assert "near-each-other" in load_evaluation_set(splits).suites


def test_invalid_suite_option_changes_nothing(
    alike: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """An existing or invalid name and an unknown slice are errors."""
    paths.suites().mkdir(parents=True)
    path = paths.suites() / "mine.jsonl"
    path.write_text("")
    for number, name, message in (
        ("1", "mine", f"{path} is there already: choose another name"),
        ("1", "../mine", "the name of a suite is letters, digits and -, not '../mine'"),
        ("99", "more", "there is no slice 99, only "),
        ("0", "more", "there is no slice 0, only "),
    ):
        assert main(["slices", "--suite", number, name]) == 2
        assert capsys.readouterr().err.startswith(f"error: {message}")
    assert [*paths.suites().iterdir()] == [path]
    assert path.read_text() == ""


def test_no_errors_give_no_slices(capsys: pytest.CaptureFixture[str]) -> None:
    """One line says so, and nothing is drawn."""
    data = task.load_splits()["val"]
    with pytest.MonkeyPatch.context() as patch:
        evaluation = SimpleNamespace(
            labels=data.labels,
            predictions=data.labels,
            correct=torch.ones(len(data), dtype=torch.bool),
        )
        patch.setattr(f"{interface.TASK}.evaluate", lambda net, data: evaluation)
        assert main(["slices"]) == 0
    assert capsys.readouterr().out == (
        f"no slices: 0 of {len(data)} are wrong, with nothing in common\n"
    )
    assert not paths.build("slices.png").exists()


def test_given_checkpoint_is_analysed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoint is evaluated in place of the production model."""
    evaluated = []
    net = load_production()
    monkeypatch.setattr(
        "digit_recognizer.toolkit.analysis.commands.load_checkpoint",
        lambda path: (net, {}),
    )
    monkeypatch.setattr(
        "digit_recognizer.toolkit.analysis.commands.load_production", lambda: None
    )
    evaluate = task.evaluate

    def remember(net: Any, data: Any) -> Any:
        evaluated.append(net)
        return evaluate(net, data)

    monkeypatch.setattr(f"{interface.TASK}.evaluate", remember)
    assert main(["slices", "--ckpt_path=a.ckpt"]) == 0
    assert evaluated == [net]


def test_suite_of_a_slice_has_predictions() -> None:
    """Each example has its prediction; the minimum is below the current accuracy."""
    data = task.load_splits()["val"]
    evaluation: Any = SimpleNamespace(
        labels=data.labels,
        predictions=data.labels.flip(0),
        correct=torch.arange(len(data)) == 2,
    )
    suite = write_slice(Slice([2, 0, 1], 2, "small"), "small", evaluation, data)
    assert suite == load_suites()[0]
    assert (suite.min_accuracy, suite.why) == (0.3, "small")
    name = task.label_name(data.labels[-1])
    assert [example.why for example in suite.examples][:2] == [
        "correct",
        f"predicted {name}",
    ]
    assert [example.digest for example in suite.examples] == [
        data.digests()[row] for row in (2, 0, 1)
    ]
    with pytest.raises(UserError, match="choose another name"):
        write_slice(Slice([2], 0, ""), "small", evaluation, data)
