"""Detects divergence of a training, and explains known errors."""

import math
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from ..errors import UserError
from ..run_records import run_folder
from .error_hints import error_hint, first_nonfinite_layer
from .nested_tensors import finite

SEE_GRADIENTS = "To see the gradients before: nox -s debug -- nan"


class DivergenceGuard(Callback):
    """Stops a training whose loss diverges, and explains known errors.

    A loss diverges if it is not finite or stays far above the first one. The batch and
    the traceback are written into the folder of the run.

    Args:
        factor: The loss diverges at so many times the first one ...
        steps: ... in so many successive steps. There is no such limit for a resumed
            training, or if the first loss is not positive.
    """

    def __init__(self, factor: float = 100, steps: int = 5) -> None:
        self.factor = factor
        self.steps = steps
        self.hint: str | None = None  # of the error that ended the training
        self._first: float | None = None
        self._high = 0
        self._batch: Any = None
        self._index = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse a validation without examples; raise a `UserError`.

        Lightning would leave it out without a word, and there would be no best model.
        """
        if trainer.limit_val_batches and 0 in trainer.num_val_batches:
            raise UserError(
                "the validation split has no examples, or fewer than a batch. To look "
                "at the splits: nox -s tests -- tests/data"
            )

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Keep the batch."""
        self._batch, self._index = batch, batch_idx

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Release the batch: it takes memory."""
        self._batch = None

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the batch."""
        self._batch, self._index = batch, batch_idx

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Release the batch."""
        self._batch = None

    def on_before_backward(
        self, trainer: Trainer, pl_module: LightningModule, loss: Tensor
    ) -> None:
        """Check the loss before it changes the weights; raise a `UserError`."""
        value = loss.item()
        if not math.isfinite(value):
            where = f"{self._where(trainer)}, step {trainer.global_step}"
            cause = self._cause(trainer, pl_module)
            raise UserError(
                f"the loss is {value} in {where}: {cause}{_kept(self._save(trainer))}"
            )
        if self._first is None:
            self._first = math.inf if trainer.ckpt_path or value <= 0 else value
        self._high = self._high + 1 if value > self.factor * self._first else 0
        if self._high >= self.steps:
            raise UserError(
                f"the loss diverges: {self._first:.3g} at first, {value:.3g} in step "
                f"{trainer.global_step}. Lower the learning rate. {SEE_GRADIENTS}"
            )

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Explain a known error, and write its traceback to a file."""
        if isinstance(exception, UserError | KeyboardInterrupt):
            return
        hint = error_hint(exception, pl_module, self._where(trainer))
        if hint is None:
            return
        lines = traceback.format_exception(exception)
        folder = run_folder(trainer)
        if folder is None:
            print("".join(lines))
            self.hint = hint
        else:
            path = folder / "traceback.txt"
            path.write_text("".join(lines))
            self.hint = hint + _kept(path, self._save(trainer))

    @contextmanager
    def reporting_hints(self) -> Iterator[None]:
        """Turn an error with a hint into a `UserError`."""
        try:
            yield
        except Exception:
            if self.hint is None:
                raise
            # Its traceback was kept already.
            raise UserError(self.hint) from None

    def _cause(self, trainer: Trainer, module: LightningModule) -> str:
        if not finite(self._batch):
            return (
                "the batch has values that are not finite: nox -s tests -- tests/data"
            )
        for name, weight in module.named_parameters():
            if not finite(weight):
                return f"{name} is not finite since the step before. {SEE_GRADIENTS}"
        if trainer.world_size > 1:
            # The others would not take part in this step.
            return f"one of several processes. {SEE_GRADIENTS} --trainer.devices=1"
        with torch.no_grad():
            layer = first_nonfinite_layer(
                module, lambda: module.training_step(self._batch, self._index)
            )
        if layer:
            return f"the output of {layer} is not finite. {SEE_GRADIENTS}"
        return f"all outputs of layers are finite, so it is the loss. {SEE_GRADIENTS}"

    def _where(self, trainer: Trainer) -> str:
        if self._batch is None:
            return ""
        kind = "" if trainer.training else "validation "
        return f"{kind}batch {self._index} of epoch {trainer.current_epoch}"

    def _save(self, trainer: Trainer) -> Path | None:
        folder = run_folder(trainer)
        if self._batch is None or folder is None:
            return None
        path = folder / f"batch-{self._index}.pt"
        torch.save(self._batch, path)
        return path


def _kept(*paths: Path | None) -> str:
    """Name the files that were written."""
    names = ", ".join(str(path) for path in paths if path)
    return f" (see {names})" if names else ""
