"""Layers whose `forward` is replaced during a training."""

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn


class PatchedForward(Callback):
    """Restores the `forward` of layers when a training ends.

    Attributes:
        patched: The layers.
    """

    def __init__(self) -> None:
        self.patched: list[nn.Module] = []

    def teardown(
        self, trainer: Trainer, pl_module: LightningModule, stage: str
    ) -> None:
        """Restore the layers."""
        for module in self.patched:
            # Another callback may have patched and restored the same layer.
            vars(module).pop("forward", None)
        self.patched.clear()
