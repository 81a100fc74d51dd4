"""Are loading and computing timed separately, and operations traced?"""

import json
from pathlib import Path

import pytest
import torch
from lightning.pytorch.demos.boring_classes import (
    BoringDataModule,
    BoringModel,
    RandomDataset,
)
from torch import Tensor
from torch.utils.data import Subset

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.performance.profile import Profile
from tests.toolkit.fakes import Clock
from tests.helpers.training import fit

pytestmark = pytest.mark.usefixtures("_in_a_folder")

PACKAGE = "digit_recognizer"


class Slow(RandomDataset):
    """Takes three seconds to load an example."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(32, 10)
        self.clock = clock

    def __getitem__(self, index: int) -> Tensor:
        """Return an example."""
        self.clock.now += 3
        return super().__getitem__(index)


class Quick(BoringModel):
    """Takes a second for a step."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Return the loss."""
        self.clock.now += 1
        return self.step(batch)


class SlowData(BoringDataModule):
    """Ten examples that load slowly."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def setup(self, stage: str) -> None:
        """Make ten examples."""
        super().setup(stage)
        self.random_train = Subset(Slow(self.clock), range(10))


class Heavy(BoringModel):
    """Multiplies large matrices in each step."""

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Return the loss."""
        torch.mm(torch.ones(600, 600), torch.ones(600, 600))
        return self.step(batch)


def test_loading_is_timed_apart_from_computing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first step of an epoch is left out."""
    clock = Clock()
    monkeypatch.setattr(f"{PACKAGE}.toolkit.performance.profile.time", clock)
    profile = Profile(warmup=2, steps=12, traced=1)
    trainer = fit(Quick(clock), SlowData(clock), 50, callbacks=[profile])
    assert trainer.global_step == 15
    assert profile.loading == [3] * 11
    assert profile.computing == [1] * 11
    output = capsys.readouterr().out
    assert "loading  75% of a step, which takes 4000.00 ms" in output


def test_slowest_operation_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has operations of the traced steps; the trace file has all."""
    profile = Profile(warmup=1, steps=3, traced=2, operations=3)
    fit(Heavy(), BoringDataModule(), 50, callbacks=[profile])
    _, title, first, *_ = capsys.readouterr().out.splitlines()
    assert title.split() == ["operation", "calls", "ms", "fraction"]
    assert first.split()[0] == "aten::mm"
    events = json.loads(Path("trace.json").read_text())["traceEvents"]
    assert sum(event["name"] == "aten::mm" for event in events) >= 2
    assert Path("steps.png").stat().st_size > 1000


@pytest.mark.parametrize(("steps", "batches"), [(3, 0), (50, 1)])
def test_training_without_steps_to_measure_is_an_error(
    steps: int, batches: int
) -> None:
    """Training is too short, or has one batch an epoch."""
    profile, data = Profile(), BoringDataModule()
    with pytest.raises(UserError, match="steps, before they were measured"):
        fit(BoringModel(), data, steps, overfit_batches=batches, callbacks=[profile])
