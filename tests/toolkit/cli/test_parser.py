"""Is an error one line, and can its traceback be seen?"""

import os

import pytest

from digit_recognizer.toolkit.cli.parser import TRACEBACK, VARIABLE, call
from digit_recognizer.toolkit.errors import UserError


@pytest.fixture(autouse=True)
def _traceback_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")


def fail(arguments: object) -> int:
    """Fail by what a library says."""
    assert arguments == ["some.csv"]
    try:
        return int("no number")
    except ValueError as error:
        raise UserError("some.csv cannot be read") from error


def test_error_names_the_way_to_its_cause(capsys: pytest.CaptureFixture[str]) -> None:
    """In its line, as it is needed where nobody expected it."""
    assert call(fail, ["some.csv"]) == 2
    hint = f"(the cause: {TRACEBACK}, or {VARIABLE}=1)"
    assert capsys.readouterr().err == f"error: some.csv cannot be read {hint}\n"


@pytest.mark.parametrize("by_variable", [False, True])
def test_traceback_can_be_seen(
    by_variable: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of the error and of its cause; the line comes last."""
    if by_variable:
        monkeypatch.setenv(VARIABLE, "1")
        assert call(fail, ["some.csv"]) == 2
    else:
        assert call(fail, ["some.csv", TRACEBACK]) == 2
    said = capsys.readouterr().err
    assert "ValueError: invalid literal for int()" in said
    assert 'return int("no number")' in said
    assert said.endswith("error: some.csv cannot be read\n")
    # A training that the command starts shows its own.
    assert os.environ[VARIABLE] == "1"


def test_error_without_a_cause_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing more to see."""

    def refuse(arguments: object) -> int:
        raise UserError("no file some.csv")

    assert call(refuse, []) == 2
    assert capsys.readouterr().err == "error: no file some.csv\n"
