"""Does each recipe in `configs/debug/` run, and print what it promises?"""

import re
from pathlib import Path

import pytest
from torch import Tensor

from digit_recognizer.__main__ import main
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.interface import training_module
from digit_recognizer.toolkit.run_records import newest_checkpoint
from tests.helpers.training import ROOT, SETTINGS, enter

pytestmark = pytest.mark.task_interface

PACKAGE = "digit_recognizer"
RECIPES = sorted(path.stem for path in (ROOT / "configs" / "debug").glob("*.yaml"))
ONE_BATCH = ["--fast_dev_run=1"]  # and no files
FEW = ["--max_epochs=1", "--limit_train_batches=2", "--limit_val_batches=1"]
FEWER_STEPS = ["--trainer.callbacks.steps=2", "--trainer.callbacks.traced=1"]
NO_WORKERS = ["--trainer.callbacks.counts=[0]", "--trainer.callbacks.seconds=0"]
NO_COMPILER = [
    *("--trainer.callbacks.backend=eager", "--trainer.callbacks.seconds=0"),
    "--limit_train_batches=2",
]
HALF = ["--trainer.callbacks.fraction=0.5", "--seed_everything=2", "--max_epochs=1"]
# What a recipe prints, and options that make it faster here.
SEEN: dict[str, tuple[str, list[str]]] = {
    "accumulate": ("", ONE_BATCH),
    "batch-size": ("", [*FEW, "--trainer.callbacks.max_trials=1"]),
    "benchmark": (r"x a plain PyTorch loop; .* waiting", ["--max_epochs=2"]),
    "checkpointing": ("", ONE_BATCH),
    "compile": (r"leave it|take ", NO_COMPILER),
    "fast": (r"curves  .*fast-0001.*\ncheckpoints ", ["--max_epochs=1"]),
    "float64": ("", ONE_BATCH),
    "fraction": (r" examples, .* weights: val/loss .* at best", HALF),
    "nan": (r"gradients  .*nan-0001", FEW),
    "overfit": (r"memorized in \d+ steps", []),
    "precision-16": ("", ONE_BATCH),
    "profile": (r"loading .* of a step.*\npicture .*profile-0001", FEWER_STEPS),
    "shapes": (r"\nlayer .*input .*output .*\nnet\.", []),
    "step-cost": (
        r"MiB peak memory, .* examples a second",
        ["--trainer.callbacks.seconds=0"],
    ),
    "workers": (r"take .*num_workers=0", NO_WORKERS),
}


@pytest.fixture(autouse=True)
def _in_workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Drawing the curves takes as long as all the rest.
    curves = f"{PACKAGE}.toolkit.training.commands.write_curves"
    monkeypatch.setattr(curves, lambda run_dir: run_dir)
    enter(tmp_path, monkeypatch, *SETTINGS)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_recipe_prints_what_it_promises(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A recipe runs, prints its result, and writes no run of `fit` to promote."""
    seen, options = SEEN.get(name, ("", []))
    recipe = f"--config=configs/debug/{name}.yaml"
    assert main(["fit", recipe, "--trainer.accelerator=cpu", *options]) == 0
    assert re.search(seen, capsys.readouterr().out)
    with pytest.raises(UserError, match="no run"):
        newest_checkpoint()


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_begins_with_its_purpose(name: str) -> None:
    """The first line of a recipe is its purpose, the second what to expect."""
    lines = Path("configs", "debug", f"{name}.yaml").read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert lines[1].startswith("# You should see: ")


def fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the next training step raise an error."""

    def training_step(self: object, batch: object, batch_idx: int) -> Tensor:
        raise error

    monkeypatch.setattr(training_module(), "training_step", training_step)


def test_known_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A known error is one line with a recipe; the run keeps traceback and batch."""
    message = "mat1 and mat2 shapes cannot be multiplied"
    fail_with(RuntimeError(message), monkeypatch)
    assert main(["fit", "--trainer.accelerator=cpu"]) == 2
    (line,) = re.findall("^error: .*", capsys.readouterr().err, re.MULTILINE)
    assert "nox -s debug -- shapes" in line
    for name in ("traceback.txt", "batch-0.pt"):
        path = Path("runs", "fit-0001", name)
        assert str(path) in line
        assert path.is_file()
    assert message in Path("runs", "fit-0001", "traceback.txt").read_text()


def test_unknown_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown error keeps its traceback."""
    fail_with(ZeroDivisionError("once in a blue moon"), monkeypatch)
    with pytest.raises(ZeroDivisionError, match="blue moon"):
        main(["fit", "--trainer.accelerator=cpu"])
