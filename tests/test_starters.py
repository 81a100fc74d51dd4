"""Starters: the examples that a project can begin with, each a working project."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2
import pytest

import noxfile
from tests.environment import overlay
from tests.helpers import (
    ANSWERS_FILE,
    QUESTIONS,
    ROOT,
    STARTER_FOLDERS,
    STARTERS,
    git,
    read_commands,
    read_answers,
    read_files,
    render,
    render_repository,
    run_copier,
)
from tests.projects import AT_BIRTH, NO_CLASSES, Project, skips
from tests.zones import Zone

OTHERS = [starter for starter in STARTERS if starter != "images"]
REFUSAL = "This project began with {} and stays so: a starter is chosen once."


def folders_of(starter: str) -> list[str]:
    """Return the folders of the template that a starter brings."""
    return [
        name
        for name in STARTER_FOLDERS
        if jinja2.Template(QUESTIONS[name]["default"]).render(starter=starter) == "."
    ]


@pytest.mark.parametrize("starter", STARTERS)
def test_no_path_stands_twice(starter: str) -> None:
    """No file is in the common part and in a starter, or in two folders of one.

    Copier would write one of them by chance.
    """
    names = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard")
    paths = []
    for name in names.splitlines():
        first, *rest = PurePosixPath(name).parts[1:] or ("",)
        folder = re.fullmatch(r"\{\{(\w+)\}\}", first)
        if not name.startswith("template/") or not (ROOT / name).exists():
            continue
        if folder is None:
            paths.append(str(PurePosixPath(first, *rest)).removesuffix(".jinja"))
        elif folder[1] in folders_of(starter):
            paths.append(str(PurePosixPath(*rest)).removesuffix(".jinja"))
    assert len(paths) > 150
    assert [path for path in {*paths} if paths.count(path) > 1] == []


def test_each_folder_is_of_a_starter() -> None:
    """Folders of starters exist, and the session `production` knows all starters."""
    assert noxfile.STARTERS == (*STARTERS,)
    there = {path.name for path in (ROOT / "template").glob("{{*}}")}
    assert there == {f"{{{{{name}}}}}" for name in STARTER_FOLDERS}
    assert {*sum(map(folders_of, STARTERS), [])} == {*STARTER_FOLDERS}


@pytest.mark.parametrize("starter", OTHERS)
def test_managed_files_are_the_same(
    starter: str, tmp_path: Path, zone_of: Zone
) -> None:
    """Managed files do not depend on the starter; modules have the same names."""
    answers: dict[str, Any] = {"project_name": "Digits", "project_description": "One."}
    render(tmp_path / "one", **answers)
    render(tmp_path / "other", starter=starter, **answers)
    one, other = read_files(tmp_path / "one"), read_files(tmp_path / "other")
    for files in (one, other):
        del files[ANSWERS_FILE]
    managed = [name for name in one if zone_of(name) == "managed"]
    assert managed == [name for name in other if zone_of(name) == "managed"]
    assert [name for name in managed if one[name] != other[name]] == []
    # Besides files to predict, suites and pictures.
    python = [[n for n in files if n.endswith(".py")] for files in (one, other)]
    assert python[0] == python[1]


@pytest.mark.parametrize("version", ["v0.1.0", None], ids=["0.1.0", "newest"])
def test_starter_is_chosen_once(
    version: str | None, template: Path, tmp_path: Path
) -> None:
    """Another starter is refused; a project older than the question has images."""
    project = render_repository(tmp_path / "project", version=version)
    update = ("update", "--defaults", "--data")
    done = run_copier(project, *update, "starter=table")
    assert done.returncode != 0
    assert done.stderr.rstrip().endswith(REFUSAL.format("images"))
    assert git(project, "status", "--porcelain") == ""
    done = run_copier(project, *update, "starter=images")
    assert done.returncode == 0, done.stderr
    assert read_answers(project)["starter"] == "images"


def test_project_with_another_starter_is_updated(
    template: Path, tmp_path: Path
) -> None:
    """An update changes no starter file, and a folder cannot be chosen by itself."""
    project = render_repository(tmp_path / "project", starter="table")
    arguments = ("update", "--defaults", "--vcs-ref=:current:", "--data")
    done = run_copier(project, *arguments, "strictness=strict")
    assert done.returncode == 0, done.stderr
    changed = git(project, "diff", "--name-only").split()
    assert not [name for name in changed if name.startswith(("src/wine", "tests/c"))]
    git(project, "reset", "--hard", "--quiet")
    for answer, refusal in (
        ("starter=number", REFUSAL.format("table")),
        ("number=.", "Answer starter instead."),
    ):
        done = run_copier(project, *arguments, answer)
        assert done.returncode != 0
        assert done.stderr.rstrip().endswith(refusal)
        assert git(project, "status", "--porcelain") == ""


# --------------------------------------------------------------- projects at work


@pytest.fixture(scope="module", params=OTHERS)
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A new project of each starter that other tests do not use."""
    folder = tmp_path_factory.mktemp(request.param)
    project = Project(folder / "project", {"starter": request.param})
    overlay(project.path)
    yield project


@pytest.mark.environment
def test_fast_tests_pass_at_birth(project: Project) -> None:
    """All fast tests pass in a new project, and each skip has a known reason."""
    output = project.run("pytest --quiet")
    known = [*AT_BIRTH, *(NO_CLASSES if project.starter == "lines" else ())]
    assert skips(output) == sorted(known)
    assert project.run("git status --porcelain") == ""


# Commands, and what each prints with a figure of the task.
COMMANDS = {
    "fit --trainer.max_epochs=2": r"curves +runs/fit-0001/curves.png\n",
    "test": r"^ +examples +accuracy .*\n?test +\d+ +\d+\.\d%",
    "predict --log log.jsonl EXAMPLE": r"^tests/model/.*: [\w.]+ \(.*\)\n",
    "feedback log.jsonl": r"logged    \d predictions since .*, 0% with a warning",
    "splits": r"train +[\d,]+ +\d+\.\d%",
    "compare --log log.jsonl": r"shadow evaluation: \d of \d predictions change",
    "review-errors --count 5": "5 of 5 are not reviewed\n +. of these may have",
    "slices": r"^(slice 1  \d+ of \d+ are wrong|no slices: )",
    "fit --config=configs/debug/shapes.yaml": r"^net\.features.* (Linear|Conv\dd)$",
    "fit --config=configs/debug/overfit.yaml": r"memorized in \d+ steps: loss ",
}
# Those that take longer, some with fewer steps than usual.
CURVES = r"^curves +runs/[\w-]+/curves.png$"
LONG = {
    "fit --trainer.max_epochs=2": CURVES,
    "validate": r"^val +\d+ +\d+\.\d%",
    "retrain --trainer.max_epochs=2": r"^configs/default.yaml +\d.* runs/fit-\d+$",
    "resources precision-16": r"^unchanged +\d+ +[\d.,]+ +1\.00 x",
    "scale-data --trainer.max_steps=40": r"^picture +build/scale-data.png$",
    "scale-model --trainer.max_steps=40": r"^picture +build/scale-model.png$",
    # Accepted: the speed differs where other programs run, as other tests do here.
    "benchmark --accept": r"^batches of 64: \d\.\d+ x the loop, recorded \d\.\d+ x",
    "debug step-cost": r"\d MiB peak memory, [\d,]+ examples a second",
    "debug profile": r"^picture +runs/profile-\d+/steps.png$",
    "debug workers": r"^picture +runs/workers-\d+/workers.png$",
    "debug fraction --trainer.max_steps=40": r"weights: val/loss [\d.]+ at best$",
    "debug nan --trainer.max_epochs=2": r"^gradients +runs/nan-\d+/gradients.png$",
    "debug batch-size --trainer.max_epochs=2": CURVES,
    **{
        f"debug {recipe} --trainer.max_epochs=2": CURVES
        for recipe in ("accumulate", "checkpointing", "fast", "float64", "precision-16")
    },
}
# In one process: to import the framework takes longer than most commands.
RUN = """\
import sys
from {package}.__main__ import main
for command in sys.argv[1:]:
    print("COMMAND", command, flush=True)
    assert main(command.split()) == 0, command
"""


@pytest.mark.environment
def test_task_is_trained_and_used(project: Project, tmp_path: Path) -> None:
    """Each command ends well, and shows a figure of the task."""
    run_all(project, COMMANDS, tmp_path / "run.py")
    assert (project.path / "runs" / "fit-0001" / "curves.png").is_file()
    project.run("git clean -fdxq --exclude=.venv && git checkout --quiet .")


@pytest.mark.environment
@pytest.mark.night
def test_studies_and_recipes_end_well(project: Project, tmp_path: Path) -> None:
    """Each study and each recipe ends well, and shows its figure."""
    run_all(project, LONG, tmp_path / "run.py")
    project.run("git clean -fdxq --exclude=.venv && git checkout --quiet .")


def test_every_command_is_tried(tmp_path: Path) -> None:
    """Each command and each recipe is among those that are tried, but one."""
    render(tmp_path / "project")
    recipes = (tmp_path / "project" / "configs" / "debug").glob("*.yaml")
    table = read_commands(tmp_path / "project")
    wanted = {name for name in table if "room" in table[name]} - {"debug"}
    wanted |= {f"debug {path.stem}" for path in recipes}
    tried = " ".join([*COMMANDS, *LONG]).replace(
        "fit --config=configs/debug/", "debug "
    )
    missing = {name for name in wanted if not re.search(rf"\b{name}\b", tried)}
    # To compile needs a compiler; the recipe `benchmark` is that of the command; a
    # promotion makes what a starter brings.
    assert missing == {"debug benchmark", "debug compile", "promote"}


def run_all(project: Project, commands: Mapping[str, str], script: Path) -> None:
    """Run commands in one process, and look for what each must print."""
    folder = project.path
    readme = (folder / "README.md").read_text()
    (name,) = re.findall(r"predict (tests/model/.+)", readme)
    script.write_text(RUN.format(package=project.package))
    quoted = " ".join(f"'{each.replace('EXAMPLE', name)}'" for each in commands)
    output = project.run(f"python {script} {quoted}")
    _, *parts = re.split("^COMMAND .*$", output, flags=re.MULTILINE)
    for command, part in zip(commands, parts, strict=True):
        found = re.search(commands[command], part, re.MULTILINE)
        assert found, f"{command}\n{part}"


@pytest.mark.environment
@pytest.mark.night
def test_everything_passes_at_birth(project: Project) -> None:
    """Hooks, types, notebooks and slow tests pass."""
    project.run("nox")
    # Commits of tests are of 2001.
    project.run('pytest --quiet -m slow -k "not too_old"')


# Mistakes: a file of the package, a text in it, the mistake, and the test that fails.
MISTAKES = {
    "leaked preprocessing": (
        "training.py",
        'self.net.fit_preprocessing(data.splits["train"])',
        'self.net.fit_preprocessing(data.splits["test"])',
        "tests/training/test_memorization.py",
    ),
    "other outputs at prediction": (
        "prediction.py",
        "return interpret(net(preprocess(raw)))",
        "return interpret(net(preprocess(raw)) / 2)",
        "tests/model/test_regression.py",
    ),
}
MISTAKES_IN_LINES = {
    "class offset": (
        "data.py",
        "[CHARACTERS.index(one) + 1 for one",
        "[CHARACTERS.index(one) or 1 for one",
        "tests/code/test_data.py",
    ),
    "another blank": (
        "evaluation.py",
        'labels.lengths, BLANK, reduction="none"',
        'labels.lengths, len(CHARACTERS), reduction="none"',
        "tests/training/test_steps.py",
    ),
    "labels of the line before": (
        "data.py",
        "labels = [self.labels[row] for row in rows]",
        "labels = [self.labels[row - 1] for row in rows]",
        "tests/test_task_interface.py",
    ),
    "padding is read": (
        "model.py",
        "x = self.first(x).relu() * mask[:, None, None]",
        "x = self.first(x).relu()",
        "tests/training/test_steps.py",
    ),
    "padding is normalized": (
        "model.py",
        "normal[mask] = self.norm(columns[mask]).to(normal.dtype)",
        "normal = self.norm(columns.flatten(0, 1)).view_as(columns)",
        "tests/training/test_steps.py",
    ),
    "splits share digits": (
        "data.py",
        "data.labels, groups=groups(data))",
        "data.labels)",
        "tests/data/test_splits.py",
    ),
    "another normalization at prediction": (
        "prediction.py",
        "return interpret(net(preprocess(raw)))",
        "return interpret(net(preprocess([line // 2 for line in raw])))",
        "tests/model/test_regression.py",
    ),
}


@pytest.mark.environment
@pytest.mark.night
def test_mistakes_are_caught(project: Project) -> None:
    """A mistake in the task makes the test fail that is named."""
    of_starter = MISTAKES_IN_LINES if project.starter == "lines" else {}
    missed = []
    for name, (file, healthy, broken, test) in {**MISTAKES, **of_starter}.items():
        with project.sabotaged(file, healthy, broken):
            output = project.run(f"pytest --quiet {test}", succeeds=False)
        if f"FAILED {test}::" not in output:
            missed.append(name)
    assert missed == []
