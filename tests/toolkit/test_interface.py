"""Does a task that is older than a tool keep the others?"""

import runpy
import sys
from importlib import import_module

import pytest
import torch

from digit_recognizer.toolkit import interface
from digit_recognizer.toolkit.cli.commands import main
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.interface import task
from digit_recognizer.toolkit.paths import PACKAGE

pytestmark = pytest.mark.task_interface


def test_names_are_those_of_the_task() -> None:
    """Of today, whatever they were when the toolkit was imported."""
    module = import_module(interface.TASK)
    assert {name: getattr(interface.task, name) for name in interface.NAMES} == {
        name: getattr(module, name) for name in interface.NAMES
    }


def test_missing_name_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command that needs it; others work."""
    monkeypatch.delattr(f"{interface.TASK}.embed")
    assert interface.missing() == ["embed"]
    assert callable(task.evaluate)
    assert main(["slices"]) == 2
    assert capsys.readouterr().err == (
        f"error: this needs embed in src/{PACKAGE}/task.py: CONTRIBUTING.md says "
        "how to get it\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["slices"], "error: this needs embed in src/"),
        (["slice"], "error: unknown command 'slice': see "),
        ([""], "error: unknown command '': see "),
    ],
)
def test_package_needs_not_know_a_command(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As its own commands may be older than those of the toolkit."""
    monkeypatch.delattr(f"{interface.TASK}.embed")
    program = f"{PACKAGE}.toolkit.cli"
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_module(program, run_name="__main__")
    assert capsys.readouterr().err.startswith(message)


def test_task_itself_can_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it came later than the first projects; what it imports cannot."""
    monkeypatch.setitem(sys.modules, interface.TASK, None)
    assert interface.missing() == [*interface.NAMES]
    with pytest.raises(UserError, match="this needs load_splits in src/"):
        _ = task.load_splits


def test_data_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process, and again where another function loads them."""
    assert interface.splits() is interface.splits()
    other = {"val": object()}
    monkeypatch.setattr(f"{interface.TASK}.load_splits", lambda: other)
    assert interface.splits() == other
    with pytest.raises(TypeError, match="does not support item assignment"):
        interface.splits()["val"] = None  # type: ignore[index]


@pytest.mark.parametrize("module", ["training", "datamodule"])
def test_missing_class_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its module is missing or has none of the name."""
    find = interface.training_module if module == "training" else interface.data_module
    name = find().__name__
    monkeypatch.delattr(f"{PACKAGE}.{module}.{name}")
    with pytest.raises(UserError, match=f"a class {name} in src/.*/{module}.py"):
        find()
    monkeypatch.setitem(sys.modules, f"{PACKAGE}.{module}", None)
    with pytest.raises(UserError, match=f"a class {name} in src/.*/{module}.py"):
        find()


def test_examples_that_cannot_be_replaced_are_named() -> None:
    """With the class that lacks the method, and where to read what it does."""

    class Rows:
        """As they were written for an older toolkit."""

    nothing = torch.zeros(0)
    with pytest.raises(UserError, match="this needs a method replace of Rows: "):
        interface.replace(Rows(), raw=nothing, labels=nothing)


def test_other_names_are_mistakes() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="'load_split' is no part of"):
        _ = getattr(interface.task, "load_split")  # noqa: B009 -- mypy would find it
