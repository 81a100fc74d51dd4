"""Are layers compiled without changing the training?"""

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
    """Layers in a list, which is not called, and one without parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
        self.listed = nn.ModuleList([nn.Linear(2, 2), nn.Dropout()])
        self.last = nn.ReLU()


def trained(*callbacks: Compile) -> dict[str, Tensor]:
    """Train for three steps, and return the weights."""
    torch.manual_seed(1)
    module = BoringModel()
    fit(module, BoringDataModule(), 3, callbacks=callbacks)
    assert "forward" not in vars(module.layer)
    return module.state_dict()


def test_compiled_training_is_the_same() -> None:
    """A layer is compiled once for all steps, and weights keep their names."""
    compiler = Compiler()
    weights = trained(Compile(cast("str", compiler)))
    assert (compiler.compiled, compiler.called) == (1, 3)
    torch.testing.assert_close(weights, trained())


def test_outermost_layers_with_parameters_are_compiled() -> None:
    """Layers of a ModuleList and of PyTorch itself are among them."""
    net, compiler = Nested(), Compiler()
    layers = compile_layers(net, cast("str", compiler), "default")
    assert layers == [net.outer, net.listed[0]]
    for layer in layers:
        layer(torch.ones(1, 2))
    assert compiler.called == 2


def test_forward_is_restored_after_two_callbacks() -> None:
    """The order in which two callbacks end does not matter."""
    module, compiler = BoringModel(), Compiler()
    callbacks = [ActivationCheckpointing(["layer"]), Compile(cast("str", compiler))]
    fit(module, BoringDataModule(), 3, callbacks=callbacks)
    assert compiler.called
    assert "forward" not in vars(module.layer)


def test_nothing_to_compile_is_an_error() -> None:
    """A network without parameters has no layer to compile."""
    with pytest.raises(UserError, match="nothing to compile"):
        compile_layers(nn.Sequential(nn.ReLU()), "eager", "default")


@pytest.mark.parametrize(
    ("backend", "mode"), [("nobody", "default"), ("inductor", "x")]
)
def test_unknown_options_are_an_error(backend: str, mode: str) -> None:
    """The error names the unknown backend or mode."""
    with pytest.raises(UserError, match="Invalid backend: 'nobody'|mode=x"):
        compile_layers(Nested(), backend, mode)
