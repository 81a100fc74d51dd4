"""Records the batches, modes, losses and gradients of a training."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils import data
from torch.utils.hooks import RemovableHandle

STAGES = ("train", "val", "test")


class Observer(Callback):
    """Records what happens in a training, without changing it.

    Attributes:
        losses: Loss that each training step returned.
        gradients: Gradients of the last optimizer step, by parameter name; None for
            a parameter without a gradient.
        batches: Batches that the steps received, by stage: `train`, `val` and `test`.
        modes: Values of `training` of all layers when they were called, by stage.
    """

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.gradients: dict[str, Tensor | None] = {}
        self.batches: dict[str, list[Any]] = {name: [] for name in STAGES}
        self.modes: dict[str, set[bool]] = {name: set() for name in STAGES}
        self._hooks: list[RemovableHandle] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Record the mode of each layer when it is called."""

        def look(layer: nn.Module, inputs: object) -> None:
            if not trainer.sanity_checking:
                self.modes[_stage(trainer)].add(layer.training)

        for layer in pl_module.modules():
            self._hooks.append(layer.register_forward_pre_hook(look))

    def _on_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, *_: Any
    ) -> None:
        """Record the batch."""
        if not trainer.sanity_checking:
            self.batches[_stage(trainer)].append(batch)

    on_train_batch_start: Any = _on_batch_start
    on_validation_batch_start: Any = _on_batch_start
    on_test_batch_start: Any = _on_batch_start

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Copy the gradients before the optimizer uses them."""
        self.gradients = {
            name: None if weight.grad is None else weight.grad.detach().cpu().clone()
            for name, weight in pl_module.named_parameters()
        }

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Record the loss."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        self.losses.append(float(loss))

    def teardown(
        self, trainer: Trainer, pl_module: LightningModule, stage: str
    ) -> None:
        """Remove the hooks."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()


def _stage(trainer: Trainer) -> str:
    return "train" if trainer.training else "test" if trainer.testing else "val"


def contents(
    batches: Iterable[Any], counts: Callable[[list[Tensor]], Any] = list
) -> list[bytes]:
    """Return the content of each example in batches, as far as it counts, in order."""
    found = []
    for batch in batches:
        parts = [part.detach().cpu() for part in tensors(batch)]
        for example in zip(*parts, strict=True):
            # As bytes: the same values in another precision are different content.
            found.append(b"".join(sorted(map(_bytes, counts([*example])))))
    return found


def left_out(loader: Any) -> int | None:
    """Return how many examples each epoch leaves out; None if a sampler draws them."""
    batches: Any = getattr(loader, "batch_sampler", None)
    sampler = getattr(batches, "sampler", None)
    usual = data.RandomSampler, data.SequentialSampler, data.SubsetRandomSampler
    known = sampler is None or isinstance(sampler, usual)
    if not known or getattr(sampler, "replacement", False):
        return None
    drops = getattr(batches, "drop_last", False)
    return len(loader.dataset) % batches.batch_size if drops else 0


def tensors(batch: Any) -> Iterator[Tensor]:
    """Find the tensors of a batch: in lists, tuples, dictionaries and objects."""
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, dict):
        yield from tensors([*batch.values()])
    elif isinstance(batch, list | tuple):
        for part in batch:
            yield from tensors(part)
    elif is_dataclass(batch):
        yield from tensors([getattr(batch, field.name) for field in fields(batch)])
    elif hasattr(batch, "__dict__"):
        yield from tensors(vars(batch))
    else:
        raise TypeError(f"a batch holds {type(batch).__name__}: tensors, please")


def _bytes(part: Tensor) -> bytes:
    return part.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
