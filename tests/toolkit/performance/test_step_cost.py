"""Are memory and speed of training steps measured?"""

import json
from pathlib import Path

import pytest
import torch
from lightning import Trainer
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.performance.resource_table import STEP_COST
from digit_recognizer.toolkit.performance.step_cost import PeakMemory, StepCost
from tests.helpers.training import fit

pytestmark = pytest.mark.usefixtures("_in_a_folder")

SIZE = 4000  # bytes of 1000 floats


class Hungry(BoringModel):
    """Allocates memory in a step, and frees it."""

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """Return the loss."""
        torch.ones(1000 * self.thousands)
        return self.step(batch)

    def __init__(self, thousands: int) -> None:
        super().__init__()
        self.thousands = thousands


def test_only_live_tensors_count() -> None:
    """Freed memory and views do not count."""
    with PeakMemory() as memory:
        for _ in range(3):
            first = torch.ones(1000)
            second = first.view(10, 100)
            del first, second
        assert memory.peak == SIZE
        tensors = [torch.ones(1000), torch.ones(1000)]
    assert memory.peak == 2 * SIZE
    assert len(tensors) == 2


def test_memory_for_gradients_counts() -> None:
    """Saved tensors of the forward pass and gradients count."""
    weight = torch.ones(1000, requires_grad=True)
    with PeakMemory() as memory:
        memory.count(weight)
        y = weight.exp().exp()  # both outputs are saved
        assert memory.peak == 3 * SIZE
        y.sum().backward()
    assert memory.peak >= 4 * SIZE


def test_cost_is_measured_and_written(capsys: pytest.CaptureFixture[str]) -> None:
    """A larger step has a higher peak; training ends after the measurement."""
    peaks = []
    for thousands in (1, 3):
        cost = StepCost(seconds=0)
        trainer = fit(Hungry(thousands), BoringDataModule(), 50, callbacks=[cost])
        assert trainer.global_step == 3  # two for memory, one for speed
        facts = json.loads(Path(STEP_COST).read_text())
        assert facts["batch_size"] == 1
        assert facts["examples_per_second"] > 0
        size = facts["peak_bytes"] / 2**20
        assert f"batches of 1: {size:.2f} MiB peak memory, " in capsys.readouterr().out
        peaks.append(facts["peak_bytes"])
    assert peaks[1] - peaks[0] == 2 * SIZE


def test_weights_buffers_and_batch_count() -> None:
    """Memory that was allocated before the step counts."""
    module, cost = BoringModel(), StepCost()
    module.register_buffer("table", torch.ones(1000))
    trainer = Trainer(logger=False, enable_checkpointing=False)
    cost.on_train_start(trainer, module)
    weights = sum(weight.nbytes for weight in module.parameters())
    assert cost.memory.peak == SIZE + weights
    cost.on_train_batch_start(trainer, module, torch.ones(1000), 0)
    cost.on_exception(trainer, module, ZeroDivisionError())
    assert cost.memory.peak == 2 * SIZE + weights


def test_too_short_training_is_an_error() -> None:
    """A training that ends before the measurement writes no result."""
    with pytest.raises(UserError, match="ended after 2 steps, before its cost"):
        fit(BoringModel(), BoringDataModule(), 2, callbacks=[StepCost()])
    assert not Path(STEP_COST).exists()


def test_memory_tracking_ends_with_an_error() -> None:
    """After a failed training, new tensors are not counted."""
    cost = StepCost()
    module = BoringModel()
    module.layer = torch.nn.Linear(31, 2)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        fit(module, BoringDataModule(), 2, callbacks=[cost])
    before = cost.memory.peak
    tensor = torch.ones(100_000)
    assert cost.memory.peak == before < tensor.nbytes
