"""Many repositories: each gets a true line, and nothing in it is changed."""

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
from tests.team import work

pytestmark = pytest.mark.one_version

OLD, NEXT = RELEASES[0].tag, "v998.0.0"
BEHIND = len(RELEASES)


@pytest.fixture(scope="module")
def source(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the template in which today's version is a release."""
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
    """Put a line at the top of a file, and commit it."""
    path = project / name
    path.write_text(f"{line}\n{path.read_text()}")
    commit(project, "Work")


@pytest.fixture(scope="module")
def fleet(source: Path) -> Path:
    """A folder with a project in each state that one can be in."""
    folder = source.parent / "all"

    def project(name: str, version: str) -> Path:
        return render_repository(folder / name, source=source, version=version)

    project("new", NEXT)
    project("old", OLD)
    edit(project("edited", OLD), "noxfile.py", "# ours")
    edit(project("meeting", OLD), "CONTRIBUTING.md", "ours")
    team = folder / "team"
    render_repository(team, source=source, version=OLD, project_name="Forecaster")
    work(team)
    path = project("dirty", OLD) / "README.md"
    path.write_text("not committed\n")
    edit(project("marked", NEXT), "noxfile.py", "<<<<<<< before updating")
    (project("rejected", NEXT) / "noxfile.py.rej").write_text("left over\n")
    (project("stranger", NEXT) / ANSWERS_FILE).unlink()
    odd = project("odd", NEXT)
    commit_ = git(source, "rev-parse", f"{NEXT}^{{commit}}")[:12]
    write_answer(odd, "_commit", commit_)
    commit(odd, "A version without a name")
    large = folder / "large"
    render(large / "inner", source=source, version=OLD)
    git(large, "init", "--quiet", "--initial-branch=main")
    git(large, "add", "--all")
    git(large, "commit", "--quiet", "--message=First")
    (large / "beside.txt").write_text("not committed, and not ours\n")
    # The line that the next version changes, too.
    path = folder / "meeting" / ".gitignore"
    path.write_text(path.read_text().replace("coverage.xml\n", "coverage.txt\n"))
    commit(folder / "meeting", "Work")
    return folder


def look(source: Path, *arguments: str | Path) -> tuple[int, dict[str, str]]:
    """Return the exit status and what is said about each folder."""
    command = [sys.executable, "-m", "tools.fleet", *map(str, arguments)]
    done = processes.run(command, source, {**os.environ, "PYTHONPATH": ""})
    _, *lines = done.stdout.splitlines()
    rows = [line.split(None, 1) for line in lines]
    return done.returncode, {Path(name).name: " ".join(x.split()) for name, x in rows}


def test_each_project_gets_its_line(source: Path, fleet: Path) -> None:
    """And stays as it is."""
    folders = sorted(path for path in fleet.iterdir() if path.name != "large")
    before = {folder: read_files(folder) for folder in folders}
    status, rows = look(source, "--try", *folders, fleet / "large" / "inner")
    assert status == 1
    assert rows == {
        "new": f"{NEXT} 0 0 ready newest",
        "old": f"{OLD} {BEHIND} 0 ready clean",
        "inner": f"{OLD} {BEHIND} 0 ready clean",
        "edited": f"{OLD} {BEHIND} 1 ready clean",
        "meeting": f"{OLD} {BEHIND} 2 ready conflicts: .gitignore",
        "team": f"{OLD} {BEHIND} 6 ready clean",
        "dirty": f"{OLD} {BEHIND} 0 1 not committed -",
        "marked": f"{NEXT} 0 1 an update left conflicts: noxfile.py -",
        "rejected": f"{NEXT} 0 0 an update left conflicts: noxfile.py.rej -",
        "stranger": "- - - no project of a template -",
        "odd": f"{rows['odd'].split()[0]} ? 0 ready clean",
    }
    assert {folder: read_files(folder) for folder in folders} == before


def test_good_fleet_is_success(source: Path, fleet: Path) -> None:
    """So that a script can ask."""
    status, rows = look(source, fleet / "old", fleet / "new")
    assert (status, rows["old"]) == (0, f"{OLD} {BEHIND} 0 ready")


def test_failing_update_is_told(source: Path, fleet: Path) -> None:
    """With the last line of what Copier says."""
    project = Path(shutil.copytree(fleet / "old", fleet.with_name("broken")))
    write_answer(project, "_commit", "v0.0.9")
    commit(project, "A version that is gone")
    status, rows = look(source, "--try", project)
    assert status == 1
    assert rows["broken"].startswith("v0.0.9 ? ? ready fails: ")
