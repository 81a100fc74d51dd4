"""Managed code works in a generated project, with its task and with others.

Its tests are in tests/toolkit/: a team that gets the toolkit could not mend it, so it
need not run them. They are written for the default package.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import overlay
from tests.projects import Project, skips, toolkit_tests

pytestmark = pytest.mark.environment


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A new project with the tests of the toolkit in it."""
    project = Project(tmp_path_factory.mktemp("a project") / "project", {})
    overlay(project.path)
    with toolkit_tests(project.path):
        yield project


def test_toolkit_serves_the_digits(project: Project) -> None:
    """All its fast tests pass, and none is skipped."""
    output = project.run("pytest --quiet tests/toolkit")
    assert skips(output) == []


@pytest.mark.night
def test_slow_tests_of_the_toolkit_pass(project: Project) -> None:
    """Those that take several processes."""
    project.run("pytest --quiet -m slow tests/toolkit")


@pytest.mark.night
def test_types_of_the_tests_hold(project: Project) -> None:
    """They use the toolkit as its types say."""
    project.run("mypy tests")


def test_tests_are_written_for_the_package(tmp_path: Path) -> None:
    """They follow the name of another, and nothing is left of them."""
    project = Project(tmp_path / "project", {"package_name": "m"})
    with toolkit_tests(project.path) as folder:
        (text,) = (
            path.read_text("utf-8")
            for path in (project.path / folder).glob("test_paths.py")
        )
        assert "from m.toolkit import paths\n" in text
    assert project.run("git status --porcelain") == ""
