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
    Question,
    draw,
    labelled,
    load_questions,
    sample,
    summary,
    write_questions,
)
from digit_recognizer.toolkit.serving.prediction_log import Answer, load_answers, log
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
    log(LOG, Path("some.csv"), "production 0123", raw, range(count), remarks)
    return raw


def label(*labels: str) -> list[Question]:
    """Say what is right in the first lines."""
    questions = load_questions()
    for row, text in enumerate(labels):
        questions[row] = dataclasses.replace(questions[row], label=text)
    write_questions(questions)
    return questions


def test_answers_are_kept_with_their_questions() -> None:
    """Also those of many calls, in the order in which they came."""
    first, second = asked(3), asked(2)
    answers = load_answers([LOG])
    assert [answer.answer for answer in answers] == [*"012", *"01"]
    kept = torch.tensor([answer.raw for answer in answers], dtype=first.dtype)
    assert torch.equal(kept, torch.cat([first, second]))
    assert [answer.unusual for answer in answers[:2]] == [["large"], []]
    assert {(one.model, one.source) for one in answers} == {
        ("production 0123", "some.csv")
    }


def test_logs_are_joined_by_time() -> None:
    """Each server has its own."""
    lines = [
        Answer(f"2026-11-{day}T00:00:00+00:00", "", "", day, [], [])
        for day in ("02", "01")
    ]
    for name, line in zip("ab", lines, strict=True):
        Path(name).write_text(json.dumps(dataclasses.asdict(line)) + "\n")
    assert load_answers([Path("a"), Path("b")]) == lines[::-1]


def test_sample_grows_in_place() -> None:
    """What is asked next does not depend on how much was asked at a time."""
    asked(8)
    answers = load_answers([LOG])
    at_once = sample(answers, [], 4)
    first = sample(answers, [], 2)
    # The order of the log, or questions that come again, change nothing.
    second = sample([*answers[::-1], *answers], first, 2)
    assert [*first, *second] == at_once
    assert len(sample(answers, [], 20)) == 8
    assert sample(answers, sample(answers, [], 20), 1) == []


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
    assert "answers   3 since 20" in said and ", 33% with a warning\n" in said
    assert f"waiting   2 lines of {paths.feedback()}\n" in said
    assert "labelled" not in said
    assert len(load_questions()) == 2
    right = task.evaluate(load_production(), data).predictions
    names = [
        task.label_name(right[row])
        for question in load_questions()
        for row in range(3)
        if question.raw == data.raw[row].tolist()
    ]
    label(names[0])
    assert main(arguments) == 0
    assert "waiting   1 lines" in capsys.readouterr().out
    label(*names)
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "labelled  2, 100% right; of all, likely 34% to 100%\n" in said
    assert "waiting   1 lines" in said
    label(*names, "?")
    assert main(arguments) == 0
    assert "waiting   nobody was asked" in capsys.readouterr().out


def test_labels_make_examples_like_those_of_the_data() -> None:
    """They can be evaluated as any; those without a label, and of old, are none."""
    data = task.load_splits()["test"]
    asked(4)
    write_questions(sample(load_answers([LOG]), [], 4))
    name = task.label_name(data.labels[0])
    old, *rest = label(name, "?", name)
    write_questions([dataclasses.replace(old, when="2020-01-01T00:00:00Z"), *rest])
    questions = load_questions()
    assert len(labelled(questions)) == 2
    (example,) = (found := labelled(questions, timedelta(days=1))).raw
    assert example.tolist() == questions[2].raw
    assert found.raw.dtype == data.raw.dtype and found.labels.dtype == data.labels.dtype
    assert task.label_name(found.labels[0]) == name
    assert len(task.evaluate(load_production(), found).correct) == 1
    assert len(labelled([])) == 0


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
    (found,) = labelled([Question("0.25", now, raw)]).labels
    assert found == 0.25
    with pytest.raises(UserError, match="'some' is no label"):
        labelled([Question("some", now, raw)])


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
    question = Question("1.5", "2026-11-27T00:00:00Z", splits["test"].raw[0].tolist())
    with pytest.raises(UserError, match="'1.5' is no label: they are class "):
        labelled([question])


def test_wrong_answers_count() -> None:
    """One of two is right."""
    data = task.load_splits()["test"]
    said = task.evaluate(load_production(), data).predictions  # (N,)
    wrong = said[(said - said[1]).abs().argmax()]
    questions = [
        Question(task.label_name(label), "2026-11-27T00:00:00Z", raw)
        for label, raw in zip((said[0], wrong), data.raw[:2].tolist(), strict=True)
    ]
    assert "labelled  2, 50% right; of all, likely 9% to 91%" in summary([], questions)


def test_those_that_wait_are_drawn() -> None:
    """With the number of the line, to find it."""
    raw = task.load_splits()["test"].raw[0].tolist()
    questions = [Question(text, "2026-11-27T00:00:00Z", raw) for text in ("?", "", "")]
    assert [axes.get_title() for axes in draw(questions).axes] == ["line 2", "line 3"]


def test_nothing_was_asked_yet() -> None:
    """Then there is nothing to count."""
    assert summary([], []) == "answers   none yet"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 1 must be one JSON object with label, when, raw, "),
        (
            '{"label": "", "when": "2026-11-27", "raw": []}',
            "line 1: '2026-11-27' is no moment with a time zone",
        ),
        (
            '{"label": "", "when": "soon", "raw": []}',
            "line 1: 'soon' is no moment",
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
    assert "nowhere is no file of answers" in capsys.readouterr().err
    assert main(["feedback", "nowhere", "--count=0"]) == 2
    assert "--count is at least 1" in capsys.readouterr().err
    with pytest.raises(UserError, match="no answer is kept in .*: "):
        log(Path(), Path("some.csv"), "", torch.zeros(1, 2), ["a"], [[]])
