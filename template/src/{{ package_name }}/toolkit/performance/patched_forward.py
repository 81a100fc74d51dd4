"""Layers that are called in another way for the time of a training."""

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn


class ChangedLayers(Callback):
    """Takes back what a callback has put in the place of `forward`.

    Attributes:
        changed: The layers.
    """

    def __init__(self) -> None:
        self.changed: list[nn.Module] = []

    def teardown(
        self, trainer: Trainer, pl_module: LightningModule, stage: str
    ) -> None:
        """Call the layers as before."""
        for module in self.changed:
            # Another callback may have changed the same one, and been here first.
            vars(module).pop("forward", None)
        self.changed.clear()
