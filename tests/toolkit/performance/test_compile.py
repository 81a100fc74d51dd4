"""Are layers compiled, and nothing else changed?"""

from typing import cast

import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor, nn

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.performance.activation_checkpointing import (
    ActivationCheckpointing,
)
from digit_recognizer.toolkit.performance.compile import Compile, compile_layers
from tests.toolkit.fakes import Compiler
from tests.helpers.training import fit


class Nested(nn.Module):
    """Layers in a list, which nobody calls, and one without parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
        self.listed = nn.ModuleList([nn.Linear(2, 2), nn.Dropout()])
        self.last = nn.ReLU()


def trained(*callbacks: Compile) -> dict[str, Tensor]:
    """Train for some steps, and return the weights."""
    torch.manual_seed(1)
    module = BoringModel()
    fit(module, BoringDataModule(), 3, callbacks=callbacks)
    assert "forward" not in vars(module.layer)
    return module.state_dict()


def test_training_is_the_same() -> None:
    """Compiled once, for all steps; and the weights keep their names."""
    compiler = Compiler()
    weights = trained(Compile(cast("str", compiler)))
    assert (compiler.compiled, compiler.called) == (1, 3)
    torch.testing.assert_close(weights, trained())


def test_outermost_layers_with_parameters_are_compiled() -> None:
    """Those of PyTorch, too."""
    net, compiler = Nested(), Compiler()
    layers = compile_layers(net, cast("str", compiler), "default")
    assert layers == [net.outer, net.listed[0]]
    for layer in layers:
        layer(torch.ones(1, 2))
    assert compiler.called == 2


def test_layer_that_two_have_changed_is_as_before() -> None:
    """Whichever of the callbacks ends first."""
    module, compiler = BoringModel(), Compiler()
    callbacks = [ActivationCheckpointing(["layer"]), Compile(cast("str", compiler))]
    fit(module, BoringDataModule(), 3, callbacks=callbacks)
    assert compiler.called
    assert "forward" not in vars(module.layer)


def test_nothing_to_compile_is_an_error() -> None:
    """It would be as slow as before, and nobody would know why."""
    with pytest.raises(UserError, match="nothing to compile"):
        compile_layers(nn.Sequential(nn.ReLU()), "eager", "default")


@pytest.mark.parametrize(
    ("backend", "mode"), [("nobody", "default"), ("inductor", "x")]
)
def test_unknown_options_are_an_error(backend: str, mode: str) -> None:
    """They are named."""
    with pytest.raises(UserError, match="Invalid backend: 'nobody'|mode=x"):
        compile_layers(Nested(), backend, mode)
