"""The overhead of the trainer, relative to the same training in plain PyTorch."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch.optim import Optimizer

from ..errors import UserError
from ..run_records import write_run_json
from ..training import batch_size, returned_loss
from .benchmark import OVERHEAD, describe_overhead
from .step_cost import PeakMemory, now

MEMORY_STEPS = 2  # first steps, whose memory is measured: that is slow
EPOCHS = 3  # timed at least, after the first


class TrainerOverhead(Callback):
    """Trains each epoch once more in plain PyTorch, and compares the times.

    Both have the same step, data and batch size, and take turns, so that a busy machine
    slows down both. The difference is the time of Lightning, its callbacks and the
    loading of data. The loop keeps all batches of an epoch in memory, on the device:
    limit them with `trainer.limit_train_batches` where that is too much. It takes the
    same batches in each epoch, in another order.

    For modules with one optimizer.

    Args:
        seconds: Least duration; at least three epochs are timed.
    """

    def __init__(self, seconds: float = 5) -> None:
        self.seconds = seconds
        self.fit = PeakMemory()
        self.loop = PeakMemory()
        self._times: list[tuple[float, float, float]] = []  # fit, loop, waiting
        self._batches: list[Any] = []
        self._sizes: list[int] = []
        self._memory_steps_left = MEMORY_STEPS
        self._measuring_memory = ExitStack()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the reference loop the same data and weights."""
        self._loop = ReferenceLoop(trainer, pl_module)
        self._batches = batches_of_an_epoch(trainer)
        self._sizes = [batch_size(batch) for batch in self._batches]
        for module, memory in ((pl_module, self.fit), (self._loop.module, self.loop)):
            memory.count([*module.parameters(), *module.buffers()])
        self._begin = time.perf_counter()

    def on_train_epoch_start(
        self, trainer: Trainer, pl_module: LightningModule
    ) -> None:
        """Start the clock, before the first batch is loaded."""
        self._waiting = 0.0
        self._start = self._mark = now(pl_module)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Add the time of loading the batch."""
        self._waiting += time.perf_counter() - self._mark
        if self._memory_steps_left:
            self.fit.count(batch)
            self._measuring_memory.enter_context(self.fit)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Stop the clock after the last batch, before validation."""
        if self._memory_steps_left:
            self._measuring_memory.close()
            self._memory_steps_left -= 1
        last = batch_idx + 1 == trainer.num_training_batches
        self._mark = now(pl_module) if last else time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Train an epoch in the reference loop."""
        first = trainer.current_epoch == 0
        start = now(pl_module)
        self._train(measure_memory=first)
        seconds = now(pl_module) - start
        if not first:  # which is slower than others
            self._times.append((self._mark - self._start, seconds, self._waiting))
        enough = len(self._times) >= EPOCHS
        if enough and time.perf_counter() - self._begin >= self.seconds:
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the result; too short a training is a `UserError`."""
        if not self._times:
            raise UserError("training ended after an epoch: two are needed to compare")
        # The minimum: other programs only make a measurement longer.
        fit, loop, _ = map(min, zip(*self._times, strict=True))
        whole, _, waiting = map(sum, zip(*self._times, strict=True))
        count = sum(self._sizes)
        facts = {
            "accelerator": pl_module.device.type,
            "batch_size": max(self._sizes),
            "ratio": round(loop / fit, 3),
            "waiting": round(waiting / whole, 3),
            "fit": _facts(fit, count, self.fit),
            "loop": _facts(loop, count, self.loop),
        }
        print(f"\n{describe_overhead(facts)}")
        write_run_json(trainer, OVERHEAD, facts)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Stop measuring memory."""
        self._measuring_memory.close()

    def _train(self, *, measure_memory: bool) -> None:
        for index, row in enumerate(torch.randperm(len(self._batches)).tolist()):
            if measure_memory and index < MEMORY_STEPS:
                self._measuring_memory.enter_context(self.loop)
            self._loop.step(self._batches[row], index)
            self._measuring_memory.close()


def _facts(seconds: float, count: int, memory: PeakMemory) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 4),  # of an epoch
        "examples_per_second": round(count / seconds, 1),
        "peak_bytes": memory.peak,
    }


class ReferenceLoop:
    """Trains a copy of a module, with neither trainer nor callbacks.

    For modules with one optimizer.

    Args:
        trainer: Of the training to compare with.
        module: To train a copy of.

    Raises:
        UserError: The training has more than one process.

    Attributes:
        module: The copy.
    """

    def __init__(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.world_size > 1:
            raise UserError(
                "the reference loop is one process: add --trainer.devices=1"
            )
        options = module.hparams.items()
        # Lightning's command line adds one of its own.
        self.module = type(module)(**{k: v for k, v in options if k[0] != "_"})
        self.module.load_state_dict(module.state_dict())
        self.module.to(module.device).train()
        self.module.log = lambda *args, **options: None  # type: ignore[method-assign]
        self._optimizer = _first(self.module.configure_optimizers())

    def step(self, batch: Any, index: int) -> float:
        """Train with a batch, which is on the device, and return the loss."""
        self._optimizer.zero_grad()
        output = self.module.training_step(batch, index)
        loss: Any = returned_loss(output)
        loss.backward()
        self._optimizer.step()
        return float(loss.item())


def batches_of_an_epoch(trainer: Trainer) -> list[Any]:
    """Load the training batches of an epoch, and put them on the device."""
    loader: Any = trainer.train_dataloader
    loaded = islice(loader, int(trainer.num_training_batches))
    return [trainer.strategy.batch_to_device(batch) for batch in loaded]


def _first(configured: Any) -> Optimizer:
    """Find the optimizer in what `configure_optimizers` may return."""
    if isinstance(configured, Mapping):
        configured = configured["optimizer"]
    while isinstance(configured, Sequence):
        configured = configured[0]
    optimizer: Optimizer = configured
    return optimizer
