"""A training beside the same one in a loop that is written by hand."""

import time
from contextlib import ExitStack
from itertools import islice
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from ..errors import UserError
from ..run_records import leave
from .benchmark import RACE, describe_overhead
from .peak_memory import PeakMemory
from .reference_loop import Loop
from .step_cost import now

WATCHED = 2  # first steps, of which the memory is counted: that is slow
EPOCHS = 3  # that are timed at least, after the first


class Race(Callback):
    """Trains each epoch once more in plain PyTorch, and compares the two.

    Both have the same step, data and batch size, and take turns, so that a busy machine
    slows down both. What Lightning, its callbacks and the loading of data take is the
    difference. The loop has all batches of an epoch in memory, on the device: limit
    them with `trainer.limit_train_batches` where that is too much.

    For modules whose batches are tuples of tensors, with one optimizer.

    Args:
        seconds: After which it ends, if three epochs are timed.
    """

    def __init__(self, seconds: float = 5) -> None:
        self.seconds = seconds
        self.fit = PeakMemory()
        self.loop = PeakMemory()
        self._times: list[tuple[float, float, float]] = []  # fit, loop, waiting
        self._columns: list[Tensor] = []
        self._size = 0
        self._to_watch = WATCHED
        self._watching = ExitStack()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the loop the same data and the same weights."""
        self._loop = Loop(trainer, pl_module)
        loader: Any = trainer.train_dataloader
        batches = [*islice(loader, int(trainer.num_training_batches))]
        self._size = len(batches[0][0])
        self._columns = [
            torch.cat(column).to(pl_module.device)
            for column in zip(*batches, strict=True)
        ]
        for module, memory in ((pl_module, self.fit), (self._loop.module, self.loop)):
            memory.count([*module.parameters(), *module.buffers()])
        self._begin = time.perf_counter()

    def on_train_epoch_start(
        self, trainer: Trainer, pl_module: LightningModule
    ) -> None:
        """Take the time, before the first batch is loaded."""
        self._waiting = 0.0
        self._start = self._mark = now(pl_module)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Take the time that loading took."""
        self._waiting += time.perf_counter() - self._mark
        if self._to_watch:
            self.fit.count(batch)
            self._watching.enter_context(self.fit)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Take the time: validation comes after the last batch, and does not count."""
        if self._to_watch:
            self._watching.close()
            self._to_watch -= 1
        last = batch_idx + 1 == trainer.num_training_batches
        self._mark = now(pl_module) if last else time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Train an epoch by hand."""
        first = trainer.current_epoch == 0
        start = now(pl_module)
        self._train(watch=first)
        seconds = now(pl_module) - start
        if not first:  # which is slower than others
            self._times.append((self._mark - self._start, seconds, self._waiting))
        enough = len(self._times) >= EPOCHS
        if enough and time.perf_counter() - self._begin >= self.seconds:
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what was found; too short a training is an `UserError`."""
        if not self._times:
            raise UserError("training ended after an epoch: two are needed to compare")
        # The least is what it takes; all above that is another program's.
        fit, loop, _ = map(min, zip(*self._times, strict=True))
        whole, _, waiting = map(sum, zip(*self._times, strict=True))
        count = len(self._columns[0])
        facts = {
            "accelerator": pl_module.device.type,
            "batch_size": self._size,
            "ratio": round(loop / fit, 3),
            "waiting": round(waiting / whole, 3),
            "fit": _facts(fit, count, self.fit),
            "loop": _facts(loop, count, self.loop),
        }
        print(f"\n{describe_overhead(facts)}")
        leave(trainer, RACE, facts)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Watch no longer."""
        self._watching.close()

    def _train(self, *, watch: bool) -> None:
        order = torch.randperm(len(self._columns[0]), device=self._columns[0].device)
        for index, rows in enumerate(order.split(self._size)):
            if watch and index < WATCHED:
                self._watching.enter_context(self.loop)
            batch = tuple(column[rows] for column in self._columns)
            self._loop.step(batch, index)
            self._watching.close()


def _facts(seconds: float, count: int, memory: PeakMemory) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 4),  # of an epoch
        "examples_per_second": round(count / seconds, 1),
        "peak_bytes": memory.peak,
    }
