"""Are predictions logged, sampled, and labelled as evaluation data?"""

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
from tests.helpers.training import enter

pytestmark = pytest.mark.task_interface

LOG = Path("log", "answers.jsonl")


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in a new folder, so that the project's labels are unchanged."""
    enter(tmp_path, monkeypatch, "models/production")


def log_requests(count: int) -> Tensor:
    """Log a few requests with numbers as predictions, and return the examples."""
    raw: Tensor = task.load_splits()["test"].raw[:count]
    remarks = [["large"], *[[]] * (count - 1)]
    log_predictions(
        LOG, Path("some.csv"), "production 0123", raw, range(count), remarks
    )
    return raw


def label(*labels: str) -> list[LabelRequest]:
    """Set the labels of the first requests."""
    requests = load_label_requests()
    for row, text in enumerate(labels):
        requests[row] = dataclasses.replace(requests[row], label=text)
    write_label_requests(requests)
    return requests


def test_predictions_are_logged_with_their_requests() -> None:
    """Several calls append to the log in order."""
    first, second = log_requests(3), log_requests(2)
    predictions = load_predictions([LOG])
    assert [prediction.prediction for prediction in predictions] == [*"012", *"01"]
    logged = torch.tensor(
        [prediction.raw for prediction in predictions], dtype=first.dtype
    )
    assert torch.equal(logged, torch.cat([first, second]))
    assert [prediction.warnings for prediction in predictions[:2]] == [["large"], []]
    assert {(one.model, one.source) for one in predictions} == {
        ("production 0123", "some.csv")
    }


def test_logs_are_merged_by_time() -> None:
    """Each server writes its own log."""
    lines = [
        LoggedPrediction(f"2026-11-{day}T00:00:00+00:00", "", "", day, [], [])
        for day in ("02", "01")
    ]
    for name, line in zip("ab", lines, strict=True):
        Path(name).write_text(json.dumps(dataclasses.asdict(line)) + "\n")
    assert load_predictions([Path("a"), Path("b")]) == lines[::-1]


def test_sample_can_be_extended() -> None:
    """Two samples of two are the same requests as one sample of four."""
    log_requests(8)
    predictions = load_predictions([LOG])
    at_once = sample_requests(predictions, [], 4)
    first = sample_requests(predictions, [], 2)
    # Neither the order of the log nor repeated requests change the sample.
    second = sample_requests([*predictions[::-1], *predictions], first, 2)
    assert [*first, *second] == at_once
    assert len(sample_requests(predictions, [], 20)) == 8
    assert sample_requests(predictions, sample_requests(predictions, [], 20), 1) == []


def test_feedback_samples_requests_and_reports_accuracy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No more requests are sampled until all have a label."""
    data = task.load_splits()["test"]
    log_requests(3)
    arguments = ["feedback", str(LOG), "--count=2"]
    assert main(arguments) == 0
    assert Path("build", "feedback.png").is_file()
    output = capsys.readouterr().out
    assert (
        "logged    3 predictions since 20" in output
        and ", 33% with a warning\n" in output
    )
    assert f"waiting   2 lines of {paths.feedback()}\n" in output
    assert "labelled" not in output
    assert len(load_label_requests()) == 2
    predictions = task.evaluate(load_production(), data).predictions
    names = [
        task.label_name(predictions[row])
        for request in load_label_requests()
        for row in range(3)
        if request.raw == data.raw[row].tolist()
    ]
    label(names[0])
    assert main(arguments) == 0
    assert "waiting   1 lines" in capsys.readouterr().out
    label(*names)
    assert main(arguments) == 0
    output = capsys.readouterr().out
    assert "labelled  2, 100% correct; of all requests, likely 34% to 100%\n" in output
    assert "waiting   1 lines" in output
    label(*names, "?")
    assert main(arguments) == 0
    assert "waiting   no new requests" in capsys.readouterr().out


def test_labelled_requests_can_be_evaluated() -> None:
    """Requests without a label and old requests are left out."""
    data = task.load_splits()["test"]
    log_requests(4)
    write_label_requests(sample_requests(load_predictions([LOG]), [], 4))
    name = task.label_name(data.labels[0])
    old, *rest = label(name, "?", name)
    write_label_requests([dataclasses.replace(old, when="2020-01-01T00:00:00Z"), *rest])
    requests = load_label_requests()
    assert len(labelled_examples(requests)) == 2
    (example,) = (found := labelled_examples(requests, timedelta(days=1))).raw
    assert example.tolist() == requests[2].raw
    assert found.raw.dtype == data.raw.dtype and found.labels.dtype == data.labels.dtype
    assert task.label_name(found.labels[0]) == name
    assert len(task.evaluate(load_production(), found).correct) == 1
    assert len(labelled_examples([])) == 0


def test_label_that_no_example_has_is_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The task says what a label is, such as any number or text, and not the data."""
    data = task.load_splits()["test"]
    monkeypatch.setattr(f"{interface.TASK}.parse_label", str.upper)
    monkeypatch.setattr(f"{interface.TASK}.make_examples", lambda _, labels: labels)
    raw = task.example_to_json(data.raw[0])
    now = "2026-11-27T00:00:00Z"
    assert labelled_examples([LabelRequest("new", now, raw)]) == ["NEW"]


def test_wrong_predictions_lower_the_accuracy() -> None:
    """One of two labelled predictions is correct."""
    data = task.load_splits()["test"]
    predictions = task.evaluate(load_production(), data).predictions  # (N,)
    wrong = predictions[(predictions - predictions[1]).abs().argmax()]
    requests = [
        LabelRequest(task.label_name(label), "2026-11-27T00:00:00Z", raw)
        for label, raw in zip(
            (predictions[0], wrong), data.raw[:2].tolist(), strict=True
        )
    ]
    assert (
        "labelled  2, 50% correct; of all requests, likely 9% to 91%"
        in feedback_summary([], requests)
    )


def test_unlabelled_requests_are_drawn() -> None:
    """Each picture has the number of its line."""
    raw = task.load_splits()["test"].raw[0].tolist()
    requests = [
        LabelRequest(text, "2026-11-27T00:00:00Z", raw) for text in ("?", "", "")
    ]
    assert [axes.get_title() for axes in draw_label_requests(requests).axes] == [
        "line 2",
        "line 3",
    ]


def test_summary_without_predictions() -> None:
    """Without logged predictions there are no counts."""
    assert feedback_summary([], []) == "logged    no predictions yet"


@pytest.mark.parametrize(
    ("line", "message"),
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
            "a request that is no example of this task",
        ),
        (
            '{"label": "x", "when": "2026-11-27T00:00:00Z", "raw": []}',
            "line 1: 'x' is no label: ",
        ),
        (
            '{"label": 7, "when": "2026-11-27T00:00:00Z", "raw": []}',
            "line 1: label is no text: 7",
        ),
    ],
)
def test_invalid_label_is_one_line(
    line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of labels is unchanged."""
    LOG.parent.mkdir()
    LOG.touch()
    paths.feedback().parent.mkdir(parents=True)
    paths.feedback().write_text(f"{line}\n")
    assert main(["feedback", str(LOG)]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert message in error
    assert paths.feedback().read_text() == f"{line}\n"


def test_log_of_other_examples_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Requests of another shape are those of the log, and no label is asked for."""
    log_predictions(LOG, Path("some.csv"), "", torch.zeros(1, 2), ["a"], [[]])
    assert main(["feedback", str(LOG)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {LOG} has a request that is no example of this ")
    assert error.endswith("; take it out: [0.0, 0.0]\n")
    assert not paths.feedback().exists()
    for command in ("compare", "promote"):
        assert main([command, "--log", "nowhere.jsonl"]) == 2
        assert "error: no " in capsys.readouterr().err


def test_empty_lines_at_the_end_are_passed_over() -> None:
    """An editor may leave empty lines at the end of a file."""
    request = LabelRequest("", "2026-11-27T00:00:00Z", [1])
    write_label_requests([request])
    paths.feedback().write_text(f"{paths.feedback().read_text()}\n\n")
    assert load_label_requests() == [request]


def test_unusable_files_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A missing log, a count of 0 and an unwritable log are errors."""
    assert main(["feedback", "nowhere"]) == 2
    assert "nowhere is no prediction log" in capsys.readouterr().err
    assert main(["feedback", "nowhere", "--count=0"]) == 2
    assert "--count is at least 1" in capsys.readouterr().err
    with pytest.raises(UserError, match="cannot write the log .*: "):
        log_predictions(Path(), Path("some.csv"), "", torch.zeros(1, 2), ["a"], [[]])
