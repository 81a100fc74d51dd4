"""The result of an update for each combination of edits by the team and by us.

Each scenario has its own file among the managed ones, so one update covers all.
`docs/updates.md` documents the expected results.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.helpers import (
    clone_few,
    commit,
    git,
    read_answers,
    read_files,
    render,
    render_repository,
    run_copier,
    update,
    write_answer,
)

TEXT = "".join(f"line {number}\n" for number in range(1, 13))
FOLDER = "scripts/planted"
OLD, NEXT = "v999.1.0", "v999.2.0"
FEW = {"README.md", "pyproject.toml", "noxfile.py"}.__contains__


def change(*numbers: int, by: str) -> str:
    """Return the text with some lines changed."""
    return re.sub(
        r"(?m)^line (\d+)$",
        lambda line: f"{line[0]} {by}" if int(line[1]) in numbers else line[0],
        TEXT,
    )


def both(before: str, theirs: str, ours: str, after: str = "") -> str:
    """Return a text with conflict markers."""
    return (
        f"{before}<<<<<<< before updating\n{theirs}=======\n{ours}"
        f">>>>>>> after updating\n{after}"
    )


def lines(first: int, last: int) -> str:
    """Return some lines of the text."""
    return "".join(TEXT.splitlines(keepends=True)[first - 1 : last])


class Scenario(NamedTuple):
    """Contents of a file before and after an update; None if it does not exist."""

    name: str
    before: str | None
    theirs: str | None
    ours: str | None
    after: str | None


SCENARIOS = [
    Scenario("nobody", TEXT, TEXT, TEXT, TEXT),
    Scenario("we", TEXT, TEXT, change(3, by="ours"), change(3, by="ours")),
    Scenario("they", TEXT, change(3, by="theirs"), TEXT, change(3, by="theirs")),
    Scenario(
        "the same",
        TEXT,
        change(3, by="changed"),
        change(3, by="changed"),
        change(3, by="changed"),
    ),
    Scenario(
        "the same line",
        TEXT,
        change(3, by="theirs"),
        change(3, by="ours"),
        both(lines(1, 2), "line 3 theirs\n", "line 3 ours\n", lines(4, 12)),
    ),
    Scenario(
        "the next line",
        TEXT,
        change(3, by="theirs"),
        change(4, by="ours"),
        both(
            lines(1, 2),
            "line 3 theirs\nline 4\n",
            "line 3\nline 4 ours\n",
            lines(5, 12),
        ),
    ),
    Scenario(
        "far away",
        TEXT,
        change(3, by="theirs"),
        change(9, by="ours"),
        change(3, by="theirs").replace("line 9\n", "line 9 ours\n"),
    ),
    Scenario(
        "at the end",
        TEXT,
        TEXT + "theirs\n",
        TEXT + "ours\n",
        both(TEXT, "theirs\n", "ours\n"),
    ),
    Scenario(
        "all of it",
        TEXT,
        TEXT.replace("line", "  line"),
        change(3, by="ours"),
        both("", TEXT.replace("line", "  line"), change(3, by="ours")),
    ),
    Scenario("they delete", TEXT, None, change(3, by="ours"), None),
    Scenario("we delete", TEXT, TEXT, None, None),
    Scenario("we delete what they edit", TEXT, change(3, by="theirs"), None, None),
    Scenario("both delete", TEXT, None, None, None),
    Scenario("they move", TEXT, None, change(9, by="ours"), None),
    Scenario("they move it here", None, change(3, by="x"), None, change(3, by="x")),
    Scenario("they add", None, TEXT, None, TEXT),
    Scenario("we add", None, None, TEXT, TEXT),
    Scenario("both add", None, "theirs\n", "ours\n", both("", "theirs\n", "ours\n")),
    Scenario("both add the same", None, TEXT, TEXT, TEXT),
]


def plant(folder: Path, contents: dict[str, str | None]) -> None:
    """Write files; delete those whose content is None."""
    for name, content in contents.items():
        path = folder / FOLDER / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template in two releases that differ in the files of the scenarios.

    It has few other files; `test_releases.py` updates whole projects from each released
    version.
    """
    source = clone_few(tmp_path_factory.mktemp("template"), FEW)
    for tag, index in ((OLD, 1), (NEXT, 3)):
        plant(source / "template", {each.name: each[index] for each in SCENARIOS})
        commit(source, tag, tag)
    return source


@pytest.fixture(scope="module")
def project(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the first release with the team's edits."""
    folder = tmp_path_factory.mktemp("project") / "project"
    render_repository(folder, source=source, version=OLD)
    plant(folder, {each.name: each.theirs for each in SCENARIOS})
    commit(folder, "Work")
    return folder


@pytest.fixture(scope="module")
def updated(project: Path) -> Path:
    """The same project after the update."""
    folder = project.with_name("updated")
    git(project.parent, "clone", "--quiet", str(project), str(folder))
    update(folder)
    return folder


@pytest.mark.one_version
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_file_after_an_update(scenario: Scenario, updated: Path) -> None:
    """A file has the documented content after an update; conflicts are listed."""
    path = updated / FOLDER / f"{scenario.name}.txt"
    found = path.read_text() if path.exists() else None
    assert found == scenario.after
    conflicts = git(updated, "diff", "-z", "--name-only", "--diff-filter=U").split("\0")
    assert (f"{FOLDER}/{path.name}" in conflicts) == ("<<<<<<<" in (found or ""))


# ------------------------------------------------------------ of a whole project


@pytest.mark.one_version
def test_update_takes_modes_from_both(source: Path, tmp_path: Path) -> None:
    """Executable files of the team and of the template are executable afterwards."""
    project = render_repository(tmp_path / "project", source=source, version=OLD)
    theirs, ours = (Path(FOLDER, f"{name}.txt") for name in ("nobody", "they delete"))
    (project / theirs).chmod(0o755)
    commit(project, "Work")
    clone = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(source), str(clone))
    (clone / "template" / ours).chmod(0o755)
    commit(clone, "Next", "v999.3.0")
    write_answer(project, "_src_path", str(clone))
    commit(project, "Another address")
    update(project)
    assert os.access(project / theirs, os.X_OK)
    assert os.access(project / ours, os.X_OK)


@pytest.mark.one_version
def test_versions_can_be_skipped(tmp_path: Path) -> None:
    """Updating over several versions gives the same result as one by one."""
    source = clone_few(tmp_path, FEW)
    steps = [change(*range(2, 2 * number, 2), by="ours") for number in (1, 3, 5)]
    for number, text in enumerate(steps, start=1):
        plant(source / "template", {"often": text})
        commit(source, f"Release {number}", f"v999.{number}.0")
    projects = [tmp_path / "slow", tmp_path / "fast"]
    for project in projects:
        render_repository(project, source=source, version="v999.1.0")
        plant(project, {"often": change(11, by="theirs")})
        commit(project, "Work")
    slow, fast = projects
    update(slow, "--vcs-ref=v999.2.0")
    commit(slow, "Update")
    update(slow)
    update(fast)
    assert read_files(slow) == read_files(fast)
    (text,) = (path.read_text() for path in fast.glob(f"{FOLDER}/often.txt"))
    assert text == steps[-1].replace("line 11\n", "line 11 theirs\n")


@pytest.mark.one_version
@pytest.mark.parametrize("where", ["folder of a larger repository", "worktree"])
def test_update_works_in_subfolder_and_worktree(
    where: str, source: Path, tmp_path: Path
) -> None:
    """Updates work in a worktree and in a subfolder, and change no other files."""
    if where == "worktree":
        render_repository(tmp_path / "first", source=source, version=OLD)
        project = tmp_path / "second"
        git(tmp_path / "first", "worktree", "add", "--quiet", str(project), "-b", "new")
    else:
        project = tmp_path / "large" / "project"
        render(project, source=source, version=OLD)
        (project.parent / "beside.txt").write_text("not committed\n")
        git(project.parent, "init", "--quiet", "--initial-branch=main")
        git(project.parent, "add", "project")
        git(project.parent, "commit", "--quiet", "--message=First")
    update(project)
    assert read_answers(project)["_commit"] == NEXT
    planted = {each.name: each.ours for each in SCENARIOS if each.ours}
    found = {path.stem: path.read_text() for path in (project / FOLDER).iterdir()}
    assert found == planted
    if where != "worktree":
        assert git(project.parent, "status", "--porcelain", "--", "beside.txt")


@pytest.mark.one_version
@pytest.mark.parametrize("state", ["edited", "staged", "untracked"])
def test_unfinished_work_is_refused(state: str, project: Path, tmp_path: Path) -> None:
    """With uncommitted work, an update stops without changes or a traceback."""
    clone = tmp_path / "project"
    git(tmp_path, "clone", "--quiet", str(project), str(clone))
    path = clone / ("new.txt" if state == "untracked" else "README.md")
    path.write_text("not committed\n")
    if state == "staged":
        git(clone, "add", "README.md")
    before = read_files(clone)
    done = run_copier(clone, "update", "--defaults")
    assert done.returncode != 0
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert read_files(clone) == before


@pytest.mark.one_version
def test_update_can_be_undone(project: Path, tmp_path: Path) -> None:
    """The two printed commands undo an update, including its conflicts."""
    clone = tmp_path / "project"
    git(tmp_path, "clone", "--quiet", str(project), str(clone))
    before = read_files(clone)
    done = run_copier(clone, "update", "--defaults")
    assert "<<<<<<<" in (clone / FOLDER / "the same line.txt").read_text()
    (commands,) = re.findall(r"To take it all back: (.*)", done.stderr)
    for command in commands.split(" && "):
        git(clone, *command.split()[1:])
    assert read_files(clone) == before
    assert git(clone, "status", "--porcelain") == ""
