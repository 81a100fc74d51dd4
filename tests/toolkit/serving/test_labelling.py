"""Are answers kept, and do people's labels become examples to judge a model by?"""

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from torch import Tensor

from digit_recognizer.toolkit import interface, paths
from digit_recognizer.toolkit.cli.commands import main
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.evaluation import load_production
from digit_recognizer.toolkit.interface import task
from digit_recognizer.toolkit.serving.labelling import (
    LabelRequest,
    draw_label_requests,
    feedback_summary,
    labelled_examples,
    load_label_requests,
    sample_requests,
    write_label_requests,
)
from digit_recognizer.toolkit.serving.prediction_log import (
    LoggedPrediction,
    load_predictions,
    log_predictions,
)
from tests.helpers.workplace import enter

pytestmark = pytest.mark.task_interface

LOG = Path("log", "answers.jsonl")


@pytest.fixture(autouse=True)
def _folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The feedback of the project is left alone."""
    enter(tmp_path, monkeypatch, "models/production")


def asked(count: int) -> Tensor:
    """Log a few questions, each answered with its number, and return the examples."""
    raw: Tensor = task.load_splits()["test"].raw[:count]
    remarks = [["large"], *[[]] * (count - 1)]
    log_predictions(
        LOG, Path("some.csv"), "production 0123", raw, range(count), remarks
    )
    return raw


def label(*labels: str) -> list[LabelRequest]:
    """Say what is right in the first lines."""
    questions = load_label_requests()
    for row, text in enumerate(labels):
        questions[row] = dataclasses.replace(questions[row], label=text)
    write_label_requests(questions)
    return questions


def test_answers_are_kept_with_their_questions() -> None:
    """Also those of many calls, in the order in which they came."""
    first, second = asked(3), asked(2)
    predictions = load_predictions([LOG])
    assert [prediction.prediction for prediction in predictions] == [*"012", *"01"]
    kept = torch.tensor(
        [prediction.raw for prediction in predictions], dtype=first.dtype
    )
    assert torch.equal(kept, torch.cat([first, second]))
    assert [prediction.warnings for prediction in predictions[:2]] == [["large"], []]
    assert {(one.model, one.source) for one in predictions} == {
        ("production 0123", "some.csv")
    }


def test_logs_are_joined_by_time() -> None:
    """Each server has its own."""
    lines = [
        LoggedPrediction(f"2026-11-{day}T00:00:00+00:00", "", "", day, [], [])
        for day in ("02", "01")
    ]
    for name, line in zip("ab", lines, strict=True):
        Path(name).write_text(json.dumps(dataclasses.asdict(line)) + "\n")
    assert load_predictions([Path("a"), Path("b")]) == lines[::-1]


def test_sample_grows_in_place() -> None:
    """What is asked next does not depend on how much was asked at a time."""
    asked(8)
    predictions = load_predictions([LOG])
    at_once = sample_requests(predictions, [], 4)
    first = sample_requests(predictions, [], 2)
    # The order of the log, or questions that come again, change nothing.
    second = sample_requests([*predictions[::-1], *predictions], first, 2)
    assert [*first, *second] == at_once
    assert len(sample_requests(predictions, [], 20)) == 8
    assert sample_requests(predictions, sample_requests(predictions, [], 20), 1) == []


def test_people_are_asked_and_what_they_say_is_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody is asked again before all have an answer."""
    data = task.load_splits()["test"]
    asked(3)
    arguments = ["feedback", str(LOG), "--count=2"]
    assert main(arguments) == 0
    assert Path("build", "feedback.png").is_file()
    said = capsys.readouterr().out
    assert (
        "logged    3 predictions since 20" in said and ", 33% with a warning\n" in said
    )
    assert f"waiting   2 lines of {paths.feedback()}\n" in said
    assert "labelled" not in said
    assert len(load_label_requests()) == 2
    right = task.evaluate(load_production(), data).predictions
    names = [
        task.label_name(right[row])
        for question in load_label_requests()
        for row in range(3)
        if question.raw == data.raw[row].tolist()
    ]
    label(names[0])
    assert main(arguments) == 0
    assert "waiting   1 lines" in capsys.readouterr().out
    label(*names)
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "labelled  2, 100% correct; of all requests, likely 34% to 100%\n" in said
    assert "waiting   1 lines" in said
    label(*names, "?")
    assert main(arguments) == 0
    assert "waiting   no new requests" in capsys.readouterr().out


def test_labels_make_examples_like_those_of_the_data() -> None:
    """They can be evaluated as any; those without a label, and of old, are none."""
    data = task.load_splits()["test"]
    asked(4)
    write_label_requests(sample_requests(load_predictions([LOG]), [], 4))
    name = task.label_name(data.labels[0])
    old, *rest = label(name, "?", name)
    write_label_requests([dataclasses.replace(old, when="2020-01-01T00:00:00Z"), *rest])
    questions = load_label_requests()
    assert len(labelled_examples(questions)) == 2
    (example,) = (found := labelled_examples(questions, timedelta(days=1))).raw
    assert example.tolist() == questions[2].raw
    assert found.raw.dtype == data.raw.dtype and found.labels.dtype == data.labels.dtype
    assert task.label_name(found.labels[0]) == name
    assert len(task.evaluate(load_production(), found).correct) == 1
    assert len(labelled_examples([])) == 0


def test_numbers_are_labels_where_labels_are_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody saw this very number in training."""
    splits = {
        name: dataclasses.replace(data, labels=data.labels.double())
        for name, data in task.load_splits().items()
    }
    monkeypatch.setattr(f"{interface.TASK}.load_splits", lambda: splits)
    monkeypatch.setattr(f"{interface.TASK}.label_name", lambda x: f"{x:.1f}")
    raw = splits["test"].raw[0].tolist()
    now = "2026-11-27T00:00:00Z"
    (found,) = labelled_examples([LabelRequest("0.25", now, raw)]).labels
    assert found == 0.25
    with pytest.raises(UserError, match="'some' is no label"):
        labelled_examples([LabelRequest("some", now, raw)])


def test_other_numbers_are_no_labels_of_classes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Though labels are numbers inside."""
    splits = {
        name: dataclasses.replace(data, labels=data.labels.long())
        for name, data in task.load_splits().items()
    }
    monkeypatch.setattr(f"{interface.TASK}.load_splits", lambda: splits)
    monkeypatch.setattr(f"{interface.TASK}.label_name", lambda x: f"class {x}")
    question = LabelRequest(
        "1.5", "2026-11-27T00:00:00Z", splits["test"].raw[0].tolist()
    )
    with pytest.raises(UserError, match="'1.5' is no label: they are class "):
        labelled_examples([question])


def test_wrong_answers_count() -> None:
    """One of two is right."""
    data = task.load_splits()["test"]
    said = task.evaluate(load_production(), data).predictions  # (N,)
    wrong = said[(said - said[1]).abs().argmax()]
    questions = [
        LabelRequest(task.label_name(label), "2026-11-27T00:00:00Z", raw)
        for label, raw in zip((said[0], wrong), data.raw[:2].tolist(), strict=True)
    ]
    assert (
        "labelled  2, 50% correct; of all requests, likely 9% to 91%"
        in feedback_summary([], questions)
    )


def test_those_that_wait_are_drawn() -> None:
    """With the number of the line, to find it."""
    raw = task.load_splits()["test"].raw[0].tolist()
    questions = [
        LabelRequest(text, "2026-11-27T00:00:00Z", raw) for text in ("?", "", "")
    ]
    assert [axes.get_title() for axes in draw_label_requests(questions).axes] == [
        "line 2",
        "line 3",
    ]


def test_nothing_was_asked_yet() -> None:
    """Then there is nothing to count."""
    assert feedback_summary([], []) == "logged    no predictions yet"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 1 must be one JSON object with label, when, raw, "),
        (
            '{"label": "", "when": "2026-11-27", "raw": []}',
            "line 1: '2026-11-27' is no time with a time zone",
        ),
        (
            '{"label": "", "when": "soon", "raw": []}',
            "line 1: 'soon' is no time",
        ),
        (
            '{"label": "", "when": "2026-11-27T00:00:00Z", "raw": [1]}',
            "examples of another shape than the data",
        ),
        (
            '{"label": "x", "when": "2026-11-27T00:00:00Z", "raw": []}',
            "'x' is no label: they are ",
        ),
    ],
)
def test_mistake_is_one_line(
    line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the file is as it was."""
    LOG.parent.mkdir()
    LOG.touch()
    paths.feedback().parent.mkdir(parents=True)
    paths.feedback().write_text(f"{line}\n")
    assert main(["feedback", str(LOG)]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert told in error
    assert paths.feedback().read_text() == f"{line}\n"


def test_files_that_cannot_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to read, nowhere to write."""
    assert main(["feedback", "nowhere"]) == 2
    assert "nowhere is no prediction log" in capsys.readouterr().err
    assert main(["feedback", "nowhere", "--count=0"]) == 2
    assert "--count is at least 1" in capsys.readouterr().err
    with pytest.raises(UserError, match="cannot write the log .*: "):
        log_predictions(Path(), Path("some.csv"), "", torch.zeros(1, 2), ["a"], [[]])
