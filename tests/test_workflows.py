"""Workflows: they run, they are safe, and they fail when they should."""

import json
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

import noxfile
from tests import expressions, processes
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

# What we have checked: the commit of each version of each action.
PINS = {
    "actions/checkout": ("v7.0.1", "3d3c42e5aac5ba805825da76410c181273ba90b1"),
    "actions/create-github-app-token": (
        "v3.2.0",
        "bcd2ba49218906704ab6c1aa796996da409d3eb1",
    ),
    "actions/download-artifact": (
        "v8.0.1",
        "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    ),
    "actions/setup-python": ("v7.0.0", "5fda3b95a4ea91299a34e894583c3862153e4b97"),
    "actions/upload-artifact": ("v7.0.1", "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a"),
    "astral-sh/setup-uv": ("v10.0.1", "20cfd1bf945f4377ade1205e4dbc17946fc9a30d"),
    "codecov/codecov-action": ("v7.0.0", "fb8b3582c8e4def4969c97caa2f19720cb33a72f"),
}

SCHEMAS = {
    "custom.github-workflows-require-timeout": ".github/workflows/*",
    "vendor.dependabot": ".github/dependabot.yml",
    "vendor.codecov": "codecov.yml",
}

# Those that we use, looked up in Codecov's documentation: it takes any other without a
# word, and so does its schema.
KEYS_OF_CODECOV = {
    *("comment", "component_id", "component_management", "coverage", "default"),
    *("individual_components", "informational", "name", "patch", "paths"),
    *("project", "require_changes", "status"),
}

# ------------------------------------------------------------------------ rules


def faults(repository: Path, by: str = "") -> list[str]:
    """Look at the workflows of a repository, and at the settings around them.

    Args:
        repository: Its `.github`, and `codecov.yml` if there is one, are looked at.
        by: Who is asked: `rules`, which are ours, or a program; everybody by default.

    Returns:
        What is wrong, a line each.
    """
    folder = repository / ".github"
    workflows = sorted((folder / "workflows").iterdir())
    found = []
    if by in ("", "rules"):
        for path in workflows:
            found += [f"{path.name}: {fault}" for fault in _faults(path)]
        found += [f"codecov.yml: {key}?" for key in _misspelt_keys(repository)]
    programs = Path(sys.executable).parent
    commands = [
        ["check-jsonschema", f"--builtin-schema={schema}", *map(str, paths)]
        for schema, pattern in SCHEMAS.items()
        if (paths := [*repository.glob(pattern)])
    ]
    # Keys, needs, outputs, expressions with their types, and the shell of each step.
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


def _faults(path: Path) -> Iterator[str]:
    source = path.read_text("utf-8")
    workflow = yaml.safe_load(source)
    used = re.findall(r"uses: +(\S+)@(\S+)(?: +# (\S+))?$", source, re.MULTILINE)
    if len(used) != source.count("uses:"):
        yield "an action without a commit"
    for action, pin, version in used:
        if (version, pin) != PINS.get(action):
            yield f"{action} is not the one in the table"
    if workflow.get("permissions") != {}:
        yield "permissions that are not given job by job"
    if "concurrency" not in workflow:
        yield "no concurrency"
    if workflow.get("defaults") != {"run": {"shell": "bash"}}:
        yield "another shell"
    triggers = workflow[True]  # YAML takes `on` for a truth value
    if {"pull_request", "schedule"} <= {*triggers}:
        # A host switches off what is scheduled after 60 quiet days, with all the rest.
        yield "required checks on a schedule"
    if {"pull_request_target", "workflow_run", "issue_comment"} & {*triggers}:
        yield "a trigger that runs the code of strangers with our rights"
    for name, job in workflow["jobs"].items():
        for step in job["steps"]:
            if "${{" in step.get("run", ""):
                yield f"{name}: an expression inside run"
            if len(step.get("run", "").strip().splitlines()) > 1:
                yield f"{name}: more than one line to run"


@pytest.mark.one_version
@pytest.mark.parametrize("use_codecov", [True, False])
def test_workflows_are_safe(use_codecov: bool, tmp_path: Path) -> None:
    """With the settings of Codecov and without; no other answer reaches workflows."""
    project = render_repository(tmp_path / "project", use_codecov=use_codecov)
    assert faults(project) == []


def test_workflows_are_the_same_for_all_answers(template: Path) -> None:
    """Nothing is rendered or left out there, so one project stands for all."""
    assert git(template, "ls-files", "template/.github/*.jinja") == ""
    assert ".github" not in str(SETTINGS["_exclude"])


def test_our_own_workflows_are_safe() -> None:
    """By the same rules."""
    assert faults(ROOT) == []


def test_our_own_workflows_run_our_tasks(template: Path, tmp_path: Path) -> None:
    """On each push the test command, at night each part of the night."""
    done = tmp_path / "done"
    # With whether it finds the history, which the tests need: they start from releases.
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


# By name: what is replaced by what, in the first file that has it; who sees it; what is
# said.
FAULTS = {
    "unpinned action": (f"{ACTION} # v7.0.1", "actions/checkout@v7", "rules", "table"),
    "wrong version in the comment": (
        f"{ACTION} # v7.0.1",
        f"{ACTION} # v6.0.0",
        "rules",
        "not the one in the table",
    ),
    "made-up commit": (ACTION, f"actions/checkout@{'1' * 40}", "rules", "in the table"),
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
        "        with:\n          persist-credentials: false\n",
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
    """A project with all that is looked at."""
    folder = tmp_path_factory.mktemp("healthy")
    return render_repository(folder / "project", use_codecov=True)


@pytest.mark.one_version
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(fault: str, healthy: Path, tmp_path: Path) -> None:
    """Planted one at a time, in the first file that has the place for it."""
    old, new, by, alarm = FAULTS[fault]
    shutil.copytree(healthy / ".github", tmp_path / ".github")
    shutil.copy(healthy / "codecov.yml", tmp_path)
    paths = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    path = next(path for path in paths if old in path.read_text())
    path.write_text(path.read_text().replace(old, new, 1))
    assert alarm in "\n".join(faults(tmp_path, by))


# ------------------------------------------------------------------------ costs

# A month, by days.
RUNS = {"* * 1-6": 26, "* * 0": 4, "* * 1": 4, "* * 6": 4, "3 * *": 1}
BUDGET = (
    400  # hosted minutes a month; to raise it is a decision, and a commit of its own
)


def declared_minutes(path: Path) -> dict[str, int]:
    """Return what each job declares behind its time limit; that must be higher."""
    source = path.read_text("utf-8").partition("\njobs:\n")[2]
    minutes = {}
    for job in re.split(r"\n(?=  \w+:\n)", f"\n{source}")[1:]:
        found = re.search(r"^    timeout-minutes: (\d+) # usually (\d+)$", job, re.M)
        assert found, f"a job of {path.name} declares no costs: {job[:40]!r}"
        assert int(found[2]) < int(found[1])
        minutes[job.split(":")[0].strip()] = int(found[2])
    return minutes


@pytest.mark.one_version
def test_owners_are_told_what_it_costs() -> None:
    """The page counts what the jobs declare, and the budget holds."""
    folder = ROOT / "template" / ".github"
    page = (folder / "automation.md").read_text("utf-8")
    months = [0, 0]
    for path in sorted((folder / "workflows").iterdir()):
        workflow = yaml.safe_load(path.read_text("utf-8"))
        if "schedule" not in workflow[True]:
            continue
        crons = [schedule["cron"] for schedule in workflow[True]["schedule"]]
        for cron in crons:
            runs = RUNS[" ".join(cron.split()[2:])]
            costs = [0, 0]
            for name, minutes in declared_minutes(path).items():
                job = workflow["jobs"][name]
                asked = job.get("if", "")
                if "event.schedule" not in asked or f"'{cron}'" in asked:
                    costs["GPU_RUNNER" in job["runs-on"]] += minutes
            row = [runs, costs[0], runs * costs[0], costs[1], runs * costs[1]]
            file = f"`{path.name}`" + (f" at `{cron}`" if len(crons) > 1 else "")
            assert f"| {file} | {' | '.join(map(str, row))} |" in page
            months = [months[0] + row[2], months[1] + row[4]]
    assert f"| together | | | {months[0]} | | {months[1]} |" in page
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
    """As far as our workflows need them; actionlint looks at names and types."""
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
def test_expressions_that_are_not_understood_are_refused(expression: str) -> None:
    """A guess would let a wrong workflow pass."""
    with pytest.raises(Unknown):
        evaluate(expression, CONTEXTS, FUNCTIONS)


def test_condition_asks_for_success_unless_it_says_otherwise() -> None:
    """Here something has failed."""
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
def test_codecov_asks_for_an_identity_where_there_is_one(
    event: str, payload: Any, ours: str
) -> None:
    """A pull request from another repository gets none, and would fail."""
    path = ROOT / "template" / ".github" / "workflows" / "checks.yml"
    job = yaml.safe_load(path.read_text("utf-8"))["jobs"]["codecov"]
    github = {
        "event": Missing(pull_request=payload),
        "event_name": event,
        "repository": "owner/project",
    }
    assert text(fill(job["env"]["OURS"], {"github": github}, {})) == ours


# ---------------------------------------------------------------------- at work


class Advisories(BaseHTTPRequestHandler):
    """The database of known holes, with one for the package that the server names."""

    def do_POST(self) -> None:
        """Answer which packages have holes."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        queries = json.loads(body)["queries"]
        bad = self.server.bad  # type: ignore[attr-defined]
        hole = {"vulns": [{"id": "HOLE-1", "modified": "2026-01-01T00:00:00Z"}]}
        found = [hole if q["package"]["name"] == bad else {} for q in queries]
        self._answer({"results": found})

    def do_GET(self) -> None:
        """Describe the hole."""
        self._answer({"id": "HOLE-1", "modified": "2026-01-01T00:00:00Z"})

    def _answer(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def advisories(bad: str) -> Iterator[str]:
    """Serve the database on this machine; yields the `uv` that asks it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    server.bad = bad  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    uv = Path(sys.executable).with_name("uv")
    try:
        yield (
            "#!/bin/sh\n"
            f'[ "$1" = audit ] && set -- "$@" --service-url={address}\n'
            f'exec "{uv}" "$@"\n'
        )
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as it is first pushed: without a lock."""
    folder = tmp_path_factory.mktemp("a host")
    return first_push(folder, use_codecov=True)


# What CONTRIBUTING.md of a project explains.
UV_SAYS = ("needs to be updated", "uv lock")


@pytest.fixture
def clone(project: Path, tmp_path: Path) -> Path:
    """Another one, to break."""
    return Path(shutil.copytree(project, tmp_path / "project"))


@pytest.mark.environment
def test_first_push_is_green(project: Path, tmp_path: Path) -> None:
    """No lock yet, no account, no variable; everything is checked."""
    jobs = Host(project, tmp_path / "host").run("checks.yml")
    log = "\n".join(job.log for job in jobs.values())
    assert {job.result for job in jobs.values()} == {"success"}, log
    assert {*jobs} == {"hooks", "types", "tests", "codecov", "required"}
    # Hooks need no PyTorch; tests need the one for the CPU.
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
    uploads = [inputs for action, inputs in jobs["codecov"].used if "codecov" in action]
    assert [inputs["files"] for inputs in uploads] == [
        "build/coverage.xml",
        "build/tests.xml",
    ]
    assert [inputs["use_oidc"] for inputs in uploads] == [True, True]


@pytest.mark.night
@pytest.mark.environment
def test_faults_end_red(clone: Path, tmp_path: Path) -> None:
    """By the job that is there for it; and people see where to look."""
    (package,) = (clone / "src").iterdir()
    # What is not needed to see it would only take time.
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
        "codecov": "success",
    }
    # The difference that a hook has made is shown.
    assert "-COUNT:int" in jobs["hooks"].log
    assert "+COUNT: int" in jobs["hooks"].log
    assert "bad.py" in jobs["types"].log
    assert "tests, 1 failed" in jobs["tests"].summary
    assert "test_bad.test_sum" in jobs["tests"].summary
    assert "| **TOTAL**" in jobs["tests"].summary


@pytest.mark.environment
@pytest.mark.parametrize("said", [(), pytest.param(UV_SAYS, marks=pytest.mark.night)])
def test_lock_that_is_behind_ends_red(
    said: tuple[str, ...], clone: Path, tmp_path: Path
) -> None:
    """Rather than other versions than those in git, without a word."""
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
def test_known_holes_end_red(
    bad: str, result: str, said: str, project: Path, tmp_path: Path
) -> None:
    """The audit names the package; without any it is green."""
    with advisories(bad) as uv:
        host = Host(project, tmp_path / "host", "schedule", programs={"uv": uv})
        job = host.run("security.yml")["audit"]
    assert job.result == result, job.log
    assert said in job.log
    assert ("HOLE-1" in job.log) == (bad == "torch")
