"""Do the commands work, from training to prediction?"""

import csv
import hashlib
import io
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import Timer

from digit_recognizer.__main__ import main
from digit_recognizer.toolkit.evaluation import load_checkpoint, load_production
from digit_recognizer.toolkit.figures import draw_errors
from digit_recognizer.toolkit.interface import TASK, task, training_module
from digit_recognizer.toolkit.run_records import newest_checkpoint
from digit_recognizer.toolkit.run_records.folders import VARIABLE
from digit_recognizer.toolkit.run_records.commands import configurations
from digit_recognizer.toolkit.serving import load_predictions
from digit_recognizer.toolkit.training.commands import _in_root
from tests.helpers.training import ROOT, enter

pytestmark = pytest.mark.task_interface

PACKAGE = "digit_recognizer"
# Each takes at least 0.1 s to import, so prediction does without them.
NOT_FOR_PREDICTION = {
    *("jsonargparse", "lightning", "matplotlib", "scipy", "sklearn", "tensorboard"),
    "torchmetrics",
}
SHORT = ["--trainer.max_epochs=2", "--trainer.accelerator=cpu"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the default configuration and one short training run."""
    folder = tmp_path_factory.mktemp("workplace")
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        enter(folder, patch, "configs", "models/production")
        with redirect_stdout(output), redirect_stderr(output):
            assert main(["fit", *SHORT]) == 0
    (folder / "output.txt").write_text(output.getvalue())
    return folder


@pytest.fixture(autouse=True)
def _in_workplace(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(workplace, monkeypatch)
    # Pictures take half a second, and are checked in tests of the reports.
    curves = f"{PACKAGE}.toolkit.training.commands.write_curves"
    monkeypatch.setattr(curves, lambda run_dir: run_dir)
    few = partial(draw_errors, count=2)
    monkeypatch.setattr(f"{PACKAGE}.toolkit.figures.reports.draw_errors", few)
    monkeypatch.setattr(f"{PACKAGE}.toolkit.evaluation.model_card.MAX_PICTURES", 2)


def test_fit_writes_checkpoints_and_curves() -> None:
    """The run folder has checkpoints, configuration, metadata, metrics and curves."""
    run = Path("runs", "fit-0001")
    names = {path.name for path in run.rglob("*")}
    assert {"best.ckpt", "last.ckpt", "config.yaml", "metrics.csv"} <= names
    record = json.loads((run / "record.json").read_text())
    assert record["finished"]
    assert record["data"].keys() == {"train", "val", "test"}
    assert record["metrics"].keys() >= {"train/loss", "val/accuracy", "val/loss"}
    assert (run / "curves.png").stat().st_size > 1000
    assert any(name.startswith("events.out.tfevents") for name in names)
    output = Path("output.txt").read_text()
    for name in ("curves.png", "checkpoints"):
        assert f"  {run / name}\n" in output


def test_best_checkpoint_has_the_lowest_validation_loss() -> None:
    """best.ckpt is of the epoch with the lowest validation loss."""
    run = Path("runs", "fit-0001")
    with (run / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["val/loss"]]
    best = min(rows, key=lambda row: float(row["val/loss"]))
    checkpoint = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert checkpoint["epoch"] == int(best["epoch"])


def test_no_progress_bar_without_a_terminal() -> None:
    """In a file, each step of the bar would be a line."""
    output = Path("output.txt").read_text()
    assert "fit-0001" in output
    assert len(output.splitlines()) < 30
    assert "it/s" not in output


@pytest.mark.parametrize(("options", "threads"), [([], 1), (["--threads=2"], 2)])
def test_threads_option_sets_pytorch_threads(
    options: list[str], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread is the default, as more slow each other down on a busy machine."""
    taken: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", taken.append)
    assert main(["fit", "--trainer.fast_dev_run=true", *options]) == 0
    assert taken == [threads]


def test_training_without_a_logger_has_no_curves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a logger nothing is drawn, and training succeeds."""
    assert main(["fit", "--trainer.logger=false", "--trainer.max_epochs=1"]) == 0
    assert "curves" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "logger",
    ["--trainer.logger=true", "--trainer.logger=CSVLogger", "--trainer.logger=false"],
)
def test_run_has_its_files_with_any_logger(logger: str) -> None:
    """Checkpoints, configuration and metadata are in the folder of the run."""
    save = "--trainer.logger.init_args.save_dir=runs"
    options = [logger, *([save] if "CSV" in logger else [])]
    assert main(["fit", *options, "--trainer.max_epochs=1"]) == 0
    checkpoint = newest_checkpoint()
    run = max(Path("runs").glob("fit-*"), key=lambda path: path.name)
    assert checkpoint == run / "checkpoints" / "best.ckpt"
    assert (run / "config.yaml").is_file()
    assert (run / "record.json").is_file()


def test_training_without_anything_to_do_leaves_no_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A training whose epochs are done is an error, and not the newest run."""
    before = sorted(Path("runs").iterdir())
    done = f"--ckpt_path={Path('runs', 'fit-0001', 'checkpoints', 'last.ckpt')}"
    assert main(["fit", *SHORT, done]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: nothing was trained: runs/fit-0001/checkpoints/last")
    assert main(["fit", "--trainer.max_epochs=1", done]) == 2
    assert "last.ckpt has trained 2 epochs: ask for more than 1" in (
        capsys.readouterr().err
    )
    assert main(["fit", "--trainer.limit_train_batches=0"]) == 2
    assert "nothing was trained: allow more with" in capsys.readouterr().err
    assert sorted(Path("runs").iterdir()) == before


def test_checkpoint_holds_no_code() -> None:
    """The checkpoint loads with weights_only=True."""
    path = Path("runs", "fit-0001", "checkpoints", "best.ckpt")
    checkpoint = torch.load(path, weights_only=True)
    assert checkpoint["hyper_parameters"]["embedding_size"] == 32


@pytest.mark.parametrize(
    ("command", "way"),
    [
        ("test", "not at all"),
        ("validate", "on the command line"),
        ("validate", "in a file"),
    ],
)
def test_given_checkpoint_is_evaluated(
    command: str, way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The default is the newest run; the report names the checkpoint."""
    last = Path("runs", "fit-0001", "checkpoints", "last.ckpt")
    (tmp_path / "last.yaml").write_text(f"ckpt_path: {last}\n")
    model, options = {
        "not at all": (newest_checkpoint(), []),
        "on the command line": (last, [f"--ckpt_path={last}"]),
        "in a file": (last, [f"--config={tmp_path / 'last.yaml'}"]),
    }[way]
    assert main([command, *options]) == 0
    output = capsys.readouterr().out
    assert "accuracy" in output
    folder = max(Path("runs").glob(f"{command}-*"))
    for name in ("metrics.json", "examples.csv", "confusion.png", "errors.png"):
        assert (folder / name).stat().st_size > 0
        assert str(folder / name) in output
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    evaluated = json.loads((folder / "metrics.json").read_text())["model"]
    assert evaluated == {"checkpoint": str(model), "sha256": digest}
    assert f"{model} (sha256 {digest[:12]})" in output


def test_commands_work_from_another_folder(
    workplace: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Commands use the settings, thresholds and runs of the repository."""
    inside = workplace / "notebooks"
    inside.mkdir(exist_ok=True)
    before = {*(workplace / "runs").iterdir()}
    for folder in (tmp_path, inside):
        monkeypatch.chdir(folder)
        few = "--trainer.limit_train_batches=2"
        assert main(["fit", *SHORT, few]) == 0
        (run,) = {*(workplace / "runs").iterdir()} - before
        try:
            files = {path.name for path in run.rglob("*")}
            assert files >= {"metrics.csv", "record.json", "best.ckpt", "last.ckpt"}
            # The saved configuration has no path of this machine.
            assert str(workplace) not in (run / "config.yaml").read_text()
            best = run / "checkpoints" / "best.ckpt"
            for options in ([], [f"--ckpt_path=runs/{run.name}/checkpoints/best.ckpt"]):
                assert main(["validate", *options]) == 0
                assert f"model        {best} " in capsys.readouterr().out
            # A configuration is found in the current folder, also with a checkpoint.
            (folder / "few.yaml").write_text("trainer: {limit_val_batches: 1}\n")
            options = ["--config=few.yaml", f"--ckpt_path={best}"]
            assert main(["validate", *options]) == 0
            (folder / "few.yaml").unlink()
            assert main(["promote"]) == 2
            assert "below minimum on all" in capsys.readouterr().err
            assert Path.cwd() == folder
        finally:
            for path in {*(workplace / "runs").iterdir()} - before:
                shutil.rmtree(path)
        assert [*folder.iterdir()] == []


def test_recipe_is_recognized_in_its_folder(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with a recipe is named after it, as it is no model to promote."""
    monkeypatch.chdir(workplace / "configs" / "debug")
    assert main(["fit", "--config=fast.yaml", *SHORT]) == 0
    (run,) = (workplace / "runs").glob("fast-*")
    shutil.rmtree(run)


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("runs", "{root}/runs"),
        ("/somewhere", "/somewhere"),
        ("~/logs", "~/logs"),
        ("$HOME/logs", "$HOME/logs"),
        ("s3://bucket/logs", "s3://bucket/logs"),
    ],
)
def test_logger_folder_is_in_the_repository(
    folder: str,
    expected: str,
    workplace: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Absolute folders, home folders, variables and URLs are unchanged."""
    monkeypatch.chdir(tmp_path)
    assert _in_root(folder) == expected.format(root=workplace.resolve())


@pytest.mark.parametrize("command", ["fit", "validate", "test", "compare", "promote"])
def test_missing_settings_are_one_line(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without the settings of the repository no command runs."""
    enter(tmp_path, monkeypatch)
    assert main([command]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("mode", "status"), [("report", 0), ("enforce", 1)])
def test_regression_is_reported_or_an_error(
    mode: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model below the minimum accuracy fails only in the mode `enforce`."""
    settings = f"mode: {mode}\nmin_accuracy:\n  all: 1\n"
    Path("configs", "comparison.yaml").write_text(settings)
    checkpoint = "runs/fit-0001/checkpoints/best.ckpt"
    assert main(["compare", f"--ckpt_path={checkpoint}"]) == status
    output = capsys.readouterr().out
    assert "regress: below minimum on all" in output
    assert ("Nothing is blocked" in output) == (mode == "report")
    folder = Path("build", "comparison")
    assert json.loads((folder / "verdict.json").read_text())["verdict"] == "regress"
    assert "**regress**" in (folder / "card.md").read_text()
    assert not (folder / "production").exists()


@pytest.fixture
def _without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run trainings of `retrain` in this process, as imports take seconds."""

    def run(
        command: Sequence[str], env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        python, option, package, *arguments = command
        os.environ[VARIABLE] = env[VARIABLE]
        assert (python, option, package) == (sys.executable, "-m", PACKAGE)
        return subprocess.CompletedProcess(command, main(arguments))

    target = f"{PACKAGE}.toolkit.run_records.commands.subprocess"
    monkeypatch.setattr(target, SimpleNamespace(run=run))


@pytest.mark.usefixtures("_without_processes")
def test_some_configuration_is_retrained() -> None:
    """The project has a configuration for the weekly retraining."""
    assert configurations(ROOT / "configs")


@pytest.mark.usefixtures("_without_processes")
def test_same_seed_gives_the_same_metrics() -> None:
    """On the CPU, metrics are reproduced exactly; another seed gives others."""
    assert main(["retrain", *SHORT]) == 0
    assert main(["fit", *SHORT, "--seed_everything=2"]) == 0
    first, *_, again, other = sorted(Path("runs").glob("fit-*/record.json"))
    assert metrics(first) == metrics(again) != metrics(other)


@pytest.mark.slow
def test_other_process_gives_the_same_metrics() -> None:
    """Metrics do not depend on the hash seed of a process."""
    assert main(["retrain", *SHORT]) == 0
    first, *_, again = sorted(Path("runs").glob("fit-*/record.json"))
    assert metrics(first) == metrics(again)


def metrics(record: Path) -> dict[str, float]:
    """Return the final metrics of a training."""
    return json.loads(record.read_text())["metrics"]


@pytest.mark.usefixtures("_without_processes")
def test_training_that_ran_out_of_time_is_not_compared(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training that max_time stops fails, and is neither compared nor promoted."""
    # The clock advances with each reading, so that the machine's speed is irrelevant.
    ticks = itertools.count()
    monkeypatch.setattr(Timer, "time_elapsed", lambda *_: next(ticks))
    limits = ["--trainer.max_epochs=1000", "--trainer.max_time=00:00:01:00"]
    assert main(["retrain", *limits]) == 1
    assert "stopped early" in capfd.readouterr().out
    for command in ("compare", "promote"):
        assert main([command]) == 2
        assert "stopped early, after " in capfd.readouterr().err


def test_training_resumes_from_a_checkpoint() -> None:
    """The third epoch is trained next, with the optimizer's state."""
    last = "runs/fit-0001/checkpoints/last.ckpt"
    assert main(["fit", "--trainer.max_epochs=3", f"--ckpt_path={last}"]) == 0
    newest = max(Path("runs").glob("fit-*"))
    assert json.loads((newest / "record.json").read_text())["resumed_from"] == last
    epochs = [line.split(",")[0] for line in (newest / "metrics.csv").open()]
    assert "2" in epochs
    assert "1" not in epochs


@pytest.mark.parametrize(
    ("sent", "epoch"), [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGINT, 0)]
)
def test_interrupted_training_keeps_its_last_checkpoint(
    sent: signal.Signals,
    epoch: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """SIGINT and SIGTERM keep a checkpoint, and the output says how to resume."""

    def interrupt(self: Any) -> None:
        if self.current_epoch == epoch:
            signal.raise_signal(sent)

    # In another folder, as other tests use the newest run.
    enter(tmp_path, monkeypatch, "configs", "models/production")
    monkeypatch.setattr(training_module(), "on_train_epoch_start", interrupt)
    # A process in the background ignores SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(SystemExit):
        main(["fit"])
    last = Path("runs", "fit-0001", "checkpoints", "last.ckpt")
    hint = f"fit --ckpt_path {last}"
    if epoch == 0:
        assert not last.exists()
    else:
        assert torch.load(last, weights_only=True)["epoch"] == epoch - 1
    assert (hint in capsys.readouterr().err) == last.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fly"], "unknown command 'fly'"),
        (["fitt"], "unknown command 'fitt': fit? Or see"),
        (["fit", "--model.embeding_size=3"], "is it --model.embedding_size?"),
        (["fit", "--trainer.precision=17"], "trainer.precision cannot be 17: one of"),
        (["fit", "--trainer.max_epochs=-5"], "`max_epochs` must be a non-negative"),
        (["fit", "--trainer.strategy=dpp"], "invalid strategy name: `strategy='dpp'`"),
        (["fit", "--trainer.barebones=true"], "logger=[CSVLogger, TensorBoardLogger]"),
        (["fit", "--config=nowhere.yaml"], "nowhere.yaml"),
        (["fit", "--model.chunnels=3"], "model.chunnels"),
        (["fit", "--data.batch_size=many"], "data.batch_size"),
        (["fit", "--threads=0"], "threads"),
        (["fit", "--data.batch_size=0"], "data.batch_size is 0"),
        (["fit", "--data.num_workers=-1"], "data.num_workers is -1"),
        (["fit", "--model.width=0"], "model.width is 0"),
        (["fit", "--model.learning_rate=-0.1"], "model.learning_rate is -0.1"),
        (["fit", "--model.weight_decay=-1"], "model.weight_decay is -1"),
        (["fit", "--model.dropout=1.5"], "model.dropout is 1.5"),
        (["fit", "--trainer.max_ep=3"], "--trainer.max_ep=3"),
        (["fit", "--overfit_batches=few"], "trainer.overfit_batches"),
        (
            ["fit", "--auto_scale_batch_size=true"],
            "--trainer.callbacks+=BatchSizeFinder",
        ),
        (["test", "--ckpt=runs/fit-0001/checkpoints/last.ckpt"], "--ckpt"),
        (["test", "--model.embedding_size=64"], "trained with embedding_size=32"),
        (["test", "--ckpt_path=nowhere.ckpt"], "no checkpoint at nowhere.ckpt"),
        (["test", "--ckpt_path=configs/default.yaml"], "is not a checkpoint"),
        (["retrain", "nowhere.yaml"], "no file nowhere.yaml"),
        (["predict", "nowhere"], "no file nowhere"),
        (["predict", "configs/default.yaml"], "configs/default.yaml "),
        (["predict", "--ckpt=last.ckpt", "x"], "--ckpt"),
        (["promote", "--ckpt_path=nowhere.ckpt"], "no checkpoint at nowhere.ckpt"),
        (["promote", "--ckpt=last.ckpt"], "--ckpt"),
    ],
)
def test_invalid_input_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Invalid input gives no traceback and no empty run folder."""
    runs = sorted(Path("runs").iterdir())
    assert main(arguments) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    if errors[0].startswith("Seed set"):
        del errors[0]
    (error,) = errors
    assert error.startswith("error: ")
    assert message in error
    assert sorted(Path("runs").iterdir()) == runs


def test_error_in_the_background_is_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where a shell ignores interrupts, only a training says how to end it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert main(["fit", "--model.width=0"]) == 2
    finally:
        signal.signal(signal.SIGINT, before)
    assert "In the background" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no settings, such as seed_everything: 1"),
        ("- 1\n", "has no settings, such as seed_everything: 1"),
        ("a: 1\nb: [1\n", "is no YAML, in line 3: expected ',' or ']', but got"),
        ("a:\n\tb: 1\n", "is no YAML, in line 2: found character"),
    ],
)
@pytest.mark.parametrize("form", ["--config={}", "--config {}"])
def test_unreadable_configuration_is_named(
    form: str,
    text: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A configuration without settings is named, with the line."""
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    assert main(["fit", *form.format(file).split(" ")]) == 2
    assert f"error: {file} {message}" in capsys.readouterr().err


def test_checkpoints_may_be_switched_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without checkpoints the training has its other files."""
    enter(tmp_path, monkeypatch, "configs", "models/production")
    options = ["--trainer.enable_checkpointing=false", "--trainer.max_epochs=1"]
    assert main(["fit", *options]) == 0
    (run,) = Path("runs").iterdir()
    assert (run / "record.json").is_file()
    assert [*run.rglob("*.ckpt")] == []


def test_ctrl_c_during_imports_has_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit status is 130, as for any process that SIGINT ends."""

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(
        "digit_recognizer.toolkit.training.commands.handle_signals", interrupt
    )
    assert main(["fit"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a subprocess that prints its imports."""
    command = [sys.executable, "-X", "importtime", "-m", PACKAGE, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the third-party packages that a command imported."""
    names = re.findall(r"^import time:.*\| +(\w+)", done.stderr, re.MULTILINE)
    return {*names} - {*sys.stdlib_module_names, PACKAGE}


def test_help_imports_no_slow_packages() -> None:
    """Help imports neither PyTorch nor NumPy."""
    done = start("--help")
    assert "predict" in done.stdout
    assert not imported(done) & {"torch", "numpy", *NOT_FOR_PREDICTION}


def write_example(raw: Any, path: Path) -> None:
    """Write an example, alone in its file."""
    module = import_module(TASK)
    if hasattr(module, "write_example"):
        module.write_example(raw, path)
    else:
        module.write_examples(raw[None], path)


def test_prediction_from_a_file(tmp_path: Path) -> None:
    """A file is predicted and logged without importing the training framework."""
    data = task.load_splits()["val"]
    path = tmp_path / "example"
    write_example(data.raw[0], path)
    (expected,) = task.predict(load_production(), data.raw[:1])
    log = tmp_path / "log.jsonl"
    done = start("predict", str(path), str(path), f"--log={log}")
    first, second = done.stdout.splitlines()
    assert first == second
    assert first.startswith(f"{path}:")
    assert first.endswith(f": {expected}")
    logged = [(one.source, one.prediction, one.raw) for one in load_predictions([log])]
    assert logged == 2 * [(str(path), str(expected), data.raw[0].tolist())]
    assert "torch" in imported(done)
    assert not imported(done) & NOT_FOR_PREDICTION


def test_prediction_with_a_given_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The checkpoint predicts in place of the production model."""
    raw = task.load_splits()["val"].raw[:1]
    write_example(raw[0], path := tmp_path / "example")
    best = Path("runs", "fit-0001", "checkpoints", "best.ckpt")
    log = tmp_path / "log.jsonl"
    command = ["predict", f"--ckpt_path={best}", f"--log={log}", str(path)]
    assert main(command) == 0
    assert [logged.model for logged in load_predictions([log])] == [str(best)]
    (expected,) = task.predict(load_checkpoint(best)[0], raw)
    assert capsys.readouterr().out.endswith(f": {expected}\n")
    assert str(expected) != str(*task.predict(load_production(), raw))


@pytest.mark.parametrize(("limit", "said"), [(100, True), (10**9, False)])
def test_large_model_has_another_place(
    limit: int,
    said: bool,
    workplace: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A promotion says where a model belongs that is too large for git."""
    monkeypatch.setattr(f"{PACKAGE}.toolkit.evaluation.commands.MAX_SIZE", limit)
    run = workplace / "runs" / "fit-0001"
    enter(tmp_path, monkeypatch, "configs", "models/production")
    checkpoint = run / "checkpoints" / "best.ckpt"
    assert main(["promote", "--even-if-worse", f"--ckpt_path={checkpoint}"]) == 0
    assert ("keep it in Git LFS" in capsys.readouterr().out) == said
