"""Patches of Lightning and PyTorch to inject faults."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from lightning import LightningModule
from lightning.pytorch.strategies import Strategy
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor
from torch.optim import Optimizer

from .changes import replace

STAGES = ("training", "validation", "test")
SOURCE = Path(__file__).resolve().parents[2] / "src"

Batch = Any


def package() -> str:
    """Return the name of the package with the toolkit."""
    return next(SOURCE.glob("*/toolkit/interface.py")).parents[1].name


def toolkit(name: str) -> ModuleType:
    """Import a module of the toolkit, whatever the package is called."""
    return import_module(f"{package()}.toolkit.{name}")


def with_options(
    owner: Any, name: str, change: Callable[[dict[str, Any]], None]
) -> None:
    """Change the keyword arguments of all calls of a function."""

    def make(healthy: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **options: Any) -> Any:
            change(options)
            return healthy(*arguments, **options)

        return changed

    replace(owner, name, make)


def parts(batch: Batch) -> tuple[Tensor, Tensor] | None:
    """Return the first tensor of the inputs, and the rows of the labels: 0, 1, ...

    None if the batch is no list or dictionary of inputs, ..., labels.
    """
    values = [*batch.values()] if isinstance(batch, dict) else batch
    if not isinstance(values, list | tuple) or len(values) < 2:
        return None
    tensors = toolkit("training").tensors
    inputs, labels = (next(tensors(part), None) for part in (values[0], values[-1]))
    if inputs is None or labels is None or not inputs.ndim or not labels.ndim:
        return None
    return inputs, torch.arange(len(labels), device=labels.device)


def rebuild(
    batch: Batch, inputs: Tensor, rows: Tensor, source: Batch | None = None
) -> Batch:
    """Return a copy of the batch with other inputs, and labels of other rows.

    Args:
        batch: Of B examples.
        inputs: For its first tensor, shape (M, ...); others get the length M.
        rows: Which labels the M examples get.
        source: Of the labels; the batch itself unless another is given.

    Returns:
        A batch of M examples.
    """
    keys = [*batch] if isinstance(batch, dict) else [*range(len(batch))]
    others = iter([inputs])
    first = apply_to_collection(
        batch[keys[0]], Tensor, lambda part: next(others, part[: len(inputs)])
    )
    labels = (batch if source is None else source)[keys[-1]]
    last = apply_to_collection(labels, Tensor, lambda part: part[rows])
    if isinstance(batch, dict):
        return {**batch, keys[0]: first, keys[-1]: last}
    values = [first, *batch[1:-1], last]
    named = hasattr(batch, "_fields")  # a named tuple
    return type(batch)(*values) if named else type(batch)(values)


def in_step(
    change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor] | None],
    *stages: str,
    applied: Callable[[], None],
) -> None:
    """Change the inputs and labels that the steps of some stages receive.

    Args:
        change: Is given inputs and the rows of their labels; returns other ones, or
            None to leave them unchanged.
        *stages: Any of `STAGES`.
        applied: Called for each changed batch.
    """
    for stage in stages:

        def make(step: Callable[..., Any]) -> Callable[..., Any]:
            def changed(self: Strategy, batch: Batch, *rest: Any) -> Any:
                pair = parts(batch)
                other = change(*pair) if pair else None
                if other is not None:
                    applied()
                    batch = rebuild(batch, *other)
                return step(self, batch, *rest)

            return changed

        replace(Strategy, f"{stage}_step", make)


def around_step(
    stage: str, change: Callable[[LightningModule, Callable[[], Any]], Any]
) -> None:
    """Replace a step.

    Args:
        stage: One of `STAGES`.
        change: Called with the module and the original step, which needs no arguments.
    """

    def make(step: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Strategy, *arguments: Any) -> Any:
            module = self.lightning_module
            assert module is not None
            return change(module, lambda: step(self, *arguments))

        return changed

    replace(Strategy, f"{stage}_step", make)


def on_loss(change: Callable[[Tensor], Tensor], applied: Callable[[], None]) -> None:
    """Change the loss that a training step returns."""

    def changed(module: LightningModule, step: Callable[[], Any]) -> Any:
        output = step()
        if isinstance(output, Tensor):
            applied()
            return change(output)
        if isinstance(output, dict) and "loss" in output:
            applied()
            return {**output, "loss": change(output["loss"])}
        return output

    around_step("training", changed)


def on_optimizers(change: Callable[[Optimizer], Optimizer | None]) -> None:
    """Change or replace each optimizer before training."""

    def make(setup: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Strategy, *arguments: Any) -> None:
            setup(self, *arguments)
            self.optimizers = [change(one) or one for one in self.optimizers]

        return changed

    replace(Strategy, "setup_optimizers", make)


def on_gradients(
    change: Callable[[list[Tensor]], None], applied: Callable[[], None]
) -> None:
    """Change the gradients in place after each backward pass."""

    def make(backward: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: LightningModule, *arguments: Any, **options: Any) -> None:
            backward(self, *arguments, **options)
            found = [weight.grad for weight in self.parameters()]
            gradients = [gradient for gradient in found if gradient is not None]
            if gradients:
                applied()
                with torch.no_grad():
                    change(gradients)

        return changed

    replace(LightningModule, "backward", make)
