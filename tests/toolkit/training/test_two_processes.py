"""Do two processes train and evaluate as one process does?

They stand for two GPUs, or two machines: see docs/distributed-training.md.
"""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from digit_recognizer.__main__ import main
from tests.helpers.training import SETTINGS, enter

PACKAGE = "digit_recognizer"
CPU = "--trainer.accelerator=cpu"
TWO = [CPU, "--trainer.devices=2"]
# Full batches and no dropout, so that results do not depend on how examples are
# divided.
WHOLE = ["--data.batch_size=100000", "--model.dropout=0", "--trainer.max_epochs=5"]
START, END = 60, 60  # seconds, on a very busy machine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a training by one process, and one by two."""
    folder = tmp_path_factory.mktemp("workplace")
    with pytest.MonkeyPatch.context() as patch:
        enter(folder, patch, *SETTINGS)
        assert main(["fit", CPU, *WHOLE]) == 0
        together("fit", *WHOLE)
    return folder


@pytest.fixture(autouse=True)
def _in_workplace(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(workplace, monkeypatch)


def together(*arguments: str) -> str:
    """Run a command with two processes and return its output."""
    command = [sys.executable, "-m", PACKAGE, *arguments, *TWO]
    return subprocess.check_output(command, text=True, timeout=100)


def test_two_processes_train_as_one() -> None:
    """Metrics agree up to rounding, as sums are taken in another order."""
    one, two = (
        json.loads(Path("runs", run, "record.json").read_text())
        for run in ("fit-0001", "fit-0002")
    )
    assert one["steps"] == two["steps"] == 5
    assert one["metrics"] == pytest.approx(two["metrics"], rel=1e-3)


@pytest.mark.parametrize("command", ["validate", "test"])
def test_two_processes_evaluate_as_one(command: str) -> None:
    """Each example counts once, and the report is written once."""
    checkpoint = "--ckpt_path=runs/fit-0001/checkpoints/best.ckpt"
    before = {*Path("runs").iterdir()}
    assert main([command, CPU, checkpoint]) == 0
    assert together(command, checkpoint).count("accuracy") == 1
    one, two = sorted({*Path("runs").iterdir()} - before)
    assert examples(one) == examples(two)
    assert metrics(one) == pytest.approx(metrics(two), rel=1e-5)


def examples(run: Path) -> list[tuple[str, str]]:
    """Return the examples that a run reports on, each with its label."""
    with (run / "examples.csv").open() as file:
        return sorted((row["digest"], row["label"]) for row in csv.DictReader(file))


def metrics(run: Path) -> dict[str, float]:
    """Return the metrics of an evaluation."""
    facts = json.loads((run / "metrics.json").read_text())
    del facts["model"]
    return facts


@pytest.fixture
def training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator["subprocess.Popen[str]"]:
    """A training by two processes in its second epoch."""
    enter(tmp_path, monkeypatch, *SETTINGS)
    command = [sys.executable, "-m", PACKAGE, "fit", *TWO, "--trainer.max_epochs=10000"]
    # In its own process group, as a terminal sends Ctrl-C to a group. Python ignores
    # SIGINT in the background, unless its handler is reset.
    script = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);"
    script += "os.execv(sys.argv[1], sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", script, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            begin = time.monotonic()
            while not Path("runs", "fit-0001", "checkpoints", "last.ckpt").exists():
                assert process.poll() is None
                assert time.monotonic() < begin + START, "it did not begin"
                time.sleep(0.1)
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("way", ["Ctrl-C", "kill"])
def test_all_processes_end(way: str, training: "subprocess.Popen[str]") -> None:
    """Both processes end, and how to resume is printed once."""
    if way == "Ctrl-C":
        os.killpg(training.pid, signal.SIGINT)
    else:
        training.terminate()
    output, _ = training.communicate(timeout=END)
    assert output.count("To resume: ") == 1
