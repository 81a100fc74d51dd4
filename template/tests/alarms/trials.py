"""What the bench tries: faults, which the tests should hear, and what is harmless.

Each trial is made in a process of its own, and changes PyTorch, Lightning, NumPy or
scikit-learn there for good, so it needs to know nothing of the model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

NOTHING = "nothing is changed"  # the harmless trial that all others are compared with

Fired = Callable[[], None]


@dataclass
class Run:
    """How the tests are going to be run.

    Attributes:
        folder: Copy of the repository, and the working directory.
        tests: Files and folders of them; all that are fast if empty.
        plugins: Of pytest.
    """

    folder: Path
    tests: list[str]
    plugins: list[object] = field(default_factory=list)


@dataclass(frozen=True)
class Trial:
    """One change.

    Attributes:
        name: What is changed, in words, unique.
        kind: Of test that should hear it; empty if it is harmless.
        prepare: Makes the change; tells when it takes effect. One that never does is
            not applicable here, whatever the tests say.
    """

    name: str
    kind: str
    prepare: Callable[[Run, Fired], None]


Inject = Callable[[Fired], None]
Change = Callable[[Run], None]

_trials: dict[str, Trial] = {}


def fault(part: str, name: str, kind: str) -> Callable[[Inject], Inject]:
    """Make a trial of a function that injects a fault into a part of training."""

    def add(inject: Inject) -> Inject:
        full = f"{part}: {name}"
        _trials[full] = Trial(full, kind, lambda run, fired: inject(fired))
        return inject

    return add


def harmless(name: str) -> Callable[[Change], Change]:
    """Make a trial of a function that changes what should not matter."""

    def add(change: Change) -> Change:
        def prepare(run: Run, fired: Fired) -> None:
            fired()
            change(run)

        _trials[name] = Trial(name, "", prepare)
        return change

    return add


def all_trials() -> dict[str, Trial]:
    """Return each trial by its name."""
    # They add themselves.
    from . import data_faults, harmless, outcome_faults, training_faults  # noqa: F401

    return {**_trials}
