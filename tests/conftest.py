"""Isolate the tests from personal settings and from the settings of the machine."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import environment, processes

if TYPE_CHECKING:
    from tests.doc_runner import DocRunner
    from tests.zones import Zone

# These tests run in generated projects: tests/test_toolkit.py, test_fifth_task.py.
collect_ignore = ["toolkit", "fifth_task"]

# These variables change the output; the pages show that of a plain terminal.
ABOUT_OUTPUT = ("BUILD_NUMBER", "CI", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "PY_COLORS")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--night`, which the session `night-tests` uses."""
    what = "run the tests marked night, and no others"
    parser.addoption("--night", action="store_true", help=what)


def pytest_configure() -> None:
    """Remove the variables of git hooks and of output formats.

    A fixture would be too late: Copier stores the variables when it is imported.
    """
    command = ["git", "rev-parse", "--local-env-vars"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in (*names.split(), *ABOUT_OUTPUT):
        os.environ.pop(name, None)
    # Git's garbage collection would run in the background after the test has ended.
    os.environ |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "gc.auto",
        "GIT_CONFIG_VALUE_0": "0",
    }
    processes.mark_this_run()
    # SIGTERM also ends the programs that the tests have started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Select the push tests or the night tests, and run the long ones first.

    Otherwise all workers would wait for one at the end.
    """
    night = config.getoption("--night")
    wanted: list[pytest.Item] = []
    other: list[pytest.Item] = []
    for item in items:
        is_wanted = bool(item.get_closest_marker("night")) == night
        (wanted if is_wanted else other).append(item)
    config.hook.pytest_deselected(items=other)
    items[:] = wanted
    items.sort(key=lambda item: item.get_closest_marker("environment") is None)


@pytest.hookimpl(trylast=True)  # after the workers have ended
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Kill the programs that tests have left running, list them, and fail."""
    if hasattr(session.config, "workerinput"):
        return
    leftovers = processes.end(os.environ[processes.MARK])
    for command in leftovers:
        print(f"\nERROR: a test has left this running: {command}")
    if leftovers and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def _no_personal_defaults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Replace Copier's user settings, which change the default answers."""
    settings = tmp_path_factory.mktemp("copier") / "settings.yml"
    settings.write_text("{}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPIER_SETTINGS_PATH", str(settings))
        yield


@pytest.fixture(scope="session", autouse=True)
def _types_are_checked_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Share the cache of mypy: it needs 15 seconds for PyTorch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPY_CACHE_DIR", str(tmp_path_factory.mktemp("mypy")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _packages_are_installed_once(
    request: pytest.FixtureRequest, _no_personal_defaults: None
) -> None:
    """Create the base environment first, if a selected test needs it."""
    if any(item.get_closest_marker("environment") for item in request.session.items):
        environment.base_environment()


@pytest.fixture(scope="session", autouse=True)
def _projects_take_one_core() -> Iterator[None]:
    """Run tests of projects in one process: ours use all cores already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "0")
        yield


@pytest.fixture(scope="session")
def template() -> Path:
    """A clone of the template's working tree; tests must not change it."""
    from tests.helpers import clone_template  # it imports Copier

    return clone_template()


@pytest.fixture(scope="session")
def zone_of(tmp_path_factory: pytest.TempPathFactory) -> "Zone":
    """A function that returns the zone of a file: managed or starter."""
    from tests.zones import read_zones  # it imports Copier

    return read_zones(tmp_path_factory.mktemp("zones"))


@pytest.fixture
def doc_runner(template: Path, tmp_path: Path) -> "DocRunner":
    """A runner for documentation pages, in an empty folder."""
    from tests.doc_runner import DocRunner  # as above

    (tmp_path / "work").mkdir()
    return DocRunner(tmp_path / "work", template)
