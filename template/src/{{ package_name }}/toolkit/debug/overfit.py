"""Whether training can learn a few batches by heart."""

from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch.nn.modules.dropout import _DropoutNd

from ..errors import UserError


class Memorize(Callback):
    """Ends training when the loss is almost gone, and complains when it stays.

    For `overfit_batches`: what comes again and again should be learnt by heart. Layers
    that forget at random work against that, so they forget nothing meanwhile.

    Args:
        share: Of the first loss that may be left.
    """

    def __init__(self, share: float = 0.01) -> None:
        self.share = share
        self.first: float | None = None
        self.loss = 0.0
        self._shares: list[tuple[_DropoutNd, float]] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Switch off dropout."""
        for module in pl_module.modules():
            if isinstance(module, _DropoutNd):
                self._shares.append((module, module.p))
                module.p = 0.0

    @property
    def learnt(self) -> bool:
        """Return whether so little of the first loss is left."""
        return self.first is not None and self.loss <= self.share * self.first

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
        trainer.should_stop = self.learnt

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what came of it; a loss that stayed is an error."""
        for module, share in self._shares:
            module.p = share
        steps = f"{trainer.global_step} steps"
        if not self.learnt:
            raise UserError(
                f"after {steps} the loss is {self.loss:.3g}, and was "
                f"{self.first or 0:.3g}: loss, gradients, optimizer or data path are "
                "broken, or the network is too small for what it is given"
            )
        print(f"\nlearnt by heart in {steps}: loss {self.first:.3g} -> {self.loss:.3g}")
