"""Does overfitting one batch stop at a low loss, and fail without one?"""

from contextlib import nullcontext
from typing import Any

import lightning
import pytest
import torch
from lightning import LightningModule
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from digit_recognizer.toolkit.debug.overfit import OverfitCheck
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.interface import data_module, optional, task
from tests.helpers.training import fit


class Learner(BoringModel):
    """Learns with the given learning rate."""

    def __init__(self, learning_rate: float) -> None:
        super().__init__()
        self.learning_rate = learning_rate

    def configure_optimizers(self) -> Optimizer:  # type: ignore[override]
        """Return an optimizer without a schedule."""
        return SGD(self.parameters(), lr=self.learning_rate)


def test_training_stops_at_low_loss(capsys: pytest.CaptureFixture[str]) -> None:
    """Training stops as soon as the batch is memorized."""
    check = OverfitCheck(loss_fraction=0.1)
    data = BoringDataModule()
    trainer = fit(Learner(0.01), data, 100, overfit_batches=1, callbacks=[check])
    assert 1 < trainer.global_step < 100
    output = capsys.readouterr().out
    assert f"memorized in {trainer.global_step} steps" in output
    assert "A single example proves little" in output


def test_no_learning_is_an_error() -> None:
    """A loss that does not fall within the given steps is an error."""
    with pytest.raises(UserError, match="after 5 steps the loss is"):
        data = BoringDataModule()
        fit(Learner(0), data, 5, overfit_batches=1, callbacks=[OverfitCheck()])


def test_dropout_is_off_during_the_check() -> None:
    """Dropout is 0 while a batch is overfitted, and restored afterwards."""
    rates = []
    module, dropout = Learner(0.01), nn.Dropout(0.5)
    dropout.register_forward_hook(lambda *_: rates.append(dropout.p))
    module.layer = nn.Sequential(dropout, module.layer)  # type: ignore[assignment]
    data = BoringDataModule()
    fit(
        module,
        data,
        100,
        overfit_batches=1,
        callbacks=[OverfitCheck(loss_fraction=0.1)],
    )
    assert {*rates} == {0}
    assert dropout.p == 0.5


class Classifier(LightningModule):
    """The network of the project with a loss that is changed."""

    def __init__(self, learning_rate: float, **loss: Any) -> None:
        super().__init__()
        self.net = task.Network()
        self.learning_rate = learning_rate
        self.smoothing = loss.get("label_smoothing", 0.0)
        self.shift = loss.get("shift", 0.0)
        self.shuffled = loss.get("shuffled", False)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the loss."""
        x, labels = batch.values() if isinstance(batch, dict) else batch
        if self.shuffled:
            labels = labels[torch.randperm(len(labels))]
        classes = optional("class_index")(labels)
        loss = cross_entropy(self.net(x), classes, label_smoothing=self.smoothing)
        return loss + self.shift

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Fail: validation would be of other examples."""
        raise AssertionError

    def configure_optimizers(self) -> Any:
        """Return an optimizer with a schedule that waits for a metric."""
        optimizer = Adam(self.parameters(), lr=self.learning_rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {
                "scheduler": ReduceLROnPlateau(optimizer),
                "monitor": "val/loss",
                "strict": False,
            },
        }


@pytest.mark.task_interface("Network", "load_splits", "evaluate")
@pytest.mark.parametrize(
    ("loss", "learning_rate", "message"),
    [
        ({"label_smoothing": 0.1}, 0.01, ""),
        ({"shift": -5}, 0.01, ""),
        ({"shift": -5}, 1e-9, r"and \d+ of 32 predictions"),
        ({"label_smoothing": 0.1}, 1e-9, "predictions are correct: loss, gradients"),
        ({"label_smoothing": 0.1, "shuffled": True}, 0.01, "predictions are correct"),
    ],
    ids=["a floor", "negative", "negative, no learning", "no learning", "shuffled"],
)
@pytest.mark.parametrize("kind", [tuple, dict])
def test_losses_that_cannot_fall_to_zero(
    kind: type,
    loss: dict[str, Any],
    learning_rate: float,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a loss that has a floor or is negative, correct predictions decide."""
    lightning.seed_everything(1, verbose=False)
    module, data = Classifier(learning_rate, **loss), data_module()()
    data.transfer_batch_to_device = lambda batch, *_: kind(
        zip(("inputs", "labels"), batch, strict=True) if kind is dict else batch
    )
    with pytest.raises(UserError, match=message) if message else nullcontext():
        fit(module, data, 150, overfit_batches=1, callbacks=[OverfitCheck()])
    assert ("memorized in 150 steps" in capsys.readouterr().out) == (not message)
