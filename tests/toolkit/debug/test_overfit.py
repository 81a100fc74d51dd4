"""Does a training that learns nothing say so?"""

import pytest
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import nn
from torch.optim import SGD, Optimizer

from digit_recognizer.toolkit.debug.overfit import OverfitCheck
from digit_recognizer.toolkit.errors import UserError
from tests.helpers.training import fit


class Learner(BoringModel):
    """Learns as fast as it is told to."""

    def __init__(self, learning_rate: float) -> None:
        super().__init__()
        self.learning_rate = learning_rate

    def configure_optimizers(self) -> Optimizer:  # type: ignore[override]
        """Return an optimizer without a schedule."""
        return SGD(self.parameters(), lr=self.learning_rate)


def test_training_ends_when_it_has_learnt(capsys: pytest.CaptureFixture[str]) -> None:
    """More steps would show nothing more."""
    memorize = OverfitCheck(loss_fraction=0.1)
    data = BoringDataModule()
    trainer = fit(Learner(0.01), data, 100, overfit_batches=1, callbacks=[memorize])
    assert 1 < trainer.global_step < 100
    assert f"memorized in {trainer.global_step} steps" in capsys.readouterr().out


def test_training_that_learns_nothing_is_an_error() -> None:
    """It would end as if all were well."""
    with pytest.raises(UserError, match="after 5 steps the loss is"):
        data = BoringDataModule()
        fit(Learner(0), data, 5, overfit_batches=1, callbacks=[OverfitCheck()])


def test_nothing_is_forgotten_meanwhile() -> None:
    """With half of it forgotten at random, nobody learns by heart."""
    shares = []
    module, dropout = Learner(0.01), nn.Dropout(0.5)
    dropout.register_forward_hook(lambda *_: shares.append(dropout.p))
    module.layer = nn.Sequential(dropout, module.layer)  # type: ignore[assignment]
    data = BoringDataModule()
    fit(
        module,
        data,
        100,
        overfit_batches=1,
        callbacks=[OverfitCheck(loss_fraction=0.1)],
    )
    assert {*shares} == {0}
    assert dropout.p == 0.5
