"""Projects work on other machines: other environments, owners, settings, containers."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.environment import overlay
from tests.helpers import git, render_repository
from tests.projects import Project, run_in, without_caches

# Programs that install nothing, so that the script around them runs in no time.
PROGRAMS = {
    "bin/uv": """\
#!/bin/sh
[ "$1" = run ] && echo "$PWD/${UV_PROJECT_ENVIRONMENT:-.venv}"
exit 0
""",
    "bin/python": "#!/bin/sh\necho\n",
    "bin/pre-commit": "#!/bin/sh\necho pre-commit $1\n",
}


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A new repository whose scripts may not be executed, as from Windows."""
    project = render_repository(tmp_path / "a project")
    for script in (*project.glob("scripts/*.sh"), *project.glob(".github/scripts/*")):
        script.chmod(0o644)
    return project


def _setup(project: Path, **variables: str) -> list[str]:
    """Run the setup with programs that install nothing; return what it prints."""
    for name, text in PROGRAMS.items():
        folder = project if name == "bin/uv" else project / "environment"
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    path = f"{project}/bin{os.pathsep}{os.environ['PATH']}"
    environ = {**without_caches(os.environ), "PATH": path, **variables}
    environ["UV_PROJECT_ENVIRONMENT"] = "environment"
    return run_in("bash scripts/setup.sh", project, environ).splitlines()


def test_setup_takes_the_environment_of_uv(fresh: Path) -> None:
    """The setup works in the environment that `UV_PROJECT_ENVIRONMENT` names."""
    assert _setup(fresh) == [
        "pre-commit install",
        "Ready. Next: source environment/bin/activate, then nox",
    ]


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_setup_passes_over_hooks_from_elsewhere(
    fresh: Path, tmp_path: Path, scope: str
) -> None:
    """With `core.hooksPath` the setup says that there are no hooks, and is green."""
    settings = tmp_path / "gitconfig"
    command = ["git", "config", scope, "core.hooksPath", "/etc/hooks"]
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": str(settings)}
    assert processes.run(command, fresh, environ).returncode == 0
    reason, remedy, ready = _setup(fresh, GIT_CONFIG_GLOBAL=str(settings))
    assert reason.startswith(
        "The commit hooks are off, as git takes its hooks from /etc"
    )
    assert remedy == "run nox -s lint before you commit."
    assert ready.startswith("Ready.")


def test_setup_gives_the_reason_of_git(fresh: Path) -> None:
    """Files of another owner are not called no repository."""
    reason, ready = _setup(fresh, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert "as git says: fatal: detected dubious ownership in repository" in reason
    shutil.rmtree(fresh / ".git")
    reason, ready = _setup(fresh, GIT_CEILING_DIRECTORIES=str(fresh.parent))
    assert reason.startswith("Not a git repository yet: run git init")
    assert ready.startswith("Ready.")


def test_setup_works_without_git(fresh: Path, tmp_path: Path) -> None:
    """Without git the setup says so, and is green."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "dirname", "sed"):
        (programs / name).symlink_to(shutil.which(name) or name)
    reason, ready = _setup(fresh, PATH=f"{fresh}/bin{os.pathsep}{programs}")
    assert reason.startswith("There is no git here")
    assert ready.startswith("Ready.")


def test_no_script_needs_to_be_executable(fresh: Path) -> None:
    """Workflows, scripts and pages call scripts through `bash` or a program."""
    files = [*fresh.glob(".github/**/*"), *fresh.glob("**/*.md")]
    start = r"(?<!\\\n)^\s*(?:-\s+)?(?:run:\s*)?"  # of a command
    calls = re.compile(start + r"(\S*scripts/\S+\.sh)\b", re.MULTILINE)
    lines = [
        f"{path.relative_to(fresh)}: {call}"
        for path in files
        if path.is_file()
        for call in calls.findall(path.read_text("utf-8"))
    ]
    assert lines == []


def test_nox_of_another_environment_says_so(fresh: Path) -> None:
    """Without the packages of the project, a session ends with a line."""
    command = [sys.executable, "-m", "nox", "-s", "train"]
    done = processes.run(command, fresh)
    assert done.returncode != 0
    assert "take the environment of this project" in done.stdout
    assert "No module named" not in done.stdout


def test_job_for_slurm_takes_the_environment_of_uv(fresh: Path) -> None:
    """The Slurm job finds the environment by its variable, or the active one."""
    programs = fresh / "environment" / "bin"
    programs.mkdir(parents=True)
    for name, text in {"srun": 'echo "$@"', "python": "exit 1"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    job = "SLURM_NNODES=1 SLURM_NTASKS_PER_NODE=1 bash scripts/slurm.sh"
    environ = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    environ.pop("UV_PROJECT_ENVIRONMENT", None)
    for name, value in (
        ("UV_PROJECT_ENVIRONMENT", "environment"),
        ("VIRTUAL_ENV", str(fresh / "environment")),
    ):
        output = run_in(job, fresh, {**environ, name: value})
        assert output.startswith(f"{value}/bin/python -m ")


@pytest.mark.night
@pytest.mark.environment
def test_pytest_runs_from_the_root_of_a_monorepo(tmp_path: Path) -> None:
    """Tests run from the folder above; those of a second project are an error."""
    project = Project(tmp_path / "mono" / "ml", {})
    overlay(project.path)
    root = project.path.parent
    shutil.rmtree(project.path / ".git")
    git(root, "init", "--quiet")
    output = run_in("pytest -q -k test_steps", root, project.environ)
    assert re.search(r"^\d+ passed", output, re.MULTILINE)
    render_repository(root / "other")
    command = "pytest -q --collect-only"
    output = run_in(command, root, project.environ, succeeds=False)
    assert (
        f"run pytest in {root}/other: other tests have the same names as those"
        in output
    )
