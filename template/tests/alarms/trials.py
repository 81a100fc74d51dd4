"""What the bench tries: faults, which the tests should hear, and what is harmless.

Each trial is made in a process and a copy of the repository of its own. At run time it
changes PyTorch, Lightning, NumPy or scikit-learn there for good; in the source, a place
of the package. So it needs to know nothing of the model.
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
        mark: File that is there once the change has taken effect.
        tests: Files and folders of them; all that are fast if empty.
        plugins: Of pytest.
    """

    folder: Path
    mark: Path
    tests: list[str]
    plugins: list[object] = field(default_factory=list)


Change = Callable[[Run], None]


@dataclass(frozen=True)
class Trial:
    """One change.

    Attributes:
        name: What is changed, in words, unique.
        level: "run time" or "source"; empty if it is harmless.
        kind: Of test that should hear it; empty if it is harmless.
        prepare: Makes the change, which marks when it takes effect. One that never does
            is not applicable here, whatever the tests say.
        module: That is changed: tests with its name run first.
    """

    name: str
    level: str
    kind: str
    prepare: Change
    module: str = ""


Inject = Callable[[Fired], None]

_trials: dict[str, Trial] = {}


def fault(part: str, name: str, kind: str) -> Callable[[Inject], Inject]:
    """Make a trial of a function that injects a fault into a part of training."""

    def add(inject: Inject) -> Inject:
        full = f"{part}: {name}"
        _trials[full] = Trial(
            full, "run time", kind, lambda run: inject(run.mark.touch)
        )
        return inject

    return add


def harmless(name: str) -> Callable[[Change], Change]:
    """Make a trial of a function that changes what should not matter."""

    def add(change: Change) -> Change:
        def prepare(run: Run) -> None:
            run.mark.touch()
            change(run)

        _trials[name] = Trial(name, "", "", prepare)
        return change

    return add


def all_trials() -> dict[str, Trial]:
    """Return each trial but those in the source, by its name."""
    # They add themselves.
    from . import data_faults, harmless, outcome_faults, training_faults  # noqa: F401

    return {**_trials}
