"""How many workers should load the data?"""

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from joblib import cpu_count
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from matplotlib.figure import Figure

from ..errors import UserError
from ..figures import as_text, save_figure
from ..run_records import run_folder
from ..training import batch_size

ENOUGH = 0.9  # of the highest speed: more workers take memory for little


class LoadingSpeed(Callback):
    """Measures how fast batches are loaded with 0, 1, 2, ... workers.

    The data module must have an attribute `num_workers` that its loaders look at.

    Args:
        counts: Of workers; by default 0, 1, 2, 4, ... up to the number of cores.
        seconds: Least duration of each measurement.
    """

    def __init__(self, counts: Sequence[int] = (), seconds: float = 2) -> None:
        # Those of the container, not of its host.
        powers = [2**power for power in range(cpu_count().bit_length())]
        self.counts = list(counts) or [0, *powers]
        self.seconds = seconds
        self.speeds: dict[int, float] = {}  # examples a second

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure; a data module without workers is a `UserError`."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        if not hasattr(data, "num_workers"):
            raise UserError("the data module has no attribute num_workers to change")
        rows = [["workers", "first batch, s", "examples a second", ""]]
        before = data.num_workers
        for count in self.counts:
            data.num_workers = count
            first, speed = measure_loading(data.train_dataloader, self.seconds)
            self.speeds[count] = speed
            rows.append([str(count), f"{first:.2f}", f"{speed:,.0f}", ""])
        data.num_workers = before
        print(f"\n{as_text(rows)}")
        best = fewest_workers(self.speeds)
        print(f"\ntake     --data.num_workers={best}")
        folder = run_folder(trainer)
        if folder is not None:
            picture = save_figure(draw_speeds(self.speeds), folder / "workers.png")
            print(f"picture  {picture}")


def measure_loading(
    build: Callable[[], Iterable[Any]], seconds: float
) -> tuple[float, float]:
    """Load batches, epoch after epoch.

    Args:
        build: Builds a loader.
        seconds: For how long, at least; not before the second batch.

    Returns:
        Seconds until the first batch was there, and examples a second after it.
    """
    start = time.perf_counter()
    loader = build()
    batches = itertools.chain.from_iterable(itertools.repeat(loader))
    next(batches)
    begun = time.perf_counter()
    examples = 0
    for batch in batches:
        examples += batch_size(batch)
        now = time.perf_counter()
        if now - begun >= seconds:
            break
    return begun - start, examples / (now - begun)


def fewest_workers(speeds: dict[int, float]) -> int:
    """Return the fewest workers that are about as fast as any.

    Args:
        speeds: Examples a second, by the number of workers.

    Returns:
        Their number.

    Examples:
        >>> fewest_workers({0: 100.0, 1: 180.0, 2: 320.0, 4: 340.0})
        2
    """
    highest = max(speeds.values())
    return min(count for count, speed in speeds.items() if speed >= ENOUGH * highest)


def draw_speeds(speeds: dict[int, float]) -> Figure:
    """Draw the speed over the number of workers."""
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.bar([str(count) for count in speeds], [*speeds.values()])
    axes.set(xlabel="workers", ylabel="examples a second")
    return figure
