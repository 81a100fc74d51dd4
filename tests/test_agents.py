"""AGENTS.md says the same as README, CONTRIBUTING and the settings of a project."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.helpers import ANSWERS_FILE, read_files, render
from tests.zones import Zone

MAX_LINES = 60


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project with default answers."""
    path = tmp_path_factory.mktemp("agents") / "project"
    render(path, practices="core")
    return path


@pytest.fixture(scope="module")
def sections(project: Path) -> dict[str, str]:
    """The sections of AGENTS.md by their titles."""
    text = (project / "AGENTS.md").read_text("utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_commands_are_those_of_the_readme(
    project: Path, sections: dict[str, str]
) -> None:
    """Each row of the table of commands is a row of the README."""
    readme = (project / "README.md").read_text("utf-8").splitlines()
    rows = re.findall(r"^\| `.*$", sections["Commands"], re.MULTILINE)
    assert len(rows) > 2
    assert [row for row in rows if row not in readme] == []


def test_markers_are_those_of_the_settings(
    project: Path, sections: dict[str, str]
) -> None:
    """The named markers of tests are those in `pyproject.toml`."""
    settings = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    markers = settings["tool"]["pytest"]["ini_options"]["markers"]
    named = re.findall(r"[Tt]ests marked `(\w+)`", sections["Commands"])
    known = {re.split(r"\W", marker)[0] for marker in markers}
    assert {*named} == known - {"ml_test_score"}  # a larger size counts them


def test_files_not_to_edit_are_managed(
    project: Path, sections: dict[str, str], zone_of: Zone
) -> None:
    """The files that must not be edited are all the managed files of code and text."""
    first, _ = sections["Do not edit"].strip().split("\n\n")
    frozen, free = first.split("Settings in")
    named = [path.replace("src/*", "src/digit_recognizer") for path in _spans(frozen)]
    named += _spans(free)
    covered = {
        file: [
            path for path in named if fnmatch(file, path) or file.startswith(f"{path}/")
        ]
        for file in read_files(project)
        if file != ANSWERS_FILE
    }
    managed = [file for file in covered if zone_of(file) == "managed"]
    settings = {
        ".editorconfig",
        ".gitattributes",
        ".gitignore",
        "codecov.yml",
        "LICENSE",
    }
    missing = [file for file in managed if not covered[file]]
    assert {*missing} <= settings
    starters = [file for file in covered if file not in managed]
    assert [file for file in starters if covered[file]] == []
    used = {path for paths in covered.values() for path in paths}
    assert {*named} == used


def _spans(text: str) -> list[str]:
    return [path.rstrip("/") for path in re.findall(r"`([^`]+)`", text)]
