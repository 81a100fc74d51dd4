"""Is the trainer's overhead measured against a plain loop?"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from lightning import LightningDataModule, Trainer
from lightning.pytorch.demos.boring_classes import BoringModel
from torch import Tensor
from torch.optim import SGD
from torch.utils.data import DataLoader, Dataset

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.performance import overhead
from digit_recognizer.toolkit.performance.benchmark import OVERHEAD
from digit_recognizer.toolkit.performance.overhead import TrainerOverhead
from tests.toolkit.fakes import Clock
from tests.helpers.training import fit

pytestmark = pytest.mark.usefixtures("_in_a_folder")

EXAMPLES = torch.arange(10.0)


class Examples(Dataset[tuple[Tensor, Tensor]]):
    """Ten examples that take a second each to load."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def __len__(self) -> int:
        """Return how many there are."""
        return len(EXAMPLES)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Load one."""
        self.clock.now += 1
        return EXAMPLES[index], EXAMPLES[index]


class Data(LightningDataModule):
    """Batches of four, the last one of two."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.examples = Examples(clock)

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return batches."""
        loader = DataLoader(self.examples, batch_size=4)  # noqa: TOR401 -- no process
        return loader


class Module(BoringModel):
    """Takes three seconds for a step, and records its examples."""

    clock: Clock
    seen: list[float]
    slow_epoch = -1  # none

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss."""
        self.clock.now += 100 if self.current_epoch == self.slow_epoch else 3
        self.seen += batch[0].tolist()
        self.log("loss", 1)
        return self.layer(batch[1].new_ones(32)).sum()

    def configure_optimizers(  # type: ignore[override]
        self,
    ) -> tuple[list[SGD], list[object]]:
        """Return an optimizer in a list."""
        return [SGD(self.parameters(), lr=0.1)], []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that advances when an example is loaded or a step computed."""
    clock = Clock()
    monkeypatch.setattr(overhead, "time", clock)
    monkeypatch.setattr(overhead, "now", lambda module: clock.now)
    monkeypatch.setattr(Module, "clock", clock, raising=False)
    monkeypatch.setattr(Module, "seen", [], raising=False)
    return clock


def test_trainer_and_loop_are_timed(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """The loop takes the same steps as the trainer without loading the data."""
    trainer = fit(Module(), Data(clock), 1000, callbacks=[TrainerOverhead(seconds=0)])
    assert trainer.current_epoch == 4  # the first one does not count
    facts = json.loads(Path(OVERHEAD).read_text())
    # Ten seconds for loading, nine for three steps.
    assert facts["fit"]["seconds"] == 19
    assert facts["loop"]["seconds"] == 9
    assert facts["fit"]["examples_per_second"] == pytest.approx(10 / 19, abs=0.1)
    assert facts["ratio"] == pytest.approx(9 / 19, abs=0.001)
    assert facts["waiting"] == pytest.approx(10 / 19, abs=0.001)
    assert (facts["batch_size"], facts["accelerator"]) == (4, "cpu")
    assert "batches of 4: " in capsys.readouterr().out


def test_loop_uses_the_same_examples(clock: Clock) -> None:
    """Trainer and loop see each example once an epoch, in another order."""
    fit(Module(), Data(clock), 1000, callbacks=[TrainerOverhead(seconds=0)])
    epochs = torch.tensor(Module.seen).reshape(-1, len(EXAMPLES))
    assert len(epochs) == 2 * 4
    for epoch in epochs:
        assert sorted(epoch.tolist()) == EXAMPLES.tolist()
    assert epochs[1].tolist() != EXAMPLES.tolist()


def test_peak_memory_is_measured_separately(clock: Clock) -> None:
    """Neither peak includes memory of the other."""
    fit(Module(), Data(clock), 1000, callbacks=[TrainerOverhead(seconds=0)])
    facts = json.loads(Path(OVERHEAD).read_text())
    weights = sum(weight.nbytes for weight in Module().parameters())
    # Weights, their gradients, and a little for the step.
    for name in ("fit", "loop"):
        assert 2 * weights < facts[name]["peak_bytes"] < 4 * weights


def test_fastest_epoch_counts(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch with slow steps does not change the result."""
    monkeypatch.setattr(Module, "slow_epoch", 2)
    fit(Module(), Data(clock), 1000, callbacks=[TrainerOverhead(seconds=0)])
    assert json.loads(Path(OVERHEAD).read_text())["fit"]["seconds"] == 19


def test_memory_tracking_ends_with_an_error(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed training, new tensors are not counted."""
    monkeypatch.setattr(Module, "on_before_zero_grad", fail)
    callback = TrainerOverhead()
    with pytest.raises(ZeroDivisionError):
        fit(Module(), Data(clock), 1000, callbacks=[callback])
    before = callback.fit.peak
    tensor = torch.ones(100_000)
    assert callback.fit.peak == before < tensor.nbytes


def fail(module: Module, optimizer: object) -> None:
    """Fail in the first step of a training."""
    raise ZeroDivisionError


def test_multiple_processes_are_refused() -> None:
    """The loop has one process, so a comparison would be unfair."""
    trainer = cast("Trainer", SimpleNamespace(world_size=2))
    with pytest.raises(UserError, match="devices=1"):
        TrainerOverhead().on_train_start(trainer, Module())


def test_measurement_ends_after_given_seconds(clock: Clock) -> None:
    """Epochs are repeated until the given seconds are over."""
    trainer = fit(
        Module(), Data(clock), 1000, callbacks=[TrainerOverhead(seconds=28 * 6)]
    )
    assert trainer.current_epoch == 6


def test_one_epoch_is_too_few(clock: Clock) -> None:
    """The first epoch is slower than others, and does not count."""
    with pytest.raises(UserError, match="two are needed"):
        fit(Module(), Data(clock), 3, callbacks=[TrainerOverhead()])
    assert not Path(OVERHEAD).exists()
