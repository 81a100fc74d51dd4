"""The weekly workflow reports new versions of the template in one issue."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.advisories import advisories
from tests.helpers import ROOT, commit, git
from tests.projects import first_push
from tests.fake_gh import FakeGh
from tests.workflows import Host, Job, results

GITHUB = ROOT / "template" / ".github"
NEXT_VERSION = "v999.1.0"
OPEN = [
    {"number": 3, "title": "Nightly is red"},
    {"number": 7, "title": "The template has a new version: 999.0.1"},
]
TITLE = f"The template has a new version: {NEXT_VERSION.removeprefix('v')}"


@pytest.mark.parametrize("answer", ["", "{}", "null", "no JSON"])
def test_answer_without_a_version_is_an_error(answer: str, tmp_path: Path) -> None:
    """An answer that names no version changes no issue, and is not passed over."""
    (tmp_path / "check.json").write_text(answer)
    gh = FakeGh(tmp_path, {"issue list": OPEN})
    with pytest.raises(AssertionError, match="names no version|parse error"):
        gh.run(GITHUB / "scripts" / "issue.sh", *("template", "."), folder=tmp_path)
    assert gh.calls() == []


def test_private_template_is_read_with_a_token() -> None:
    """Git gets the token of a secret where the address of the template asks for it."""
    text = (GITHUB / "workflows" / "weekly.yml").read_text()
    steps = yaml.safe_load(text)["jobs"]["audit"]["steps"]
    (variables,) = (step["env"] for step in steps if "TOKEN" in step.get("env", {}))
    assert variables["TOKEN"] == "${{ secrets.TEMPLATE_TOKEN }}"  # noqa: S105
    found = subprocess.run(
        ["git", "credential", "fill"],
        input="protocol=https\nhost=template.invalid\n\n",
        env={**os.environ, **variables, "TOKEN": "it's $a%s"},  # noqa: S105
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\npassword=it's $a%s\n" in found.stdout


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


def look(project: Path, folder: Path, gh: FakeGh) -> dict[str, Job]:
    """Run the workflow."""
    with advisories() as uv:
        programs = {"gh": gh.program, "uv": uv}
        host = Host(project, folder, "schedule", programs=programs)
        return host.run("weekly.yml")


@pytest.mark.environment
def test_newest_version_closes_the_issue(young: Path, tmp_path: Path) -> None:
    """For a project of the newest version, the open issue is closed."""
    gh = FakeGh(tmp_path, {"issue list": OPEN})
    jobs = look(young, tmp_path / "host", gh)
    assert results(jobs) == ["success", "success"], jobs["audit"].log
    _, find, close = gh.calls()
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
@pytest.mark.environment
def test_new_version_opens_one_issue(
    issues: list[dict[str, Any]], command: list[str], old: Path, tmp_path: Path
) -> None:
    """A new version opens or edits one issue with the command to update."""
    gh = FakeGh(tmp_path, {"issue list": issues})
    jobs = look(old, tmp_path / "host", gh)
    log = "".join(job.log for job in jobs.values())
    assert results(jobs) == ["success", "success"], log
    *_, (*words, body) = gh.calls()
    assert words == ["issue", *command, "--title", TITLE, "--body-file"]
    assert "\n    uvx copier update --defaults\n" in body


@pytest.mark.environment
def test_unknown_template_is_red(young: Path, tmp_path: Path) -> None:
    """If the template cannot be reached, the issue about it stays as it is."""
    clone = Path(shutil.copytree(young, tmp_path / "project"))
    answers = clone / ".copier-answers.yml"
    lines = answers.read_text().splitlines()
    gone = [f"_src_path: {tmp_path}/none" if "_src_path" in n else n for n in lines]
    answers.write_text("\n".join(gone))
    commit(clone, "The template has moved")
    gh = FakeGh(tmp_path, {"issue list": OPEN})
    jobs = look(clone, tmp_path / "host", gh)
    assert jobs["audit"].result == "failure"
    _, (*create, body), *more = gh.calls()
    assert create[:4] == ["issue", "create", "--title", "Weekly is red"]
    assert "git-tracked templates" in body  # what Copier says
    assert more == []
