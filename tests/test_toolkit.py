"""The tests of managed code pass in a generated project.

They are in tests/toolkit/ and not in projects, because teams cannot fix managed code.
They are written for the default package.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import overlay
from tests.projects import Project, skips, toolkit_tests

pytestmark = pytest.mark.environment


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A new project with the tests of the toolkit."""
    project = Project(tmp_path_factory.mktemp("a project") / "project", {})
    overlay(project.path)
    with toolkit_tests(project.path):
        yield project


def test_fast_tests_of_the_toolkit_pass(project: Project) -> None:
    """All fast tests of the toolkit pass in a new project, without skips."""
    output = project.run("pytest --quiet tests/toolkit")
    assert skips(output) == []


@pytest.mark.night
def test_slow_tests_of_the_toolkit_pass(project: Project) -> None:
    """The slow tests of the toolkit, which start several processes, pass."""
    project.run("pytest --quiet -m slow tests/toolkit")


@pytest.mark.night
def test_types_of_the_toolkit_tests_pass(project: Project) -> None:
    """The tests of the toolkit pass the type checks."""
    project.run("mypy tests")


def test_toolkit_tests_follow_the_package_name(tmp_path: Path) -> None:
    """The copied tests use the project's package name and are removed afterwards."""
    project = Project(tmp_path / "project", {"package_name": "m"})
    with toolkit_tests(project.path) as folder:
        (text,) = (
            path.read_text("utf-8")
            for path in (project.path / folder).glob("test_paths.py")
        )
        assert "from m.toolkit import paths\n" in text
    assert project.run("git status --porcelain") == ""
