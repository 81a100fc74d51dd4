"""The template diff shows the team's changes in managed files, and nothing else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.helpers import (
    ANSWERS_FILE,
    VERSION,
    choices,
    commit,
    read_files,
    render,
    render_repository,
    update,
    write_answer,
)
from tests.releases import RELEASES
from tests.simulated_team import EDITS, work
from tools import digests

pytestmark = pytest.mark.one_version


def template_diff(
    project: Path, *arguments: str, **variables: str
) -> tuple[int, list[str]]:
    """Run the script; return its exit status and the printed lines."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = processes.run(
        [sys.executable, "scripts/template_diff.py", *arguments],
        project,
        {**os.environ, "PATH": path, **variables},
    )
    return done.returncode, done.stdout.splitlines()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a change of each kind."""
    project = render_repository(tmp_path_factory.mktemp("template_diff") / "project")
    (project / ".flake8").unlink()
    for name in (
        "README.md",
        "noxfile.py",
        "scripts/setup.sh",
        "tests/helpers/ours.py",
    ):
        path = project / name
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        path.write_text("\n".join([*lines[1:], "# ours", "# as well\n"]), "utf-8")
    commit(project, "Work")
    return project


def test_untouched_project_has_no_differences(tmp_path: Path) -> None:
    """A new project has no differences, for any answers."""
    project = render_repository(
        tmp_path / "project",
        project_name="Très \"long\": 'x' # {{ a }}",
        strictness="strict",
        use_notebooks=False,
    )
    status, (line,) = template_diff(project)
    assert status == 0
    assert line.startswith("0 of ")
    assert line.endswith(f" managed files differ from {VERSION}")


def test_each_change_is_shown(project: Path) -> None:
    """Each change of a managed file is shown; starter files are ignored."""
    status, (first, *lines) = template_diff(project)
    assert status == 0
    assert first.startswith("3 of ")
    heads = [line for before, line in zip(lines, lines[1:], strict=False) if not before]
    assert heads == [
        ".flake8  deleted",
        "noxfile.py  2 lines added, 1 removed",
        "scripts/setup.sh  2 lines added, 1 removed",
    ]
    assert lines.count("+# as well") == 2
    assert "-#!/usr/bin/env bash" in lines


def test_one_file_can_be_selected(project: Path) -> None:
    """With a file name, other files are only counted."""
    _, lines = template_diff(project, "noxfile.py")
    assert lines.count("+# ours") == 1
    assert "scripts/setup.sh  2 lines added, 1 removed" in lines
    error = "error: README.md is no managed file that differs"
    assert template_diff(project, "README.md") == (2, [error])


def test_unreachable_template_is_reported(
    project: Path, template: Path, tmp_path: Path
) -> None:
    """An unreachable template is reported; a local clone can replace it."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", project, clone], check=True)
    address = "https://host.invalid/template.git"
    write_answer(clone, "_src_path", address)
    status, (line,) = template_diff(clone, GIT_TERMINAL_PROMPT="0")
    assert status == 2
    assert line.startswith(f"error: cannot make {VERSION} of {address} (")
    assert line.endswith(
        "). With a clone at hand: nox -s template-diff -- --template FOLDER"
    )
    assert template_diff(clone, "--template", str(template)) == template_diff(project)


def test_missing_requirement_is_reported(project: Path, tmp_path: Path) -> None:
    """Missing programs and a missing answers file are reported in one line."""
    status, (line,) = template_diff(project, PATH="")
    assert (status, line) == (2, "error: this needs uv: https://docs.astral.sh/uv/")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", project, clone], check=True)
    (clone / ANSWERS_FILE).unlink()
    status, (line,) = template_diff(clone)
    assert status == 2
    assert line == (
        f"error: {ANSWERS_FILE} says no _src_path: run this in the root of a project "
        "of a template"
    )


def test_differences_survive_an_update(tmp_path: Path) -> None:
    """After an update, the diff shows exactly the team's edits."""
    project = render_repository(
        tmp_path / "project", version=RELEASES[0].tag, project_name="Forecaster"
    )
    work(project)
    update(project)
    _, lines = template_diff(project)
    heads = {line for before, line in zip(lines, lines[1:], strict=False) if not before}
    for name, (_, added) in EDITS.items():
        count = added.count("\n")
        assert f"{name}  {count} lines added, 0 removed" in heads
    assert lines[0].startswith(f"{len(EDITS)} of ")


def test_digests_are_those_of_today() -> None:
    """The list of digests is current: `python3 start.py digests` writes it."""
    assert digests.LIST.read_text("utf-8") == digests.listed()


@pytest.mark.parametrize("size", choices("practices"))
def test_code_of_the_template_is_checked_without_it(size: str, tmp_path: Path) -> None:
    """The check needs no template, and lists code that is edited or deleted."""
    project = render_repository(
        tmp_path / "project",
        practices=size,
        project_name="Forecaster",
        strictness="strict",
        use_notebooks=False,
    )
    write_answer(project, "_src_path", "https://host.invalid/template.git")
    status, (line,) = template_diff(project, "--check")
    assert status == 0
    found = re.fullmatch(
        rf"managed code is byte for byte that of template {VERSION}: (\d+) files", line
    )
    assert found and int(found[1]) > 50
    changes = {
        "src/forecaster/toolkit/evaluation/suites.py": "edited",
        "tests/helpers/checks.py": "edited",
        "tests/helpers/training.py": "missing",
        "src/forecaster/toolkit/ours.py": "added",
    }
    for name, change in changes.items():
        if change == "missing":
            (project / name).unlink()
        else:
            with (project / name).open("a") as file:
                file.write("# Ours.\n")
    status, (first, *lines) = template_diff(project, "--check")
    assert status == 1
    assert first.endswith(f"but for these of {found[1]} files:")
    assert {*lines} == {f"{name}  {change}" for name, change in changes.items()}
    (project / "scripts" / "digests.txt").unlink()
    status, (line,) = template_diff(project, "--check")
    assert (status, line) == (
        2,
        "error: digests.txt is missing beside this script: restore it",
    )


def test_digests_cover_what_is_folded(tmp_path: Path) -> None:
    """Each file that a pull request folds has a digest, in each size."""
    lines = digests.LIST.read_text("utf-8").splitlines()
    for size in choices("practices"):
        render(tmp_path / size, practices=size)
        named = {
            line.split()[2].replace("*", "digit_recognizer")
            for line in lines
            if line.split()[1] in ("core", size)
        }
        files = {*read_files(tmp_path / size)}
        assert named <= files
        folded = (
            r"(src/\w+/toolkit|tests/helpers|tests/mutation|tests/plugins|\.github)/"
        )
        assert {name for name in files if re.match(folded, name)} <= named
