"""Overfit a few batches: the first test of a training."""

import math
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch.nn.modules.dropout import _DropoutNd

from .. import interface
from ..errors import UserError
from ..training import batch_size, returned_loss, tensors


class OverfitCheck(Callback):
    """Ends training when a few batches are memorized, and fails if they are not.

    For `overfit_batches`. They are memorized if the loss has fallen to a fraction of
    the first one. Not every loss can: label smoothing leaves a part, and other losses
    are negative. So at the end it is enough that all predictions are correct, and that
    the loss has fallen at all. Dropout, which works against memorizing, is switched off
    meanwhile, and so is validation, as it would be of other batches.

    Args:
        loss_fraction: Of the first loss that may be left.
    """

    def __init__(self, loss_fraction: float = 0.01) -> None:
        self.loss_fraction = loss_fraction
        self.first: float | None = None
        self.loss = 0.0
        self._examples = 0
        self._input: Any = None
        self._dropouts: list[tuple[_DropoutNd, float]] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Switch off validation, which Lightning limits to as many batches."""
        trainer.limit_val_batches = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Switch off dropout."""
        for module in pl_module.modules():
            if isinstance(module, _DropoutNd):
                self._dropouts.append((module, module.p))
                module.p = 0.0

    @property
    def memorized(self) -> bool:
        """Return whether the loss is low enough."""
        if self.first is None:
            return False
        return 0 <= self.loss <= self.loss_fraction * self.first

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Compare the loss of the batch with that of the first one."""
        loss = returned_loss(outputs)
        self.loss = math.nan if loss is None else float(loss)
        if self.first is None:
            self.first = self.loss
        if trainer.current_epoch == 0:
            self._examples += batch_size(batch)
        if batch_idx == 0:
            self._input = next(tensors(batch), None)
        trainer.should_stop = self.memorized

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the result; a loss that stayed high is a `UserError`."""
        steps, first = f"{trainer.global_step} steps", self.first or 0.0
        correct = None if self.memorized else self._correct(trainer, pl_module)
        for module, probability in self._dropouts:
            module.p = probability
        if not self.memorized and not (correct == self._examples and self.loss < first):
            known = f" and {correct} of {self._examples} predictions are correct"
            raise UserError(
                f"after {steps} the loss is {self.loss:.3g}, and was {first:.3g}"
                f"{'' if correct is None else known}: loss, gradients, optimizer or "
                "data path are broken, or the network is too small for these batches"
            )
        print(f"\nmemorized in {steps}: loss {first:.3g} -> {self.loss:.3g}")
        if self._examples == 1:
            print("A single example proves little: take a larger data.batch_size.")

    def _correct(self, trainer: Trainer, module: LightningModule) -> int | None:
        """Count the correct predictions for the examples of the batches."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        train = getattr(data, "splits", {}).get("train")
        if train is None or self._input is None or not hasattr(module, "net"):
            return None
        rows = [*range(min(self._examples, len(train)))]
        few = interface.select(train, rows)
        x, _ = few.batch(rows[: len(self._input)])
        # Only these examples count, and a loader may give others.
        first = next(tensors(x), None)
        if first is None or not torch.equal(first, self._input.cpu()):
            return None
        net: Any = module.net
        return int(interface.task.evaluate(net.cpu(), few).correct.sum())
