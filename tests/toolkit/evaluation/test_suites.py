"""Are suites read from files, their examples found, and mistakes named?"""

import json
from pathlib import Path

import pytest
import torch

from digit_recognizer.toolkit import paths
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.evaluation import load_production
from digit_recognizer.toolkit.evaluation.evaluation_set import (
    load_evaluation_set,
    outcomes,
    suites_below_minimum,
)
from digit_recognizer.toolkit.evaluation.suites import load_suites
from digit_recognizer.toolkit.interface import task
from tests.helpers.training import enter

pytestmark = pytest.mark.task_interface

HEAD = {"min_accuracy": 0.5, "why": "strange"}
LINE = {"digest": "0123", "label": "1", "why": "odd"}


def member(split: str, row: int) -> dict[str, str]:
    """Return the line for an example of a split."""
    data = task.load_splits()[split]
    label = task.label_name(data.labels[row])
    return {"digest": data.digests()[row], "label": label, "why": "odd"}


def write(folder: Path, *lines: object, name: str = "strange") -> Path:
    """Write a suite of these lines, each an object or plain text."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), "utf-8")
    return path


def test_suites_are_optional(tmp_path: Path) -> None:
    """Without suite files, models are evaluated on the test split alone."""
    evaluation_set = load_evaluation_set(task.load_splits(), tmp_path / "nowhere")
    assert [*evaluation_set.splits] == ["test"]
    assert evaluation_set.suites["all"] == [*range(len(evaluation_set.splits["test"]))]
    assert not evaluation_set.from_files
    of_task = task.suites(evaluation_set.splits["test"])
    assert evaluation_set.suites.keys() == {"all", *of_task}


def test_suite_has_examples_of_two_splits(tmp_path: Path) -> None:
    """Each example is found in its split, and counts in no other suite."""
    first, second = member("val", 4), member("test", 2)
    write(tmp_path, HEAD, first, second)
    splits = task.load_splits()
    evaluation_set = load_evaluation_set(splits, tmp_path)
    assert [evaluation_set.locate(row) for row in evaluation_set.suites["strange"]] == [
        ("val", 4),
        ("test", 2),
    ]
    assert evaluation_set.suites["all"] == [*range(len(splits["test"]))]
    assert evaluation_set.min_accuracy["strange"] == HEAD["min_accuracy"]
    net = load_production()
    evaluations = evaluation_set.evaluate(net)
    found = outcomes(evaluations).correct[evaluation_set.suites["strange"]]
    assert found.tolist() == [
        evaluations["val"].correct[4],
        evaluations["test"].correct[2],
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "line 1 must be one JSON object with min_accuracy, why"),
        ([LINE], "line 1 must be one JSON object with min_accuracy, why"),
        ([HEAD | {"min_accuracy": "0.5"}, LINE], "line 1: min_accuracy is no number"),
        ([HEAD | {"min_accuracy": 50}, LINE], "line 1: min_accuracy is from 0 to 1"),
        ([HEAD], "strange.jsonl names no examples"),
        ([HEAD, "{"], "line 2 must be one JSON object with digest, label, why"),
        ([HEAD, LINE, "[]"], "line 3 must be"),
        ([HEAD, LINE | {"label": 1}], "line 2: label is no text: 1"),
        ([HEAD, LINE | {"note": "?"}], "line 2 must be"),
        ([HEAD, LINE, LINE], "line 3: 0123 is there already"),
    ],
)
def test_invalid_suite_files_are_named(
    lines: list[object], message: str, tmp_path: Path
) -> None:
    """An invalid line is reported with its file and its number."""
    path = write(tmp_path, *lines)
    with pytest.raises(UserError, match=message) as error:
        load_suites(tmp_path)
    assert str(error.value).startswith(str(path))


def test_examples_must_be_in_the_data(tmp_path: Path) -> None:
    """They must have the same label there, and not be in the training split."""
    splits = task.load_splits()
    write(tmp_path, HEAD, member("val", 0), LINE)
    with pytest.raises(UserError, match="line 3: there is no example 0123 in the"):
        load_evaluation_set(splits, tmp_path)
    write(tmp_path, HEAD, member("val", 0) | {"label": "another"})
    with pytest.raises(UserError, match="is another here and .* in the data"):
        load_evaluation_set(splits, tmp_path)
    write(tmp_path, HEAD, member("train", 0))
    with pytest.raises(UserError, match="an example of the training split"):
        load_evaluation_set(splits, tmp_path)
    wrong = member("val", 1) | {"label": "another"}
    write(tmp_path, HEAD, LINE, member("val", 0), wrong, member("train", 0))
    expected = r"line 2: there is no .* \(look at these lines, too: 4, 5\)$"
    with pytest.raises(UserError, match=expected):
        load_evaluation_set(splits, tmp_path)


def test_reserved_suite_name_is_refused(tmp_path: Path) -> None:
    """A suite file must not replace the built-in suite `all`."""
    write(tmp_path, HEAD, member("val", 0), name="all")
    with pytest.raises(UserError, match="all.jsonl needs another name"):
        load_evaluation_set(task.load_splits(), tmp_path)


def test_suites_below_minimum_are_named_and_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network with zero weights is below the minimum of one of two suites."""
    net = load_production()
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
    data = task.load_splits()["test"]
    labels = map(task.label_name, data.labels)
    examples = [
        {"digest": digest, "label": label, "why": "odd"}
        for digest, label in zip(data.digests(), labels, strict=True)
    ]
    enter(tmp_path, monkeypatch)
    write(paths.suites(), HEAD | {"min_accuracy": 1}, *examples, name="every")
    write(paths.suites(), HEAD | {"min_accuracy": 0}, *examples, name="none")
    (line,) = suites_below_minimum(net, Path("pictures"))
    assert line.startswith("every (")
    assert line.endswith(f"at least 100.0% required): {Path('pictures', 'every.png')}")
    assert Path("pictures", "every.png").read_bytes().startswith(b"\x89PNG")
