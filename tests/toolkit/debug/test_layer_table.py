"""Does the layer table show input and output shapes of each layer?"""

import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor, nn

from digit_recognizer.toolkit.debug.layer_table import LayerRecorder, LayerTable
from tests.helpers.training import fit


class Twice(nn.Module):
    """Calls one layer twice, has a parameter of its own, and an unused layer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.linear = nn.Linear(3, 3)
        self.unused = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the output in a dictionary."""
        return {"y": self.linear(self.linear(x)[:1]) * self.scale}


class Broken(BoringModel):
    """Has two layers whose sizes do not fit."""

    def __init__(self) -> None:
        super().__init__()
        layers = (nn.Linear(32, 5), nn.Linear(4, 2))
        self.layer = nn.Sequential(*layers)  # type: ignore[assignment]


def test_layers_are_listed_in_order_of_calls() -> None:
    """Each called layer has its first shapes, parameters and total memory."""
    net = nn.Sequential(Twice())
    watch = LayerRecorder(net)
    net(torch.zeros(2, 3))
    outer, inner = watch.layers.values()
    assert (outer.name, outer.kind, outer.parameters) == ("0", "Twice", 25)
    assert (inner.name, inner.kind, inner.parameters) == ("0.linear", "Linear", 12)
    assert inner.inputs == inner.outputs == outer.inputs == "(2, 3)"
    assert outer.outputs == "(1, 3)"
    assert (inner.memory, outer.memory) == (24 + 12, 12)


def test_stopped_recorder_records_nothing() -> None:
    """A stopped recorder ignores further calls."""
    net = nn.Sequential(nn.Linear(2, 2))
    watch = LayerRecorder(net)
    watch.stop()
    net(torch.zeros(1, 2))
    assert watch.layers == {}


def test_table_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The table is printed for the first batch only."""
    fit(BoringModel(), BoringDataModule(), 3, callbacks=[LayerTable()])
    (line,) = (
        line
        for line in capsys.readouterr().out.splitlines()
        if line[:5] == "layer" and "Linear" in line
    )
    assert line.split() == ["layer", "(1,", "32)", "(1,", "2)", "66", "0.0", "Linear"]


def test_last_line_is_the_layer_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """If the forward pass fails, the last line names the layer that failed."""
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        fit(Broken(), BoringDataModule(), 1, callbacks=[LayerTable()])
    *_, before, last = capsys.readouterr().out.splitlines()
    assert before.split()[:5] == ["layer.0", "(1,", "32)", "(1,", "5)"]
    assert last.split() == ["layer.1", "(1,", "5)", "failed", "10", "Linear"]
