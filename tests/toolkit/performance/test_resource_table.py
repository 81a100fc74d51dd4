"""Are memory and speed of recipes compared, each in its own training?"""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from digit_recognizer.toolkit import paths
from digit_recognizer.toolkit.cli.commands import main
from digit_recognizer.toolkit.performance.resource_table import STEP_COST
from digit_recognizer.toolkit.run_records.folders import VARIABLE
from tests.helpers.training import enter

PACKAGE = "digit_recognizer"


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands of fake trainings with increasing speed and decreasing memory."""
    enter(tmp_path, monkeypatch)
    folder = Path("configs", "debug")
    folder.mkdir(parents=True)
    for name in ("accumulate", "broken", "checkpointing", "step-cost"):
        (folder / f"{name}.yaml").write_text("# What does it save?\n")
    called: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        called.append(command[3:])
        if any("broken" in word for word in command):
            return subprocess.CompletedProcess(command, 1, "", "no luck today")
        run_dir = Path(options["env"][VARIABLE])
        facts = {"batch_size": 8, "examples_per_second": 100.0 * len(called)}
        facts["peak_bytes"] = 2**21 / 2 ** len(called)
        (run_dir / STEP_COST).write_text(json.dumps(facts))
        return subprocess.CompletedProcess(command, 0, "", "")

    target = f"{PACKAGE}.toolkit.run_records.commands.subprocess"
    monkeypatch.setattr(target, SimpleNamespace(run=run))
    return called


def test_existing_recipes_are_compared(
    commands: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The training without a recipe comes first, as the baseline."""
    assert main(["resources", "--model.width=4"]) == 0
    folder = Path("configs", "debug")
    expected = [
        [
            "fit",
            *(f"--config={folder / name}.yaml" for name in names),
            "--model.width=4",
        ]
        for names in (
            ["step-cost"],
            ["step-cost", "accumulate"],
            ["step-cost", "checkpointing"],
        )
    ]
    assert commands == expected
    output = capsys.readouterr().out
    assert "accumulate: 0.50 MiB peak memory, 200 examples a second" in output
    cells = [line.split() for line in output.splitlines()[-4:-2]]
    assert cells == [
        "accumulate 8 0.50 0.50 x 200 2.00 x".split(),
        "checkpointing 8 0.25 0.25 x 300 3.00 x".split(),
    ]
    assert paths.build("resources.png").stat().st_size > 1000


@pytest.mark.usefixtures("commands")
def test_failed_training_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """The output of the training is shown, and its row says failed."""
    assert main(["resources", "broken"]) == 1
    output = capsys.readouterr().out
    assert "broken: failed" in output
    assert "no luck today" in output
    assert "broken" in output.splitlines()[-3]
    assert "failed" in output.splitlines()[-3]


@pytest.mark.usefixtures("commands")
def test_unknown_recipe_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The error comes before the first training."""
    assert main(["resources", "fest"]) == 2
    assert capsys.readouterr().err.startswith("error: no recipe 'fest'")
