"""Updates: managed files are refreshed, starter files belong to the team.

Whose a file is, the project's CONTRIBUTING says; the tests hold updates to that.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.helpers import (
    SWITCHES,
    choices,
    clone_few,
    commit,
    git,
    read_answers,
    render,
    render_repository,
    update,
)
from tests.zones import Zone, check_files, starter_files

NEXT_VERSION = "v999.1.0"

# Valid in most formats, and nothing that people would add at the same place.
NEWS = b"# From the next release.\n"
OURS = b"# From the team.\n"


@pytest.fixture
def source(template: Path, tmp_path: Path) -> Path:
    """A clone of the template that can have a next release."""
    git(tmp_path, "clone", "--quiet", str(template), "template")
    return tmp_path / "template"


def publish(source: Path) -> None:
    """Change every file of the template, add some and drop one."""
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
    """They are as in a new project, all others as they were; once more is no change."""
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
def test_work_of_the_team_stays(source: Path, tmp_path: Path, zone_of: Zone) -> None:
    """What they changed, deleted and added, in whatever file."""
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
        # On, or to what is strict, on a push; back at night.
        pytest.param(
            *(switch, before, after),
            marks=[] if after in (True, "strict") else pytest.mark.night,
        )
        for switch in SWITCHES
        for before in choices(switch)
        for after in choices(switch)
        if before != after
    ],
)
def test_switch_can_be_turned(
    switch: str, before: Any, after: Any, tmp_path: Path, zone_of: Zone
) -> None:
    """Managed files follow; starter files of the switch come, and none goes."""
    project = render_repository(tmp_path / "project", **{switch: before})
    starter = starter_files(project, zone_of)
    turn(project, switch, after)
    render(tmp_path / "fresh", **{switch: after})
    starter = starter_files(tmp_path / "fresh", zone_of) | starter
    check_files(project, starter, tmp_path / "fresh", zone_of)


def turn(project: Path, switch: str, answer: Any) -> None:
    """Change one answer, and nothing else."""
    update(project, "--vcs-ref=:current:", f"--data={switch}={answer}")


@pytest.mark.one_version
def test_notebooks_that_are_there_stay(tmp_path: Path) -> None:
    """Off and on again: what was written is there, what was deleted is not."""
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
def test_nasty_answers_survive(source: Path, tmp_path: Path, zone_of: Zone) -> None:
    """They are read back from the answers file and lead to the same files."""
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
def test_name_that_is_reserved_later_stays(tmp_path: Path) -> None:
    """A dependency added in a later release must not lock anybody out of updates."""
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
