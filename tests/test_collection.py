"""Modules, docstrings and notebooks of a team's own are found, and run, by pytest."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.environment import overlay
from tests.projects import Project, skips

pytestmark = pytest.mark.environment

# A module whose package is optional, a script without a guard, a wrong import.
MODULES = {
    "tracking.py": '''\
"""Uses an optional package."""

import no_such_tracker


def count(run: no_such_tracker.Run) -> int:
    """Return a number.

    >>> count(no_such_tracker.Run())
    1
    """
    return 1
''',
    "convert.py": """\
import argparse

arguments = argparse.ArgumentParser()
arguments.add_argument("file")
print(arguments.parse_args())
""",
    "wrong_import.py": "from .no_such_module import Net\n",
}
NUMBERS = '''\
"""Examples with numbers.

>>> import torch
>>> torch.tensor([1 / 3, 2 / 3])
tensor([0.3333, 0.6668])
>>> {"loss": 0.123456, "steps": 3}
{'loss': 0.123457, 'steps': 3}
"""
'''
# As an editor saves it whose environment nobody else has.
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "8f1c2d3e",
            "metadata": {},
            "outputs": [],
            "source": ["import torch"],
        }
    ],
    "metadata": {
        "kernelspec": {
            "display_name": "Python 3.7.8 64-bit ('prmlenv': venv)",
            "language": "python",
            "name": "python37864bitprmlenvvenv",
        }
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A new project."""
    project = Project(tmp_path_factory.mktemp("a project") / "project", {})
    overlay(project.path)
    return project


@contextmanager
def _added(folder: Path, files: dict[str, str]) -> Iterator[None]:
    """Add files to a folder within a context."""
    for name, text in files.items():
        (folder / name).write_text(text)
    try:
        yield
    finally:
        for name in files:
            (folder / name).unlink()


def test_module_that_cannot_be_imported_hides_no_test(project: Project) -> None:
    """A missing optional package is named; what is broken is red; the rest runs."""
    package = f"src/{project.package}"
    with _added(project.path / package, MODULES):
        output = project.run(f"pytest {package}/*.py", succeeds=False)
    assert skips(output) == ["tracking.py is not tried without no_such_tracker"]
    errors = [line for line in output.splitlines() if line.startswith("ERROR")]
    assert [Path(line.split()[1]).name for line in errors] == [
        "convert.py",
        "wrong_import.py",
    ]
    assert "convert.py ends Python when it is imported: put what it does" in output
    assert "passed, 1 skipped, 2 errors" in output


def test_numbers_in_docstrings_may_differ_in_the_last_digit(project: Project) -> None:
    """Numbers in examples are compared with a tolerance, and not beyond it."""
    file = f"src/{project.package}/numbers.py"
    with _added(project.path, {file: NUMBERS}):
        assert "1 passed" in project.run(f"pytest {file}")
    for old, new in (("0.6668", "0.6700"), ("'steps': 3", "'steps': 4")):
        with _added(project.path, {file: NUMBERS.replace(old, new)}):
            assert "1 failed" in project.run(f"pytest {file}", succeeds=False)


def test_notebook_of_another_kernel_runs(project: Project) -> None:
    """A notebook runs with the project's Python, whatever its kernel is called."""
    notebook = {"notebooks/of_a_colleague.ipynb": json.dumps(NOTEBOOK)}
    with _added(project.path, notebook):
        output = project.run("nox -s notebooks -- -k of_a_colleague")
    assert "1 passed" in output
