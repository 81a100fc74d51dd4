"""Does `predict` answer for each example of a file, with the options of the task?"""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from digit_recognizer.toolkit import interface
from digit_recognizer.toolkit.cli.commands import help_text, main
from digit_recognizer.toolkit.evaluation import load_production
from digit_recognizer.toolkit.interface import task
from digit_recognizer.toolkit.serving import load_predictions

pytestmark = pytest.mark.task_interface


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, float, bool]]:
    """What a task is asked that reads two examples of each file."""
    found = []
    raw = task.load_splits()["val"].raw[:2]

    def read_examples(
        path: Path, *, scale: float = 1.0, invert: bool = False
    ) -> Tensor:
        """Read two examples.

        Args:
            path: Of the file.
            scale: That they are divided by.
            invert: Set for the opposite.

        Returns:
            Them.
        """
        found.append((path, scale, invert))
        return raw

    monkeypatch.setattr(f"{interface.TASK}.read_examples", read_examples)
    return found


def test_each_example_has_an_answer_of_its_own(
    asked: list[tuple[Path, float, bool]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Numbered where a file holds several, and logged in the same order."""
    log = tmp_path / "log.jsonl"
    command = ["predict", "a.csv", "--scale=2.5", "--invert", f"--log={log}"]
    assert main(command) == 0
    assert asked == [(Path("a.csv"), 2.5, True)]
    raw = task.load_splits()["val"].raw[:2]
    predictions = [str(one) for one in task.predict(load_production(), raw)]
    first, second = predictions
    assert capsys.readouterr().out == f"a.csv #1: {first}\na.csv #2: {second}\n"
    assert [one.prediction for one in load_predictions([log])] == predictions


def test_unusual_example_is_named(
    asked: list[tuple[Path, float, bool]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By its number, on standard error."""
    seen = {"size": torch.tensor([1.0, 9.0])}
    monkeypatch.setattr(f"{interface.TASK}.attributes", lambda raw: seen)
    monkeypatch.setattr(f"{interface.TASK}.RANGES", {"size": (0, 2, 1)})
    assert main(["predict", "a.csv"]) == 0
    said = capsys.readouterr().err
    assert said == "warning: a.csv #2: size is 9, expected from 0 to 2\n"


@pytest.mark.usefixtures("asked")
def test_help_says_what_the_task_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Of its own options, by their docstrings."""
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    said = capsys.readouterr().out
    assert "That they are divided by." in said
    assert "Set for the opposite." in said


def test_help_has_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """In lines that fit on a screen."""
    for arguments in ([], ["--help"], ["help"]):
        assert main(arguments) == 0
        assert capsys.readouterr().out == f"{help_text()}\n"
    assert max(map(len, help_text().splitlines())) <= 80
    for command in ("fit", "predict", "scale-model"):
        assert f"\n  {command} " in help_text()
