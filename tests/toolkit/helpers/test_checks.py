"""Do exemptions, warnings and the report of a failed check work?"""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from digit_recognizer.toolkit import interface
from tests.helpers import checks as module
from tests.helpers.checks import Checks, limits

ROOT = Path(module.__file__).parents[2]
CHECKS = """\
import pytest

from tests.helpers import checks
from tests.helpers.checks import Checks


class SizeChecks(Checks):
    most = 3

    @pytest.fixture(scope="class")
    @classmethod
    def size(cls):
        print("one fixture of", cls.__name__)
        return cls.given

    def test_is_small(self, size):
        assert size < self.most

    def test_is_even(self, size):
        assert size % 2 == 0


"""


def run(folder: Path, text: str) -> tuple[int, str]:
    """Run pytest on a file with the checks and some text, and return its output."""
    (folder / "test_it.py").write_text(CHECKS + text)
    command = [sys.executable, "-m", "pytest", "-p", "tests.helpers.checks"]
    options = ["-ra", "-p", "no:cacheprovider", "--strict-markers", "test_it.py"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # they take a second to load
    # Those of this run are about another folder.
    environ.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(
        [*command, *options], cwd=folder, env=environ, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_failure_names_the_class_its_limits_and_the_value(tmp_path: Path) -> None:
    """A failed check shows the value, and file and line of the class that sets limits.

    The second class has its own limit and its own fixture.
    """
    text = """\
class TestIt(SizeChecks):
    given = 4
class TestOther(SizeChecks):
    given = 4
    most = 5
"""
    status, output = run(tmp_path, text)
    assert status == 1
    assert "E       assert 4 < 3\n" in output
    assert "E        +  where 3 = TestIt.most\n" in output
    place = f"test_it.py:{len(CHECKS.splitlines()) + 1}"
    assert f"\n{place}: limits of TestIt\n" in output
    assert "\n    most = 3  (SizeChecks)\n    given = 4  (TestIt)\n" in output
    assert output.count("one fixture of TestIt\n") == 1
    assert "1 failed, 3 passed" in output


def test_exemption_is_listed_with_its_reason(tmp_path: Path) -> None:
    """An exempt check is skipped in its class only, and its reason is printed."""
    text = """\
class TestIt(SizeChecks):
    given = 4
    exempt = {"test_is_small": "our sizes have no limit"}
class TestOther(SizeChecks):
    given = 4
"""
    status, output = run(tmp_path, text)
    assert status == 1
    reason = "TestIt exempts test_is_small, our sizes have no limit"
    assert f": {reason}\n" in output
    assert "FAILED test_it.py::TestOther::test_is_small" in output
    assert "1 failed, 2 passed, 1 skipped" in output


def test_exemptions_are_inherited_and_may_name_a_parameter(tmp_path: Path) -> None:
    """A subclass keeps the exemptions of its base, and one parameter can be exempt."""
    text = """\
class Base(SizeChecks):
    given = 4
    exempt = {"test_is_small": "no limit"}
class TestIt(Base):
    exempt = {"test_each[b]": "no b"}
    @pytest.mark.parametrize("name", ["a", "b"])
    def test_each(self, name):
        assert name == "a"
"""
    status, output = run(tmp_path, text)
    assert status == 0
    assert ": TestIt exempts test_is_small, no limit\n" in output
    assert ": TestIt exempts test_each[b], no b\n" in output
    assert "2 passed, 2 skipped" in output


@pytest.mark.parametrize(
    ("exempt", "message"),
    [
        ({"test_is_smal": "why not"}, "exempt names test_is_smal, but the checks are"),
        ({"most": "why not"}, "TestIt.exempt names most, but the checks are test_is_"),
        ({"test_is_small": " "}, "TestIt.exempt has no reason for test_is_small"),
    ],
    ids=["misspelt", "no check", "no reason"],
)
def test_exemption_without_check_or_reason_is_an_error(
    tmp_path: Path, exempt: dict[str, str], message: str
) -> None:
    """An exemption of an unknown check, or without a reason, is an error."""
    text = f"class TestIt(SizeChecks):\n    given = 2\n    exempt = {exempt}\n"
    status, output = run(tmp_path, text)
    assert status == 2
    assert message in output


NEW = 'checks.FAILS_FROM["SizeChecks.test_is_small"] = "99.0.0"\n'


def test_new_check_warns_for_one_release(tmp_path: Path) -> None:
    """The failure of a new check is reported, and does not fail the run."""
    status, output = run(tmp_path, f"{NEW}class TestIt(SizeChecks):\n    given = 4\n")
    assert status == 0
    warning = "new check, which fails from 99.0.0 on; assert 4 < 3"
    assert f"XFAIL test_it.py::TestIt::test_is_small - {warning}\n" in output
    assert "1 passed, 1 xfailed" in output


def test_new_check_that_cannot_run_warns_too(tmp_path: Path) -> None:
    """An error in the fixture of a new check does not fail the run."""
    status, output = run(tmp_path, f"{NEW}class TestIt(SizeChecks):\n    pass\n")
    assert status == 1  # of the other check, which is not new
    assert "XFAIL at setup of test_it.py::TestIt::test_is_small" in output
    assert "ERROR test_it.py::TestIt::test_is_even" in output


def test_error_in_a_teardown_is_no_warning(tmp_path: Path) -> None:
    """The teardown after a new check may be that of others, so its error fails."""
    team = """\
class TestIt(SizeChecks):
    given = 2
    @pytest.fixture(autouse=True)
    def broken(self):
        yield
        raise ValueError("broken")
"""
    status, output = run(tmp_path, NEW + team)
    assert status == 1
    assert "ERROR test_it.py::TestIt::test_is_small - ValueError: broken" in output


def test_class_without_a_file_is_described(tmp_path: Path) -> None:
    """The report of a failure works for a class that no file defines."""
    status, output = run(tmp_path, 'TestIt = type("It", (SizeChecks,), {"given": 4})\n')
    assert status == 1
    assert "limits of It\n    most = 3  (SizeChecks)\n" in output


def test_new_check_that_passes_is_no_warning(tmp_path: Path) -> None:
    """A new check that passes is counted as passed."""
    status, output = run(tmp_path, f"{NEW}class TestIt(SizeChecks):\n    given = 2\n")
    assert status == 0
    assert "2 passed" in output


def test_team_can_let_new_checks_fail_at_once(tmp_path: Path) -> None:
    """With `new_checks_fail`, a new check fails like any other."""
    team = "class TestIt(SizeChecks):\n    given = 4\n    new_checks_fail = True\n"
    status, output = run(tmp_path, NEW + team)
    assert status == 1
    assert "FAILED test_it.py::TestIt::test_is_small" in output


def test_check_that_a_team_overrides_is_not_new(tmp_path: Path) -> None:
    """A check that a class replaces by its own fails at once."""
    team = "class TestIt(SizeChecks):\n    def test_is_small(self): assert False\n"
    status, output = run(tmp_path, f"{NEW}{team}    given = 4\n")
    assert status == 1
    assert "FAILED test_it.py::TestIt::test_is_small" in output


@pytest.mark.parametrize(
    ("needed", "missing", "skipped"),
    [
        ((), [], False),
        ((), ["embed"], True),
        (("embed",), ["embed", "predict"], True),
        (("embed",), ["predict"], False),
    ],
)
def test_test_is_skipped_for_what_it_needs(
    monkeypatch: pytest.MonkeyPatch,
    needed: tuple[str, ...],
    missing: list[str],
    skipped: bool,
) -> None:
    """A test is skipped if `task.py` lacks a name that the test needs."""
    monkeypatch.setattr(interface, "missing", lambda: missing)
    mark = pytest.mark.task_interface(*needed).mark
    item: Any = SimpleNamespace(iter_markers=lambda name: [mark])
    try:
        module.pytest_runtest_setup(item)
    except pytest.skip.Exception as error:
        assert skipped
        assert "task.py has no embed" in str(error)
        assert ("predict" in str(error)) == ("predict" in needed)
    else:
        assert not skipped


def test_unknown_name_of_the_interface_is_an_error() -> None:
    """A test fails that needs a name which no `task.py` has."""
    mark = pytest.mark.task_interface("no_such_name").mark
    item: Any = SimpleNamespace(iter_markers=lambda name: [mark])
    with pytest.raises(
        AssertionError, match="no_such_name is no part of the task interface"
    ):
        module.pytest_runtest_setup(item)


def test_limits_are_the_plain_values() -> None:
    """Limits are numbers and ranges, also inherited ones, without private names."""

    class Parent(Checks):
        most = 3
        _hidden = 4

    class Child(Parent):
        most = 5
        span = (0.5, 2)
        exempt = {}

    assert limits(Child) == {"most": 5, "span": (0.5, 2)}
