"""Copier's error messages and their documented fixes.

The night tests compare the wording, which belongs to Copier; the push tests check that
the page contains it.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import (
    ANSWERS_FILE,
    ROOT,
    VERSION,
    commit,
    git,
    read_answers,
    read_files,
    render_repository,
    run_copier,
    write_answer,
)

pytestmark = pytest.mark.one_version

TABLE = (
    (ROOT / "docs" / "updates.md").read_text("utf-8").partition("## If Copier stops")[2]
)


def answer(project: Path, name: str, value: str) -> None:
    """Edit an answer by hand and commit it."""
    write_answer(project, name, value)
    commit(project, "Edit by hand")


def leave(project: Path, name: str, content: str = "left over\n") -> None:
    """Write a leftover file."""
    (project / name).write_text(content)


def hide(project: Path) -> None:
    """Write a leftover file that git ignores."""
    leave(project, ".gitignore", "*.rej\n")
    commit(project, "Hide what is left over")
    leave(project, "gone.py.rej")


def forget(project: Path) -> None:
    """Delete the answers file."""
    (project / ANSWERS_FILE).unlink()
    commit(project, "Tidy up")


def mend_answers(project: Path, template: Path) -> None:
    """Restore the address of the template."""
    answer(project, "_src_path", str(template))


CASES: dict[str, tuple[Callable[[Path], object], Callable[[Path, Path], object]]] = {
    "Destination repository is dirty": (
        lambda project: leave(project, "noxfile.py.rej"),
        lambda project, _: (project / "noxfile.py.rej").unlink(),
    ),
    "Could not resolve host": (
        lambda project: answer(project, "_src_path", "https://host.invalid/it.git"),
        mend_answers,
    ),
    "Local template must be a directory": (
        lambda project: answer(project, "_src_path", "../it"),
        mend_answers,
    ),
    "Template not found": (
        forget,
        lambda project, _: git(project, "checkout", "HEAD~1", "--", ANSWERS_FILE)
        + git(project, "commit", "--quiet", "--message=Take the answers back"),
    ),
    "did not match any file(s) known to git": (
        hide,
        lambda project, _: git(project, "reset", "--hard")
        + git(project, "clean", "-fdx")
        + git(project, "revert", "--no-edit", "HEAD"),
    ),
}


# Messages of the tests below.
OTHERS = (
    "Invalid choice for",
    "Validation error for question",
    "This template requires Copier version",
    "Unknown revision",
    "You are downgrading",
)


@pytest.mark.parametrize("message", [*CASES, *OTHERS])
def test_message_is_on_the_page(message: str) -> None:
    """The page contains each error message of Copier."""
    assert f"`{message}" in TABLE


@pytest.mark.night
@pytest.mark.parametrize("message", CASES)
def test_documented_fix_works(message: str, template: Path, tmp_path: Path) -> None:
    """The update works after the documented fix of an error."""
    spoil, mend = CASES[message]
    project = render_repository(tmp_path / "project")
    spoil(project)
    done = run_copier(project, "update", "--defaults")
    assert done.returncode != 0
    assert message in done.stderr.splitlines()[-1]
    mend(project, template)
    done = run_copier(project, "update", "--defaults")
    assert done.returncode == 0, done.stderr
    assert read_answers(project)["_commit"] == VERSION


@pytest.mark.night
@pytest.mark.parametrize(
    ("option", "last"),
    [
        ("license=GPL", "Invalid choice for 'license': 'GPL' is not in ['MIT'"),
        (
            "user_email=me",
            "Validation error for question 'user_email': Not an e-mail address; write",
        ),
    ],
)
def test_invalid_answer_changes_nothing(option: str, last: str, tmp_path: Path) -> None:
    """An invalid answer changes no file; the last line says what is wrong."""
    project = render_repository(tmp_path / "project")
    before = read_files(project)
    options = ("--defaults", "--vcs-ref=:current:", f"--data={option}")
    done = run_copier(project, "update", *options)
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].startswith(f"ValueError: {last}")
    assert read_files(project) == before


@pytest.mark.night
def test_old_copier_is_rejected(template: Path, tmp_path: Path) -> None:
    """An old Copier is rejected in one line with both versions."""
    source = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(template), str(source))
    project = render_repository(tmp_path / "project", source=source)
    settings = source / "copier.yml"
    text = re.sub(
        r'(_min_copier_version: )"[\d.]+"', r'\1"99.0.0"', settings.read_text()
    )
    settings.write_text(text)
    commit(source, "Next", "v999.1.0")
    done = run_copier(project, "update", "--defaults")
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("This template requires Copier version >= 99.0.0, while")


@pytest.mark.parametrize(
    "said", ["", pytest.param("Unknown revision: ", marks=pytest.mark.night)]
)
def test_project_of_deleted_version_can_be_recreated(
    said: str, template: Path, tmp_path: Path
) -> None:
    """A project of a deleted version can be recreated; git has the team's files."""
    project = render_repository(tmp_path / "project")
    leave(project, "README.md", "ours\n")
    answer(project, "_commit", "0123456789abcdef0123456789abcdef01234567")
    done = run_copier(project, "update", "--defaults")
    assert done.returncode != 0
    assert said in done.stderr.splitlines()[-1]
    git(project, "checkout", "--quiet", "-b", "anew")
    done = run_copier(project, "recopy", "--defaults", "--overwrite")
    assert done.returncode == 0, done.stderr
    assert (project / "README.md").read_text() != "ours\n"
    git(project, "checkout", "main", "--", "README.md")
    assert (project / "README.md").read_text() == "ours\n"
    commit(project, "Make it anew")
    assert run_copier(project, "update", "--defaults").returncode == 0


@pytest.mark.night
def test_downgrade_is_refused(template: Path, tmp_path: Path) -> None:
    """An update to a version older than the project's is refused."""
    source = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(template), str(source))
    commit(source, "Next", "v999.1.0")
    project = render_repository(tmp_path / "project", source=source)
    git(source, "tag", "--delete", "v999.1.0")
    answer(project, "_commit", git(source, "rev-parse", "HEAD").strip())
    done = run_copier(project, "update", "--defaults", f"--vcs-ref={VERSION}")
    assert done.returncode != 0
    assert "You are downgrading from" in done.stderr.splitlines()[-1]
