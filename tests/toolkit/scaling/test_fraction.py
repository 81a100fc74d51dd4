"""Does training on a fraction of the data leave all else the same?"""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning import LightningDataModule, Trainer
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.interface import TASK
from digit_recognizer.toolkit.scaling.fraction import TrainOnFraction, _epoch
from digit_recognizer.toolkit.scaling.scaling_study import RESULT
from tests.helpers.training import fit

pytestmark = pytest.mark.usefixtures("_in_a_folder")


@dataclass(frozen=True)
class Examples(Dataset[tuple[Tensor, Tensor]]):
    """Numbers that are their own labels."""

    raw: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.labels)

    def select(self, rows: list[int]) -> "Examples":
        """Return some examples."""
        return Examples(self.raw[rows], self.labels[rows])

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return one example."""
        return self.raw[index], self.labels[index]


class Data(LightningDataModule):
    """A hundred examples."""

    def __init__(self) -> None:
        super().__init__()
        numbers = torch.arange(100)
        self.splits = {name: Examples(numbers, numbers) for name in ("train", "val")}

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return batches of five."""
        return self._loader("train")

    def val_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return batches of five."""
        return self._loader("val")

    def _loader(self, split: str) -> DataLoader[tuple[Tensor, Tensor]]:
        loader = DataLoader(self.splits[split], batch_size=5)  # noqa: TOR401 -- small
        return loader


class Module(BoringModel):
    """Records its batches, and has the lowest loss in the second epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[int]] = []
        self.losses = [3.0, 1.0, 2.0]

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss."""
        assert torch.equal(*batch)
        self.seen.append(batch[0].tolist())
        return self.layer(torch.ones(1, 32)).sum()

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Do nothing, as the losses are given."""

    def on_validation_epoch_end(self) -> None:
        """Log the next loss."""
        self.log("val/loss", self.losses.pop(0))


def train(
    fraction: float, monitor: str = "val/loss", **options: Any
) -> tuple[Module, Trainer]:
    """Train for three epochs on a fraction of the data."""
    module = Module()
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=3,
        callbacks=[TrainOnFraction(fraction, monitor)],
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        **options,
    )
    trainer.fit(module, Data())
    return module, trainer


def test_whole_groups_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of dependent examples all of a group are taken, and as few groups as needed."""

    def groups(data: Examples) -> list[str]:
        return [str(number // 10) for number in data.raw.tolist()]

    monkeypatch.setattr(f"{TASK}.groups", groups, raising=False)
    module, _ = train(0.25)
    seen = {number for batch in module.seen for number in batch}
    assert len(seen) == 30
    assert len({number // 10 for number in seen}) == 3


@pytest.mark.parametrize("fraction", [1, 0.65, 0.25, 0.12, 0.06])
@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({}, 20),
        ({"limit_train_batches": 7}, 7),
        ({"limit_train_batches": 0.5}, 10),
        ({"accumulate_grad_batches": 3}, 7),
    ],
)
def test_fraction_keeps_number_of_steps(
    fraction: float, options: dict[str, Any], steps: int
) -> None:
    """The numbers of steps and validations are those of all examples."""
    module, trainer = train(fraction, **options)
    assert trainer.global_step == 3 * steps
    assert len(module.losses) == 0


def test_schedulers_see_epochs_of_the_fraction() -> None:
    """A scheduler that reads `max_epochs` ends with the training."""
    _, trainer = train(0.12)
    assert trainer.max_epochs == trainer.current_epoch == 20
    _, trainer = train(0.65)
    assert trainer.max_epochs == 5  # of which the last one is cut off


@pytest.mark.parametrize(
    ("options", "batches", "steps"),
    [
        ({}, 7, 7),
        ({"limit_train_batches": 4}, 4, 4),
        ({"limit_train_batches": 0.5, "accumulate_grad_batches": 2}, 3, 2),
    ],
)
def test_steps_are_counted_per_process(
    options: dict[str, Any], batches: int, steps: int
) -> None:
    """Three processes divide twenty batches, and limits hold for each of them."""
    given = {"limit_train_batches": 1.0, "accumulate_grad_batches": 1, **options}
    trainer: Any = SimpleNamespace(world_size=3, **given)
    assert _epoch(trainer, Data()) == (batches, steps)


def test_fraction_is_the_same_in_each_epoch() -> None:
    """Each epoch has the same examples with their labels."""
    module, _ = train(0.25)
    seen = torch.tensor(module.seen).reshape(3 * 4, 25)  # by epoch
    assert len(set(seen[0].tolist())) == 25
    assert torch.equal(seen, seen[:1].expand_as(seen))


def test_result_has_the_best_validation_loss() -> None:
    """Validation takes place after as many steps as with all examples."""
    module, _ = train(0.25)
    assert not module.losses
    facts = json.loads(Path(RESULT).read_text())
    weights = sum(weight.numel() for weight in module.parameters())
    assert facts == {"examples": 25, "weights": weights, "loss": 1}


def test_examples_depend_on_the_seed() -> None:
    """The same seed takes the same examples."""
    parts = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        parts.append(train(0.25)[0].seen)
    assert parts[0] == parts[1] != parts[2]


def test_max_steps_ends_training() -> None:
    """It works with and without `max_epochs`."""
    trainer = fit(Module(), Data(), 7, validate=True, callbacks=[TrainOnFraction(0.5)])
    assert trainer.global_step == 7
    _, trainer = train(0.5, max_steps=41)
    assert trainer.global_step == 41


@pytest.mark.parametrize("fraction", [0, 1.1])
def test_invalid_fraction_is_an_error(fraction: float) -> None:
    """A fraction is above 0 and at most 1."""
    with pytest.raises(UserError, match=f"up to 1, not {fraction}"):
        TrainOnFraction(fraction)


def test_missing_split_or_metric_is_named() -> None:
    """Training needs a training split and the monitored metric."""
    with pytest.raises(UserError, match="has no training split"):
        fit(BoringModel(), BoringDataModule(), 1, callbacks=[TrainOnFraction()])
    with pytest.raises(UserError, match="no metric val/error is logged"):
        train(1, monitor="val/error")
