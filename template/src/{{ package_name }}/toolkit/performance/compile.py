"""Layers compiled by `torch.compile`: fewer and larger operations."""

from collections.abc import Iterator

import torch
from lightning import LightningModule, Trainer
from torch import nn

from ..errors import UserError
from .patched_forward import PatchedForward


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
