"""Zones of files: updates replace managed files and never change starter files."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2

from tests.helpers import ANSWERS_FILE, EVERYTHING, read_answers, read_files, render

Zone = Callable[[str], str]


def read_zones(folder: Path) -> Zone:
    """Return a function for the zone of a file, from the table in CONTRIBUTING.

    Args:
        folder: An empty folder; a project is generated in it.

    Returns:
        A function that returns "managed" or "starter" for a path in a project.
    """
    render(folder, **EVERYTHING)
    text = (folder / "CONTRIBUTING.md").read_text("utf-8")
    rows: dict[str, str] = dict(
        re.findall(r"^\| (managed|starter) \| (.*) \|$", text, re.MULTILINE)
    )
    zones = {
        path: zone
        for zone, row in rows.items()
        for path in re.findall(r"`([^`]+)`", re.sub(r" except `[^`]+`", "", row))
    }

    def zone(name: str) -> str:
        # The table uses the default package name.
        name = re.sub(r"^src/\w+/", "src/digit_recognizer/", name)
        folders = [f"{folder}/" for folder in PurePosixPath(name).parents]
        named = [path for path in (name, *folders) if path in zones]
        assert named, f"CONTRIBUTING does not say whose {name} is"
        return zones[named[0]]  # the most specific entry

    return zone


def starter_patterns(settings: Mapping[str, Any]) -> list[str]:
    """Return the patterns of files that an update of a full project skips.

    Args:
        settings: Settings of a version, from its `copier.yml`.

    Returns:
        Patterns in the format of .gitignore; `!` marks managed exceptions.
    """
    environment = jinja2.Environment()  # noqa: S701 -- these are no web pages
    environment.filters |= {"fileglob": lambda _: [], "regex_replace": lambda x, *_: x}
    answers = {"_copier_conf": {"dst_path": "", "answers_file": ""}, **EVERYTHING}
    update, copy = (
        [
            pattern
            for entry in settings["_exclude"]
            for pattern in environment.from_string(entry)
            .render(answers, _copier_operation=operation)
            .split()
        ]
        for operation in ("update", "copy")
    )
    return [pattern for pattern in update if pattern not in copy]


def check_files(
    project: Path, starter: Mapping[str, bytes], fresh: Path, zone_of: Zone
) -> None:
    """Assert that a project has the expected files after an update.

    Args:
        project: The updated project.
        starter: The team's files before the update.
        fresh: A new project with the same answers and the expected managed files.
        zone_of: Returns the zone of a file.
    """
    expected = dict(starter)
    for name, content in read_files(fresh).items():
        if name != ANSWERS_FILE and zone_of(name) == "managed":
            expected[name] = content
    found = read_files(project)
    assert read_answers(project) == read_answers(fresh)
    del found[ANSWERS_FILE]
    assert sorted(found) == sorted(expected)
    assert [name for name in found if found[name] != expected[name]] == []


def starter_files(project: Path, zone_of: Zone) -> dict[str, bytes]:
    """Return the starter files of a project, which updates must not change."""
    files = read_files(project)
    del files[ANSWERS_FILE]
    return {name: files[name] for name in files if zone_of(name) == "starter"}
