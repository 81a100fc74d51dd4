"""Training for tests: the real trainer, without files and progress output."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lightning import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, LambdaCallback

# What Lightning reports of each training would bury the reason of a failure.
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


def fit(
    module: LightningModule,
    data: LightningDataModule,
    steps: int,
    *,
    accelerator: str = "cpu",
    precision: Precision = "32-true",
    overfit_batches: int = 0,
    validate: bool = False,
    resume_from: Path | None = None,
    callbacks: Sequence[Callback] = (),
) -> Trainer:
    """Train for a number of steps; those before `resume_from`, a checkpoint, count."""

    def begin(trainer: Trainer, _: object) -> None:
        for config in trainer.lr_scheduler_configs:
            config.strict &= validate  # the metric that it waits for may be missing
        if not module.automatic_optimization:  # the steps of each optimizer count
            trainer.fit_loop.epoch_loop.max_steps *= max(1, len(trainer.optimizers))

    trainer = Trainer(
        accelerator=accelerator,
        devices=1,
        precision=precision,
        max_steps=steps,
        max_epochs=-1,
        overfit_batches=overfit_batches,
        limit_val_batches=1.0 if validate else 0,
        num_sanity_val_steps=0,
        callbacks=[*callbacks, LambdaCallback(on_fit_start=begin)],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
    # Loading a checkpoint, which may come from anywhere, must not execute code.
    trainer.fit(module, data, ckpt_path=resume_from, weights_only=True)
    return trainer
