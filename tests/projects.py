"""Generated repositories with their own environment, for tests to work in."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from tests import processes
from tests.environment import activated, hold_versions, use_mirror
from tests.helpers import commit, render_repository

# Reasons for skipped tests in a new project.
AT_BIRTH = [
    "0 logged requests are labelled, 20 are needed",
    "PyTorch finds no GPU here",
    "no uv.lock is committed, so new versions come with any install",
    "there was no shadow evaluation of the production model, see promote --log",
]
# Of a task whose labels are no classes, besides.
NO_CLASSES = ["labels are no numbers, and have no classes", "the task has no classes"]
# These tests use the default package and are independent of the task.
TOOLKIT_TESTS = Path(__file__).parent / "toolkit"


class Project:
    """A generated repository with its own environment."""

    def __init__(self, path: Path, answers: Mapping[str, Any]) -> None:
        self.path = render_repository(path, **answers)
        self.starter = answers.get("starter", "images")
        self.package = next((self.path / "src").iterdir()).name
        programs = self.path / ".venv" / "bin"
        self.environ = activated(programs, without_caches(os.environ))

    def run(self, command: str, *, succeeds: bool = True) -> str:
        """Run a command in the activated environment and return its output."""
        return run_in(command, self.path, self.environ, succeeds=succeeds)

    def sabotaged(self, file: str, old: str, new: str) -> AbstractContextManager[None]:
        """Replace a text in a file of the package within a context."""
        return self.broken(f"src/{self.package}/{file}", old, new)

    @contextmanager
    def broken(self, file: str, old: str, new: str) -> Iterator[None]:
        """Replace a text in a file of the repository within a context."""
        path = self.path / file
        healthy = path.read_text()
        assert healthy.count(old) == 1, f"{old!r} is not in {file} exactly once"
        path.write_text(healthy.replace(old, new))
        try:
            yield
        finally:
            path.write_text(healthy)


@contextmanager
def toolkit_tests(project: Path) -> Iterator[str]:
    """Copy the tests of managed code into a project within a context.

    Args:
        project: A generated repository with any package name.

    Yields:
        str: Their folder, relative to the repository.
    """
    (package,) = (
        path.parents[1].name for path in project.glob("src/*/toolkit/interface.py")
    )
    folder = project / "tests" / "toolkit"
    try:
        for path in TOOLKIT_TESTS.rglob("*.py"):
            target = folder / path.relative_to(TOOLKIT_TESTS)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text("utf-8")
            target.write_text(text.replace("digit_recognizer", package), "utf-8")
        yield str(folder.relative_to(project))
    finally:
        shutil.rmtree(folder)


def without_caches(environ: Mapping[str, str]) -> dict[str, str]:
    """Remove variables of the test run: Python writes bytecode as usual."""
    hidden = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")
    return {name: value for name, value in environ.items() if name not in hidden}


def first_push(folder: Path, *, source: Path | None = None, **answers: Any) -> Path:
    """Generate a repository as it is first pushed: without a lock.

    Args:
        folder: The repository is created here.
        source: A clone of the template other than the one all tests share.
        **answers: By name of the question.

    Returns:
        The repository, with fixed package versions for reproducible tests.
    """
    project = render_repository(folder / "project", source=source, **answers)
    use_mirror(project)
    hold_versions(project)
    commit(project, "Let nothing change under the tests")
    return project


def run_in(
    command: str, folder: Path, environ: Mapping[str, str], *, succeeds: bool = True
) -> str:
    """Run a command and return its output."""
    done = processes.run_bash(command, folder, environ)
    assert (done.returncode == 0) == succeeds, f"{command}\n{done.stdout[-6000:]}"
    return done.stdout


def skips(output: str) -> list[str]:
    """Return the sorted reasons of skipped tests in the output of pytest."""
    return sorted(re.findall(r"^SKIPPED \[\d+\] .*: (.*)$", output, re.MULTILINE))
