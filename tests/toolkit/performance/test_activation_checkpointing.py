"""Does activation checkpointing save memory without changing the weights?"""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor, nn

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.performance.activation_checkpointing import (
    ActivationCheckpointing,
)
from digit_recognizer.toolkit.performance.step_cost import PeakMemory
from tests.helpers.training import fit

WIDTH, DEPTH = 32, 16


def block() -> nn.Module:
    """Return a layer with dropout, whose mask must be the same when recomputed."""
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Dropout(0.5))


class InTurn(nn.Module):
    """Blocks in a ModuleList."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([block() for _ in range(DEPTH)])

    def forward(self, x: Tensor) -> Tensor:
        """Call the blocks in order."""
        for each in self.blocks:
            x = each(x)
        return x


def step(module: BoringModel, batch: Tensor) -> Tensor:
    """Return the loss of one example, expanded to a batch of 500."""
    return module.layer(batch.expand(500, -1)).square().mean()


def train(
    build: Callable[[], nn.Module], checkpointing: ActivationCheckpointing | None
) -> tuple[nn.Module, int]:
    """Train for two steps, and return the network and the peak memory."""
    torch.manual_seed(0)
    module, memory = BoringModel(), PeakMemory()
    module.layer = build()  # type: ignore[assignment]
    module.step = partial(step, module)  # type: ignore[method-assign]
    callbacks = [checkpointing] if checkpointing else []
    torch.manual_seed(0)
    with memory:
        fit(module, BoringDataModule(), 2, overfit_batches=1, callbacks=callbacks)
    return module.layer, memory.peak


@pytest.mark.parametrize(
    "build",
    [lambda: nn.Sequential(*[block() for _ in range(DEPTH)]), InTurn],
    ids=["a sequence", "a list"],
)
def test_same_weights_with_less_memory(build: Callable[[], nn.Module]) -> None:
    """Trained weights are exactly the same, even with dropout."""
    plain, most = train(build, None)
    other, less = train(build, ActivationCheckpointing())
    assert less < 0.6 * most
    for (name, weight), same in zip(
        plain.named_parameters(), other.parameters(), strict=True
    ):
        assert torch.equal(weight, same), name
    assert "forward" not in vars(other)


def test_layers_can_be_named() -> None:
    """Only the named layers are checkpointed."""
    names = [f"layer.blocks.{number}" for number in range(DEPTH)]
    _, most = train(InTurn, None)
    _, less = train(InTurn, ActivationCheckpointing(names))
    assert less < 0.6 * most


@pytest.mark.parametrize(
    ("layers", "message"),
    [(["layer.9"], "no layer layer.9: it is one of .*layer"), ([], "name the layers")],
)
def test_unknown_layer_is_an_error(layers: list[str], message: str) -> None:
    """An unknown layer, and no layer to checkpoint, are errors."""
    with pytest.raises(UserError, match=message):
        fit(
            BoringModel(),
            BoringDataModule(),
            1,
            callbacks=[ActivationCheckpointing(layers)],
        )
