"""Help, nox sessions and README agree with the table of commands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import read_commands, render

pytestmark = pytest.mark.one_version


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project without an environment."""
    path = tmp_path_factory.mktemp("commands") / "project"
    render(path)
    return path


@pytest.fixture(scope="module")
def table(project: Path) -> dict[str, dict[str, str]]:
    """The table of commands."""
    return read_commands(project)


def _run(project: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", *arguments]
    environ = os.environ | {"PYTHONPATH": str(project / "src")}
    return subprocess.run(
        command, cwd=project, env=environ, check=True, capture_output=True, text=True
    ).stdout


def test_help_has_each_command(project: Path, table: dict[str, dict[str, str]]) -> None:
    """`--help` prints the table of commands, with Python's standard library only."""
    printed = _run(project, "digit_recognizer", "--help")
    found = re.findall(r"^  (\S+) +(.+(?:\n {4,}.+)*)", printed, re.MULTILINE)
    assert {name: " ".join(text.split()) for name, text in found} == {
        name: command["help"] for name, command in table.items() if "room" in command
    }


def test_commands_that_take_arguments_are_sessions(
    project: Path, table: dict[str, dict[str, str]]
) -> None:
    """Each session of the table is a nox session with the same description."""
    listed = _run(project, "nox", "--list")
    texts = dict(re.findall(r"^[*-] ([\w-]+) -> (.+)$", listed, re.MULTILINE))
    for name, command in table.items():
        if "session" in command:
            text = f"{command['help']}: -- {command['session']}"
            assert texts[name] == text[0].upper() + text[1:]
    assert {"lint", "tests", "train", "promote"} <= {*texts}


def test_readme_says_what_the_help_says(
    project: Path, table: dict[str, dict[str, str]]
) -> None:
    """Sessions in the README have the descriptions of the table of commands."""
    readme = (project / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `nox -s ([\w-]+)[^|]*\| (.+) \|$", readme, re.MULTILINE)
    shown = {name: text for name, text in rows if "session" in table.get(name, {})}
    assert len(shown) > 3
    assert shown == {name: table[name]["help"] for name in shown}


def test_each_command_is_in_its_room(
    project: Path, table: dict[str, dict[str, str]]
) -> None:
    """The module `commands` of each room defines the commands of this room."""
    (toolkit,) = project.glob("src/*/toolkit")
    found = {
        (path.parent.name, name)
        for path in toolkit.glob("*/commands.py")
        if path.parent.name != "cli"
        for name in re.findall(
            r'^    "([\w-]+)": \w', path.read_text("utf-8"), re.MULTILINE
        )
    }
    named = {
        (command["room"], name)
        for name, command in table.items()
        # Those of `training` are made by a comprehension.
        if command.get("room") not in (None, "training")
    }
    assert named <= found
    # What a room extends is a command of another room, too.
    assert {name for _, name in found - named} <= {name for _, name in named}
