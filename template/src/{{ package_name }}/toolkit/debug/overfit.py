"""Overfit a few batches: the first test of a training."""

from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch.nn.modules.dropout import _DropoutNd

from ..errors import UserError


class OverfitCheck(Callback):
    """Ends training when a few batches are memorized, and fails if they are not.

    For `overfit_batches`. Dropout, which works against it, is switched off meanwhile.

    Args:
        loss_fraction: Of the first loss that may be left.
    """

    def __init__(self, loss_fraction: float = 0.01) -> None:
        self.loss_fraction = loss_fraction
        self.first: float | None = None
        self.loss = 0.0
        self._dropouts: list[tuple[_DropoutNd, float]] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Switch off dropout."""
        for module in pl_module.modules():
            if isinstance(module, _DropoutNd):
                self._dropouts.append((module, module.p))
                module.p = 0.0

    @property
    def memorized(self) -> bool:
        """Return whether the loss is low enough."""
        return self.first is not None and self.loss <= self.loss_fraction * self.first

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Compare the loss of the batch with that of the first one."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        self.loss = float(loss)
        if self.first is None:
            self.first = self.loss
        trainer.should_stop = self.memorized

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the result; a loss that stayed high is a `UserError`."""
        for module, probability in self._dropouts:
            module.p = probability
        steps = f"{trainer.global_step} steps"
        if not self.memorized:
            raise UserError(
                f"after {steps} the loss is {self.loss:.3g}, and was "
                f"{self.first or 0:.3g}: loss, gradients, optimizer or data path are "
                "broken, or the network is too small for these batches"
            )
        print(f"\nmemorized in {steps}: loss {self.first:.3g} -> {self.loss:.3g}")
