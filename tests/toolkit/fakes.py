"""Fakes of the clock and of a compiler."""

from collections.abc import Callable
from typing import Any

from torch.fx import GraphModule


class Clock:
    """Replaces the module `time`: `now` changes only when a test sets it."""

    now = 0.0

    def perf_counter(self) -> float:
        """Return the time."""
        return self.now


class Compiler:
    """A backend of `torch.compile` that needs no compiler, and counts its calls.

    Args:
        clock: The clock to advance.
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
        """Return a function that runs the layer."""
        self.compiled += 1
        self.clock.now += self.first

        def call(*args: Any) -> Any:
            self.called += 1
            self.clock.now += self.others
            return module(*args)

        return call
