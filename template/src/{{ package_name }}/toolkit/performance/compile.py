"""Layers compiled by `torch.compile`: fewer, larger operations; and whether it pays."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn

from ..errors import UserError
from ..figures import as_text
from ..training import batch_size
from .activation_checkpointing import PatchedForward
from .overhead import ReferenceLoop, batches_of_an_epoch
from .step_cost import now

FASTER = 1.05  # at least: smaller differences are noise


class Compile(PatchedForward):
    """Compiles the layers of a training; checkpoints stay the same.

    Args:
        backend: Of `torch.compile`.
        mode: Of `torch.compile`; `reduce-overhead` suits small networks on a GPU.
    """

    def __init__(self, backend: str = "inductor", mode: str = "default") -> None:
        super().__init__()
        self.backend = backend
        self.mode = mode

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Patch the layers."""
        if stage == "fit":
            self.patched = compile_layers(pl_module, self.backend, self.mode)


def compile_layers(module: nn.Module, backend: str, mode: str) -> list[nn.Module]:
    """Compile layers at their first call.

    Args:
        module: Whose layers they are.
        backend: Of `torch.compile`.
        mode: Of `torch.compile`.

    Returns:
        The outermost layers that have parameters.

    Raises:
        UserError: If there are none, or no such backend or mode.
    """
    layers = [*_outermost(module)]
    if not layers:
        raise UserError("no layer has parameters, so there is nothing to compile")
    for layer in layers:
        try:
            # A module's own method `compile` skips the layers that PyTorch brings.
            compiled = torch.compile(layer.forward, backend=backend, mode=mode)
        except RuntimeError as error:
            raise UserError(f"no layer can be compiled: {error}") from error
        layer.forward = compiled  # type: ignore[method-assign]
    return layers


def _outermost(module: nn.Module) -> Iterator[nn.Module]:
    for layer in module.children():
        if isinstance(layer, nn.ModuleDict | nn.ModuleList):  # nobody calls these
            yield from _outermost(layer)
        elif any(True for _ in layer.parameters()):
            yield layer


class CompileBenchmark(Callback):
    """Trains the same batches repeatedly, with and without compiled layers.

    For modules with one optimizer.

    Args:
        backend: Of `torch.compile`.
        mode: Of `torch.compile`.
        seconds: Least duration of each measurement.
    """

    def __init__(
        self, backend: str = "inductor", mode: str = "default", seconds: float = 2
    ) -> None:
        self.backend = backend
        self.mode = mode
        self.seconds = seconds

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure."""
        batches = batches_of_an_epoch(trainer)
        plain, compiled = ReferenceLoop(trainer, pl_module), ReferenceLoop(
            trainer, pl_module
        )
        compile_layers(compiled.module, self.backend, self.mode)
        before = self._measure(plain, batches)
        after = self._measure(compiled, batches)
        examples = sum(map(batch_size, batches))
        rows = [["", "first round, s", "others, s", "examples a second", ""]]
        for name, (first, others) in (("eager", before), ("compiled", after)):
            speed, ratio = examples / others, before[1] / others
            cells = [f"{first:.2f}", f"{others:.3f}", f"{speed:,.0f}", f"{ratio:.2f} x"]
            rows.append([name, *cells])
        print(f"\n{as_text(rows)}\n\n{compile_advice(before, after, len(batches))}")
        trainer.should_stop = True

    def _measure(
        self, loop: ReferenceLoop, batches: Sequence[Any]
    ) -> tuple[float, float]:
        """Return the seconds of the first round, and of the fastest of the others."""
        times: list[float] = []
        begin = time.perf_counter()
        while len(times) < 2 or time.perf_counter() - begin < self.seconds:
            start = now(loop.module)
            for index, batch in enumerate(batches):
                loop.step(batch, index)
            times.append(now(loop.module) - start)
            if len(times) == 1:  # compiling takes longer than the whole measurement
                begin = time.perf_counter()
        return times[0], min(times[1:])


def compile_advice(
    before: tuple[float, float], after: tuple[float, float], steps: int
) -> str:
    """Say whether compiling pays off.

    Args:
        before: Seconds of the first round, and of another.
        after: The same with compiled layers.
        steps: Of a round.

    Returns:
        A line.

    Examples:
        >>> compile_advice((2, 1), (62, 0.5), 20)
        'take     --trainer.callbacks+=Compile for more than 2,420 steps (2 min)'
        >>> compile_advice((2, 1), (62, 0.99), 20)
        'leave it: compiled layers are not faster here'
    """
    if before[1] < FASTER * after[1]:
        return "leave it: compiled layers are not faster here"
    rounds = 1 + (after[0] - before[0]) / (before[1] - after[1])
    took = f"{rounds * steps:,.0f} steps ({rounds * before[1] / 60:.0f} min)"
    return f"take     --trainer.callbacks+=Compile for more than {took}"
