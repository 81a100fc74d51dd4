"""Is a training compared with the same one in a loop by hand?"""

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
    """Batches of four, or of two."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.examples = Examples(clock)

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return batches."""
        loader = DataLoader(self.examples, batch_size=4)  # noqa: TOR401 -- no process
        return loader


class Module(BoringModel):
    """Takes three seconds for a step, and remembers what it saw."""

    clock: Clock
    seen: list[float]
    disturbed = -1  # an epoch in which something else takes the time

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss."""
        self.clock.now += 100 if self.current_epoch == self.disturbed else 3
        self.seen += batch[0].tolist()
        self.log("loss", 1)
        return self.layer(batch[1].new_ones(32)).sum()

    def configure_optimizers(self) -> tuple[list[SGD], list[object]]:  # type: ignore[override]
        """Return an optimizer, as one may."""
        return [SGD(self.parameters(), lr=0.1)], []


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that goes on while something is loaded or computed."""
    clock = Clock()
    monkeypatch.setattr(overhead, "time", clock)
    monkeypatch.setattr(overhead, "now", lambda module: clock.now)
    monkeypatch.setattr(Module, "clock", clock, raising=False)
    monkeypatch.setattr(Module, "seen", [], raising=False)
    return clock


def test_both_are_timed(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Loading is what the loop does without; a training by hand is as long."""
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


def test_loop_sees_what_training_sees(clock: Clock) -> None:
    """Each example once an epoch, in another order."""
    fit(Module(), Data(clock), 1000, callbacks=[TrainerOverhead(seconds=0)])
    epochs = torch.tensor(Module.seen).reshape(-1, len(EXAMPLES))
    assert len(epochs) == 2 * 4
    for epoch in epochs:
        assert sorted(epoch.tolist()) == EXAMPLES.tolist()
    assert epochs[1].tolist() != EXAMPLES.tolist()


def test_memory_is_that_of_a_step(clock: Clock) -> None:
    """The loop needs as much, and neither counts the other's."""
    fit(Module(), Data(clock), 1000, callbacks=[TrainerOverhead(seconds=0)])
    facts = json.loads(Path(OVERHEAD).read_text())
    weights = sum(weight.nbytes for weight in Module().parameters())
    # Weights, their gradients, and a little for the step.
    for name in ("fit", "loop"):
        assert 2 * weights < facts[name]["peak_bytes"] < 4 * weights


def test_busy_machine_does_not_count(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fastest epoch is what it takes."""
    monkeypatch.setattr(Module, "disturbed", 2)
    fit(Module(), Data(clock), 1000, callbacks=[TrainerOverhead(seconds=0)])
    assert json.loads(Path(OVERHEAD).read_text())["fit"]["seconds"] == 19


def test_watching_ends_with_an_error(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all that follows in this process is counted, and slow."""
    monkeypatch.setattr(Module, "on_before_zero_grad", fail)
    callback = TrainerOverhead()
    with pytest.raises(ZeroDivisionError):
        fit(Module(), Data(clock), 1000, callbacks=[callback])
    before = callback.fit.peak
    kept = torch.ones(100_000)
    assert callback.fit.peak == before < kept.nbytes


def fail(module: Module, optimizer: object) -> None:
    """End a training in its first step."""
    raise ZeroDivisionError


def test_several_processes_are_refused() -> None:
    """The loop would have the work of all of them."""
    trainer = cast("Trainer", SimpleNamespace(world_size=2))
    with pytest.raises(UserError, match="devices=1"):
        TrainerOverhead().on_train_start(trainer, Module())


def test_race_ends_when_its_time_is_over(clock: Clock) -> None:
    """A small training takes many turns, a large one a few."""
    trainer = fit(
        Module(), Data(clock), 1000, callbacks=[TrainerOverhead(seconds=28 * 6)]
    )
    assert trainer.current_epoch == 6


def test_one_epoch_is_too_few(clock: Clock) -> None:
    """It is slower than others."""
    with pytest.raises(UserError, match="two are needed"):
        fit(Module(), Data(clock), 3, callbacks=[TrainerOverhead()])
    assert not Path(OVERHEAD).exists()
