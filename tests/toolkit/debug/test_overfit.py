"""Does overfitting one batch stop at a low loss, and fail without one?"""

import pytest
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import nn
from torch.optim import SGD, Optimizer

from digit_recognizer.toolkit.debug.overfit import OverfitCheck
from digit_recognizer.toolkit.errors import UserError
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
    assert f"memorized in {trainer.global_step} steps" in capsys.readouterr().out


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
