"""A training with a share of the examples, for a study of many."""

import math
from dataclasses import replace
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from ..errors import InputError
from ..runs import leave
from ..scaling import SCALE, describe


class Scale(Callback):
    """Trains with a share of the examples, and writes down what came of it.

    The number of steps is that of a training with all of them: what is compared is the
    data, not the time. What counts is the best epoch, as for whoever keeps that.

    Args:
        share: Of the training split, above 0 and up to 1.
        monitor: What is logged of the validation data and should be low.

    Raises:
        InputError: The share is none.
    """

    def __init__(self, share: float = 1, monitor: str = "val/loss") -> None:
        if not 0 < share <= 1:
            raise InputError(f"a share is above 0 and up to 1, not {share}")
        self.share = share
        self.monitor = monitor
        self.examples = 0
        self.best = math.inf

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave out examples, before anything is learnt of them."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        whole: Any = getattr(data, "splits", {}).get("train")
        if whole is None:
            raise InputError("the data module has no training split to take a part of")
        self.examples = max(round(self.share * len(whole)), 1)
        rows = torch.randperm(len(whole))[: self.examples]
        part = replace(whole, raw=whole.raw[rows], labels=whole.labels[rows])
        data.splits = {**data.splits, "train": part}
        times = round(1 / self.share)
        # Else it is steps that end it.
        if trainer.max_epochs and trainer.max_epochs > 0:
            trainer.fit_loop.max_epochs = times * trainer.max_epochs
        trainer.check_val_every_n_epoch = times

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remember the best."""
        logged = trainer.callback_metrics.get(self.monitor)
        if logged is None:
            raise InputError(f"nothing is logged as {self.monitor}: name it by monitor")
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
