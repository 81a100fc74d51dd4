"""Run the workflows of a repository locally, as GitHub would.

Each job starts in an empty folder with few variables and runs its steps in the same
shell as on GitHub. External actions are not run: ACTIONS holds their effects, and any
other action is an error.
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

# Commands of `shell: bash` and of the default shell on GitHub.
SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    None: ["bash", "-e"],
}
# Keys that change the run and are not implemented here. actionlint finds misspelt keys
# and missing ones.
OTHER_KEYS = {"container", "services", "working-directory"}
# Prefixes of passed variables: caches and access to package indexes.
PASSED_ON = (
    *("HOME", "LANG", "MYPY_CACHE_DIR", "XDG_", processes.MARK),
    *("ALL_PROXY", "HTTP", "NO_PROXY", "all_proxy", "http", "no_proxy"),
    *("CURL_CA", "PIP_", "REQUESTS_CA", "SSL_", "UV_"),
)


class ActionFailed(Exception):
    """An action fails its step."""


@dataclass
class Job:
    """The result of one job, or of one job of a matrix.

    Attributes:
        result: `success`, `failure` or `skipped`.
        outputs: Outputs by name.
        log: Output of its steps, each below the name of the step.
        summary: Text for the summary page of the run.
        ran: Outcomes of the steps by name, in order.
        used: The used actions with their inputs.
        folder: Working directory.
        runner: Value of `runs-on`, if it ran.
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
        repository: Each job clones it, so only committed files are used.
        folder: The folders of all jobs and their artefacts are created here.
        event: Name of the event.
        programs: Scripts that replace programs, by name.
        variables: Variables of the repository's settings.
        inputs: Inputs of a workflow that is started by hand.
        schedule: The cron line that started the run, for scheduled events.
    """

    def __init__(
        self,
        repository: Path,
        folder: Path,
        event: str = "push",
        programs: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        inputs: Mapping[str, Any] | None = None,
        schedule: str = "",
    ) -> None:
        self.repository = repository
        self.folder = folder
        self.artefacts = folder / "artefacts"
        self.artefacts.mkdir(parents=True)
        self.tools = _tools(folder / "tools", programs or {})
        self.variables = Missing(variables or {})
        self.inputs = dict(inputs or {})
        # Scheduled events contain less data, and it is not documented.
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
            name: Name of the file in `.github/workflows`.

        Returns:
            The jobs by name; for those of a matrix, the values follow the name.
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
        """Return the values of all inputs; a scheduled run has none."""
        triggers = workflow[True]  # YAML parses `on` as a boolean
        if self.github["event_name"] != "workflow_dispatch":
            return Missing()
        declared = (triggers["workflow_dispatch"] or {}).get("inputs", {})
        _know(self.inputs, declared)
        defaults = {name: item.get("default", "") for name, item in declared.items()}
        return Missing(defaults | self.inputs)


def results(jobs: Mapping[str, Job]) -> list[str]:
    """Return the result of each job, in order."""
    return [job.result for job in jobs.values()]


class _JobRun:
    """The execution of one job."""

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
            "secrets": Missing(),
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

    def compose(self, step: Mapping[str, Any]) -> bool:
        """Run the steps of a local action."""
        folder = self.folder / step["uses"].removeprefix("$/")  # the checkout has it
        path = folder / "action.yml"
        action = yaml.safe_load(path.read_text("utf-8"))
        assert action["runs"]["using"] == "composite"
        assert action.keys() <= {"name", "description", "inputs", "runs"}
        declared = action.get("inputs", {})
        given = self.filled(step.get("with", {}))
        _know(given, declared)
        defaults = {name: item.get("default", "") for name, item in declared.items()}
        before, defaults_of_shell = self.contexts, self.defaults
        # It has no contexts of the workflow, and names the shell of each step.
        self.contexts = before | {"inputs": Missing(defaults | given), "steps": {}}
        self.defaults = []
        result, self.result = self.result, "success"
        for inner in action["runs"]["steps"]:
            self.step(inner)
        works = self.result == "success"
        self.contexts, self.defaults = before, defaults_of_shell
        self.result = result
        return works

    def use(self, step: Mapping[str, Any], outputs: dict[str, Any]) -> bool:
        if step["uses"].startswith("$/"):
            return self.compose(step)
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
            "ZIZMOR_OFFLINE": "true",  # no calls to GitHub with the token
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
    """Return the joint result of several jobs: failure, else skipped, else success."""
    return next((bad for bad in ("failure", "skipped") if bad in results), "success")


def _needs(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _joined(jobs: list[Job]) -> dict[str, Any]:
    """Merge the jobs of a matrix into one."""
    outputs = {name: value for job in jobs for name, value in job.outputs.items()}
    return {"result": _together([job.result for job in jobs]), "outputs": outputs}


def _matrix(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    matrix = job.get("strategy", {}).get("matrix", {})
    assert not {"exclude", "include"} & matrix.keys(), "not known here"
    assert all(isinstance(values, list) for values in matrix.values()), matrix
    rows = itertools.product(*matrix.values())  # without a matrix: one empty row
    return [dict(zip(matrix, row, strict=True)) for row in rows]


def _passed_on() -> dict[str, str]:
    items = os.environ.items()
    return {name: value for name, value in items if name.startswith(PASSED_ON)}


def _tools(folder: Path, programs: Mapping[str, str]) -> Path:
    """Create a folder with uv, as setup-uv installs it, and with this Python."""
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
    """Do nothing: uv is available in every job."""


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
    if "pattern" in inputs:  # each artefact into a folder of its name, if any
        sources = [*host.artefacts.glob(inputs["pattern"])]
        for source in sources:  # a single one is unpacked without its folder
            inside = target / source.name if len(sources) > 1 else target
            shutil.copytree(source, inside, dirs_exist_ok=True)
        return
    source = host.artefacts / inputs["name"]
    if not source.exists():
        raise ActionFailed(f"no artefact {inputs['name']}")
    shutil.copytree(source, target, dirs_exist_ok=True)


def _codecov(host: Host, folder: Path, inputs: Mapping[str, Any]) -> None:
    if not (folder / inputs["files"]).is_file():
        raise ActionFailed(f"no file {inputs['files']}")


Output = dict[str, str] | None
Action = Callable[[Host, Path, Mapping[str, Any]], Output]

# For each action: its effect and outputs, and the supported inputs.
ACTIONS: dict[str, tuple[Action, set[str]]] = {
    "actions/checkout": (_check_out, {"fetch-depth", "lfs", "persist-credentials"}),
    "actions/download-artifact": (_download, {"name", "path", "pattern"}),
    "actions/setup-python": (_set_up_python, {"python-version"}),
    "actions/upload-artifact": (_upload, {"name", "path"}),
    "astral-sh/setup-uv": (_set_up_uv, {"enable-cache"}),
    "codecov/codecov-action": (
        _codecov,
        {"disable_search", "files", "report_type", "use_oidc"},
    ),
}
