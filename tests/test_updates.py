"""Updates replace managed files and leave starter files to the team.

The project's CONTRIBUTING defines the zone of each file.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import (
    ANSWERS_FILE,
    EVERYTHING,
    SWITCHES,
    choices,
    clone_few,
    commit,
    git,
    read_answers,
    read_files,
    render,
    render_repository,
    update,
)
from tests.zones import Zone, check_files, starter_files

NEXT_VERSION = "v999.1.0"
SIZES = choices("practices")

# Valid in most formats, and unlikely to conflict with the team's edits.
NEWS = b"# From the next release.\n"
OURS = b"# From the team.\n"


@pytest.fixture
def source(template: Path, tmp_path: Path) -> Path:
    """A clone of the template for a next release."""
    git(tmp_path, "clone", "--quiet", str(template), "template")
    return tmp_path / "template"


def publish(source: Path) -> None:
    """Release a version with changes in every file, new files and a deleted one."""
    for name in git(source, "ls-files", "-z", "template").split("\0"):
        if name and "answers_file" not in name:
            path = source / name
            path.write_bytes(path.read_bytes() + NEWS)
    package = "src/{{ package_name }}"
    for folder in (
        *("scripts", "tests/helpers", "tests/code"),
        *(package, f"{package}/toolkit"),
    ):
        (source / "template" / folder / "news.py").write_bytes(NEWS)
    (source / "template" / "configs" / "default.yaml").unlink()
    commit(source, "Next release", NEXT_VERSION)


def test_untouched_project_gets_managed_files(
    source: Path, tmp_path: Path, zone_of: Zone
) -> None:
    """An update replaces managed files only; a second update changes nothing."""
    project = render_repository(tmp_path / "project", source=source)
    starter = starter_files(project, zone_of)
    publish(source)
    update(project)
    render(tmp_path / "fresh", source=source)
    check_files(project, starter, tmp_path / "fresh", zone_of)
    assert read_answers(project)["_commit"] == NEXT_VERSION
    commit(project, "Update")
    update(project)
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.one_version
def test_team_edits_are_kept(source: Path, tmp_path: Path, zone_of: Zone) -> None:
    """An update keeps the team's edits, deletions and new files."""
    project = render_repository(tmp_path / "project", source=source)
    starter = starter_files(project, zone_of)
    for name, content in starter.items():
        (project / name).write_bytes(OURS + content)
    for name in [*starter][::2]:
        (project / name).unlink()
    pyproject = project / "pyproject.toml"
    pyproject.write_bytes(OURS + pyproject.read_bytes())
    (project / "src" / "digit_recognizer" / "ours.py").write_bytes(OURS)
    commit(project, "Work")
    starter = starter_files(project, zone_of)
    publish(source)
    update(project)
    assert starter_files(project, zone_of) == starter
    assert pyproject.read_bytes().startswith(OURS)
    assert pyproject.read_bytes().endswith(NEWS)
    assert git(project, "diff", "--name-only", "--diff-filter=U") == ""
    assert list(project.rglob("*.rej")) == []


@pytest.mark.one_version
@pytest.mark.parametrize(
    ("switch", "before", "after"),
    [
        # Switching on, or to strict, is tested on a push; the reverse at night.
        pytest.param(
            *(switch, before, after),
            marks=[] if after in (True, "strict", *SIZES) else pytest.mark.night,
        )
        for switch in SWITCHES
        for before in choices(switch)
        for after in choices(switch)
        if before != after
    ],
)
def test_switch_can_be_changed(
    switch: str, before: Any, after: Any, tmp_path: Path, zone_of: Zone
) -> None:
    """A changed switch updates managed files and never deletes starter files."""
    project = render_repository(tmp_path / "project", **{switch: before})
    starter = starter_files(project, zone_of)
    turn(project, switch, after)
    render(tmp_path / "fresh", **{switch: after})
    starter = starter_files(tmp_path / "fresh", zone_of) | starter
    check_files(project, starter, tmp_path / "fresh", zone_of)


def turn(project: Path, switch: str, answer: Any) -> None:
    """Change one answer."""
    update(project, "--vcs-ref=:current:", f"--data={switch}={answer}")


@pytest.mark.one_version
def test_notebooks_are_kept_when_switched_off(tmp_path: Path) -> None:
    """Switching notebooks off and on keeps edited ones and restores no deleted one."""
    source = clone_few(tmp_path, lambda path: path.startswith("notebooks/"))
    project = render_repository(tmp_path / "project", source=source)
    mine, deleted = (project / "notebooks" / f"{n}.ipynb" for n in ("data", "errors"))
    mine.write_bytes(OURS)
    deleted.unlink()
    commit(project, "Work")
    for answer in (False, True, True):
        turn(project, "use_notebooks", answer)
        assert mine.read_bytes() == OURS
        assert not deleted.exists()
        commit(project, "Change our mind")


@pytest.mark.one_version
def test_special_characters_survive_an_update(
    source: Path, tmp_path: Path, zone_of: Zone
) -> None:
    """Answers with special characters are preserved by an update."""
    text = "\"{{ x }}\" {% y %} 'z' \\n #: 🎉 \\"
    free = ("project_name", "project_description", "user_name")
    answers: dict[str, Any] = dict.fromkeys(free, text)
    project = render_repository(tmp_path / "project", source=source, **answers)
    starter = starter_files(project, zone_of)
    publish(source)
    update(project)
    render(tmp_path / "fresh", source=source, **answers)
    check_files(project, starter, tmp_path / "fresh", zone_of)
    assert answers.items() <= read_answers(project).items()


@pytest.mark.one_version
def test_later_reserved_name_is_kept(tmp_path: Path) -> None:
    """A project can be updated though its package name was reserved later."""
    source = clone_few(tmp_path, lambda path: path == "pyproject.toml")
    project = render_repository(tmp_path / "project", source=source)
    config = source / "copier.yml"
    old = "\n    abc "
    text = config.read_text("utf-8")
    assert text.count(old) == 1
    config.write_text(text.replace(old, f"{old}digit_recognizer "), "utf-8")
    commit(source, "Next release", NEXT_VERSION)
    update(project)
    answers = read_answers(project)
    assert answers["package_name"] == "digit_recognizer"
    assert answers["_commit"] == NEXT_VERSION


# ----------------------------------------------------------------- places of edits

CONTEXT = 3  # lines above and below an edit, by which an update finds its place


@pytest.mark.one_version
def test_no_place_of_a_managed_file_is_like_another(
    tmp_path: Path, zone_of: Zone
) -> None:
    """The lines around each place of a managed file are nowhere else in it.

    Otherwise an update could apply the team's edit at the other place.
    """
    render(tmp_path, **EVERYTHING)
    alike = []
    for name, content in read_files(tmp_path).items():
        if name == ANSWERS_FILE or zone_of(name) != "managed":
            continue
        places = Counter(windows(content.decode("utf-8").splitlines()))
        alike += [(name, place) for place, count in places.items() if count > 1]
    assert alike == []


def windows(lines: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield the lines around each place between two lines of a file."""
    for place in range(CONTEXT, len(lines) - CONTEXT + 1):
        yield tuple(lines[place - CONTEXT : place + CONTEXT])


@pytest.mark.one_version
def test_managed_files_are_text(tmp_path: Path, zone_of: Zone) -> None:
    """No managed file is binary: an update would replace a team's own version."""
    render(tmp_path, **EVERYTHING)
    managed = [
        content
        for name, content in read_files(tmp_path).items()
        if name != ANSWERS_FILE and zone_of(name) == "managed"
    ]
    assert managed
    assert not any(b"\0" in content for content in managed)


MOST_STEPS = 30  # in a workflow


@pytest.mark.one_version
@pytest.mark.parametrize(
    "number",
    [
        # A sample on a push, all at night.
        pytest.param(number, marks=[] if number in (0, 4) else pytest.mark.night)
        for number in range(MOST_STEPS)
    ],
)
def test_line_behind_a_step_stays_in_its_job(
    number: int, source: Path, tmp_path: Path
) -> None:
    """A line behind a step stays in its job if the template changes lines below it."""
    project = render_repository(tmp_path / "project", source=source)
    edited = {}
    for path in sorted((project / ".github" / "workflows").iterdir()):
        lines = path.read_text("utf-8").splitlines()
        ends = ends_of_steps(lines)
        assert len(ends) <= MOST_STEPS
        if number < len(ends):
            edited[path] = (lines, ends[number])
    for path, (lines, place) in edited.items():
        ours = [*lines[:place], f"      {OURS.decode()}".rstrip(), *lines[place:]]
        path.write_text("\n".join(ours) + "\n", "utf-8")
        below = min(place + 1, len(lines) - 1)  # two lines below the team's line
        theirs = [*lines[:below], f"{lines[below]} # next", *lines[below + 1 :]]
        target = source / "template" / path.relative_to(project)
        target.write_text("\n".join(theirs) + "\n", "utf-8")
    if not edited:
        return
    commit(project, "Add a line to each workflow")
    commit(source, "Next release", NEXT_VERSION)
    update(project)
    conflicts = git(project, "diff", "--name-only", "--diff-filter=U").splitlines()
    for path, (lines, place) in edited.items():
        if str(path.relative_to(project)) in conflicts:
            continue
        found = path.read_text("utf-8").splitlines()
        here = found.index(f"      {OURS.decode()}".rstrip())
        assert found[here - 1] == lines[place - 1]
        assert job_of(found, here) == job_of(lines, place), path.name


def ends_of_steps(lines: list[str]) -> list[int]:
    """Return the number of the line behind each step of a workflow."""
    starts = [row for row, line in enumerate(lines) if line.startswith("      - ")]
    ends = []
    for start in starts:
        end = start + 1
        while end < len(lines) and lines[end].startswith("        "):
            end += 1
        ends.append(end)
    return ends


def job_of(lines: list[str], row: int) -> str:
    """Return the job that a line of a workflow is in."""
    return next(line for line in reversed(lines[:row]) if re.match(r"  \w+:$", line))
