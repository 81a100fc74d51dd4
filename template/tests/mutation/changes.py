"""Changes of mutation testing: faults, mutants and healthy changes.

Each is made in a separate process and copy of the repository. A fault patches
PyTorch, Lightning, NumPy or scikit-learn at run time, a mutant edits the source. So
both work with any model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

NOTHING = "nothing is changed"  # the baseline of all others

Applied = Callable[[], None]


@dataclass
class Run:
    """A run of the tests with a change.

    Attributes:
        folder: Copy of the repository, and the working directory.
        mark: File that is created when the change takes effect.
        tests: Files and folders of tests; all fast tests if empty.
        plugins: Plugins of pytest.
    """

    folder: Path
    mark: Path
    tests: list[str]
    plugins: list[object] = field(default_factory=list)


Apply = Callable[[Run], None]


@dataclass(frozen=True)
class Change:
    """A change of the code or of the environment.

    Attributes:
        name: Unique description of the change.
        level: "run time" for a fault, "source" for a mutant; empty if it is healthy.
        kind: Kind of test that should catch it; empty if it is healthy.
        apply: Makes the change, which creates the mark when it takes effect. Without a
            mark, the change does not apply to this project.
        module: The changed module; tests with its name run first.
    """

    name: str
    level: str
    kind: str
    apply: Apply
    module: str = ""


Inject = Callable[[Applied], None]

_changes: dict[str, Change] = {}


def fault(part: str, name: str, kind: str) -> Callable[[Inject], Inject]:
    """Register a function that injects a fault into a part of training."""

    def add(inject: Inject) -> Inject:
        full = f"{part}: {name}"
        _changes[full] = Change(
            full, "run time", kind, lambda run: inject(run.mark.touch)
        )
        return inject

    return add


def healthy(name: str) -> Callable[[Apply], Apply]:
    """Register a function that makes a healthy change."""

    def add(apply: Apply) -> Apply:
        def mark_and_apply(run: Run) -> None:
            run.mark.touch()
            apply(run)

        _changes[name] = Change(name, "", "", mark_and_apply)
        return apply

    return add


def all_changes() -> dict[str, Change]:
    """Return faults and healthy changes by name."""
    from . import (  # noqa: F401 -- they register themselves
        data_faults,
        healthy_changes,
        outcome_faults,
        training_faults,
    )

    return {**_changes}
