"""The commands of the README, and of a generated README, work as written."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import processes
from tests.environment import ROOT, use_mirror
from tests.helpers import git
from tests.markdown import code_blocks, inline_commands
from tests.doc_runner import MAX_POINTS

README = ROOT / "README.md"


def _run(
    command: str, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    hidden = ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
    environ = {name: os.environ[name] for name in os.environ if name not in hidden}
    return processes.run_bash(command, folder, environ | variables)


@pytest.fixture
def clone(template: Path, tmp_path: Path) -> Path:
    """A fresh clone without the environment of this test."""
    path = tmp_path / "fresh clone"
    git(tmp_path, "clone", "--quiet", str(template), str(path))
    return path


def test_continuous_integration_runs_the_test_command() -> None:
    """Continuous integration runs the test command of the README."""
    _, test_command = _try_it()
    assert test_command in (ROOT / ".ci" / "run").read_text().splitlines()


def _try_it() -> list[str]:
    """Return the two commands to try the template, without their comments."""
    lines = code_blocks(README)[-1].splitlines()
    return [line.partition("#")[0].strip() for line in lines]


def _promised_accuracy() -> float:
    """Return the accuracy in the README, in per cent; 8 seeds reached 97 to 99."""
    text = README.read_text("utf-8")
    (promised,) = re.findall(r"trains\s+to\s+(\d+)\s+%\s+test\s+accuracy", text)
    return float(promised)


@pytest.mark.environment
@pytest.mark.parametrize(
    "runs", [1, pytest.param(2, marks=pytest.mark.night)], ids=["once", "twice"]
)
def test_demo_prints_metrics_and_keeps_edits(runs: int, clone: Path) -> None:
    """The demo prints metrics and figures, can be repeated, and keeps user edits."""
    command, _ = _try_it()
    for _ in range(runs):
        demo = _run(command, clone)
        assert demo.returncode == 0, demo.stdout[-5000:]
        (line,) = (x for x in demo.stdout.splitlines() if x.startswith("test  "))
        accuracy = float(line.split()[2].rstrip("%"))
        assert abs(accuracy - _promised_accuracy()) <= MAX_POINTS
        for name in ("curves", "confusion", "errors"):
            (picture,) = (clone / "demo").glob(f"runs/*/{name}.png")
            assert str(picture.relative_to(clone / "demo")) in demo.stdout
    (clone / "demo" / "README.md").write_text("mine\n")
    refused = _run(command, clone)
    assert refused.returncode != 0
    assert "demo/ has changes of yours" in refused.stdout
    assert (clone / "demo" / "README.md").read_text() == "mine\n"


HERE = "test_readme.py::test_readme_commands_work"  # with other options
# Push tests that run the same or a similar command; at night this test runs them, too.
ELSEWHERE = {
    "nox -s debug -- shapes": "test_generated.py::test_debug_recipes_work",
    "nox -s promote": "test_docs.py::test_fast_tests_of_a_second_task_pass",
    "nox -s retrain": "test_retraining.py::test_better_model_is_proposed",
    "nox -s tests -- tests/training": HERE,
    "nox -s train -- --trainer.max_epochs=5": HERE,
}


@pytest.mark.parametrize("place", sorted(set(ELSEWHERE.values())))
def test_tests_in_elsewhere_run_on_a_push(place: str) -> None:
    """The tests named in ELSEWHERE exist and run on a push."""
    file, _, name = place.partition("::")
    source = (Path(__file__).parent / file).read_text("utf-8")
    decorators, found, _ = source.partition(f"\ndef {name}")
    assert found
    marks = f"{decorators}\n".rpartition("\n\n\n")[2]
    assert "@pytest.mark.night\n" not in marks


@pytest.mark.environment
@pytest.mark.parametrize(
    "night", [False, pytest.param(True, marks=pytest.mark.night)], ids=["push", "night"]
)
def test_readme_commands_work(
    night: bool, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All commands from `uvx copier copy` to those of the project's README work."""
    project = tmp_path / "my-project"

    def run(command: str, folder: Path = project) -> str:
        # Only the wheels of the mirror: uv would search UV_FIND_LINKS first.
        done = _run(command, folder, UV_FIND_LINKS="")
        assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}"
        return done.stdout

    copy, start, _ = code_blocks(README)
    assert copy.startswith("uvx copier copy <address> my-project")
    run(copy.partition("#")[0].replace("<address>", f"--defaults '{clone}'"), tmp_path)
    use_mirror(project)
    git_init, _, start = start.partition("\n")
    run(git_init)

    readme = project / "README.md"
    first, prediction = code_blocks(readme)
    assert _commands(start) == _commands(first)
    # tests/test_workflows.py runs all of them, as on the first push.
    monkeypatch.setenv("NOXSESSION", "lint")
    output = run(first)
    monkeypatch.delenv("NOXSESSION")
    (accuracy,) = re.findall(r"^test +345 +([\d.]+)%", output, re.MULTILINE)
    assert abs(float(accuracy) - _promised_accuracy()) <= MAX_POINTS
    # Only the lock file is new.
    assert run("git status --porcelain") == "?? uv.lock\n"

    activate = "source .venv/bin/activate"
    assert activate in _commands(first)
    assert "seven.png: 7 (" in run(f"{activate}\n{prediction}")
    daily = [*inline_commands(readme, "nox"), *inline_commands(readme, "python")]
    daily = [command for command in daily if command not in _commands(first)]
    daily = [*dict.fromkeys(daily)]  # some occur more than once
    assert {*ELSEWHERE} < {*daily}
    for command in daily:
        if command in ELSEWHERE and not night:
            continue
        command = command.replace("FILE", "runs/fit-0001/checkpoints/last.ckpt")
        # Each mutant takes as long as the tests that catch it; one is enough here. All
        # mutants would take 15 minutes.
        few = "--sample 1 tests/training/test_steps.py"
        command = command.replace("--sample 10", few)
        assert not command.endswith("mutation")
        run(f"{activate}\n{command}")
    assert (project / "build" / "data-docs" / "index.html").stat().st_size > 0


def _commands(block: str) -> list[str]:
    """Return the commands of a block without comments."""
    text = re.sub(r" *#.*", "", block)
    return [word.strip() for word in re.split(r"&&|\n", text) if word.strip()]


def test_start_without_task_prints_usage(clone: Path) -> None:
    """start.py without a task prints the tasks and installs nothing."""
    done = processes.run([sys.executable, "start.py"], clone)
    assert done.returncode == 2
    for command in _try_it():
        assert command in done.stdout
    assert not (clone / ".venv").exists()


def test_old_python_is_refused_in_one_line(clone: Path) -> None:
    """start.py rejects an old Python in one line, without a syntax error."""
    source = (clone / "start.py").read_text()
    ast.parse(source, feature_version=(3, 8))
    pretend = (
        "import runpy, sys; sys.version_info = (3, 10, 4); sys.argv = ['', 'demo'];"
        "runpy.run_path('start.py', run_name='__main__')"
    )
    done = processes.run([sys.executable, "-c", pretend], clone)
    assert done.returncode == 2
    assert done.stdout == "error: Python 3.11 or newer is needed, this is 3.10\n"
