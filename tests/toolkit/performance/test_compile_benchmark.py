"""Does the benchmark find whether compilation saves time?"""

from typing import cast

import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor, nn

from digit_recognizer.toolkit.performance import compile as compile_module
from digit_recognizer.toolkit.performance.compile import (
    CompileBenchmark,
    compile_advice,
)
from tests.toolkit.fakes import Clock, Compiler
from tests.helpers.training import fit


class Slow(nn.Linear):
    """Takes three seconds; compiled, the time that the compiler sets."""

    clock: Clock

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs."""
        if not torch.compiler.is_compiling():
            self.clock.now += 3
        return super().forward(x)


class Module(BoringModel):
    """Has one slow layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Slow(32, 2)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that advances when layers are compiled or called."""
    clock = Clock()
    monkeypatch.setattr(compile_module, "time", clock)
    monkeypatch.setattr(compile_module, "now", lambda module: clock.now)
    monkeypatch.setattr(Slow, "clock", clock, raising=False)
    return clock


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        # A round of 64 steps takes 192 s as it is, and 128 s compiled.
        (2, "take     --trainer.callbacks+=Compile for more than 100 steps (5 min)"),
        (3, "leave it: compiled layers are not faster here"),
    ],
)
def test_compile_time_is_compared_with_speedup(
    seconds: float, line: str, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """The advice names the number of steps that make up for the compile time."""
    compiler = Compiler(clock, first=100, others=seconds)
    callback = CompileBenchmark(cast("str", compiler), seconds=0)
    fit(Module(), BoringDataModule(), 64, callbacks=[callback])
    output = capsys.readouterr().out
    assert f"\n\n{line}\n" in output
    assert f"eager    {192:15.2f}" in output
    assert f"compiled {100 + 64 * seconds:15.2f}" in output


def test_compile_time_is_not_part_of_the_measurement(clock: Clock) -> None:
    """Rounds are repeated until the given seconds are over."""
    compiler = Compiler(clock, first=1000, others=3)
    callback = CompileBenchmark(cast("str", compiler), seconds=3 * 64 * 4)
    fit(Module(), BoringDataModule(), 64, callbacks=[callback])
    assert compiler.called == 64 * 5


def test_small_speedup_is_ignored() -> None:
    """A speedup below 5% is within the noise of a machine."""
    assert compile_advice((1, 1), (2, 0.96), 1).startswith("leave it")
    assert compile_advice((1, 1), (2, 0.95), 1).startswith("take")
