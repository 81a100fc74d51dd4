"""Modules, docstrings and notebooks of a team's own are found, and run, by pytest."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.environment import overlay
from tests.first_month import notebook
from tests.projects import Project, skips

pytestmark = pytest.mark.environment

# Modules whose package is optional, a script without a guard, and wrong imports.
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
arguments.add_argument("--file", required=True)
print(arguments.parse_args())
""",
    "wrong_import.py": "from .no_such_module import Net\n",
    "uses_tracking.py": "from .tracking import count\n",
    "with_advice.py": """\
try:
    import no_such_tracker
except ImportError as error:
    raise ImportError("pip install it") from error
""",
    "part_of_a_package.py": "import torch.no_such_part\n",
    "without_its_package.py": "from data import load_raw\n",
    "wrongly_spelt.py": "import digit_recogniser\n",
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
NOTEBOOK = notebook(
    ["8f1c2d3e"],
    1,
    "Python 3.7.8 64-bit ('prmlenv': venv)",
    "python37864bitprmlenvvenv",
)


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
        output = project.run(f"pytest {package}", succeeds=False)
    assert [line.partition("not tried")[2] for line in skips(output)] == [
        " without no_such_tracker",
        " without no_such_tracker",
        " without no_such_tracker",
    ]
    errors = [line for line in output.splitlines() if line.startswith("ERROR src")]
    assert {Path(line.split()[1]).name for line in errors} == {
        "convert.py",
        "part_of_a_package.py",
        "without_its_package.py",
        "wrong_import.py",
        "wrongly_spelt.py",
    }
    assert "convert.py ends Python when it is imported: put what it does" in output
    assert "passed, 3 skipped, 5 errors" in output


def test_numbers_in_docstrings_may_differ_in_the_last_digit(project: Project) -> None:
    """Numbers in examples are compared with a tolerance, and not beyond it."""
    file = f"src/{project.package}/numbers.py"
    with _added(project.path, {file: NUMBERS}):
        assert "1 passed" in project.run(f"pytest {file}")
    for old, new in (("0.6668", "0.6720"), ("'steps': 3", "'steps': 4")):
        with _added(project.path, {file: NUMBERS.replace(old, new)}):
            assert "1 failed" in project.run(f"pytest {file}", succeeds=False)


def test_missing_package_of_the_package_itself_is_red(project: Project) -> None:
    """What nobody can import is not skipped."""
    file = project.path / "src" / project.package / "__init__.py"
    healthy = file.read_text()
    file.write_text(f"{healthy}import no_such_tracker\n")
    try:
        output = project.run("pytest src tests/code", succeeds=False)
    finally:
        file.write_text(healthy)
    assert "No module named 'no_such_tracker'" in output


def test_notebook_of_another_kernel_runs(project: Project) -> None:
    """A notebook runs with the project's Python, unless it is in another language."""
    in_r = NOTEBOOK.replace('"language": "python"', '"language": "R"')
    files = {
        "notebooks/of_a_colleague.ipynb": NOTEBOOK,
        "notebooks/in_r_by_a_colleague.ipynb": in_r,
        "notebooks/saved.py": "1 / 0\n",
    }
    with _added(project.path, files):
        output = project.run("nox -s notebooks -- -k colleague -rs")
    assert "1 passed, 1 skipped" in output
    assert skips(output) == ["in_r_by_a_colleague.ipynb is not run, being in R"]
