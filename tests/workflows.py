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
        programs: Scripts that take the place of programs, by name.
    """

    def __init__(
        self,
        repository: Path,
        folder: Path,
        event: str = "push",
        programs: Mapping[str, str] | None = None,
    ) -> None:
        self.repository = repository
        self.folder = folder
        self.artefacts = folder / "artefacts"
        self.artefacts.mkdir(parents=True)
        self.tools = _tools(folder / "tools", programs or {})
        self.github = {
            "event": Missing(),
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
            _know(job, KEYS_OF_JOBS)
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
            "steps": {},
        }
        self.contexts["env"] = self.variables(workflow)
        self.result = _together([need["result"] for need in needs.values()])

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
            "always": lambda: True,
            "cancelled": lambda: False,
            "failure": lambda: self.result == "failure",
            "success": lambda: self.result == "success",
            "hashFiles": lambda *patterns: hash_files(self.folder, *patterns),
            "join": lambda values, by=",": by.join(map(text, values)),
        }

    def run(self) -> None:
        if not self.wanted(self.job):
            self.outcome.result = "skipped"
            return
        self.result = "success"  # of its own steps, from here on
        self.contexts["env"] |= self.variables(self.job)
        for step in self.job["steps"]:
            self.step(step)
        outputs = self.filled(self.job.get("outputs", {}))
        self.outcome.outputs = {name: text(value) for name, value in outputs.items()}
        self.outcome.result = self.result

    def step(self, step: Mapping[str, Any]) -> None:
        _know(step, KEYS_OF_STEPS)
        action = step.get("uses", "").partition("@")[0]
        name = step.get("name") or action or step["run"]
        outputs = Missing()
        outcome = "skipped"
        if self.wanted(step):
            before = self.contexts["env"]
            self.contexts["env"] = before | self.variables(step)
            works = self.use(action, step) if action else self.shell(step, outputs)
            self.contexts["env"] = before
            outcome = "success" if works else "failure"
            if not works and not step.get("continue-on-error", False):
                self.result = "failure"
        self.outcome.ran[name] = outcome
        if "id" in step:
            facts = {"outputs": outputs, "outcome": outcome}
            self.contexts["steps"][step["id"]] = facts

    def use(self, action: str, step: Mapping[str, Any]) -> bool:
        assert action in ACTIONS, f"not known what {action} leaves behind"
        leave_behind, known = ACTIONS[action]
        inputs = self.filled(step.get("with", {}))
        _know(inputs, known)
        self.outcome.used.append((action, inputs))
        self.outcome.log += f"\n--- {action}\n"
        try:
            leave_behind(self.host, self.folder, inputs)
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
    strategy = job.get("strategy", {})
    _know(strategy, {"fail-fast", "matrix"})
    matrix = strategy.get("matrix", {})
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
    git(folder, "clone", "--quiet", "--depth=1", host.repository.as_uri(), ".")


def _set_up_uv(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    """Leave behind what is there for every job."""


def _set_up_python(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    assert inputs["python-version"] == "3.11", "the one of these tests"


def _upload(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    found = [p for line in inputs["path"].split() for p in sorted(folder.glob(line))]
    if not found:
        return
    above = os.path.commonpath([path.parent for path in found])
    for path in found:
        target = host.artefacts / inputs["name"] / path.relative_to(above)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def _download(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    source = host.artefacts / inputs["name"]
    if not source.exists():
        raise ActionFailed(f"no artefact {inputs['name']}")
    shutil.copytree(source, folder / inputs["path"], dirs_exist_ok=True)


def _codecov(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    if not (folder / inputs["files"]).is_file():
        raise ActionFailed(f"no file {inputs['files']}")


Action = Callable[[Host, Path, Mapping[str, Any]], None]

# What each leaves behind, and the inputs that are known here.
ACTIONS: dict[str, tuple[Action, set[str]]] = {
    "actions/checkout": (_check_out, {"persist-credentials"}),
    "actions/download-artifact": (_download, {"name", "path"}),
    "actions/setup-python": (_set_up_python, {"python-version"}),
    "actions/upload-artifact": (_upload, {"name", "path"}),
    "astral-sh/setup-uv": (_set_up_uv, {"enable-cache"}),
    "codecov/codecov-action": (
        _codecov,
        {"disable_search", "files", "report_type", "use_oidc"},
    ),
}
