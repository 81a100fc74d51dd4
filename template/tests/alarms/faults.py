"""What can go wrong in a training, injected from outside while it runs.

Each fault changes PyTorch, Lightning, NumPy or scikit-learn in one process for good, so
it needs to know nothing of the model. It calls `fired` whenever it changed something:
one that never did is not applicable here, whatever the tests say.
"""

from collections.abc import Callable
from dataclasses import dataclass

Fired = Callable[[], None]
Inject = Callable[[Fired], None]


@dataclass(frozen=True)
class Fault:
    """One mistake that somebody could make.

    Attributes:
        part: Of the training that it is in.
        name: The mistake in words, unique.
        kind: Of test that should hear it.
        inject: Makes it; is told what to call when it takes effect.
    """

    part: str
    name: str
    kind: str
    inject: Inject


FAULTS: list[Fault] = []


def fault(part: str, name: str, kind: str) -> Callable[[Inject], Inject]:
    """Add a function to the faults."""

    def add(inject: Inject) -> Inject:
        FAULTS.append(Fault(part, name, kind, inject))
        return inject

    return add
