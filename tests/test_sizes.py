"""A project changes its size by an update, both ways, and loses no file of the team."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.environment import overlay
from tests.helpers import (
    ROOT,
    choices,
    commit,
    git,
    read_files,
    render,
    render_repository,
    run_copier,
)
from tests.projects import Project
from tests.test_rendering import MAINTAINED
from tests.zones import Zone

ROOMS = ("analysis", "performance", "scaling", "serving")
NOTE = "# Ours.\n"


def change(project: Path, size: str) -> str:
    """Change the size of a project, commit it, and return what Copier said."""
    done = run_copier(
        project,
        *("update", "--defaults", "--vcs-ref=:current:", f"--data=practices={size}"),
    )
    assert done.returncode == 0, done.stderr
    assert git(project, "diff", "--name-only", "--diff-filter=U") == ""
    commit(project, f"Take the size {size}")
    return done.stderr


def test_larger_size_only_adds_files(tmp_path: Path) -> None:
    """All files of the smaller size are in the larger one, and most are the same."""
    files = {}
    for size in choices("practices"):
        render(tmp_path / size, practices=size)
        files[size] = read_files(tmp_path / size)
    core, full = files["core"], files["all"]
    assert core.keys() < full.keys()
    other = {name for name in core if core[name] != full[name]}
    assert other == {
        *(".copier-answers.yml", "CONTRIBUTING.md", "README.md"),
    }


def test_edits_survive_both_changes(tmp_path: Path, zone_of: Zone) -> None:
    """Edited files of the team stay in both directions, and deleted ones stay away."""
    project = render_repository(tmp_path / "project", practices="core")
    settings, deleted = project / "pyproject.toml", project / "tests/model/seven.png"
    for path in (
        settings,
        project / "README.md",
        project / "src/digit_recognizer/data.py",
    ):
        path.write_text(NOTE + path.read_text())
    deleted.unlink()
    commit(project, "Work")
    change(project, "all")
    render(tmp_path / "all", practices="all")
    wanted = read_files(tmp_path / "all").keys() - {"tests/model/seven.png"}
    assert read_files(project).keys() == wanted
    ours, gone = "tests/model/test_feedback.py", "configs/studies.yaml"
    (project / ours).write_text(NOTE)
    (project / gone).unlink()
    commit(project, "Work with all practices")
    change(project, "all")
    assert not (project / gone).exists()
    text = change(project, "core")
    for name in (*(f"{room}/" for room in ROOMS), "tests/mutation/", "tests/plugins/"):
        assert name in text
    render(tmp_path / "core", practices="core")
    kept = read_files(tmp_path / "all").keys() - read_files(tmp_path / "core").keys()
    kept = {name for name in kept if zone_of(name) == "starter"} - {gone}
    assert ours in kept
    wanted = {*read_files(tmp_path / "core")} - {"tests/model/seven.png"} | kept
    assert {*read_files(project)} == wanted
    assert (project / ours).read_text() == NOTE
    assert settings.read_text().startswith(NOTE)
    # What is there when the larger size comes again is not overwritten.
    change(project, "all")
    assert (project / ours).read_text() == NOTE


@pytest.mark.environment
def test_tests_of_absent_rooms_are_skipped(tmp_path: Path) -> None:
    """After the change to the smaller size, tests of absent rooms are skipped."""
    project = Project(tmp_path / "project", {"practices": "all"})
    path = project.path
    change(path, "core")
    # As it is on a machine where they were imported.
    compiled = path / "src/digit_recognizer/toolkit/serving/__pycache__/shadow.pyc"
    compiled.parent.mkdir(parents=True)
    compiled.touch()
    overlay(path)
    tests = (
        "tests/model tests/training/test_speed.py tests/training/test_fine_tuning.py"
    )
    # The commits of tests are of 2001.
    some = f"-k 'not too_old' {tests} --nbmake notebooks"
    output = project.run(f"pytest -q -m 'slow or not slow' {some}")
    for skipped, room in {
        "test_behaviour.py": "tests.plugins.behaviour",
        "test_feedback.py": "digit_recognizer.toolkit.serving",
        "test_speed.py": "digit_recognizer.toolkit.performance",
        "test_fine_tuning.py": "digit_recognizer.toolkit.scaling",
        "errors.ipynb": "digit_recognizer.toolkit.analysis",
    }.items():
        assert f"{skipped} needs {room}, which comes with practices=all" in output
    # A room of no size, or one that every size has, is an error.
    file = path / "tests" / "code" / "test_ours.py"
    for room in ("predictions", "training"):
        file.write_text(f"from digit_recognizer.toolkit.{room} import nothing\n")
        assert "error" in project.run(f"pytest -q {file}", succeeds=False)


def test_page_counts_what_each_practice_adds(tmp_path: Path) -> None:
    """The table of practices names each added file once, with files and lines."""
    for size in choices("practices"):
        render(tmp_path / size, practices=size)
    core, full = (read_files(tmp_path / size) for size in ("core", "all"))
    added = {name: full[name] for name in full.keys() - core.keys()}
    text = (ROOT / "docs" / "questions.md").read_text("utf-8")
    (table,) = re.findall(
        r"^\| practice \|.*\n\|-.*\n((?:\|.*\n)+)", text, re.MULTILINE
    )
    for row in table.splitlines():
        practice, adds, *counts = row.strip("| ").split(" | ")
        patterns = re.findall(r"`([^`]+)`", adds)
        patterns = [f"{path}*" if path[-1] == "/" else path for path in patterns]
        found = {
            name: added.pop(name)
            for name in [*added]
            if any(fnmatch(name, pattern) for pattern in patterns)
        }
        lines = sum(
            len(content.splitlines())
            for name, content in found.items()
            if name.endswith(MAINTAINED)
        )
        assert [str(len(found)), f"{lines:,}"] == counts, practice
    assert not added


@pytest.mark.parametrize(
    ("answers", "before", "expected"),
    [
        ({}, ("data",), {"data", "errors"}),
        ({}, (), set()),  # deleted with its folder
        # The notebook is the team's.
        pytest.param(
            {}, ("data", "errors"), {"data", "errors"}, marks=pytest.mark.night
        ),
        # The others stay away.
        pytest.param({}, ("ours",), {"errors", "ours"}, marks=pytest.mark.night),
        pytest.param({"use_notebooks": False}, (), set(), marks=pytest.mark.night),
        pytest.param(
            {"use_notebooks": False}, ("ours",), {"ours"}, marks=pytest.mark.night
        ),
    ],
)
def test_notebook_of_errors_comes_with_the_larger_size(
    answers: dict[str, bool],
    before: tuple[str, ...],
    expected: set[str],
    tmp_path: Path,
) -> None:
    """It comes where notebooks are, is never overwritten, and no other one returns."""
    project = render_repository(tmp_path / "project", practices="core", **answers)
    folder = project / "notebooks"
    for path in folder.glob("*"):
        path.unlink()
    if folder.is_dir():
        folder.rmdir()
    for name in before:
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.ipynb").write_text(NOTE)
    commit(project, "Notebooks of the team")
    change(project, "all")
    found = {path.stem for path in folder.glob("*")}
    assert found == expected
    assert all((folder / f"{name}.ipynb").read_text() == NOTE for name in before)
    change(project, "core")
    assert {path.stem for path in folder.glob("*")} == expected
    assert expected or not folder.exists()
