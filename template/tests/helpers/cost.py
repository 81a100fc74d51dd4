"""What a computation costs, in units that do not depend on the machine's mood.

Seconds on a shared machine vary several-fold, so a limit on them either misses
alarms or raises false ones. Floating-point operations and calls of PyTorch
operators are the same in every run.
"""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.fx import GraphModule
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """The cost of one call.

    Attributes:
        flops: Floating-point operations of convolutions and matrix products.
        operators: PyTorch operators called: grows with work done step by step in
            Python, such as a loop over examples.
        cpu_seconds: Time the processor worked on it, whatever else was running;
            still varies by half, so a limit on it must be several times as high.
    """

    flops: int
    operators: int
    cpu_seconds: float


class Clock:
    """Takes the place of the module `time`, and goes on when somebody says so."""

    now = 0.0

    def perf_counter(self) -> float:
        """Return the time."""
        return self.now


class Compiler:
    """A backend of `torch.compile` that is there on every machine: it only counts.

    Args:
        clock: That goes on.
        first: Seconds to compile.
        others: Seconds for each call.
    """

    def __init__(
        self, clock: Clock | None = None, first: float = 0, others: float = 0
    ) -> None:
        self.clock = clock or Clock()
        self.first = first
        self.others = others
        self.compiled = self.called = 0

    def __call__(self, module: GraphModule, inputs: object) -> Callable[..., Any]:
        """Return a function that does what the layer does."""
        self.compiled += 1
        self.clock.now += self.first

        def call(*args: Any) -> Any:
            self.called += 1
            self.clock.now += self.others
            return module(*args)

        return call


class _OperatorCounter(TorchDispatchMode):
    count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def tensors_alive() -> int:
    """Count the tensors that somebody still holds."""
    gc.collect()
    return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())


def measure(function: Callable[[], object]) -> Cost:
    """Call a function and return what it cost."""
    flops, operators = FlopCounterMode(display=False), _OperatorCounter()
    start = time.process_time()
    with flops, operators:
        function()
    return Cost(flops.get_total_flops(), operators.count, time.process_time() - start)
