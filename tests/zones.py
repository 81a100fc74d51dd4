"""Whose file it is: managed files are refreshed by updates, starter files never."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2

from tests.helpers import ANSWERS_FILE, EVERYTHING, read_answers, read_files, render

Zone = Callable[[str], str]


def read_zones(folder: Path) -> Zone:
    """Return what says whose file it is, from the table that the team reads.

    Args:
        folder: Empty; gets a project.

    Returns:
        What says "managed" or "starter" of a path in a project.
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
        # Whatever the package of a project is called.
        name = re.sub(r"^src/\w+/", "src/digit_recognizer/", name)
        folders = [f"{folder}/" for folder in PurePosixPath(name).parents]
        named = [path for path in (name, *folders) if path in zones]
        assert named, f"CONTRIBUTING does not say whose {name} is"
        return zones[named[0]]  # the narrowest

    return zone


def starter_patterns(settings: Mapping[str, Any]) -> list[str]:
    """Return what an update of a project with everything in it leaves alone.

    Args:
        settings: Of some version, as in its `copier.yml`.

    Returns:
        Patterns as of .gitignore; with ! in front what is managed all the same.
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
    """Compare a project with what it should be after an update.

    Args:
        project: It was updated.
        starter: The team's files, as they were.
        fresh: A new project with the same answers; managed files come from here.
        zone_of: Says which are which.
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
    """Return the files that updates must leave alone."""
    files = read_files(project)
    del files[ANSWERS_FILE]
    return {name: files[name] for name in files if zone_of(name) == "starter"}
