"""A training with a share of the examples, for a study of many."""

import math
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from .. import interface
from ..errors import UserError
from ..run_records import leave
from .scaling_study import SCALE, describe


class Scale(Callback):
    """Trains with a share of the examples, and writes down what came of it.

    The number of steps is that of a training with all of them: what is compared is the
    data, not the time. What counts is the best epoch, as for whoever keeps that.

    Args:
        share: Of the training split, above 0 and up to 1.
        monitor: What is logged of the validation data and should be low.

    Raises:
        UserError: The share is none.
    """

    def __init__(self, share: float = 1, monitor: str = "val/loss") -> None:
        if not 0 < share <= 1:
            raise UserError(f"a share is above 0 and up to 1, not {share}")
        self.share = share
        self.monitor = monitor
        self.examples = 0
        self.best = math.inf

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave out examples, before anything is learnt of them."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        whole: Any = getattr(data, "splits", {}).get("train")
        if whole is None:
            raise UserError("the data module has no training split to take a part of")
        self.examples = max(round(self.share * len(whole)), 1)
        rows = torch.randperm(len(whole))[: self.examples]
        part = interface.replace(whole, raw=whole.raw[rows], labels=whole.labels[rows])
        _, steps = _epoch(trainer, data)
        data.splits = {**data.splits, "train": part}
        batches, steps_of_part = _epoch(trainer, data)
        if trainer.max_epochs and trainer.max_epochs > 0:
            whole_training = steps * trainer.max_epochs
            limit = trainer.max_steps if trainer.max_steps >= 0 else whole_training
            trainer.fit_loop.epoch_loop.max_steps = min(limit, whole_training)
            # What a schedule of the learning rate may look at.
            trainer.fit_loop.max_epochs = math.ceil(whole_training / steps_of_part)
        # As often as with all examples, which is not always at the end of an epoch.
        trainer.check_val_every_n_epoch = None
        trainer.val_check_interval = batches * steps // steps_of_part

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remember the best."""
        logged = trainer.callback_metrics.get(self.monitor)
        if logged is None:
            raise UserError(f"nothing is logged as {self.monitor}: name it by monitor")
        self.best = min(self.best, float(logged))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write down what came of it."""
        facts = {
            "examples": self.examples,
            "weights": sum(weight.numel() for weight in pl_module.parameters()),
            "loss": self.best,
        }
        leave(trainer, SCALE, facts)
        print(f"\n{describe(facts)}: {self.monitor} {self.best:.4f} at best")


def _epoch(trainer: Trainer, data: Any) -> tuple[int, int]:
    """Return batches and steps of the optimizer in an epoch, those of each process."""
    batches = math.ceil(len(data.train_dataloader()) / trainer.world_size)
    limit = trainer.limit_train_batches
    if isinstance(limit, int):
        batches = min(batches, limit)
    elif limit is not None:
        batches = max(int(batches * limit), 1)  # of none the trainer complains
    return batches, math.ceil(batches / trainer.accumulate_grad_batches)
