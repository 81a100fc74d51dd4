"""The fleet report has a correct line for each repository, and changes nothing."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.helpers import (
    ANSWERS_FILE,
    commit,
    git,
    read_files,
    render,
    render_repository,
    write_answer,
)
from tests.releases import LIST, RELEASES
from tests.simulated_team import work

pytestmark = pytest.mark.one_version

OLD, NEXT = RELEASES[0].tag, "v998.0.0"
BEHIND = len(RELEASES)


@pytest.fixture(scope="module")
def source(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the template in which the current version is released."""
    source = tmp_path_factory.mktemp("fleet") / "template"
    git(source.parent, "clone", "--quiet", str(template), str(source))
    head = git(source, "rev-parse", "HEAD").strip()
    git(source, "tag", "--annotate", "--message=Next", NEXT, head)
    entry = f'\n[[release]]\nversion = "{NEXT[1:]}"\ncommit = "{head}"\n'
    path = source / LIST.name
    path.write_text(path.read_text() + entry)
    commit(source, "Release")
    return source


def edit(project: Path, name: str, line: str) -> None:
    """Insert a line at the top of a file and commit it."""
    path = project / name
    path.write_text(f"{line}\n{path.read_text()}")
    commit(project, "Work")


@pytest.fixture(scope="module")
def fleet(source: Path) -> Path:
    """A folder with projects in some of the possible states."""
    folder = source.parent / "all"
    _project(source, folder / "new", NEXT)
    _project(source, folder / "old", OLD)
    edit(_project(source, folder / "edited", OLD), "noxfile.py", "# ours")
    path = _project(source, folder / "dirty", OLD) / "README.md"
    path.write_text("not committed\n")
    (_project(source, folder / "stranger", NEXT) / ANSWERS_FILE).unlink()
    large = folder / "large"
    render(large / "inner", source=source, version=OLD)
    git(large, "init", "--quiet", "--initial-branch=main")
    git(large, "add", "--all")
    git(large, "commit", "--quiet", "--message=First")
    (large / "beside.txt").write_text("not committed, and not ours\n")
    return folder


@pytest.fixture(scope="module")
def large_fleet(source: Path, fleet: Path) -> Path:
    """The same folder with projects in all other states."""
    meeting = _project(source, fleet / "meeting", OLD)
    edit(meeting, "CONTRIBUTING.md", "ours")
    # The next version changes the same line.
    path = meeting / ".gitignore"
    path.write_text(path.read_text().replace("coverage.xml\n", "coverage.txt\n"))
    commit(meeting, "Work")
    work(_project(source, fleet / "team", OLD, project_name="Forecaster"))
    marked = _project(source, fleet / "marked", NEXT)
    edit(marked, "noxfile.py", "<<<<<<< before updating")
    rejected = _project(source, fleet / "rejected", NEXT)
    (rejected / "noxfile.py.rej").write_text("left over\n")
    odd = _project(source, fleet / "odd", NEXT)
    commit_ = git(source, "rev-parse", f"{NEXT}^{{commit}}")[:12]
    write_answer(odd, "_commit", commit_)
    commit(odd, "A version without a name")
    return fleet


def _project(source: Path, path: Path, version: str, **answers: str) -> Path:
    return render_repository(path, source=source, version=version, **answers)


def look(source: Path, *arguments: str | Path) -> tuple[int, dict[str, str]]:
    """Return the exit status and the report of each folder."""
    command = [sys.executable, "-m", "tools.fleet", *map(str, arguments)]
    done = processes.run(command, source, {**os.environ, "PYTHONPATH": ""})
    _, *lines = done.stdout.splitlines()
    rows = [line.split(None, 1) for line in lines]
    return done.returncode, {Path(name).name: " ".join(x.split()) for name, x in rows}


# The expected report of a project in each state.
LINES = {
    "new": f"{NEXT} 0 0 ready newest",
    "old": f"{OLD} {BEHIND} 0 ready clean",
    "inner": f"{OLD} {BEHIND} 0 ready clean",
    "edited": f"{OLD} {BEHIND} 1 ready clean",
    "dirty": f"{OLD} {BEHIND} 0 1 not committed -",
    "stranger": "- - - no project of a template -",
}


def test_each_project_state_is_reported(source: Path, fleet: Path) -> None:
    """The report shows the state of each project and leaves the project unchanged."""
    lines = {name: LINES[name] for name in ("inner", "edited", "dirty", "stranger")}
    folders = [fleet / name for name in lines if name != "inner"]
    folders.append(fleet / "large" / "inner")
    before = {folder: read_files(folder) for folder in folders}
    assert look(source, "--try", *folders) == (1, lines)
    assert {folder: read_files(folder) for folder in folders} == before


@pytest.mark.night
def test_all_project_states_are_reported(source: Path, large_fleet: Path) -> None:
    """The report covers all states, including conflicts and unknown versions."""
    folders = sorted(path for path in large_fleet.iterdir() if path.name != "large")
    before = {folder: read_files(folder) for folder in folders}
    status, rows = look(source, "--try", *folders, large_fleet / "large" / "inner")
    assert status == 1
    assert rows == LINES | {
        "meeting": f"{OLD} {BEHIND} 2 ready conflicts: .gitignore",
        "team": f"{OLD} {BEHIND} 6 ready clean",
        "marked": f"{NEXT} 0 1 an update left conflicts: noxfile.py -",
        "rejected": f"{NEXT} 0 0 an update left conflicts: noxfile.py.rej -",
        "odd": f"{rows['odd'].split()[0]} ? 0 ready clean",
    }
    assert {folder: read_files(folder) for folder in folders} == before


def test_exit_status_is_zero_if_all_are_ready(source: Path, fleet: Path) -> None:
    """The exit status is 0 if all projects are ready."""
    status, rows = look(source, fleet / "old", fleet / "new")
    assert (status, rows["old"]) == (0, f"{OLD} {BEHIND} 0 ready")


def test_failing_update_is_reported(source: Path, fleet: Path) -> None:
    """The report shows the last line of Copier's error for a failing update."""
    project = Path(shutil.copytree(fleet / "old", fleet.with_name("broken")))
    write_answer(project, "_commit", "v0.0.9")
    commit(project, "A version that is gone")
    status, rows = look(source, "--try", project)
    assert status == 1
    assert rows["broken"].startswith("v0.0.9 ? ? ready fails: ")
