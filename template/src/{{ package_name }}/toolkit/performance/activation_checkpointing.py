"""Activation checkpointing: less memory for more computing."""

import math
from collections.abc import Sequence
from functools import partial

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from ..errors import UserError


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


class ActivationCheckpointing(PatchedForward):
    """Drops activations inside layers, and recomputes them in the backward pass.

    The gradients are the same; a step takes about a third longer. Sublinear memory:
    Chen and others, 2016, "Training Deep Nets with Sublinear Memory Cost".

    Args:
        layers: Names as in `named_modules`, each recomputed as a whole. Without
            names: each `nn.Sequential` in parts, and what is in an
            `nn.ModuleList` one by one.
    """

    def __init__(self, layers: Sequence[str] = ()) -> None:
        super().__init__()
        self.layers = list(layers)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Patch the layers; raise a `UserError` if there are none."""
        modules = dict(pl_module.named_modules())
        for name in self.layers or blocks(pl_module):
            if name not in modules:
                there = ", ".join(filter(None, modules))
                raise UserError(f"no layer {name}: it is one of {there}")
            module, outer = modules[name], modules[name.rpartition(".")[0]]
            whole = self.layers or isinstance(outer, nn.ModuleList)
            forward = partial(checkpoint, module.forward, use_reentrant=False)
            if not whole and isinstance(module, nn.Sequential):
                forward = _in_parts(module)
            module.forward = forward  # type: ignore[method-assign]
            self.patched.append(module)
        if not self.patched:
            raise UserError("no nn.Sequential and no nn.ModuleList: name the layers")


def _in_parts(sequence: nn.Sequential) -> partial[Tensor]:
    # Of n layers, sqrt(n) segments take the least memory.
    parts = max(round(math.sqrt(len(sequence))), 1)
    layers = [*sequence]
    return partial(checkpoint_sequential, layers, parts, use_reentrant=False)


def blocks(net: nn.Module) -> list[str]:
    """Name the blocks of a network, the outermost of those that are in each other.

    Args:
        net: Any network.

    Returns:
        Names as in `named_modules`.

    Examples:
        >>> tail = nn.ModuleList([nn.Sequential(nn.ReLU()), nn.Linear(1, 1)])
        >>> blocks(nn.ModuleDict({"head": nn.Sequential(nn.ReLU()), "tail": tail}))
        ['head', 'tail.0', 'tail.1']
    """
    found: list[str] = []
    for name, module in net.named_modules():
        inside = any(f"{name}.".startswith(f"{outer}.") for outer in found)
        if inside or not name:
            continue
        if isinstance(module, nn.Sequential):
            found.append(name)
        elif isinstance(module, nn.ModuleList):
            found += [f"{name}.{number}" for number in range(len(module))]
    return found
