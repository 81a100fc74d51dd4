"""Memory and time of the steps of a training."""

import time
import weakref
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch.utils._python_dispatch import TorchDispatchMode

from ..errors import UserError
from ..run_records import write_run_json
from ..training import batch_size, tensors
from .resource_table import STEP_COST, describe_resources

STEPS = 2  # of the optimizer: after the first it has its own state, too


class PeakMemory(TorchDispatchMode):
    """Counts the bytes of all tensors that are made while it is active.

    On a GPU PyTorch counts itself. Elsewhere nobody does, and what the process takes
    from the system says little about a step: so each storage is counted when a tensor
    first shows it, until it is freed. What an operation needs for itself is left out.

    Attributes:
        peak: The most bytes at one time.

    Examples:
        >>> with PeakMemory() as memory:
        ...     total = torch.ones(1000).sum() + torch.ones(500).sum()
        >>> memory.peak
        4004
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._now = 0
        self._alive: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def count(self, values: Any) -> None:
        """Count tensors, in whatever lists or dictionaries they are."""
        for tensor in tensors(values):
            self._count(tensor.untyped_storage())

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._alive:
            return

        def free(reference: object) -> None:
            if self._alive.pop(key, None) is not None:
                self._now -= size

        self._alive[key] = weakref.ref(storage, free)
        self._now += size
        self.peak = max(self.peak, self._now)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call an operation, and count what it returns."""
        output = func(*args, **(kwargs or {}))
        self.count(output)
        return output


class StepCost(Callback):
    """Measures memory and speed of a training, and ends it.

    Memory in the first two steps, speed after them. Both are printed and written to
    the folder of the run, as `step_cost.json`.

    Args:
        seconds: Least duration of the measurement of speed.
    """

    def __init__(self, seconds: float = 2) -> None:
        self.seconds = seconds
        self.batch_size = 0
        self.memory = PeakMemory()
        self.peak: int | None = None  # bytes, when they are known
        self._watching = False
        self._start = 0.0
        self._examples = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count the memory before the first step."""
        if pl_module.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self.memory.count([*pl_module.parameters(), *pl_module.buffers()])

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Measure the memory of the first steps."""
        self.batch_size = max(self.batch_size, batch_size(batch))
        if self.peak is None:
            self.memory.count(batch)
            self._watch(on=True)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Measure the time of all further steps."""
        if self.peak is None:
            self._watch(on=False)
            if trainer.global_step >= STEPS:
                self.peak = self.memory.peak
                if pl_module.device.type == "cuda":
                    self.peak = torch.cuda.max_memory_allocated()
                self._start = now(pl_module)
            return
        self._examples += batch_size(batch)
        # Asking a GPU for the time waits for it, so ask it last.
        if time.perf_counter() - self._start >= self.seconds:
            self._finish(trainer, now(pl_module) - self._start)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Raise a `UserError` if the training was too short."""
        if not trainer.should_stop:
            raise UserError(
                f"training ended after {trainer.global_step} steps, before its cost "
                "was measured: allow it more epochs"
            )

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Stop measuring memory."""
        if self._watching:
            self._watch(on=False)

    def _watch(self, *, on: bool) -> None:
        self._watching = on
        if on:
            self.memory.__enter__()
        else:
            self.memory.__exit__(None, None, None)

    def _finish(self, trainer: Trainer, seconds: float) -> None:
        trainer.should_stop = True
        facts = {
            "batch_size": self.batch_size,
            "peak_bytes": self.peak,
            "examples_per_second": round(self._examples / seconds, 1),
        }
        if write_run_json(trainer, STEP_COST, facts):
            print(f"\nbatches of {self.batch_size}: {describe_resources(facts)}")


def now(module: LightningModule) -> float:
    """Return the time, after all operations on the device."""
    if module.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
