"""Runs the workflows of a repository here, as the host would, without the host.

Each job starts in an empty folder, with few variables, and runs its steps in the very
shell that the host uses. Actions of others are not run: ACTIONS holds what ours leave
behind, and any other is an error.
"""

import itertools
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests import processes
from tests.expressions import Missing, condition, fill, hash_files, text
from tests.helpers import git

# What `shell: bash` and no shell at all mean on the host.
SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    None: ["bash", "-e"],
}
KEYS_OF_JOBS = {
    *("concurrency", "continue-on-error", "defaults", "env", "environment", "if"),
    *("name", "needs", "outputs", "permissions", "runs-on", "steps", "strategy"),
    "timeout-minutes",
}
KEYS_OF_STEPS = {
    *("continue-on-error", "env", "id", "if", "name", "run", "shell"),
    *("timeout-minutes", "uses", "with"),
}
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
    """

    folder: Path
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
        payload: What else the host would say about it.
        variables: Of the repository, as `vars`.
        programs: Scripts that take the place of programs, by name.
    """

    def __init__(
        self,
        repository: Path,
        folder: Path,
        event: str = "push",
        payload: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
        programs: Mapping[str, str] | None = None,
    ) -> None:
        self.repository = repository
        self.folder = folder
        self.artefacts = folder / "artefacts"
        self.artefacts.mkdir(parents=True)
        self.variables = Missing(variables or {})
        self.tools = _tools(folder / "tools", programs or {})
        self.github = {
            "event": _missing(payload or {}),
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
        done: dict[str, list[Job]] = {}
        jobs: dict[str, Job] = {}
        waiting = dict(workflow["jobs"])
        while waiting:
            ready = [n for n in waiting if {*_needs(waiting[n])} <= done.keys()]
            assert ready, f"needed, but not there: {waiting.keys()}"
            job = waiting.pop(ready[0])
            assert job.keys() <= KEYS_OF_JOBS, f"not known: {job.keys() - KEYS_OF_JOBS}"
            needs = {n: _joined(done[n]) for n in _needs(job)}
            done[ready[0]] = []
            for values in _matrix(job):
                label = " ".join([ready[0], *map(text, values.values())])
                folder = self.folder / label.replace(" ", "-") / "work"
                folder.mkdir(parents=True)
                jobs[label] = Job(folder)
                done[ready[0]].append(jobs[label])
                _JobRun(self, workflow, job, jobs[label], needs, values).run()
        return jobs


class _JobRun:
    """One job while it runs."""

    def __init__(
        self,
        host: Host,
        workflow: Mapping[str, Any],
        job: Mapping[str, Any],
        outcome: Job,
        needs: Mapping[str, Any],
        matrix: Mapping[str, Any],
    ) -> None:
        self.host = host
        self.job = job
        self.outcome = outcome
        self.defaults = [
            part.get("defaults", {}).get("run", {}) for part in (job, workflow)
        ]
        self.contexts: dict[str, Any] = {
            "github": host.github,
            "matrix": matrix,
            "needs": needs,
            "runner": {"os": "Linux", "arch": "X64", "temp": str(self.folder.parent)},
            "steps": {},
            "vars": host.variables,
        }
        self.contexts["env"] = self.variables(workflow)
        self.failed = False

    @property
    def folder(self) -> Path:
        return self.outcome.folder

    def filled(self, value: Any) -> Any:
        return fill(value, self.contexts, self.functions(failed=False))

    def variables(self, part: Mapping[str, Any]) -> dict[str, str]:
        values = self.filled(part.get("env", {}))
        return {name: text(value) for name, value in values.items()}

    def functions(self, *, failed: bool) -> dict[str, Callable[..., Any]]:
        return {
            "always": lambda: True,
            "cancelled": lambda: False,
            "failure": lambda: failed,
            "success": lambda: not failed,
            "contains": lambda where, what: what in where,
            "format": lambda pattern, *values: pattern.format(*map(text, values)),
            "fromJSON": json.loads,
            "hashFiles": lambda *patterns: hash_files(self.folder, *patterns),
            "join": lambda values, by=",": by.join(map(text, values)),
            "toJSON": json.dumps,
        }

    def run(self) -> None:
        results = [need["result"] for need in self.contexts["needs"].values()]
        functions = self.functions(failed="failure" in results)
        if "skipped" in results:
            functions["success"] = lambda: False
        if not condition(self.job.get("if", "success()"), self.contexts, functions):
            self.outcome.result = "skipped"
            return
        self.contexts["env"] |= self.variables(self.job)
        for number, step in enumerate(self.job["steps"], start=1):
            self.step(number, step)
        self.outcome.outputs = {
            name: text(fill(value, self.contexts, self.functions(failed=self.failed)))
            for name, value in self.job.get("outputs", {}).items()
        }
        self.outcome.result = "failure" if self.failed else "success"

    def step(self, number: int, step: Mapping[str, Any]) -> None:
        assert step.keys() <= KEYS_OF_STEPS, f"not known: {step.keys() - KEYS_OF_STEPS}"
        action = step.get("uses", "").partition("@")[0]
        name = step.get("name") or action or step["run"]
        outputs = Missing()
        functions = self.functions(failed=self.failed)
        outcome = "skipped"
        if condition(step.get("if", "success()"), self.contexts, functions):
            before = self.contexts["env"]
            self.contexts["env"] = before | self.variables(step)
            works = self.use(action, step) if action else self.shell(step, outputs)
            self.contexts["env"] = before
            outcome = "success" if works else "failure"
            self.failed |= not works and not step.get("continue-on-error", False)
        self.outcome.ran[name] = outcome
        if "id" in step:
            facts = {"outputs": outputs, "outcome": outcome}
            self.contexts["steps"][step["id"]] = facts

    def use(self, action: str, step: Mapping[str, Any]) -> bool:
        assert action in ACTIONS, f"not known what {action} leaves behind"
        inputs = self.filled(step.get("with", {}))
        self.outcome.used.append((action, inputs))
        self.outcome.log += f"\n--- {action}\n"
        try:
            ACTIONS[action](self.host, self.folder, inputs)
        except ActionFailed as error:
            self.outcome.log += f"{error}\n"
            return False
        return True

    def shell(self, step: Mapping[str, Any], outputs: dict[str, Any]) -> bool:
        assert "${{" not in step["run"], "values go through env"
        settings = [step, *self.defaults]
        shell = next((part["shell"] for part in settings if "shell" in part), None)
        assert all(part.keys() <= {"shell"} for part in self.defaults)
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
            "PATH": os.pathsep.join([str(self.host.tools), os.defpath]),
            "ZIZMOR_OFFLINE": "true",  # else it would ask the host, with the token
            **{name: str(path) for name, path in files.items()},
            **self.contexts["env"],
        }
        command = [*SHELLS[shell], str(script)]
        done = processes.run(command, self.folder, environ)
        self.outcome.log += f"\n--- {step.get('name', step['run'])}\n{done.stdout}"
        self.outcome.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        for line in files["GITHUB_OUTPUT"].read_text().splitlines():
            name, _, value = line.partition("=")
            assert "<<" not in name, "outputs of several lines are not known here"
            outputs[name] = value
        return done.returncode == 0


def _needs(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _joined(jobs: list[Job]) -> dict[str, Any]:
    """Make one of the jobs of a matrix, as others see it."""
    results = {job.result for job in jobs}
    (result,) = {"failure"} & results or {"success"} & results or results
    outputs = {name: value for job in jobs for name, value in job.outputs.items()}
    return {"result": result, "outputs": outputs}


def _matrix(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    strategy = dict(job.get("strategy", {}))
    matrix = dict(strategy.pop("matrix", {}))
    assert strategy.keys() <= {"fail-fast", "max-parallel"}, strategy
    included = matrix.pop("include", [])
    assert "exclude" not in matrix, "not known"
    assert all(isinstance(values, list) for values in matrix.values()), matrix
    rows = [
        dict(zip(matrix, values, strict=True))
        for values in itertools.product(*matrix.values())
    ]
    return [*rows, *included] if matrix else included or [{}]


def _missing(payload: Mapping[str, Any]) -> Missing:
    return Missing(
        {
            name: _missing(value) if isinstance(value, Mapping) else value
            for name, value in payload.items()
        }
    )


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


def _check_out(host: Host, folder: Path, inputs: dict[str, Any]) -> None:
    assert inputs.pop("persist-credentials") is False
    depth = inputs.pop("fetch-depth", 1)
    assert not inputs, f"not known: {inputs}"
    assert not any(folder.iterdir())
    shallow = [f"--depth={depth}"] if depth else []
    git(folder, "clone", "--quiet", *shallow, host.repository.as_uri(), ".")


def _set_up_uv(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    known = {"enable-cache", "save-cache", "prune-cache", "python-version"}
    assert inputs.keys() <= known, f"not known: {inputs.keys() - known}"


def _set_up_python(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    assert inputs == {"python-version": "3.11"}, "the one of these tests"


def _upload(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    known = {"name", "path", "retention-days", "if-no-files-found"}
    assert inputs.keys() <= known, f"not known: {inputs.keys() - known}"
    found = [p for line in inputs["path"].split() for p in sorted(folder.glob(line))]
    assert found or inputs.get("if-no-files-found") != "error", inputs
    if not found:
        return
    # Below the folder that all of them share.
    above = Path(os.path.commonpath([p.parent if p.is_file() else p for p in found]))
    for path in found:
        target = host.artefacts / inputs["name"] / path.relative_to(above)
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if path.is_dir() else shutil.copy2
        copy(path, target)


def _download(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    assert inputs.keys() <= {"name", "path"}, inputs
    source = host.artefacts / inputs["name"]
    if not source.exists():
        raise ActionFailed(f"no artefact {inputs['name']}")
    shutil.copytree(source, folder / inputs["path"], dirs_exist_ok=True)


def _codecov(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    known = {"files", "disable_search", "use_oidc", "report_type", "fail_ci_if_error"}
    assert inputs.keys() <= known, f"not known: {inputs.keys() - known}"
    if not (folder / inputs["files"]).is_file():
        raise ActionFailed(f"no file {inputs['files']}")


ACTIONS: dict[str, Callable[[Host, Path, dict[str, Any]], None]] = {
    "actions/checkout": _check_out,
    "actions/download-artifact": _download,
    "actions/setup-python": _set_up_python,
    "actions/upload-artifact": _upload,
    "astral-sh/setup-uv": _set_up_uv,
    "codecov/codecov-action": _codecov,
}
