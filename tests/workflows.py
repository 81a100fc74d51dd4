"""Runs the workflows of a repository here, as the host would, without the host.

Each job starts in an empty folder, with few variables, and runs its steps in the very
shell that the host uses. Actions of others are not run: ACTIONS holds what ours leave
behind, and any other is an error.
"""

import itertools
import os
import shutil
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests import processes
from tests.environment import take_bytecode
from tests.expressions import FUNCTIONS, Missing, condition, fill, hash_files, text
from tests.helpers import git

# What `shell: bash` and no shell at all mean on the host.
SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    None: ["bash", "-e"],
}
# Those that change what runs, and that are not known here. What is misspelt, or needed
# and not there, actionlint finds.
OTHER_KEYS = {"container", "services", "working-directory"}
# Caches, and how this machine reaches package indexes; the beginnings of names.
PASSED_ON = (
    *("HOME", "LANG", "MYPY_CACHE_DIR", "XDG_", processes.MARK),
    *("ALL_PROXY", "HTTP", "NO_PROXY", "all_proxy", "http", "no_proxy"),
    *("CURL_CA", "PIP_", "REQUESTS_CA", "SSL_", "UV_"),
)


class ActionFailed(Exception):
    """What makes a step of the host red."""


@dataclass
class Job:
    """What became of one job, or of one of a matrix.

    Attributes:
        result: `success`, `failure` or `skipped`.
        outputs: Its outputs by name.
        log: What its steps printed, each below its name.
        summary: What it wrote for the page of the run.
        ran: The steps that ran, by name, in order, with their outcome.
        used: The actions that were used, with their inputs.
        folder: Where it worked.
        runner: What `runs-on` asks for, if it ran.
    """

    folder: Path
    runner: Any = None
    result: str = "success"
    outputs: dict[str, Any] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    ran: dict[str, str] = field(default_factory=dict)
    used: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class Host:
    """Runs workflows of a repository.

    Args:
        repository: Is cloned by each job; only what is committed is there.
        folder: Gets the folders of all jobs and their artefacts.
        event: Name of what happened.
        programs: Scripts that take the place of programs, by name.
        variables: Of the settings of the repository.
        inputs: What somebody who starts a workflow by hand has typed.
        secrets: Of the environments that jobs name.
        schedule: Which line of it has come, on a schedule.
    """

    def __init__(
        self,
        repository: Path,
        folder: Path,
        event: str = "push",
        programs: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        inputs: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        schedule: str = "",
    ) -> None:
        self.repository = repository
        self.folder = folder
        self.artefacts = folder / "artefacts"
        self.artefacts.mkdir(parents=True)
        self.tools = _tools(folder / "tools", programs or {})
        self.variables = Missing(variables or {})
        self.inputs = dict(inputs or {})
        self.secrets = Missing(secrets or {})
        # What the host tells about a schedule is less, and nowhere promised.
        known = {} if event == "schedule" else {"default_branch": "main"}
        facts = {"schedule": schedule} if event == "schedule" else {}
        self.github = {
            "event": Missing(repository=Missing(known), **facts),
            "event_name": event,
            "ref": "refs/heads/main",
            "ref_name": "main",
            "repository": "owner/project",
            "run_id": "1",
            "sha": git(repository, "rev-parse", "HEAD").strip(),
            "token": "opens nothing",  # noqa: S105
        }

    def run(self, name: str) -> dict[str, Job]:
        """Run all jobs of a workflow, in the order of their needs.

        Args:
            name: Of the file, in `.github/workflows`.

        Returns:
            The jobs by their names in the file; those of a matrix have the values
            behind it.
        """
        path = self.repository / ".github" / "workflows" / name
        workflow = yaml.safe_load(path.read_text("utf-8"))
        self.github["workflow"] = workflow["name"]
        inputs = self._inputs(workflow)
        done: dict[str, list[Job]] = {}
        jobs: dict[str, Job] = {}
        waiting = dict(workflow["jobs"])
        while waiting:
            ready = [n for n in waiting if {*_needs(waiting[n])} <= done.keys()]
            job = waiting.pop(ready[0])
            assert not OTHER_KEYS & job.keys(), f"not known here: {job}"
            needs = {n: _joined(done[n]) for n in _needs(job)}
            done[ready[0]] = []
            for values in _matrix(job):
                label = " ".join([ready[0], *map(text, values.values())])
                folder = self.folder / label.replace(" ", "-") / "work"
                folder.mkdir(parents=True)
                jobs[label] = Job(folder)
                done[ready[0]].append(jobs[label])
                known = {"inputs": inputs, "matrix": values, "needs": needs}
                _JobRun(self, workflow, job, jobs[label], known).run()
        return jobs

    def _inputs(self, workflow: Mapping[Any, Any]) -> Missing:
        """Return the values of all inputs; there are none on a schedule."""
        triggers = workflow[True]  # YAML takes `on` for a truth value
        if self.github["event_name"] != "workflow_dispatch":
            return Missing()
        declared = (triggers["workflow_dispatch"] or {}).get("inputs", {})
        _know(self.inputs, declared)
        defaults = {name: item.get("default", "") for name, item in declared.items()}
        return Missing(defaults | self.inputs)


def results(jobs: Mapping[str, Job]) -> list[str]:
    """Return what became of each job, in their order."""
    return [job.result for job in jobs.values()]


class _JobRun:
    """One job while it runs."""

    def __init__(
        self,
        host: Host,
        workflow: Mapping[str, Any],
        job: Mapping[str, Any],
        outcome: Job,
        known: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.host = host
        self.job = job
        self.outcome = outcome
        self.defaults = [
            part.get("defaults", {}).get("run", {}) for part in (job, workflow)
        ]
        self.contexts: dict[str, Any] = {
            "github": host.github,
            # As our rules have it, not the host's.
            "secrets": host.secrets if "environment" in job else {},
            "steps": {},
            "vars": host.variables,
            **known,
        }
        self.contexts["env"] = self.variables(workflow)
        results = [need["result"] for need in known["needs"].values()]
        self.result = _together(results)

    @property
    def folder(self) -> Path:
        return self.outcome.folder

    def filled(self, value: Any) -> Any:
        return fill(value, self.contexts, self.functions())

    def variables(self, part: Mapping[str, Any]) -> dict[str, str]:
        values = self.filled(part.get("env", {}))
        return {name: text(value) for name, value in values.items()}

    def wanted(self, part: Mapping[str, Any]) -> bool:
        return condition(part.get("if", "success()"), self.contexts, self.functions())

    def functions(self) -> dict[str, Callable[..., Any]]:
        return {
            **FUNCTIONS,
            "always": lambda: True,
            "cancelled": lambda: False,
            "failure": lambda: self.result == "failure",
            "success": lambda: self.result == "success",
            "hashFiles": lambda *patterns: hash_files(self.folder, *patterns),
        }

    def run(self) -> None:
        if not self.wanted(self.job):
            self.outcome.result = "skipped"
            self.outcome.outputs = dict.fromkeys(self.job.get("outputs", {}), "")
            return
        self.result = "success"  # of its own steps, from here on
        self.outcome.runner = self.filled(self.job["runs-on"])
        self.contexts["env"] |= self.variables(self.job)
        for step in self.job["steps"]:
            self.step(step)
        outputs = self.filled(self.job.get("outputs", {}))
        self.outcome.outputs = {name: text(value) for name, value in outputs.items()}
        self.outcome.result = self.result

    def step(self, step: Mapping[str, Any]) -> None:
        assert not OTHER_KEYS & step.keys(), f"not known here: {step}"
        action = step.get("uses", "").partition("@")[0]
        name = step.get("name") or action or step["run"]
        outputs = Missing()
        outcome = "skipped"
        if self.wanted(step):
            before = self.contexts["env"]
            self.contexts["env"] = before | self.variables(step)
            do = self.use if action else self.shell
            works = do(step, outputs)
            self.contexts["env"] = before
            outcome = "success" if works else "failure"
            if not works and not step.get("continue-on-error", False):
                self.result = "failure"
        self.outcome.ran[name] = outcome
        if "id" in step:
            facts = {"outputs": outputs, "outcome": outcome}
            self.contexts["steps"][step["id"]] = facts

    def use(self, step: Mapping[str, Any], outputs: dict[str, Any]) -> bool:
        action = step["uses"].partition("@")[0]
        assert action in ACTIONS, f"not known what {action} leaves behind"
        leave_behind, known = ACTIONS[action]
        inputs = self.filled(step.get("with", {}))
        _know(inputs, known)
        self.outcome.used.append((action, inputs))
        self.outcome.log += f"\n--- {action}\n"
        try:
            outputs |= leave_behind(self.host, self.folder, inputs) or {}
        except ActionFailed as error:
            self.outcome.log += f"{error}\n"
            return False
        return True

    def shell(self, step: Mapping[str, Any], outputs: dict[str, Any]) -> bool:
        assert "${{" not in step["run"], "values go through env"
        settings = [step, *self.defaults]
        shell = next((part["shell"] for part in settings if "shell" in part), None)
        for part in self.defaults:
            _know(part, {"shell"})
        script = self.folder.parent / "script.sh"
        script.write_text(step["run"])
        files = {
            name: self.folder.parent / name.lower()
            for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        for path in files.values():
            path.write_text("")
        environ = {
            **_passed_on(),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.folder),
            "GITHUB_SERVER_URL": "https://host.invalid",
            **{
                f"GITHUB_{name.upper()}": self.host.github[name]
                for name in ("ref_name", "repository", "run_id", "workflow")
            },
            "PATH": os.pathsep.join([str(self.host.tools), os.defpath]),
            "ZIZMOR_OFFLINE": "true",  # else it would ask the host, with the token
            **{name: str(path) for name, path in files.items()},
            **self.contexts["env"],
        }
        command = [*SHELLS[shell], str(script)]
        venv = self.folder / ".venv"
        had_one = venv.is_dir()
        done = processes.run(command, self.folder, environ)
        if venv.is_dir() and not had_one:
            take_bytecode(venv)
        self.outcome.log += f"\n--- {step.get('name', step['run'])}\n{done.stdout}"
        self.outcome.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        for line in files["GITHUB_OUTPUT"].read_text().splitlines():
            name, _, value = line.partition("=")
            assert "<<" not in name, "outputs of several lines are not known here"
            outputs[name] = value
        return done.returncode == 0


def _know(part: Mapping[str, Any], keys: Collection[str]) -> None:
    assert part.keys() <= {*keys}, f"not known here: {part.keys() - {*keys}}"


def _together(results: Collection[str]) -> str:
    """Return what others see of several jobs: one failure is enough, then one skip."""
    return next((bad for bad in ("failure", "skipped") if bad in results), "success")


def _needs(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _joined(jobs: list[Job]) -> dict[str, Any]:
    """Make one of the jobs of a matrix, as others see it."""
    outputs = {name: value for job in jobs for name, value in job.outputs.items()}
    return {"result": _together([job.result for job in jobs]), "outputs": outputs}


def _matrix(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    matrix = job.get("strategy", {}).get("matrix", {})
    assert not {"exclude", "include"} & matrix.keys(), "not known here"
    assert all(isinstance(values, list) for values in matrix.values()), matrix
    rows = itertools.product(*matrix.values())  # without a matrix one row, of nothing
    return [dict(zip(matrix, row, strict=True)) for row in rows]


def _passed_on() -> dict[str, str]:
    items = os.environ.items()
    return {name: value for name, value in items if name.startswith(PASSED_ON)}


def _tools(folder: Path, programs: Mapping[str, str]) -> Path:
    """Make a folder of what setup-uv installs, and of the Python of these tests."""
    folder.mkdir()
    for name in ("uv", "uvx"):
        (folder / name).symlink_to(Path(sys.executable).with_name(name))
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    for name, script in programs.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    return folder


def _check_out(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    assert inputs["persist-credentials"] is False
    assert not any(folder.iterdir())
    depth = [] if str(inputs.get("fetch-depth")) == "0" else ["--depth=1"]
    git(folder, "clone", "--quiet", *depth, host.repository.as_uri(), ".")


def _set_up_uv(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    """Leave behind what is there for every job."""


def _set_up_python(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    assert inputs["python-version"] == "3.11", "the one of these tests"


def _upload(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    paths = [p for line in inputs["path"].split() for p in sorted(folder.glob(line))]
    if not paths:
        return
    above = os.path.commonpath([p if p.is_dir() else p.parent for p in paths])
    inside = [p for path in paths for p in sorted(path.rglob("*"))]
    for path in filter(Path.is_file, [*paths, *inside]):
        target = host.artefacts / inputs["name"] / path.relative_to(above)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def _download(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    target = folder / inputs["path"]
    if "pattern" in inputs:  # each into a folder of its name, or none at all
        for source in host.artefacts.glob(inputs["pattern"]):
            shutil.copytree(source, target / source.name, dirs_exist_ok=True)
        return
    source = host.artefacts / inputs["name"]
    if not source.exists():
        raise ActionFailed(f"no artefact {inputs['name']}")
    shutil.copytree(source, target, dirs_exist_ok=True)


def _codecov(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    if not (folder / inputs["files"]).is_file():
        raise ActionFailed(f"no file {inputs['files']}")


def _app_token(host: Host, folder: Path, inputs: Mapping[str, Any]) -> dict[str, str]:
    if not inputs["client-id"] or not inputs["private-key"]:
        raise ActionFailed("no App")
    return {"token": "of an App"}  # noqa: S105 -- opens nothing


Output = dict[str, str] | None
Action = Callable[[Host, Path, Mapping[str, Any]], Output]

# What each leaves behind, its outputs if any, and the inputs that are known here.
ACTIONS: dict[str, tuple[Action, set[str]]] = {
    "actions/checkout": (_check_out, {"fetch-depth", "persist-credentials"}),
    "actions/create-github-app-token": (
        _app_token,
        {
            *("client-id", "permission-contents", "permission-pull-requests"),
            *("permission-workflows", "private-key"),
        },
    ),
    "actions/download-artifact": (_download, {"name", "path", "pattern"}),
    "actions/setup-python": (_set_up_python, {"python-version"}),
    "actions/upload-artifact": (_upload, {"name", "path"}),
    "astral-sh/setup-uv": (_set_up_uv, {"enable-cache"}),
    "codecov/codecov-action": (
        _codecov,
        {"disable_search", "files", "report_type", "use_oidc"},
    ),
}
