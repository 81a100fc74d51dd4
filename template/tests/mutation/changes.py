"""Changes of mutation testing: faults, mutants and healthy changes.

Each is made in a separate process and copy of the repository. A fault patches
PyTorch, Lightning, NumPy or scikit-learn at run time, a mutant edits the source. So
both work with any model.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

from jsonargparse import get_loader

EDIT = "healthy edit"  # the level of healthy changes of the source
# The baselines of all others.
NOTHING = "nothing is changed"
ACCEPTED = "healthy: nothing is changed"

Applied = Callable[[], None]


@dataclass
class Run:
    """A run of the tests with a change.

    Attributes:
        folder: Copy of the repository, and the working directory.
        mark: File that is created when the change takes effect.
        tests: Files and folders of tests; all fast tests if empty.
        plugins: Plugins of pytest.
        options: For each training.
    """

    folder: Path
    mark: Path
    tests: list[str]
    plugins: list[object] = field(default_factory=list)
    options: tuple[str, ...] = ()


Apply = Callable[[Run], None]


@dataclass(frozen=True)
class Change:
    """A change of the code or of the environment.

    Attributes:
        name: Unique description of the change.
        level: "run time" for a fault, "source" for a mutant, "healthy edit"; empty for
            a change of the environment.
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


def replace(owner: Any, name: str, make: Callable[[Callable[..., Any]], Any]) -> None:
    """Replace a function by the one that `make` returns for it."""
    healthy = getattr(owner, name)
    setattr(owner, name, wraps(healthy)(make(healthy)))


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


Edit = Callable[[Any], Any]
_edits: dict[str, list[Apply]] = {}


def _add_edit(name: str, apply: Apply) -> None:
    """Register an edit; several with the same name are one change."""
    name = f"healthy: {name}"
    edits = _edits.setdefault(name, [])
    edits.append(apply)

    def apply_all(run: Run) -> None:
        for edit in edits:
            edit(run)

    _changes[name] = Change(name, EDIT, "", apply_all)


def healthy_edit(name: str, *, of: str) -> Callable[[Edit], Edit]:
    """Register a function that changes a class or a function of the source.

    Args:
        name: Of the change.
        of: The class, a base of it, or the function, which is replaced by what the
            registered function returns for it, if anything.

    Returns:
        The decorator.
    """
    definition = re.compile(rf"^(?:class|def) (?:(\w+)\({of}\)|{of}\b)", re.MULTILINE)

    def add(edit: Edit) -> Edit:
        def apply(run: Run) -> None:
            files = [run.folder / "tests" / "case.py", *run.folder.glob("src/*/*.py")]
            for path in files:
                if found := definition.search(path.read_text("utf-8")):
                    code = CODE.format(
                        folder=str(run.folder),
                        mark=str(run.mark),
                        module=edit.__module__,
                        edit=edit.__name__,
                        target=found[1] or of,
                    )
                    path.write_text(path.read_text("utf-8") + code, "utf-8")
                    return

        _add_edit(name, apply)
        return edit

    return add


# At the end of a module; the tests may be in another working directory.
CODE = """

import pathlib, sys
sys.path.append({folder!r})
from {module} import {edit}
{target} = {edit}({target}) or {target}
pathlib.Path({mark!r}).touch()
"""


def healthy_text(name: str, pattern: str) -> Callable[[Callable[[str], str]], Any]:
    """Register a function that changes the text of the files with a pattern."""

    def add(change: Callable[[str], str]) -> Callable[[str], str]:
        def apply(run: Run) -> None:
            for path in run.folder.glob(pattern):
                text = path.read_text("utf-8")
                if change(text) != text:
                    path.write_text(change(text), "utf-8")
                    run.mark.touch()

        _add_edit(name, apply)
        return change

    return add


def healthy_settings(name: str, options: tuple[str, ...] = (), **settings: Any) -> None:
    """Register settings of `configs/default.yaml`.

    Args:
        name: Of the change.
        options: For trainings on this machine.
        **settings: Merged into the file; a list under a name with + is appended.
    """

    def apply(run: Run) -> None:
        path = run.folder / "configs" / "default.yaml"
        known = get_loader("yaml")(path.read_text("utf-8"))
        path.write_text(json.dumps(_merge(known, settings)))  # which is YAML, too
        run.options = options
        run.mark.touch()

    _add_edit(name, apply)


def _merge(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    merged = {**old}
    for name, value in new.items():
        if name.endswith("+"):
            merged[name[:-1]] = [*merged.get(name[:-1], []), *value]
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged


healthy_settings("nothing is changed")  # the baseline of edits


def all_changes() -> dict[str, Change]:
    """Return faults and healthy changes by name."""
    from . import (  # noqa: F401 -- they register themselves
        data_faults,
        healthy_edits,
        healthy_environments,
        outcome_faults,
        training_faults,
    )

    return {**_changes}
