"""Is an error one line, and is its traceback shown on request?"""

import os

import pytest

from digit_recognizer.toolkit.cli.commands import TABLE, main
from digit_recognizer.toolkit.cli.parser import TRACEBACK, VARIABLE, call
from digit_recognizer.toolkit.errors import UserError


@pytest.fixture(autouse=True)
def _no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")


def fail(arguments: object) -> int:
    """Raise a UserError that is caused by a ValueError."""
    assert arguments == ["some.csv"]
    try:
        return int("no number")
    except ValueError as error:
        raise UserError("some.csv cannot be read") from error


def test_error_says_how_to_see_its_cause(capsys: pytest.CaptureFixture[str]) -> None:
    """The error line names the option and the variable for the traceback."""
    assert call(fail, ["some.csv"]) == 2
    hint = f"(the cause: {TRACEBACK}, or {VARIABLE}=1)"
    assert capsys.readouterr().err == f"error: some.csv cannot be read {hint}\n"


@pytest.mark.parametrize("by_variable", [False, True])
def test_traceback_is_shown_on_request(
    by_variable: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The tracebacks of the error and its cause come before the error line."""
    if by_variable:
        monkeypatch.setenv(VARIABLE, "1")
        assert call(fail, ["some.csv"]) == 2
    else:
        assert call(fail, ["some.csv", TRACEBACK]) == 2
    printed = capsys.readouterr().err
    assert "ValueError: invalid literal for int()" in printed
    assert 'return int("no number")' in printed
    assert printed.endswith("error: some.csv cannot be read\n")
    # The variable is inherited by a training in a subprocess.
    assert os.environ[VARIABLE] == "1"


def test_error_without_a_cause_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a cause, the line does not mention the traceback."""

    def refuse(arguments: object) -> int:
        raise UserError("no file some.csv")

    assert call(refuse, []) == 2
    assert capsys.readouterr().err == "error: no file some.csv\n"


def test_ctrl_c_has_its_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C is one line, with the exit status that shells expect."""

    def interrupt(arguments: object) -> int:
        raise KeyboardInterrupt

    assert call(interrupt, []) == 130
    assert capsys.readouterr().err == "Stopped.\n"


@pytest.mark.task_interface("read_examples")
def test_help_of_a_command_says_what_it_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The help of a command has its line of the table of commands."""
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert TABLE["predict"]["help"][1:] in text
