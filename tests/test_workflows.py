"""Workflows run, follow security rules, and fail on faults."""

import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import noxfile
from tests import expressions, processes
from tests.advisories import advisories
from tests.expressions import (
    Missing,
    Unknown,
    condition,
    evaluate,
    fill,
    text,
    truth,
)
from tests.helpers import ROOT, SETTINGS, commit, git, render_repository
from tests.projects import AT_BIRTH, first_push, skips
from tests.workflows import Host
from tools.sizes import larger

# The reviewed commit of each version of each action.
PINS = {
    "actions/checkout": ("v7.0.1", "3d3c42e5aac5ba805825da76410c181273ba90b1"),
    "actions/download-artifact": (
        "v8.0.1",
        "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    ),
    "actions/setup-python": ("v7.0.0", "5fda3b95a4ea91299a34e894583c3862153e4b97"),
    "actions/upload-artifact": ("v7.0.1", "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a"),
    "actions/upload-pages-artifact": (
        "v5.0.0",
        "fc324d3547104276b827a68afc52ff2a11cc49c9",
    ),
    "actions/deploy-pages": ("v5.0.0", "cd2ce8fcbc39b97be8ca5fce6e763baed58fa128"),
    "astral-sh/setup-uv": ("v10.0.1", "20cfd1bf945f4377ade1205e4dbc17946fc9a30d"),
    "codecov/codecov-action": ("v7.0.0", "fb8b3582c8e4def4969c97caa2f19720cb33a72f"),
}

SCHEMAS = {
    "custom.github-workflows-require-timeout": ".github/workflows/*",
    "vendor.dependabot": ".github/dependabot.yml",
    "vendor.codecov": "codecov.yml",
    "vendor.github-issue-forms": ".github/ISSUE_TEMPLATE/[!c]*.yml",
    "vendor.github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
    "vendor.citation-file-format": "CITATION.cff",
}

# The keys that we use, from Codecov's documentation: Codecov and its schema accept
# unknown keys silently.
KEYS_OF_CODECOV = {
    *("comment", "component_id", "component_management", "coverage", "default"),
    *("individual_components", "informational", "name", "patch", "paths"),
    *("project", "require_changes", "status"),
}

# ------------------------------------------------------------------------ rules


def faults(repository: Path, by: str = "") -> list[str]:
    """Check the workflows of a repository and the settings around them.

    Args:
        repository: A repository with `.github`, and perhaps `codecov.yml`.
        by: The checker: our `rules` or a program; all of them by default.

    Returns:
        The faults, one line each.
    """
    folder = repository / ".github"
    workflows = sorted((folder / "workflows").iterdir())
    found = []
    if by in ("", "rules"):
        for path in workflows:
            found += [f"{path.name}: {fault}" for fault in _faults(path)]
        for path in sorted(folder.glob("actions/*/action.yml")):
            found += [f"{path.parent.name}: {fault}" for fault in _action_faults(path)]
        found += [f"codecov.yml: {key}?" for key in _misspelt_keys(repository)]
    programs = Path(sys.executable).parent
    commands = [
        ["check-jsonschema", f"--builtin-schema={schema}", *map(str, paths)]
        for schema, pattern in SCHEMAS.items()
        if (paths := [*repository.glob(pattern)])
    ]
    # actionlint checks keys, needs, outputs, types of expressions and shell steps.
    shellcheck = f"-shellcheck={programs / 'shellcheck'}"
    commands.append(["actionlint", "-oneline", shellcheck, *map(str, workflows)])
    options = ("--offline", "--quiet", "--no-progress", "--persona=auditor")
    commands.append(["zizmor", *options, str(folder)])
    for name, *arguments in commands:
        if by in ("", name):
            done = processes.run([str(programs / name), *arguments], repository)
            found += [done.stdout] if done.returncode else []
    return found


def _misspelt_keys(repository: Path) -> list[str]:
    path = repository / "codecov.yml"
    source = path.read_text("utf-8") if path.exists() else ""
    keys = {*re.findall(r"^[ -]*(\w+):", source, re.MULTILINE)}
    return sorted(keys - KEYS_OF_CODECOV)


def _pin_faults(path: Path) -> Iterator[str]:
    source = path.read_text("utf-8")
    used = re.findall(r"uses: +(\S+)@(\S+)(?: +# (\S+))?$", source, re.MULTILINE)
    ours = re.findall(r"uses: +\$/(\S+)$", source, re.MULTILINE)
    if len(used) + len(ours) != source.count("uses:"):
        yield "an action without a commit"
    for action, pin, version in used:
        if (version, pin) != PINS.get(action):
            yield f"{action} is not the one in the table"
    for action in ours:
        if not (path.parents[2] / action / "action.yml").is_file():
            yield f"there is no action {action}"


def _step_faults(step: Mapping[str, Any]) -> Iterator[str]:
    if "${{" in step.get("run", ""):
        yield "an expression inside run"
    if len(step.get("run", "").strip().splitlines()) > 1:
        yield "more than one line to run"


def _action_faults(path: Path) -> Iterator[str]:
    yield from _pin_faults(path)
    for step in yaml.safe_load(path.read_text("utf-8"))["runs"]["steps"]:
        yield from _step_faults(step)
        if "run" in step and step.get("shell") != "bash":
            yield "another shell"


def _faults(path: Path) -> Iterator[str]:
    workflow = yaml.safe_load(path.read_text("utf-8"))
    yield from _pin_faults(path)
    if workflow.get("permissions") != {}:
        yield "permissions that are not given job by job"
    if "concurrency" not in workflow:
        yield "no concurrency"
    if workflow.get("defaults") != {"run": {"shell": "bash"}}:
        yield "another shell"
    triggers = workflow[True]  # YAML parses `on` as a boolean
    if {"pull_request", "schedule"} <= {*triggers}:
        # GitHub disables scheduled workflows after 60 days without activity.
        yield "required checks on a schedule"
    if {"pull_request_target", "workflow_run", "issue_comment"} & {*triggers}:
        yield "a trigger that runs the code of strangers with our rights"
    for name, job in workflow["jobs"].items():
        for step in job["steps"]:
            yield from (f"{name}: {fault}" for fault in _step_faults(step))


@pytest.mark.one_version
@pytest.mark.parametrize("use_codecov", [True, False])
def test_workflows_are_safe(use_codecov: bool, tmp_path: Path) -> None:
    """Workflows follow the rules with and without the settings of Codecov."""
    project = render_repository(tmp_path / "project", use_codecov=use_codecov)
    assert faults(project) == []


def test_workflows_are_the_same_for_all_answers(template: Path) -> None:
    """No text of a workflow depends on answers, so one project represents all."""
    assert git(template, "ls-files", "template/.github/*.jinja") == ""
    left_out = re.findall(r"/\.github/\S+", "\n".join(SETTINGS["_exclude"]))
    assert left_out == [
        "/.github/scripts/propose.sh",
        "/.github/workflows/mutation.yml",
        "/.github/workflows/retrain.yml",
    ]


def test_our_own_workflows_are_safe() -> None:
    """The workflows of the template's repository follow the rules."""
    assert faults(ROOT) == []


def test_our_own_workflows_run_our_tasks(template: Path, tmp_path: Path) -> None:
    """Our workflows run the test command on a push and all night sessions at night."""
    done = tmp_path / "done"
    # Also record whether the clone is shallow: tests of releases need the history.
    shallow = "$(git rev-parse --is-shallow-repository)"
    python = f'#!/bin/sh\necho "$@" {shallow} >> "{done}"\n'
    run = {}
    for name in ("checks.yml", "nightly.yml"):
        done.write_text("")
        host = Host(template, tmp_path / name, programs={"python3": python})
        jobs = host.run(name).values()
        assert {job.result for job in jobs} == {"success"}
        run[name] = done.read_text().splitlines()
    listed = processes.run([sys.executable, "-m", "nox", "-l"], ROOT).stdout
    sessions = {*re.findall(r"^[*-] (\S+) ->", listed, re.MULTILINE)}
    assert {"lint", "tests", *noxfile.NIGHT} <= sessions
    parts = [f"start.py {part} false" for part in noxfile.NIGHT]
    hooks, tests = run["checks.yml"]
    assert hooks.startswith("start.py lint ")
    assert tests == "start.py tests false"
    assert run["nightly.yml"] == parts


ACTION = f"actions/checkout@{PINS['actions/checkout'][1]}"
SETUP_UV = f"astral-sh/setup-uv@{PINS['astral-sh/setup-uv'][1]}"


# By name: the old text, replaced in the first file that has it; the new text; the
# checker; a part of its message.
FAULTS = {
    "unpinned action": (f"{ACTION} # v7.0.1", "actions/checkout@v7", "rules", "table"),
    "wrong version in the comment": (
        f"{ACTION} # v7.0.1",
        f"{ACTION} # v6.0.0",
        "rules",
        "not the one in the table",
    ),
    "made-up commit": (ACTION, f"actions/checkout@{'1' * 40}", "rules", "in the table"),
    "unpinned action in a local one": (
        f"{SETUP_UV} # v10.0.1",
        "astral-sh/setup-uv@v10",
        "rules",
        "setup: astral-sh/setup-uv is not the one in the table",
    ),
    "expression inside run of a local action": (
        'uv sync "${options[@]}"',
        "uv sync ${{ inputs.sync }}",
        "rules",
        "setup: an expression inside run",
    ),
    "local action of the checkout": (
        "$/.github/actions/setup",
        "./.github/actions/setup",
        "zizmor",
        "self-repository",
    ),
    "unknown local action": (
        "$/.github/actions/setup",
        "$/.github/actions/set-up",
        "rules",
        "there is no action .github/actions/set-up",
    ),
    "no time limit": (
        "    timeout-minutes: 5\n",
        "",
        "check-jsonschema",
        "timeout-minutes",
    ),
    "expression inside run": (
        "nox -s typecheck",
        "nox -s ${{ github.ref }}",
        "rules",
        "expression inside run",
    ),
    "all permissions": (
        "permissions: {}",
        "permissions: write-all",
        "rules",
        "not given job by job",
    ),
    "credentials left in the clone": (
        "        with: {persist-credentials: false}\n",
        "",
        "zizmor",
        "artipacked",
    ),
    "rights for strangers": (
        "  pull_request:\n",
        "  pull_request_target:\n",
        "rules",
        "code of strangers",
    ),
    "required and scheduled": (
        "  pull_request:\n",
        "  pull_request:\n  schedule: []\n",
        "rules",
        "on a schedule",
    ),
    "misspelt key": (
        "timeout-minutes: 5",
        "timeout_minutes: 5",
        "actionlint",
        "timeout_minutes",
    ),
    "misspelt output": (
        "needs.tests.outputs.codecov",
        "needs.tests.outputs.codecv",
        "actionlint",
        "codecv",
    ),
    "misspelt need": ("needs: tests", "needs: test", "actionlint", '"test"'),
    "misspelt part of a context": (
        "github.event_name !=",
        "github.event_nam !=",
        "actionlint",
        "event_nam",
    ),
    "unquoted variable in a step": (
        '>> "$GITHUB_OUTPUT"',
        ">> $GITHUB_OUTPUT",
        "actionlint",
        "SC2086",
    ),
    "misspelt key of Dependabot": (
        "default-days: 7",
        "default-day: 7",
        "check-jsonschema",
        "default-day",
    ),
    "misspelt key of Codecov": (
        "informational:",
        "informationel:",
        "rules",
        "informationel?",
    ),
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with all checked files."""
    folder = tmp_path_factory.mktemp("healthy")
    return render_repository(folder / "project", use_codecov=True)


@pytest.mark.one_version
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(fault: str, healthy: Path, tmp_path: Path) -> None:
    """The expected checker reports a fault injected into a workflow."""
    old, new, by, message = FAULTS[fault]
    shutil.copytree(healthy / ".github", tmp_path / ".github")
    shutil.copy(healthy / "codecov.yml", tmp_path)
    paths = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    path = next(path for path in paths if old in path.read_text())
    path.write_text(path.read_text().replace(old, new, 1))
    assert message in "\n".join(faults(tmp_path, by))


# ------------------------------------------------------------------------ costs

# Runs per month of each schedule.
RUNS = {"* * *": 30, "* * 0": 4, "* * 1": 4, "* * 6": 4}
BUDGET = 400  # hosted minutes per month; raise it deliberately, in a separate commit


def declared_minutes(path: Path) -> dict[str, int]:
    """Return the declared minutes of each job, which are below its time limit."""
    source = path.read_text("utf-8").partition("\njobs:\n")[2]
    minutes = {}
    for job in re.split(r"\n(?=  \w+:\n)", f"\n{source}")[1:]:
        found = re.search(r"^    timeout-minutes: (\d+) # usually (\d+)$", job, re.M)
        assert found, f"a job of {path.name} declares no costs: {job[:40]!r}"
        assert int(found[2]) < int(found[1])
        minutes[job.split(":")[0].strip()] = int(found[2])
    return minutes


@pytest.mark.one_version
def test_documented_costs_match_the_jobs() -> None:
    """The documented minutes equal those declared by the jobs, within the budget."""
    folder = ROOT / "template" / ".github"
    page = (ROOT / "docs" / "automation.md").read_text("utf-8")
    months, core = [0, 0], [0, 0]
    for path in sorted((folder / "workflows").iterdir()):
        workflow = yaml.safe_load(path.read_text("utf-8"))
        if "schedule" not in workflow[True]:
            continue
        (schedule,) = workflow[True]["schedule"]
        runs = RUNS[" ".join(schedule["cron"].split()[2:])]
        costs = [0, 0]
        for name, minutes in declared_minutes(path).items():
            costs["GPU_RUNNER" in workflow["jobs"][name]["runs-on"]] += minutes
        row = [runs, costs[0], runs * costs[0], costs[1], runs * costs[1]]
        counts = re.escape(f" | {' | '.join(map(str, row))} |")
        assert re.search(rf"^\| `{path.name}`(, of `.*`)?{counts}$", page, re.MULTILINE)
        months = [months[0] + row[2], months[1] + row[4]]
        if not larger(f".github/workflows/{path.name}"):
            core = [core[0] + row[2], core[1] + row[4]]
    assert f"| together | | | {months[0]} | | {months[1]} |" in page
    assert f"`practices=core` | | | {core[0]} | | {core[1]} |" in page
    assert months[0] <= BUDGET


# ------------------------------------------------------------------ expressions

CONTEXTS = {
    "github": {"ref": "refs/heads/main", "event": Missing(number=3)},
    "needs": {"a": {"result": "success"}, "b": {"result": "skipped"}},
}
FUNCTIONS = {
    **expressions.FUNCTIONS,
    "always": lambda: True,
    "success": lambda: False,
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("github.ref == 'REFS/heads/main'", True),
        ("github.ref != 'refs/heads/main' || github.event.number == 3", True),
        ("!(github.ref == 'x' && true)", True),
        ("github.event.pull_request.head.ref", ""),
        ("github.event.pull_request.head.ref == 'x'", False),
        ("join(needs.*.result, ' ')", "success skipped"),
        ("'it''s' || 'no'", "it's"),
        ("null || 'default'", "default"),
    ],
)
def test_expressions_have_the_values_of_the_host(expression: str, value: Any) -> None:
    """Expressions evaluate as on GitHub, for the syntax that our workflows use."""
    whole = fill(f"${{{{ {expression} }}}}", CONTEXTS, FUNCTIONS)
    assert text(whole) == text(value)
    assert truth(whole) == truth(value)
    part = fill(f"<${{{{ {expression} }}}}>", CONTEXTS, FUNCTIONS)
    assert part == f"<{text(value)}>"


@pytest.mark.parametrize(
    "expression",
    [
        *("github.reff", "needs.c.result", "vars.X", "hashFiles('x')", "1 == 'a'"),
        *("github.ref ==", "(github.ref", "github.ref ? 1 : 2", "a b", ""),
    ],
)
def test_unknown_expressions_raise(expression: str) -> None:
    """Unknown expressions raise an error instead of being guessed."""
    with pytest.raises(Unknown):
        evaluate(expression, CONTEXTS, FUNCTIONS)


def test_condition_requires_success_by_default() -> None:
    """After a failure, only conditions with a status function hold."""
    assert not condition("github.ref == 'refs/heads/main'", CONTEXTS, FUNCTIONS)
    assert condition("${{ always() }}", CONTEXTS, FUNCTIONS)


@pytest.mark.parametrize(
    ("event", "payload", "ours"),
    [
        ("push", Missing(), "true"),
        ("pull_request", {"head": {"repo": {"full_name": "owner/project"}}}, "true"),
        ("pull_request", {"head": {"repo": {"full_name": "other/project"}}}, "false"),
    ],
    ids=["push", "pull request of ours", "pull request of a stranger"],
)
def test_codecov_uses_oidc_in_our_repository(
    event: str, payload: Any, ours: str
) -> None:
    """Codecov uses OIDC except in pull requests from other repositories."""
    path = ROOT / "template" / ".github" / "workflows" / "checks.yml"
    job = yaml.safe_load(path.read_text("utf-8"))["jobs"]["codecov"]
    github = {
        "event": Missing(pull_request=payload),
        "event_name": event,
        "repository": "owner/project",
    }
    assert text(fill(job["env"]["OURS"], {"github": github}, {})) == ours


# ---------------------------------------------------------------------- at work


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as it is first pushed: without a lock."""
    folder = tmp_path_factory.mktemp("a host")
    return first_push(folder, use_codecov=True)


# Messages of uv that CONTRIBUTING.md of a project explains.
UV_SAYS = ("needs to be updated", "uv lock")


@pytest.fixture
def clone(project: Path, tmp_path: Path) -> Path:
    """A copy of the project, to be modified."""
    return Path(shutil.copytree(project, tmp_path / "project"))


@pytest.mark.environment
def test_checks_pass_on_first_push(project: Path, tmp_path: Path) -> None:
    """All checks pass on the first push, without lock, accounts or variables."""
    jobs = Host(project, tmp_path / "host").run("checks.yml")
    log = "\n".join(job.log for job in jobs.values())
    results = {name: job.result for name, job in jobs.items()}
    passed = dict.fromkeys(("hooks", "types", "tests", "required"), "success")
    assert results == {**passed, "codecov": "skipped"}, log
    assert "managed code is byte for byte that of template" in jobs["hooks"].log
    # Hooks need no PyTorch; tests need the build for the CPU.
    assert not [*jobs["hooks"].folder.glob(".venv/lib/*/site-packages/torch")]
    packages = jobs["tests"].folder.glob(".venv/lib/*/site-packages/*")
    names = [path.name for path in packages]
    assert "torch" in names
    assert [n for n in names if re.match("nvidia|cuda|triton", n, re.IGNORECASE)] == []
    parts = ("code", "data", "model", "test_task_interface", "training")
    for tests in (*(f"tests/{part}" for part in parts), "data.ipynb", "src/"):
        assert tests in jobs["tests"].log
    assert skips(jobs["tests"].log) == AT_BIRTH
    assert re.search(r"## \d+ tests, 0 failed\n", jobs["tests"].summary)
    assert "| **TOTAL**" in jobs["tests"].summary


@pytest.mark.night
@pytest.mark.environment
def test_coverage_is_uploaded_on_request(clone: Path, tmp_path: Path) -> None:
    """With the variable `CODECOV`, coverage and results are uploaded."""
    for name in ("notebooks", "tests/data", "tests/model", "tests/training"):
        shutil.rmtree(clone / name)
    commit(clone, "Keep few tests")
    host = Host(clone, tmp_path / "host", variables={"CODECOV": "true"})
    jobs = host.run("checks.yml")
    uploads = [inputs for action, inputs in jobs["codecov"].used if "codecov" in action]
    assert [inputs["files"] for inputs in uploads] == [
        "build/coverage.xml",
        "build/tests.xml",
    ]
    assert [inputs["use_oidc"] for inputs in uploads] == [True, True]


@pytest.mark.night
@pytest.mark.environment
def test_faults_fail_their_jobs(clone: Path, tmp_path: Path) -> None:
    """Each fault fails the job that checks for it, and the log shows the place."""
    (package,) = (clone / "src").iterdir()
    # Delete slow parts that this test does not need.
    for name in ("notebooks", "tests/data", "tests/model", "tests/training"):
        shutil.rmtree(clone / name)
    for path in (clone / "tests" / "code").iterdir():
        path.unlink()
    test = '"""Bad."""\n\n\ndef test_sum() -> None:\n    """Bad."""\n    assert False\n'
    (clone / "tests" / "code" / "test_bad.py").write_text(test)
    (package / "bad.py").write_text('"""Bad."""\n\nCOUNT:int = "three"\n')
    commit(clone, "Break everything")
    jobs = Host(clone, tmp_path / "host").run("checks.yml")
    results = {name: job.result for name, job in jobs.items()}
    assert results == {
        **dict.fromkeys(("hooks", "types", "tests", "required"), "failure"),
        "codecov": "skipped",
    }
    # The log shows the changes made by hooks.
    assert "-COUNT:int" in jobs["hooks"].log
    assert "+COUNT: int" in jobs["hooks"].log
    assert "bad.py" in jobs["types"].log
    assert "tests, 1 failed" in jobs["tests"].summary
    assert "test_bad.test_sum" in jobs["tests"].summary
    assert "| **TOTAL**" in jobs["tests"].summary


@pytest.mark.environment
@pytest.mark.parametrize("said", [(), pytest.param(UV_SAYS, marks=pytest.mark.night)])
def test_outdated_lock_fails(
    said: tuple[str, ...], clone: Path, tmp_path: Path
) -> None:
    """An outdated lock file fails the checks."""
    uv = [sys.executable, "-m", "uv", "lock", "--quiet"]
    assert processes.run(uv, clone).returncode == 0
    settings = clone / "pyproject.toml"
    healthy = settings.read_text()
    settings.write_text(healthy.replace('"pillow>=11",', '"packaging", "pillow>=11",'))
    commit(clone, "Need another package, and forget the lock")
    jobs = Host(clone, tmp_path / "host").run("checks.yml")
    for name in ("hooks", "types", "tests", "required"):
        assert jobs[name].result == "failure"
    assert [words for words in said if words not in jobs["tests"].log] == []


@pytest.mark.environment
@pytest.mark.parametrize(
    ("bad", "result", "said"),
    [
        ("", "success", ""),
        ("torch", "failure", "torch 2"),
        pytest.param("", "success", "No findings to report", marks=pytest.mark.night),
    ],
)
def test_known_vulnerability_fails_the_audit(
    bad: str, result: str, said: str, project: Path, tmp_path: Path
) -> None:
    """The audit fails and names a package with a known vulnerability."""
    with advisories(bad) as uv:
        host = Host(project, tmp_path / "host", "schedule", programs={"uv": uv})
        job = host.run("weekly.yml")["audit"]
    assert job.result == result, job.log
    assert said in job.log
    assert ("HOLE-1" in job.log) == (bad == "torch")
