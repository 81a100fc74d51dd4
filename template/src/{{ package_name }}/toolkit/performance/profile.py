"""The time of a training step: loading, computing, operations."""

import time
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from matplotlib.figure import Figure
from torch.autograd.profiler_util import EventList
from torch.profiler import profile

from ..errors import UserError
from ..figures import as_text, save_figure
from ..run_records import run_folder


class Profile(Callback):
    """Times loading and computing, then traces each operation, and ends the training.

    It writes into the folder of the run `steps.png`, a bar for each step, and
    `trace.json`, every operation in its order.

    Args:
        warmup: First steps, which are slower and are not timed.
        steps: Timed steps. Others are traced, as tracing takes time itself.
        traced: Traced steps.
        operations: Lines of the table.
    """

    def __init__(
        self, warmup: int = 5, steps: int = 30, traced: int = 5, operations: int = 10
    ) -> None:
        self.warmup = warmup
        self.steps = steps
        self.traced = traced
        self.operations = operations
        self.loading: list[float] = []  # seconds, a step each
        self.computing: list[float] = []
        self._profiler: profile | None = None
        self._seen = 0
        self._mark = 0.0

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Time the loading."""
        now = time.perf_counter()
        # Between two epochs it is not loading alone.
        if self.warmup <= self._seen < self.warmup + self.steps and batch_idx > 0:
            self.loading.append(now - self._mark)
        self._mark = now
        if self._seen == self.warmup + self.steps:
            self._profiler = profile()
            self._profiler.start()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Time the computing."""
        if pl_module.device.type == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter()
        if len(self.computing) < len(self.loading):
            self.computing.append(now - self._mark)
        self._mark = now
        self._seen += 1
        if self._seen == self.warmup + self.steps + self.traced:
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the result; too short a training is a `UserError`."""
        if self._profiler is not None:
            self._profiler.stop()
        if self._profiler is None or not self.loading:
            raise UserError(
                f"training ended after {self._seen} steps, before they were measured: "
                "allow it more epochs, or epochs of more than one batch"
            )
        folder = run_folder(trainer)
        if folder is None:
            return
        trace = folder / "trace.json"
        self._profiler.export_chrome_trace(str(trace))
        slowest = slowest_operations(self._profiler.key_averages(), self.operations)
        print(f"\n{as_text(slowest)}")
        wait, work = sum(self.loading), sum(self.computing)
        fraction, step = wait / (wait + work), 1000 * (wait + work) / len(self.loading)
        print(f"\nloading  {fraction:.0%} of a step, which takes {step:.2f} ms")
        picture = save_figure(
            draw_steps(self.loading, self.computing), folder / "steps.png"
        )
        print(f"picture  {picture}")
        print(f"trace    {trace}: open it in https://ui.perfetto.dev")

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Stop tracing."""
        if self._profiler is not None:
            self._profiler.stop()


def slowest_operations(events: EventList, count: int) -> list[list[str]]:
    """Return the slowest operations as a table.

    Args:
        events: Averages by operation, as of the profiler.
        count: How many of them.

    Returns:
        Rows of cells: calls, milliseconds and fraction of the total. On a GPU it is
        the time of the GPU.
    """
    gpu = any(event.self_device_time_total for event in events)
    times = [
        (event.self_device_time_total if gpu else event.self_cpu_time_total, event)
        for event in events
    ]
    total = sum(duration for duration, _ in times)
    table = [["operation", "calls", "ms", "fraction", ""]]
    for duration, event in sorted(times, key=lambda pair: -pair[0])[:count]:
        cells = [event.key[:60], str(event.count), f"{duration / 1000:.2f}"]
        table.append([*cells, f"{duration / total:.0%}", ""])
    return table


def draw_steps(loading: list[float], computing: list[float]) -> Figure:
    """Draw the time of each step: loading below, computing above."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    axes = figure.subplots()
    steps = range(len(loading))
    below = [1000 * seconds for seconds in loading]
    axes.bar(steps, below, color="tab:orange", label="loading")
    above = [1000 * seconds for seconds in computing]
    axes.bar(steps, above, bottom=below, color="tab:blue", label="computing")
    axes.set(xlabel="step", ylabel="milliseconds")
    axes.legend()
    return figure
