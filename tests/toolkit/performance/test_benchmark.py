"""Is the speed of training compared with the recorded speed?"""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from digit_recognizer.toolkit import paths
from digit_recognizer.toolkit.cli.commands import main
from digit_recognizer.toolkit.performance.benchmark import OVERHEAD
from digit_recognizer.toolkit.run_records.folders import VARIABLE
from tests.helpers.training import enter

PACKAGE = "digit_recognizer"
RECIPE = Path("configs", "debug", "benchmark.yaml")


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands of fake trainings with a fixed speed."""
    enter(tmp_path, monkeypatch)
    RECIPE.parent.mkdir(parents=True)
    RECIPE.write_text("# How fast?\n")
    paths.speed().parent.mkdir(parents=True)
    called: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        called.append(command[3:])
        if "--model.width=0" in command:
            return subprocess.CompletedProcess(command, 1, "", "no luck today")
        (size,) = (int(word[18:]) for word in command if "batch_size" in word)
        run_dir = Path(options["env"][VARIABLE])
        part = {"seconds": 0.05, "examples_per_second": 9000.0, "peak_bytes": 2**20}
        facts = {"accelerator": "mps", "batch_size": size, "ratio": 0.8, "waiting": 0.1}
        (run_dir / OVERHEAD).write_text(json.dumps(facts | {"fit": part, "loop": part}))
        return subprocess.CompletedProcess(command, 0, "", "")

    target = f"{PACKAGE}.toolkit.run_records.commands.subprocess"
    monkeypatch.setattr(target, SimpleNamespace(run=run))
    return called


@pytest.mark.parametrize(("before", "status"), [(0.8, 0), (0.88, 0), (0.9, 1)])
def test_slower_than_recorded_is_an_error(
    commands: list[list[str]],
    before: float,
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A ratio well below the recorded one fails, at any batch size."""
    paths.speed().write_text(json.dumps({"mps": {"64": 0.8, "512": before}, "cpu": {}}))
    assert main(["benchmark", "--model.width=4"]) == status
    sizes = ["--data.batch_size=64", "--data.batch_size=512"]
    recipe = f"--config={RECIPE}"
    assert commands == [["fit", recipe, size, "--model.width=4"] for size in sizes]
    output = capsys.readouterr().out
    assert "fit, batches of 64" in output
    assert f"batches of 512: 0.80 x the loop, recorded {before:.2f} x" in output


@pytest.mark.usefixtures("commands")
def test_ratio_is_recorded_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    """--accept records ratios of this accelerator, and keeps those of others."""
    assert main(["benchmark"]) == 0
    assert "recorded nothing yet" in capsys.readouterr().out
    assert not paths.speed().exists()
    paths.speed().write_text(json.dumps({"cuda": {"64": 0.5}}))
    assert main(["benchmark", "--accept"]) == 0
    recorded = json.loads(paths.speed().read_text())
    assert recorded == {"mps": {"64": 0.8, "512": 0.8}, "cuda": {"64": 0.5}}


@pytest.mark.usefixtures("commands")
def test_failed_training_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """The output of the training is shown, and nothing is recorded."""
    assert main(["benchmark", "--accept", "--model.width=0"]) == 2
    output = capsys.readouterr()
    assert "no luck today" in output.out
    assert "error: training in batches of 64 failed" in output.err
    assert not paths.speed().exists()
