"""A task that no starter has: another one is made by rewriting files of the team.

Inputs differ in size, and a label is a set. `fifth_task/` has the files that a team
would write, with the paths that they have in a project.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests import test_starters
from tests.environment import overlay
from tests.helpers import ROOT, git, read_files, render
from tests.projects import AT_BIRTH, NO_CLASSES, Project, skips
from tests.zones import Zone

TASK = ROOT / "tests" / "fifth_task"
# What belongs to the old task: the notebook draws classes, which this one has not.
OLD = (
    "notebooks/data.ipynb",
    "tests/model/seven.png",
    "tests/model/suites/filled-loops.jsonl",
)

Test = TypeVar("Test", bound=Callable[..., Any])


def task_files() -> dict[str, bytes]:
    """Return the files of the task by their path in a project."""
    files = {}
    for name, content in read_files(TASK).items():
        if "__pycache__" not in name and ".mypy_cache" not in name:
            files[name.replace("src/", "src/digit_recognizer/")] = content
    return files


def test_only_files_of_the_team_are_rewritten(tmp_path: Path, zone_of: Zone) -> None:
    """A few files are written or deleted, and no managed one is among them."""
    render(tmp_path / "project")
    there, files = read_files(tmp_path / "project"), task_files()
    assert 0 < len(files) <= 15
    assert {zone_of(name) for name in (*files, *OLD)} == {"starter"}
    assert {*OLD} <= {*there}
    assert [name for name in files if files[name] == there.get(name)] == []


# ------------------------------------------------------------- the project at work


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with the task, its training curve and its production model."""
    project = Project(tmp_path_factory.mktemp("fifth") / "project", {})
    for name, content in task_files().items():
        (project.path / name).write_bytes(content)
    for name in OLD:
        (project.path / name).unlink()
    overlay(project.path)
    project.run("nox -s update-curve")
    project.run("nox -s promote")
    project.run("git clean -fdxq --exclude=.venv")
    project.run("git add --all")
    git(project.path, "commit", "--quiet", "--message=Another task")
    yield project


def at_work(test: Test) -> Test:
    """Mark a test that needs the project."""
    return pytest.mark.environment(pytest.mark.night(test))


@at_work
def test_all_checks_pass(project: Project) -> None:
    """Types are right, notebooks run, fast tests pass, and each skip is a known one."""
    project.run("nox -s typecheck notebooks")
    output = project.run("pytest --quiet")
    assert skips(output) == sorted([*AT_BIRTH, *NO_CLASSES])
    assert project.run("git status --porcelain") == ""


# Commands, and what each prints with a figure of the task.
NAME = r"(none|\d([+]\d)*)"  # of a set of digits
SHARED = ("test", "compare --log log.jsonl", "review-errors --count 5", "slices")
COMMANDS = {
    "fit --trainer.max_epochs=2": r"curves +runs/fit-0001/curves.png\n",
    "predict --log log.jsonl 0.png 1.png 2.png": (
        rf"^0.png: {NAME} \(.*%\)\n1.png: {NAME} .*\n2.png: {NAME} "
    ),
    "feedback log.jsonl": "logged    3 predictions since .*, 0% with a warning",
    "splits": r"train +[\d,]+ +\d+\.\d%",
    **{name: test_starters.COMMANDS[name] for name in SHARED},
    "fit --config=configs/debug/shapes.yaml": r"^net.features.0 .* Conv2d$",
    "fit --config=configs/debug/overfit.yaml": r"memorized in \d+ steps: loss ",
}
WRITE = """
from pathlib import Path
from digit_recognizer.task import load_splits, write_example
for row, strip in enumerate(load_splits()["val"].raw[:3]):
    write_example(strip, Path(f"{row}.png"))
"""


@at_work
def test_task_is_trained_and_used(project: Project, tmp_path: Path) -> None:
    """Each command ends well, and shows a figure of the task."""
    (tmp_path / "write.py").write_text(WRITE)
    project.run(f"python {tmp_path / 'write.py'}")
    test_starters.run_all(project, COMMANDS, tmp_path / "run.py")
    requests = project.path / "tests" / "model" / "feedback.jsonl"
    labelled = requests.read_text().replace('"label": ""', '"label": "4+1"')
    requests.write_text(labelled)
    output = project.run(f"python -m {project.package} feedback log.jsonl")
    assert re.search(r"^labelled  3, ", output, re.MULTILINE), output
    project.run("git clean -fdxq --exclude=.venv && git checkout --quiet .")


# Mistakes: a file, a text in it and the mistake, and the test that fails.
MISTAKES = {
    "class offset": (
        "data.py",
        "float(digit in label)",
        "float(digit + 1 in label)",
        "tests/test_task_interface.py::test_evaluation_is_in_the_order_of_the_data",
    ),
    "labels of the example before": (
        "data.py",
        "targets([self.labels[row] for row in rows])",
        "targets([self.labels[row - 1] for row in rows])",
        "tests/test_task_interface.py::test_evaluation_is_in_the_order_of_the_data",
    ),
    "padding is read": (
        "model.py",
        "z = z * there[:, :, None]",
        "z = z * 1",
        "tests/code/test_evaluation.py::test_batches_do_not_change_the_result",
    ),
    "splits share digits": (
        "data.py",
        ", groups=groups(data))",
        ")",
        "tests/data/test_splits.py::TestSplits::test_no_example_is_in_two_splits",
    ),
    "another normalization at prediction": (
        "prediction.py",
        "return interpret(net(preprocess(raw)))",
        "return interpret(net(preprocess([each / 2 for each in raw])))",
        "tests/model/test_regression.py::TestPrediction"
        "::test_predict_and_evaluate_have_the_same_inputs",
    ),
}


@at_work
@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_caught(project: Project, name: str) -> None:
    """A mistake in the task makes an assertion of the test fail that is named."""
    file, healthy, broken, test = MISTAKES[name]
    path, _, function = test.partition("::")
    with project.sabotaged(file, healthy, broken):
        output = project.run(f"pytest --quiet {path}", succeeds=False)
    assert f"FAILED {path}::{function}" in output
    (report,) = re.findall(
        rf"^_+ {function.replace('::', '.')} _+$(.*?)^(?=_+ |==)",
        output,
        re.MULTILINE | re.DOTALL,
    )
    assert "AssertionError" in report, report


@at_work
def test_faults_are_caught(project: Project) -> None:
    """The fast tests catch nine of ten faults of training that apply to the task."""
    listed = project.run("nox -s mutation -- --list --source=0 --edits=0")
    names = re.findall(r"^[a-z]+: .+$", listed, re.MULTILINE)
    assert len(names) > 50
    only = " ".join(f"--only {shlex.quote(name)}" for name in names)
    project.run(f"nox -s mutation -- {only}")
    table = (project.path / "build" / "mutation.md").read_text()
    (caught, every), *_ = re.findall(r"^- faults: (\d+) of (\d+) ", table, re.MULTILINE)
    assert int(every) >= 50, table
    assert int(caught) >= 0.9 * int(every), table
    assert "false alarms: 0" in table, table
