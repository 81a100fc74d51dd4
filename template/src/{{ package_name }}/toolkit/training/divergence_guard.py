"""Detects divergence of a training, and explains known errors."""

import math
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from ..errors import UserError
from ..run_records import run_folder
from .error_hints import error_hint, first_nonfinite_layer
from .nested_tensors import finite, returned_loss

MAX_PENDING = 100  # losses that are not checked yet
SEE_GRADIENTS = "To see the gradients before: nox -s debug -- nan"


class _Pending:
    """A loss of shape () that the device may still have to compute, in a step."""

    def __init__(self, loss: Tensor, where: str, step: int) -> None:
        self.where = where
        self.step = step
        self.value = loss
        self._copied: torch.cuda.Event | None = None
        if loss.device.type == "cuda":
            # Asking for the number would wait for all operations before it.
            host = torch.empty(loss.shape, dtype=loss.dtype, pin_memory=True)
            self.value = host.copy_(loss, non_blocking=True)
            self._copied = torch.cuda.Event()
            self._copied.record()

    def is_ready(self) -> bool:
        """Return whether the number is there; on other devices, only at the end."""
        return self._copied is not None and self._copied.query()

    def number(self) -> float:
        """Wait for the number."""
        if self._copied is not None:
            self._copied.synchronize()
        return float(self.value)


class DivergenceGuard(Callback):
    """Stops a training whose loss diverges, and explains known errors.

    A loss diverges if it is not finite or stays far above the first one. It is checked
    as `training_step` returns it: before it changes the weights, or on a GPU as soon as
    it is computed, as to wait for it would slow each step down. The batch and the
    traceback are written into the folder of the run.

    Args:
        factor: The loss diverges at so many times the first one ...
        steps: ... in so many successive steps. There is no such limit for a resumed
            training, or if the first loss is not positive.
    """

    def __init__(self, factor: float = 100, steps: int = 5) -> None:
        self.factor = factor
        self.steps = steps
        self.hint: str | None = None  # of the error that ended the training
        self._returned: bool | None = None  # a loss, in any step so far
        self._first: float | None = None
        self._high = 0
        self._batch: Any = None
        self._index = 0
        self._pending: deque[_Pending] = deque()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Watch the losses; refuse a validation without examples by a `UserError`.

        Lightning would leave it out without a word, and there would be no best model.
        """
        if trainer.limit_val_batches and 0 in trainer.num_val_batches:
            raise UserError(
                "the validation split has no examples, or fewer than a batch. To look "
                "at the splits: nox -s tests -- tests/data"
            )
        # Not that of the module, as a copy of it would call the original.
        step = trainer.strategy.training_step

        @wraps(step)
        def watched(*arguments: Any, **options: Any) -> Any:
            output = step(*arguments, **options)
            if (loss := returned_loss(output)) is not None:
                if loss.numel() != 1:
                    shape = f"the shape {tuple(loss.shape)}"
                    raise UserError(
                        f"the loss of {self._where(trainer)} has {shape}, and must be "
                        "one number: return its mean()"
                    )
                self._watch(loss.detach(), trainer, pl_module)
            self._returned = bool(self._returned) or loss is not None
            return output

        trainer.strategy.training_step = watched  # type: ignore[method-assign]

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Keep the batch."""
        self._batch, self._index = batch, batch_idx

    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, *batch_and_index: Any
    ) -> None:
        """Keep the batch."""
        self._batch, self._index, *_ = batch_and_index

    def on_train_batch_end(self, *_: Any) -> None:
        """Release the batch: it takes memory."""
        self._batch = None

    def on_validation_batch_end(self, *_: Any) -> None:
        """Release the batch."""
        self._batch = None

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check all losses before there is a new checkpoint."""
        self._check(trainer, pl_module, wait=True)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check all losses of the epoch; an epoch without any is a `UserError`."""
        self._check(trainer, pl_module, wait=True)
        if pl_module.automatic_optimization and self._returned is False:
            raise UserError(
                "training_step has returned no loss in any batch, so nothing was "
                "learnt: end it with return"
            )

    def teardown(
        self, trainer: Trainer, pl_module: LightningModule, stage: str
    ) -> None:
        """Watch no longer."""
        self._pending.clear()
        vars(trainer.strategy).pop("training_step", None)

    def _watch(self, loss: Tensor, trainer: Trainer, module: LightningModule) -> None:
        where = f"{self._where(trainer)}, step {trainer.global_step}"
        self._pending.append(_Pending(loss, where, trainer.global_step))
        self._check(trainer, module, wait=self._must_wait(loss))

    def _must_wait(self, loss: Tensor) -> bool:
        """Return whether it costs nothing, or too many losses are not checked."""
        return loss.device.type == "cpu" or len(self._pending) > MAX_PENDING

    def _check(self, trainer: Trainer, module: LightningModule, *, wait: bool) -> None:
        """Check the losses that are computed, or all; raise a `UserError`."""
        while self._pending and (wait or self._pending[0].is_ready()):
            pending = self._pending.popleft()
            value = pending.number()
            if not math.isfinite(value):
                if self._pending or self._batch is None:  # of another batch
                    cause, kept = f"weights have changed since. {SEE_GRADIENTS}", ""
                else:
                    cause = self._cause(trainer, module)
                    kept = _kept(self._save(trainer))
                raise UserError(
                    f"the loss is {value} in {pending.where}: {cause}{kept}"
                )
            if self._first is None:
                self._first = math.inf if trainer.ckpt_path or value <= 0 else value
            self._high = self._high + 1 if value > self.factor * self._first else 0
            if self._high >= self.steps:
                raise UserError(
                    f"the loss diverges: {self._first:.3g} at first, {value:.3g} in "
                    f"step {pending.step}. Lower the learning rate. {SEE_GRADIENTS}"
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
            self.hint = hint
            # A full disk keeps no more than the hint.
            with suppress(OSError, RuntimeError):
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
