"""The retraining workflow trains, compares and proposes a model."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.expressions import FUNCTIONS, Missing, condition, fill
from tests.helpers import ROOT, commit, git
from tests.projects import first_push
from tests.fake_gh import FakeGh
from tests.workflows import Host, Job, results

SETUP = "$/.github/actions/setup"
WORKFLOW = ROOT / "template" / ".github" / "workflows" / "retrain.yml"
NIGHTLY = WORKFLOW.with_name("nightly.yml")
BRIEF: dict[str, Any] = {"configuration": "configs/brief.yaml", "minutes": 10}
MODEL = Path("models", "production")

# ----------------------------------------------------------------- where it runs


def job_of(workflow: Path, name: str) -> dict[str, Any]:
    """A job that needs a runner."""
    job: dict[str, Any] = yaml.safe_load(workflow.read_text("utf-8"))["jobs"][name]
    return job


@pytest.mark.parametrize(
    ("variable", "runner", "accelerator", "left_out"),
    [
        ('"cpu"', "ubuntu-24.04", "cpu", ""),
        ('"gpu-t4"', "gpu-t4", "gpu", "cpu"),
        ('["self-hosted", "gpu"]', ["self-hosted", "gpu"], "gpu", "cpu"),
        ('{"group": "gpus"}', {"group": "gpus"}, "gpu", "cpu"),
        (
            '{"group": "gpus", "labels": ["a100"]}',
            {"group": "gpus", "labels": ["a100"]},
            "gpu",
            "cpu",
        ),
    ],
)
def test_variable_names_a_runner(
    variable: str, runner: Any, accelerator: str, left_out: str
) -> None:
    """GPU_RUNNER selects a runner by label, labels or group, or one without a GPU."""
    job = job_of(WORKFLOW, "train")
    contexts = {"vars": {"GPU_RUNNER": variable}}
    assert fill(job["runs-on"], contexts, FUNCTIONS) == runner
    if accelerator == "gpu":
        nightly = job_of(NIGHTLY, "gpu")["runs-on"]
        assert fill(nightly, contexts, FUNCTIONS) == runner
    steps = {step.get("name", step.get("uses")): step for step in job["steps"]}
    train = steps["Train"]["env"]["ACCELERATOR"]
    assert fill(train, contexts, FUNCTIONS) == accelerator
    group = steps[SETUP]["with"]["no-group"]
    assert fill(group, contexts, FUNCTIONS) == left_out


@pytest.mark.parametrize(
    ("variable", "event", "branch", "wanted"),
    [
        ('"cpu"', "schedule", "main", True),
        ('"gpu-t4"', "workflow_dispatch", "main", True),
        ("", "schedule", "main", False),
        ("", "workflow_dispatch", "main", False),
        ('"gpu-t4"', "workflow_dispatch", "mine", False),
    ],
)
def test_training_needs_a_runner_and_the_default_branch(
    variable: str, event: str, branch: str, wanted: bool
) -> None:
    """Training runs only with a runner and on the default branch."""
    known = {} if event == "schedule" else {"default_branch": "main"}
    github = {
        "event": Missing(repository=Missing(known)),
        "event_name": event,
        "ref_name": branch,
    }
    contexts = {"github": github, "vars": Missing({"GPU_RUNNER": variable})}
    functions = {"success": lambda: True}
    assert condition(job_of(WORKFLOW, "train")["if"], contexts, functions) == wanted
    on_gpu = wanted and variable != '"cpu"'
    assert condition(job_of(NIGHTLY, "gpu")["if"], contexts, functions) == on_gpu


def test_training_jobs_cannot_write() -> None:
    """Jobs with write permission run only their script, and no project code."""
    jobs = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]
    writing = [n for n, job in jobs.items() if "write" in job["permissions"].values()]
    assert writing == ["propose", "report"]
    for name, command in (
        ("propose", "bash .github/scripts/propose.sh build/comparison"),
        ("report", "bash .github/scripts/issue.sh red build/logs"),
    ):
        steps = jobs[name]["steps"]
        assert [step["run"] for step in steps if "run" in step] == [command]


# ----------------------------------------------------------------------- at work


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a brief experiment, in which a regression is an error."""
    folder = tmp_path_factory.mktemp("a host")
    project = first_push(folder)
    configs = project / "configs"
    (configs / "comparison.yaml").write_text("mode: enforce\n")
    (configs / "brief.yaml").write_text("trainer: {max_epochs: 1}\n")
    default = configs / "default.yaml"
    text = default.read_text()
    default.write_text(text.replace("seed_everything: 1", "seed_everything: 2"))
    commit(project, "Try another seed")
    return project


def forget(project: Path) -> None:
    """Set all weights of the production model to zero."""
    folder = project / MODEL
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")  # of the weights after the header
    content = content[:start] + bytes(len(content) - start)
    weights.write_bytes(content)
    record = json.loads((folder / "record.json").read_text())
    record["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "record.json").write_text(json.dumps(record))


def retrain(
    project: Path,
    folder: Path,
    gh: FakeGh,
    runner: str = '"cpu"',
    **inputs: Any,
) -> dict[str, Job]:
    """Run the workflow: by hand if there are inputs, otherwise on schedule."""
    host = Host(
        project,
        folder,
        "workflow_dispatch" if inputs else "schedule",
        programs={"gh": gh.program},
        variables={"GPU_RUNNER": runner},
        inputs=inputs,
    )
    return host.run("retrain.yml")


def test_nothing_runs_without_a_runner(project: Path, tmp_path: Path) -> None:
    """All jobs are skipped if no runner is configured."""
    jobs = Host(project, tmp_path / "host", "schedule").run("retrain.yml")
    assert results(jobs) == ["skipped"] * 4


def test_missing_gpu_fails_before_installing(project: Path, tmp_path: Path) -> None:
    """A missing GPU fails before the installation and opens an issue."""
    gh = FakeGh(tmp_path)
    jobs = retrain(project, tmp_path / "host", gh, '"gpu-t4"')
    assert results(jobs) == ["failure", "skipped", "skipped", "success"]
    assert jobs["train"].ran["Look for the GPU"] == "failure"
    assert jobs["train"].ran[SETUP] == "skipped"
    _, opened = gh.calls()
    assert opened[:4] == ["issue", "create", "--title", "Retrain is red"]
    assert "## train\n" in opened[-1]


@pytest.mark.night
@pytest.mark.environment
def test_equal_model_is_not_proposed(project: Path, tmp_path: Path) -> None:
    """A model with another seed, as good as production, is not proposed."""
    gh = FakeGh(tmp_path)
    jobs = retrain(project, tmp_path / "host", gh)
    log = "".join(job.log for job in jobs.values())
    assert results(jobs) == ["success", "success", "skipped", "success"], log
    assert jobs["compare"].outputs["verdict"] == "keep"
    assert "**keep**: no significant difference" in jobs["compare"].summary
    assert [call[:2] for call in gh.calls()] == [["issue", "list"]]


@pytest.mark.night
@pytest.mark.environment
def test_regression_fails_the_comparison(project: Path, tmp_path: Path) -> None:
    """A regression fails the comparison job and names the suite in its summary."""
    gh = FakeGh(tmp_path)
    jobs = retrain(project, tmp_path / "host", gh, **BRIEF)
    log = jobs["train"].log
    assert results(jobs) == ["success", "failure", "skipped", "skipped"], log
    assert "**regress**: worse on all (" in jobs["compare"].summary
    assert "](errors.png)" not in jobs["compare"].summary
    artefact = tmp_path / "host" / "artefacts" / "comparison"
    assert {path.name for path in artefact.iterdir()} >= {"card.md", "errors.png"}
    assert gh.calls() == []


@pytest.mark.environment
def test_better_model_is_proposed_and_can_be_reverted(
    project: Path, tmp_path: Path
) -> None:
    """A better model is proposed in one pull request, which can be reverted."""
    clone = Path(shutil.copytree(project, tmp_path / "project"))
    forget(clone)
    commit(clone, "Forget everything")
    gh = FakeGh(tmp_path)
    jobs = retrain(clone, tmp_path / "host", gh, **BRIEF)
    log = "".join(job.log for job in jobs.values())
    assert results(jobs) == ["success"] * 3 + ["skipped"], log
    assert "better on all (" in jobs["compare"].summary

    setup, find, (*create, body) = gh.calls()
    assert setup == ["auth", "setup-git"]
    assert find[:4] == ["pr", "list", "--head", "retrain"]
    (title,) = [word for word in create if word.startswith("Promote a new model: ")]
    options = ["--head", "retrain", "--base", "main", "--title", title, "--body-file"]
    assert create == ["pr", "create", *options]
    card = git(clone, "show", f"retrain:{MODEL}/card.md")
    assert title.removeprefix("Promote a new model: ") in card
    for line in card.splitlines():
        assert (line in body.splitlines()) == (not line.startswith("!["))
    pictures = "https://host.invalid/owner/project/blob/retrain/models/production"
    assert f"]({pictures}/errors.png)" in body

    # The branch is one commit on top of main and changes only the model.
    assert git(clone, "rev-parse", "retrain~") == git(clone, "rev-parse", "main")
    assert git(clone, "log", "-1", "--format=%s", "retrain").strip() == title
    changed = git(clone, "diff", "--name-only", "main", "retrain").split()
    assert {str(Path(name).parent) for name in changed} == {str(MODEL)}
    git(clone, "merge", "--quiet", "--no-ff", "retrain")
    record = json.loads((clone / MODEL / "record.json").read_text())
    weights = (clone / MODEL / "model.safetensors").read_bytes()
    assert record["sha256"] == hashlib.sha256(weights).hexdigest()
    assert record["training"]["arguments"][:2] == ["fit", "--config=configs/brief.yaml"]
    git(clone, "revert", "--no-edit", "--mainline=1", "HEAD")
    assert git(clone, "diff", "HEAD~2") == ""

    # The next proposal replaces the open one.
    again = FakeGh(tmp_path / "again", {"pr list": [{"number": 7}]})
    propose(clone, tmp_path / "again", again)
    assert again.calls()[-1][:4] == ["pr", "edit", "7", "--title"]


def propose(repository: Path, folder: Path, gh: FakeGh) -> None:
    """Run the script of the last job again."""
    work = folder / "work"
    git(folder.parent, "clone", "--quiet", repository.as_uri(), str(work))
    shutil.copytree(folder.parent / "host/artefacts/comparison", work / "build")
    script = work / ".github" / "scripts" / "propose.sh"
    gh.run(script, "build", folder=work)
