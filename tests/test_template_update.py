"""The monthly workflow reports new versions and proposes updates to them."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import commit, git
from tests.projects import first_push
from tests.fake_gh import FakeGh
from tests.workflows import Host, Job, results

pytestmark = pytest.mark.environment

NEXT_VERSION = "v999.1.0"
OPEN = [
    {"number": 3, "title": "Nightly is red"},
    {"number": 7, "title": "The template has a new version: 999.0.1"},
]
TITLE = f"The template has a new version: {NEXT_VERSION.removeprefix('v')}"


@pytest.fixture(scope="module")
def source(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the template for a next release."""
    folder = tmp_path_factory.mktemp("a template")
    git(folder, "clone", "--quiet", str(template), "template")
    return folder / "template"


@pytest.fixture(scope="module")
def young(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the newest version."""
    folder = tmp_path_factory.mktemp("a host")
    return first_push(folder, source=source)


@pytest.fixture(scope="module")
def old(source: Path, young: Path) -> Path:
    """The same project after the next release."""
    project = Path(shutil.copytree(young, young.parent / "old"))
    for name in ("noxfile.py", ".github/workflows/checks.yml"):
        with (source / "template" / name).open("a") as file:
            file.write("# From the next release.\n")
    commit(source, "Next release", NEXT_VERSION)
    return project


def look(project: Path, folder: Path, gh: FakeGh, app: str = "") -> dict[str, Job]:
    """Run the workflow with or without a GitHub App."""
    host = Host(
        project,
        folder,
        "schedule",
        programs={"gh": gh.program},
        variables={"UPDATE_APP": app},
        secrets={"UPDATE_APP_KEY": "opens nothing"},
    )
    return host.run("template-update.yml")


def test_newest_version_closes_the_issue(young: Path, tmp_path: Path) -> None:
    """For a project of the newest version, the open issue is closed."""
    gh = FakeGh(tmp_path, {"issue list": OPEN})
    jobs = look(young, tmp_path / "host", gh, "an App")
    assert results(jobs) == ["success", "success", "skipped", "skipped"], jobs
    find, close = gh.calls()
    assert find[:2] == ["issue", "list"]
    assert close[:4] == ["issue", "close", "7", "--comment"]


@pytest.mark.parametrize(
    ("issues", "command"),
    [
        (OPEN[:1], ["create"]),
        pytest.param(OPEN, ["edit", "7"], marks=pytest.mark.night),
    ],
    ids=["new", "open"],
)
def test_new_version_opens_one_issue(
    issues: list[dict[str, Any]], command: list[str], old: Path, tmp_path: Path
) -> None:
    """A new version opens or edits one issue with the command to update."""
    gh = FakeGh(tmp_path, {"issue list": issues})
    jobs = look(old, tmp_path / "host", gh)
    log = "".join(job.log for job in jobs.values())
    assert results(jobs) == ["success", "success", "skipped", "skipped"], log
    _, (*words, body) = gh.calls()
    assert words == ["issue", *command, "--title", TITLE, "--body-file"]
    assert "\n    uvx copier update --defaults\n" in body


@pytest.mark.night
def test_app_proposes_the_update(old: Path, tmp_path: Path) -> None:
    """With an App, the update is proposed on a branch, including workflows."""
    clone = Path(shutil.copytree(old, tmp_path / "project"))
    gh = FakeGh(tmp_path)
    jobs = look(clone, tmp_path / "host", gh, "an App")
    log = "".join(job.log for job in jobs.values())
    assert results(jobs) == ["success"] * 4, log
    *_, (*create, body) = gh.calls()
    title = f"Update from the template to {NEXT_VERSION.removeprefix('v')}"
    branch = ["--head", "template-update", "--base", "main"]
    assert create == ["pr", "create", *branch, "--title", title, "--body-file"]
    assert "Nothing was in conflict" in body
    changed = git(clone, "diff", "--name-only", "main", "template-update").split()
    assert sorted(changed) == [
        ".copier-answers.yml",
        ".github/workflows/checks.yml",
        "noxfile.py",
    ]
    asked = dict(jobs["propose"].used)["actions/create-github-app-token"]
    assert asked["private-key"] == "opens nothing"


def test_conflict_fails_and_opens_an_issue(old: Path, tmp_path: Path) -> None:
    """A conflict fails the update job, names the file and opens an issue only."""
    clone = Path(shutil.copytree(old, tmp_path / "project"))
    with (clone / "noxfile.py").open("a") as file:
        file.write("# From the team.\n")
    commit(clone, "Add a line where the template does")
    gh = FakeGh(tmp_path)
    jobs = look(clone, tmp_path / "host", gh, "an App")
    assert results(jobs) == ["success", "success", "failure", "skipped"]
    assert re.search(r"--- Stop at conflicts\nnoxfile.py\n", jobs["update"].log)
    assert [call[:2] for call in gh.calls()][1:] == [["issue", "create"]]
    assert "template-update" not in git(clone, "branch", "--list")
