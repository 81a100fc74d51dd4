"""A training loop in plain PyTorch."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from lightning import LightningModule, Trainer
from torch.optim import Optimizer

from ..errors import UserError
from ..training import returned_loss


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
