"""Does the toolkit work with a task that lacks functions of the task interface?"""

import runpy
import sys
from importlib import import_module

import pytest

from digit_recognizer.toolkit import interface
from digit_recognizer.toolkit.cli.commands import main
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.interface import task
from digit_recognizer.toolkit.paths import PACKAGE

pytestmark = pytest.mark.task_interface


def test_names_resolve_to_the_task_module() -> None:
    """Each name of the interface is the current attribute of the task module."""
    module = import_module(interface.TASK)
    assert {name: getattr(interface.task, name) for name in interface.NAMES} == {
        name: getattr(module, name) for name in interface.NAMES
    }


def test_missing_function_fails_only_where_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that needs the function fails; other functions work."""
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
        (["slice"], "error: unknown command 'slice': slices? Or see "),
        ([""], "error: unknown command '': see "),
    ],
)
def test_toolkit_command_line_needs_no_package_command(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`python -m` on the toolkit runs commands that an older package lacks."""
    monkeypatch.delattr(f"{interface.TASK}.embed")
    program = f"{PACKAGE}.toolkit.cli"
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_module(program, run_name="__main__")
    assert capsys.readouterr().err.startswith(message)


def test_missing_task_module_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `task.py` all names are missing, and the error names the file."""
    monkeypatch.setitem(sys.modules, interface.TASK, None)
    assert interface.missing() == [*interface.NAMES]
    with pytest.raises(UserError, match="this needs load_splits in src/"):
        _ = task.load_splits


def test_data_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loaded splits are cached for each function, and read-only."""
    assert interface.splits() is interface.splits()
    other = {"val": object()}
    monkeypatch.setattr(f"{interface.TASK}.load_splits", lambda: other)
    assert interface.splits() == other
    with pytest.raises(TypeError, match="does not support item assignment"):
        interface.splits()["val"] = None  # type: ignore[index]


@pytest.mark.parametrize("module", ["training", "datamodule"])
def test_missing_class_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the file, whether the class or the module is missing."""
    find = interface.training_module if module == "training" else interface.data_module
    name = find().__name__
    monkeypatch.delattr(f"{PACKAGE}.{module}.{name}")
    with pytest.raises(UserError, match=f"a class {name} in src/.*/{module}.py"):
        find()
    monkeypatch.setitem(sys.modules, f"{PACKAGE}.{module}", None)
    with pytest.raises(UserError, match=f"a class {name} in src/.*/{module}.py"):
        find()


def test_missing_select_method_is_named() -> None:
    """The error names the class that lacks the method."""

    class Rows:
        """Examples without a method `select`."""

    with pytest.raises(UserError, match="this needs a method select of Rows: "):
        interface.select(Rows(), [])


def test_classes_need_both_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without CLASSES and class_index there are no classes; one alone is an error."""
    labels = interface.task.load_splits()["val"].labels
    found = interface.classes(labels)
    assert found is not None
    assert len(found) == len(labels)
    monkeypatch.delattr(f"{PACKAGE}.task.class_index")
    with pytest.raises(UserError, match="this needs class_index in src/.*/task.py"):
        interface.classes(labels)
    monkeypatch.delattr(f"{PACKAGE}.task.CLASSES")
    assert interface.classes(labels) is None


def test_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name of the interface is reported as for any module."""
    with pytest.raises(AttributeError, match="'load_split' is no part of"):
        _ = getattr(interface.task, "load_split")  # noqa: B009 -- mypy would find it
