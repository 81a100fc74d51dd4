"""Does `predict` print one prediction per example, with the task's options?"""

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
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, float, bool]]:
    """Arguments of a fake `read_examples`, which returns two examples."""
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
            The examples.
        """
        found.append((path, scale, invert))
        return raw

    monkeypatch.setattr(f"{interface.TASK}.read_examples", read_examples)
    return found


def test_each_example_has_its_own_prediction(
    calls: list[tuple[Path, float, bool]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Examples of a file are numbered, and logged in the same order."""
    log = tmp_path / "log.jsonl"
    command = ["predict", "a.csv", "--scale=2.5", "--invert", f"--log={log}"]
    assert main(command) == 0
    assert calls == [(Path("a.csv"), 2.5, True)]
    raw = task.load_splits()["val"].raw[:2]
    predictions = [str(one) for one in task.predict(load_production(), raw)]
    first, second = predictions
    assert capsys.readouterr().out == f"a.csv #1: {first}\na.csv #2: {second}\n"
    assert [one.prediction for one in load_predictions([log])] == predictions


def test_out_of_range_example_is_named(
    calls: list[tuple[Path, float, bool]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A warning on standard error has the number of the example."""
    seen = {"size": torch.tensor([1.0, 9.0])}
    monkeypatch.setattr(f"{interface.TASK}.attributes", lambda raw: seen)
    monkeypatch.setattr(f"{interface.TASK}.RANGES", {"size": (0, 2, 1)})
    assert main(["predict", "a.csv"]) == 0
    printed = capsys.readouterr().err
    assert printed == "warning: a.csv #2: size is 9, expected from 0 to 2\n"


@pytest.mark.usefixtures("calls")
def test_help_shows_options_of_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    """Options are described by the docstring of `read_examples`."""
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    printed = capsys.readouterr().out
    assert "That they are divided by." in printed
    assert "Set for the opposite." in printed


def test_help_lists_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines are at most 80 columns long."""
    for arguments in ([], ["--help"], ["help"]):
        assert main(arguments) == 0
        assert capsys.readouterr().out == f"{help_text()}\n"
    assert max(map(len, help_text().splitlines())) <= 80
    for command in ("fit", "predict", "scale-model"):
        assert f"\n  {command} " in help_text()
