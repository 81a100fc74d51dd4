"""All that the bench tries: faults, and what is harmless."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from .faults import FAULTS, Fired, Inject
from .harmless import HARMLESS, Change, Run


@dataclass(frozen=True)
class Trial:
    """One change, made in a process of its own.

    Attributes:
        name: What is changed, in words, unique.
        kind: Of test that should hear it; empty if it is harmless.
        prepare: Makes the change.
    """

    name: str
    kind: str
    prepare: Callable[[Run, Fired], None]

    @property
    def harmful(self) -> bool:
        """Whether a test should fail."""
        return bool(self.kind)


@cache
def all_trials() -> dict[str, Trial]:
    """Return each trial by its name."""
    # They add themselves to the list.
    from . import data_faults, outcome_faults, training_faults  # noqa: F401

    trials = [
        Trial(f"{one.part}: {one.name}", one.kind, _injected(one.inject))
        for one in FAULTS
    ]
    trials += [Trial(name, "", _made(change)) for name, change in HARMLESS.items()]
    return {trial.name: trial for trial in trials}


def _injected(inject: Inject) -> Callable[[Run, Fired], None]:
    return lambda run, fired: inject(fired)


def _made(change: Change) -> Callable[[Run, Fired], None]:
    def prepare(run: Run, fired: Fired) -> None:
        fired()
        change(run)

    return prepare
