"""Is each layer of a network seen, with what it was given and what it returned?"""

import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor, nn

from digit_recognizer.toolkit.debug.layer_table import LayerRecorder, LayerTable
from tests.helpers.training import fit


class Twice(nn.Module):
    """Calls one layer twice, has a number of its own, and one layer it never calls."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.linear = nn.Linear(3, 3)
        self.unused = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return what comes out, by name."""
        return {"y": self.linear(self.linear(x)[:1]) * self.scale}


class Broken(BoringModel):
    """Has a layer that does not fit the one before it."""

    def __init__(self) -> None:
        super().__init__()
        layers = (nn.Linear(32, 5), nn.Linear(4, 2))
        self.layer = nn.Sequential(*layers)  # type: ignore[assignment]


def test_layer_is_described_by_what_it_does() -> None:
    """In the order of the calls, with the first shapes and all the memory."""
    net = nn.Sequential(Twice())
    watch = LayerRecorder(net)
    net(torch.zeros(2, 3))
    outer, inner = watch.layers.values()
    assert (outer.name, outer.kind, outer.parameters) == ("0", "Twice", 25)
    assert (inner.name, inner.kind, inner.parameters) == ("0.linear", "Linear", 12)
    assert inner.inputs == inner.outputs == outer.inputs == "(2, 3)"
    assert outer.outputs == "(1, 3)"
    assert (inner.memory, outer.memory) == (24 + 12, 12)


def test_watching_ends() -> None:
    """Training goes on as if nobody had looked."""
    net = nn.Sequential(nn.Linear(2, 2))
    watch = LayerRecorder(net)
    watch.stop()
    net(torch.zeros(1, 2))
    assert watch.layers == {}


def test_table_comes_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Not for each of three batches."""
    fit(BoringModel(), BoringDataModule(), 3, callbacks=[LayerTable()])
    (line,) = (
        line
        for line in capsys.readouterr().out.splitlines()
        if line[:5] == "layer" and "Linear" in line
    )
    assert line.split() == ["layer", "(1,", "32)", "(1,", "2)", "66", "0.0", "Linear"]


def test_last_line_is_the_layer_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """It is what one looks for."""
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        fit(Broken(), BoringDataModule(), 1, callbacks=[LayerTable()])
    *_, before, last = capsys.readouterr().out.splitlines()
    assert before.split()[:5] == ["layer.0", "(1,", "32)", "(1,", "5)"]
    assert last.split() == ["layer.1", "(1,", "5)", "failed", "10", "Linear"]
