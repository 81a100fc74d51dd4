"""What a trainer really does: the batches, modes, losses and gradients inside it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import Dataset
from torch.utils.hooks import RemovableHandle

STAGES = ("train", "val", "test")


class Observer(Callback):
    """Keeps what passes through a training, and changes nothing.

    Attributes:
        losses: Loss of each training step, as the step returned it.
        gradients: What the optimizer got in the last step, by the name of the
            parameter; None for a parameter that no gradient reached.
        batches: Batches of `train`, `val` and `test`, as the steps got them.
        modes: Whether the layers were in training mode when they were called, in each
            of these; one of them in another mode makes it both.
    """

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.gradients: dict[str, Tensor | None] = {}
        self.batches: dict[str, list[Any]] = {name: [] for name in STAGES}
        self.modes: dict[str, set[bool]] = {name: set() for name in STAGES}
        self._hooks: list[RemovableHandle] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Look at the mode of every layer whenever it is called."""

        def look(layer: nn.Module, inputs: object) -> None:
            if trainer.training:
                self.modes["train"].add(layer.training)
            elif not trainer.sanity_checking:
                self.modes["test" if trainer.testing else "val"].add(layer.training)

        for layer in pl_module.modules():
            # What holds other layers has a mode, but nothing happens in it.
            if not [*layer.children()]:
                self._hooks.append(layer.register_forward_pre_hook(look))

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Keep the batch."""
        self.batches["train"].append(batch)

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Copy the gradients before they are used."""
        self.gradients = {
            name: None if weight.grad is None else weight.grad.detach().cpu().clone()
            for name, weight in pl_module.named_parameters()
        }

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Keep the loss."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        self.losses.append(float(loss))

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the batch."""
        if not trainer.sanity_checking:
            self.batches["val"].append(batch)

    def on_test_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the batch."""
        self.batches["test"].append(batch)

    def teardown(
        self, trainer: Trainer, pl_module: LightningModule, stage: str
    ) -> None:
        """Look no more."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()


def contents(batches: Iterable[Any]) -> Counter[bytes]:
    """Count the examples in batches by what they hold.

    Args:
        batches: Tensors whose first axis is that of the examples, alone or in lists,
            tuples and dictionaries.

    Returns:
        How often each example is there, whatever the order and the batches.
    """
    count: Counter[bytes] = Counter()
    for batch in batches:
        parts = [part.detach().cpu() for part in _tensors(batch)]
        for example in zip(*parts, strict=True):
            # As bytes, so that half of a precision does not pass for the whole.
            count[b"".join(_bytes(part) for part in example)] += 1
    return count


def examples(split: Dataset[Any]) -> tuple[Tensor, Tensor]:
    """Return inputs (N, ...) and labels (N, ...) of a split, taken one by one.

    So the data loader, which may take many at once, can be compared with it.
    """
    rows = [split[row] for row in range(len(split))]  # type: ignore[arg-type]
    return torch.stack([x for x, _ in rows]), torch.stack([label for _, label in rows])


def _tensors(batch: Any) -> Iterator[Tensor]:
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, dict):
        for name in sorted(batch):
            yield from _tensors(batch[name])
    elif isinstance(batch, list | tuple):
        for part in batch:
            yield from _tensors(part)
    else:
        raise TypeError(f"a batch holds {type(batch).__name__}: tensors, please")


def _bytes(part: Tensor) -> bytes:
    return part.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
