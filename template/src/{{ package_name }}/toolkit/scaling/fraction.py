"""A training with a fraction of the examples, for a scaling study."""

import math
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from .. import interface
from ..errors import UserError
from ..run_records import write_run_json
from .scaling_study import RESULT, describe_size


class TrainOnFraction(Callback):
    """Trains with a fraction of the examples, and records the lowest loss.

    The number of steps is that of a training with all examples: a study compares the
    data, not the time. It counts the best epoch, whose checkpoint is kept, too.

    Args:
        fraction: Of the training split, above 0 and up to 1.
        monitor: A logged metric of the validation data, the lower the better.

    Raises:
        UserError: The fraction is out of its range.
    """

    def __init__(self, fraction: float = 1, monitor: str = "val/loss") -> None:
        if not 0 < fraction <= 1:
            raise UserError(f"fraction is above 0 and up to 1, not {fraction}")
        self.fraction = fraction
        self.monitor = monitor
        self.examples = 0
        self.best = math.inf

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave out examples before the training begins."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        whole: Any = getattr(data, "splits", {}).get("train")
        if whole is None:
            raise UserError("the data module has no training split to take a part of")
        rows = _draw(whole, max(round(self.fraction * len(whole)), 1))
        self.examples = len(rows)
        part = interface.select(whole, rows)
        _, steps = _epoch(trainer, data)
        data.splits = {**data.splits, "train": part}
        batches, steps_of_part = _epoch(trainer, data)
        if trainer.max_epochs and trainer.max_epochs > 0:
            whole_training = steps * trainer.max_epochs
            limit = trainer.max_steps if trainer.max_steps >= 0 else whole_training
            trainer.fit_loop.epoch_loop.max_steps = min(limit, whole_training)
            # A scheduler of the learning rate may read it.
            trainer.fit_loop.max_epochs = math.ceil(whole_training / steps_of_part)
        # As often as with all examples, which is not always at the end of an epoch.
        trainer.check_val_every_n_epoch = None
        trainer.val_check_interval = batches * steps // steps_of_part

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the lowest value."""
        logged = trainer.callback_metrics.get(self.monitor)
        if logged is None:
            raise UserError(f"no metric {self.monitor} is logged: set monitor")
        self.best = min(self.best, float(logged))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record the result."""
        facts = {
            "examples": self.examples,
            "weights": sum(weight.numel() for weight in pl_module.parameters()),
            "loss": self.best,
        }
        write_run_json(trainer, RESULT, facts)
        print(f"\n{describe_size(facts)}: {self.monitor} {self.best:.4f} at best")


def _draw(data: Any, count: int) -> list[int]:
    """Draw rows, whole groups if the task has groups: at least so many."""
    rows_of: dict[Any, list[int]] = {}
    for row, name in enumerate(interface.groups(data) or range(len(data))):
        rows_of.setdefault(name, []).append(row)
    every, rows = [*rows_of.values()], list[int]()
    for index in torch.randperm(len(every)).tolist():
        if len(rows) < count:
            rows += every[index]
    return rows


def _epoch(trainer: Trainer, data: Any) -> tuple[int, int]:
    """Return batches and steps of the optimizer in an epoch, those of each process."""
    batches = math.ceil(len(data.train_dataloader()) / trainer.world_size)
    limit = trainer.limit_train_batches
    if isinstance(limit, int):
        batches = min(batches, limit)
    elif limit is not None:
        batches = max(int(batches * limit), 1)  # the trainer refuses none
    return batches, math.ceil(batches / trainer.accumulate_grad_batches)
