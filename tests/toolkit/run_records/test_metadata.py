"""Do the metadata describe a run, and are unusable runs refused?"""

import json
import subprocess
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.run_records import newest_checkpoint
from digit_recognizer.toolkit.run_records.folders import (
    current_commit,
    load_trained_on,
    load_training_record,
    require_finished,
)
from digit_recognizer.toolkit.splits import SplitRule
from digit_recognizer.toolkit.training import metadata_recorder
from digit_recognizer.toolkit.training.metadata_recorder import MetadataRecorder
from tests.helpers.training import ROOT

# Projects from 0.1.0 have no task.py.
task_module = pytest.importorskip("digit_recognizer.task")

EXAMPLES = 6
RULE = SplitRule("salt", {"train": 0.6, "test": 0.4})
VERSIONS = {"python", "torch", "lightning"}
CHECKPOINT = Path("nowhere", "fit-0001", "checkpoints", "best.ckpt")
SOUND = {"finished": True, "steps": 60, "metrics": {"val/loss": 0.1, "epoch": 2}}


class Line(LightningModule):
    """Fits a line, and logs a fixed validation loss."""

    def __init__(self, val_loss: float) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.val_loss = val_loss

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """Return the mean squared error."""
        return self.layer(batch[0]).square().mean()

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Log the given loss."""
        self.log("val/loss", torch.tensor(self.val_loss))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return plain gradient descent."""
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Split(TensorDataset):
    """Examples with a fingerprint and digests."""

    def fingerprint(self) -> str:
        """Return a constant."""
        return "0123"

    def digests(self) -> list[str]:
        """Return numbers that the rule places in the training split."""
        return [key for key in map(str, range(99)) if RULE.split_of(key) == "train"][
            : len(self)
        ][::-1]


class Data(LightningDataModule):
    """Batches of two."""

    splits = {"train": Split(torch.ones(EXAMPLES, 1))}

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the examples."""
        examples = self.splits["train"]
        return DataLoader(examples, batch_size=2)  # noqa: TOR401 -- in memory

    val_dataloader = train_dataloader


class Interrupt(Callback):
    """Ends the training in an epoch, in its first or last batch."""

    def __init__(
        self, error: BaseException | None, epoch: int = 1, *, last: bool = False
    ) -> None:
        self.error = error
        self.epoch = epoch
        self.last = last

    def on_train_batch_end(self, trainer: Trainer, *arguments: object) -> None:
        """Raise the error, or ask the trainer to stop."""
        if trainer.current_epoch == self.epoch and trainer.is_last_batch >= self.last:
            if self.error is not None:
                raise self.error
            trainer.should_stop = True


def record(
    folder: Path, *callbacks: Callback, val_loss: float = 1.0, **options: Any
) -> dict[str, Any]:
    """Train for three epochs, and return the metadata."""
    trainer = Trainer(
        accelerator="cpu",
        callbacks=[*callbacks, MetadataRecorder(folder, ["fit", "--x=1"], seed=7)],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        **({"max_epochs": 3} | options),
    )
    with pytest.MonkeyPatch.context() as patch:
        # After KeyboardInterrupt the trainer would ignore SIGINT in this process.
        patch.setattr("signal.signal", lambda *arguments: None)
        try:
            trainer.fit(Line(val_loss), Data())
        except (SystemExit, ValueError):
            pass
    facts: dict[str, Any] = json.loads((folder / "record.json").read_text())
    return facts


def test_metadata_of_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has the origin, the environment, the speed and the metrics of a run."""
    monkeypatch.setattr(task_module, "SPLIT_RULE", RULE, raising=False)
    clock = SimpleNamespace(perf_counter=count(start=10.0, step=2.0).__next__)
    monkeypatch.setattr(metadata_recorder, "time", clock)
    facts = record(tmp_path)
    assert facts["arguments"] == ["fit", "--x=1"]
    assert facts["seed"] == 7
    assert facts["resumed_from"] is None
    assert facts["data"] == {"train": "0123"}
    assert facts["split_rule"]["by"] == "content"
    recorded = load_trained_on(tmp_path / "checkpoints" / "best.ckpt")
    assert recorded == sorted(Data.splits["train"].digests())
    assert facts["versions"].keys() == VERSIONS
    assert facts["hardware"].startswith("CPU ")
    assert (facts["epochs"], facts["steps"]) == (3, 3 * EXAMPLES // 2)
    assert facts["metrics"] == {"val/loss": 1}
    # The clock is read at the start, at the first write and at the end.
    assert facts["seconds"] == 4
    assert facts["examples_per_second"] == 3 * EXAMPLES / 4
    git = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    head = subprocess.run(git, capture_output=True, text=True).stdout.strip()
    assert (facts["commit"] or "").removesuffix("-dirty") == head


def test_rule_that_does_not_decide_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a list or a date decides the splits, the record has no rule."""
    other = SplitRule("another salt", RULE.fractions)
    monkeypatch.setattr(task_module, "SPLIT_RULE", other, raising=False)
    assert record(tmp_path)["split_rule"] is None


@pytest.mark.parametrize(
    ("known", "expected"), [(["a", "b"], {"a", "b"}), (None, None)], ids=["yes", "no"]
)
def test_training_data_of_before_resuming_count(
    known: list[str] | None, expected: set[str] | None, tmp_path: Path
) -> None:
    """The digests include those of the resumed training, unless they are unknown."""
    first = tmp_path / "fit-0001"
    train(first, 0.5, 0.4)
    (first / "trained-on.txt").unlink()
    if known is not None:
        (first / "trained-on.txt").write_text("\n".join(known))
    last = first / "checkpoints" / "last.ckpt"
    train(tmp_path / "fit-0002", 0.5, 0.4, 0.3, ckpt_path=last)
    found = load_trained_on(tmp_path / "fit-0002" / "checkpoints" / "last.ckpt")
    if expected is None:
        assert found is None
    else:
        assert {*(found or ())} == expected | {*Data.splits["train"].digests()}


@pytest.mark.parametrize(
    ("finished", "callbacks", "options"),
    [
        pytest.param(True, [], {}, id="all epochs"),
        pytest.param(True, [], {"max_epochs": -1, "max_steps": 4}, id="all steps"),
        pytest.param(True, [EarlyStopping("val/loss", patience=1)], {}, id="plateau"),
        pytest.param(
            True,
            [EarlyStopping("val/loss", stopping_threshold=9)],
            {},
            id="early stopping in the first epoch",
        ),
        pytest.param(
            True,
            [Interrupt(None, epoch=2, last=True)],
            {},
            id="asked to stop at the end",
        ),
        pytest.param(
            False, [Interrupt(None, epoch=2)], {}, id="asked to stop in the last epoch"
        ),
        pytest.param(False, [Interrupt(None)], {}, id="asked to stop"),
        pytest.param(False, [Interrupt(KeyboardInterrupt())], {}, id="Ctrl-C"),
        pytest.param(False, [Interrupt(ValueError())], {}, id="an error"),
        pytest.param(
            False,
            [],
            {"max_epochs": 10**6, "max_time": timedelta(seconds=0.3)},
            id="out of time",
        ),
    ],
)
def test_finished_means_ended_by_configuration(
    finished: bool, callbacks: list[Callback], options: dict[str, Any], tmp_path: Path
) -> None:
    """Only the limits of epochs or steps and early stopping finish a training."""
    assert record(tmp_path, *callbacks, **options)["finished"] == finished


class Losses(Line):
    """Logs the given validation losses, one per epoch."""

    def __init__(self, *losses: float) -> None:
        super().__init__(0)
        self.losses = losses

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Log the loss of the epoch, also under another name."""
        loss = torch.tensor(self.losses[self.current_epoch])
        self.log_dict({"val/loss": loss, "val/score": loss, "val/neg_loss": -loss})


def train(folder: Path, *losses: float, **options: Any) -> dict[str, Any]:
    """Train for an epoch per loss into the folder of a run; return the metadata."""
    folder.mkdir()
    threshold = options.pop("stopping_threshold", None)
    stop = EarlyStopping("val/loss", patience=10**6, stopping_threshold=threshold)
    ckpt_path, time = options.pop("ckpt_path", None), options.pop("max_time", None)
    trainer = Trainer(
        accelerator="cpu",
        callbacks=[
            stop,
            ModelCheckpoint(folder / "checkpoints", filename="last"),
            ModelCheckpoint(
                folder / "checkpoints", **{"monitor": "val/loss"} | options
            ),
            MetadataRecorder(folder),
        ],
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        max_epochs=len(losses),
        max_time=time,
    )
    trainer.fit(Losses(*losses), Data(), ckpt_path=ckpt_path)
    facts: dict[str, Any] = json.loads((folder / "record.json").read_text())
    return facts


@pytest.mark.parametrize(
    "options",
    [
        {"filename": "best"},
        {"filename": "best", "save_top_k": 3},
        {"filename": "{epoch}", "save_top_k": -1},
        {"filename": "{epoch}-{val/loss:.2f}"},
        {},
        {"filename": "highest", "mode": "max", "monitor": "val/score"},
    ],
    ids=["one", "three", "all", "a name with a slash", "default name", "highest"],
)
def test_best_checkpoint_is_recorded(options: dict[str, Any], tmp_path: Path) -> None:
    """Whatever is kept under whatever name, the best checkpoint is known."""
    facts = train(tmp_path / "fit-0001", 0.5, 0.9, 0.1, 0.3, **options)
    best = newest_checkpoint(tmp_path)
    assert best == tmp_path / "fit-0001" / facts["best_checkpoint"]
    assert load_training_record(best) == facts
    epoch = torch.load(best, weights_only=True)["epoch"]
    assert epoch == (1 if "mode" in options else 2)


@pytest.mark.parametrize(
    ("monitor", "mode", "right"),
    [("val/loss", "max", "min"), ("val/accuracy", "min", "max")],
)
def test_worst_model_is_not_taken_for_the_best(
    monitor: str, mode: str, right: str, tmp_path: Path
) -> None:
    """A forgotten or wrong `mode` of a callback is an error before the first step."""
    with pytest.raises(
        UserError, match=f"the worst {monitor} would.*: {right} of the ModelCheckpoint"
    ):
        train(tmp_path / "fit-0001", 0.5, monitor=monitor, mode=mode)
    stop = EarlyStopping(monitor, mode=mode)
    with pytest.raises(
        UserError, match=f"the worst {monitor} would.*: {right} of the EarlyStopping"
    ):
        record(tmp_path / "fit-0002", stop)


def test_metric_of_another_name_may_have_any_mode(tmp_path: Path) -> None:
    """Only plain names say what is best, and who keeps all may name any mode."""
    train(tmp_path / "fit-0001", 0.5, monitor="val/neg_loss", mode="max")
    train(tmp_path / "fit-0002", 0.5, monitor="val/loss", mode="max", save_top_k=-1)


@pytest.mark.parametrize(
    ("later", "name"), [((0.6, 0.7), "best-before-resuming"), ((0.6, 0.05), "best")]
)
def test_best_checkpoint_may_be_of_before_resuming(
    later: tuple[float, ...], name: str, tmp_path: Path
) -> None:
    """A resumed training keeps the best of all, also of before."""
    first = tmp_path / "fit-0001"
    train(first, 0.5, 0.1, 0.3, filename="best")
    last = first / "checkpoints" / "last.ckpt"
    losses = (0.5, 0.1, 0.3, *later)
    train(tmp_path / "fit-0002", *losses, filename="best", ckpt_path=last)
    best = newest_checkpoint(tmp_path)
    assert best == tmp_path / "fit-0002" / "checkpoints" / f"{name}.ckpt"
    epoch = torch.load(best, weights_only=True)["epoch"]
    assert losses[epoch] == min(losses)


def test_best_checkpoint_may_be_of_two_trainings_ago(tmp_path: Path) -> None:
    """The best of all is kept when a resumed training is resumed again."""
    losses = (0.5, 0.1, 0.3, 0.6, 0.7)
    last = None
    for number in (1, 2, 3):
        folder = tmp_path / f"fit-000{number}"
        options: dict[str, Any] = {"ckpt_path": last} if last else {}
        train(folder, *losses[: number + 2], filename="best", **options)
        last = folder / "checkpoints" / "last.ckpt"
    best = torch.load(newest_checkpoint(tmp_path), weights_only=True)
    assert best["epoch"] == 1


@pytest.mark.parametrize("text", ["{}", "[]", '{"finished": tr'])
def test_damaged_metadata_are_named(text: str, tmp_path: Path) -> None:
    """A record that is cut off or of something else is an error in one line."""
    run = tmp_path / "fit-0001"
    run.mkdir()
    (run / "record.json").write_text(text)
    with pytest.raises(UserError, match="record.json is not a record of a training"):
        newest_checkpoint(tmp_path)
    with pytest.raises(UserError, match="record.json is not a record of a training"):
        load_training_record(run / "checkpoints" / "best.ckpt")


def test_training_out_of_time_after_early_stopping_is_unfinished(
    tmp_path: Path,
) -> None:
    """Early stopping of an earlier training does not finish a resumed one."""
    losses = (0.5, 0.1) + 10**5 * (0.3,)
    first = train(tmp_path / "fit-0001", *losses, stopping_threshold=0.2)
    assert (first["finished"], first["epochs"]) == (True, 2)
    last = tmp_path / "fit-0001" / "checkpoints" / "last.ckpt"
    time = timedelta(seconds=0.3)
    second = train(tmp_path / "fit-0002", *losses, max_time=time, ckpt_path=last)
    assert second["epochs"] > 2
    assert not second["finished"]


def test_killed_training_is_unfinished(tmp_path: Path) -> None:
    """The file says that a training is unfinished until it ends."""

    class Kill(Callback):
        def on_train_batch_end(self, *arguments: object) -> None:
            text = (tmp_path / "record.json").read_text()
            assert json.loads(text)["finished"] is False

    assert record(tmp_path, Kill())["finished"]


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_nonfinite_metrics_are_strings(value: str, tmp_path: Path) -> None:
    """JSON has neither nan nor infinity, so both are written as strings."""
    assert record(tmp_path, val_loss=float(value))["metrics"] == {"val/loss": value}


def test_finished_training_is_accepted() -> None:
    """A finished training is accepted, and an unfinished one on request."""
    require_finished(SOUND, CHECKPOINT)
    unfinished = SOUND | {"finished": False}
    require_finished(unfinished, CHECKPOINT, even_if_stopped_early=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"finished": False},
            "stopped early, after 60 steps: train again",
        ),
        ({"metrics": {}}, "has left no metrics"),
        ({"metrics": {"val/loss": "nan"}}, "ended with val/loss = nan"),
        ({"metrics": {"a": 1.0, "val/loss": "inf"}}, "ended with val/loss = inf"),
    ],
)
def test_unusable_training_is_refused(change: dict[str, Any], message: str) -> None:
    """The message names the checkpoint, and says what to do."""
    with pytest.raises(UserError, match=message) as error:
        require_finished(SOUND | change, CHECKPOINT)
    assert f"the training of {CHECKPOINT} " in str(error.value)


def test_unfinished_training_can_be_resumed(tmp_path: Path) -> None:
    """The message names the last checkpoint if there is one."""
    (tmp_path / "last.ckpt").touch()
    with pytest.raises(UserError, match="resume it with fit --ckpt_path .*last.ckpt"):
        require_finished(SOUND | {"finished": False}, tmp_path / "best.ckpt")


def test_missing_metadata_are_named(tmp_path: Path) -> None:
    """A checkpoint that was copied out of its run has no record.json."""
    with pytest.raises(UserError, match=r"record.json is missing"):
        load_training_record(tmp_path / "checkpoints" / "best.ckpt")


def test_missing_commit_has_a_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record without a commit comes with the reason of git."""
    assert current_commit() is not None
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert current_commit() is None
    said = capsys.readouterr().err
    assert said.startswith("warning: the record names no commit (fatal: detected dub")
    assert said.count("\n") == 1
    monkeypatch.setenv("PATH", "")
    assert current_commit() is None
    said = capsys.readouterr().err
    assert "(git does not run: No such file or directory)" in said
