"""The nightly workflow fails on faults and reports its state in one issue."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.helpers import ROOT, commit
from tests.projects import first_push
from tests.fake_gh import FakeGh
from tests.workflows import Host

SCRIPT = ROOT / "template" / ".github" / "scripts" / "issue.sh"
RUN = "https://host.invalid/owner/project/actions/runs/1"

# --------------------------------------------------------------------- the issue


def report(
    folder: Path,
    needs: dict[str, str],
    *,
    issue: bool = False,
    logs: Mapping[str, str] = MappingProxyType({}),
    workflow: str = "Nightly",
) -> list[list[str]]:
    """Report the results of jobs, with or without open issues; return the calls."""
    issues = [{"number": 3, "title": "Retrain is red"}]
    if issue:
        issues += [{"number": n, "title": f"{workflow} is red"} for n in (7, 5)]
    gh = FakeGh(folder, {"issue list": issues})
    for job, log in logs.items():
        (folder / "logs" / f"log-{job}").mkdir(parents=True)
        (folder / "logs" / f"log-{job}" / "log.txt").write_text(log)
    facts = {job: {"result": result} for job, result in needs.items()}
    gh.run(
        SCRIPT,
        *("red", "logs"),
        folder=folder,
        GITHUB_WORKFLOW=workflow,
        NEEDS=json.dumps(facts),
    )
    look, *calls = gh.calls()
    assert look[:4] == ["issue", "list", "--state", "open"]
    return calls


def test_failure_opens_an_issue(tmp_path: Path) -> None:
    """A failure opens an issue with a link and the end of each failed log."""
    log = "".join(f"line {number}\n" for number in range(100)) + "\x1b[31m```red\r\n"
    needs = {"slow": "failure", "newest": "success", "gpu": "cancelled"}
    ((*create, body),) = report(tmp_path, needs, logs={"slow": log})
    assert create == ["issue", "create", "--title", "Nightly is red", "--body-file"]
    assert RUN in body
    assert "## slow\n\nThe last lines of what it printed:\n\n    line 61\n" in body
    assert "\n    line 99\n    ```red\n" in body
    assert "## gpu\n\nIt printed nothing before it failed" in body
    assert "## newest" not in body


def test_repeated_failure_edits_the_issue(tmp_path: Path) -> None:
    """A repeated failure edits the open issue instead of opening another."""
    ((*edit, body),) = report(tmp_path, {"slow": "failure"}, issue=True)
    assert edit == ["issue", "edit", "7", "--title", "Nightly is red", "--body-file"]
    assert RUN in body


def test_success_closes_the_issue(tmp_path: Path) -> None:
    """A success closes the open issue with a link to the run."""
    needs = {"slow": "success", "gpu": "skipped"}
    (close,) = report(tmp_path, needs, issue=True)
    assert close == ["issue", "close", "7", "--comment", f"Green again: {RUN}"]


def test_name_of_a_workflow_may_have_quotes(tmp_path: Path) -> None:
    """The issue of a renamed workflow is found, whatever its name contains."""
    name = r"""Every "night" \ it's"""
    (close,) = report(tmp_path, {"slow": "success"}, issue=True, workflow=name)
    assert close[:3] == ["issue", "close", "7"]


@pytest.mark.parametrize(
    ("needs", "issue"),
    [
        ({"slow": "success", "gpu": "skipped"}, False),
        # A skipped run is no success.
        ({"slow": "skipped", "gpu": "skipped"}, True),
    ],
    ids=["still successful", "nothing ran"],
)
def test_issues_stay_unchanged(
    needs: dict[str, str], issue: bool, tmp_path: Path
) -> None:
    """No issue changes after a normal success or if all jobs are skipped."""
    assert report(tmp_path, needs, issue=issue) == []


# ----------------------------------------------------------------------- at work


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as it is first pushed, with a few of its tests.

    Other tests here run the rest.
    """
    folder = tmp_path_factory.mktemp("a host")
    project = first_push(folder)
    for name in ("code", "data", "model"):
        shutil.rmtree(project / "tests" / name)
    (path,) = project.glob("src/*/toolkit/cli/commands_all.toml")
    text = path.read_text()
    for every, some in (
        # Full mutation testing would take too long.
        ('"tests.mutation"]', '"tests.mutation", "--only=two threads"]'),
        # The slow tests have their own job.
        ('"slow or not slow"', '"not slow"'),
    ):
        assert every in text
        text = text.replace(every, some)
    path.write_text(text)
    # With -rA the log lists all tests, even if several processes run them.
    path = project / "pyproject.toml"
    assert '"-ra"' in path.read_text()
    path.write_text(path.read_text().replace('"-ra"', '"-rA"'))
    commit(project, "Keep some tests, and name all of them")
    return project


def run(project: Path, folder: Path, gh: FakeGh, name: str, **variables: Any) -> Any:
    """Run a workflow as its schedule does."""
    host = Host(
        project,
        folder,
        "schedule",
        programs={"gh": gh.program},
        variables=variables,
    )
    return host.run(name)


@pytest.mark.night
@pytest.mark.environment
def test_nightly_passes_in_a_new_project(project: Path, tmp_path: Path) -> None:
    """Scheduled workflows pass in a new project without runner, lock or issue."""
    gh = FakeGh(tmp_path)
    jobs = run(project, tmp_path / "host", gh, "nightly.yml")
    log = "".join(job.log for job in jobs.values())
    results = {name: job.result for name, job in jobs.items()}
    assert results == {
        **dict.fromkeys(("slow", "newest", "report"), "success"),
        "gpu": "skipped",
    }, log
    assert "3 passed, " in jobs["slow"].log
    slow, fast = "test_curve.py::TestFullTraining", "test_memorization.py::"
    assert slow in jobs["slow"].log and fast not in jobs["slow"].log
    assert slow not in jobs["newest"].log and fast in jobs["newest"].log
    jobs = run(project, tmp_path / "second host", gh, "mutation.yml")
    assert {job.result for job in jobs.values()} == {"success"}
    assert "| false alarms: 0 | no alarm: 1 |" in jobs["mutation"].summary
    assert "\n| infra.1 | the same seed " in jobs["mutation"].summary
    assert [call[:2] for call in gh.calls()] == 2 * [["issue", "list"]]


@pytest.mark.night
@pytest.mark.environment
def test_nightly_failures_open_one_issue(project: Path, tmp_path: Path) -> None:
    """Worse training, slow data loading and a missing GPU open one issue."""
    clone = Path(shutil.copytree(project, tmp_path / "project"))
    default = clone / "configs" / "default.yaml"
    text = default.read_text()
    default.write_text(text.replace("max_epochs: 20", "max_epochs: 1"))
    data = next(clone.glob("src/*/data.py"))
    at_once = "return preprocess(self.raw[rows]),"
    # One by one and four times each: reliably slower than before.
    one_by_one = "torch.stack([preprocess(self.raw[i]) for i in 4 * rows])"
    slow = f"return {one_by_one}[: len(rows)],"
    assert at_once in data.read_text()
    data.write_text(data.read_text().replace(at_once, slow))
    # The test above covers the other jobs, which take a while.
    for name in ("memorization", "steps"):
        (clone / "tests" / "training" / f"test_{name}.py").unlink()
    commit(clone, "Train less")
    gh = FakeGh(tmp_path)
    jobs = run(clone, tmp_path / "host", gh, "nightly.yml", GPU_RUNNER='"gpu-t4"')
    results = {name: job.result for name, job in jobs.items()}
    assert results == {
        **dict.fromkeys(("slow", "gpu"), "failure"),
        **dict.fromkeys(("newest", "report"), "success"),
    }
    _, (*create, body) = gh.calls()
    assert create == ["issue", "create", "--title", "Nightly is red", "--body-file"]
    assert "    FAILED tests/training/test_curve.py::TestFullTraining" in body
    assert "    FAILED tests/training/test_speed.py::" in body
    assert "## gpu\n\nIt printed nothing before it failed" in body
    assert "## newest" not in body
