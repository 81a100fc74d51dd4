"""Generated projects pass their own checks, and the checks catch injected faults."""

import csv
import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import processes
from tests.environment import CONSTRAINTS, INDEX, overlay, use_mirror
from tests.helpers import commit, render, render_repository
from tests.markdown import code_blocks
from tests.projects import (
    AT_BIRTH,
    Project,
    run_in,
    skips,
    toolkit_tests,
    without_caches,
)
from tests.doc_runner import DocRunner

pytestmark = pytest.mark.environment

# The README test covers the default answers. These are the other answer to each
# question; tests without PyTorch cover all pairs of answers.
ANSWERS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "others": {
        "license": "Apache-2.0",
        "package_name": "m",
        "strictness": "strict",
        "use_codecov": True,
        "use_notebooks": False,
    },
}


@pytest.fixture(scope="session")
def other_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of the other answers."""
    project = _new("others", tmp_path_factory)
    overlay(project.path)
    return project


@pytest.fixture(scope="session")
def pip_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of the other answers, installed with pip alone in a minute."""
    project = _new("others", tmp_path_factory)
    use_mirror(project.path)
    commit(project.path, "Name a mirror")
    environ = without_caches(os.environ)
    environ["PATH"] = _path_without_uv(environ["PATH"])
    environ["PIP_CONSTRAINT"] = str(CONSTRAINTS)
    # A folder of wheels without PyTorch, as many companies have.
    environ["PIP_FIND_LINKS"] = str(tmp_path_factory.mktemp("wheels"))
    run_in("scripts/setup.sh", project.path, environ)
    return project


@pytest.fixture(scope="session")
def default_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project of the default answers."""
    project = _new("defaults", tmp_path_factory)
    overlay(project.path)
    return project


def _new(name: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    # A space in the path breaks unquoted variables.
    return Project(tmp_path_factory.mktemp("a project") / name, ANSWERS[name])


def _path_without_uv(path: str) -> str:
    folders = path.split(os.pathsep)
    return os.pathsep.join(f for f in folders if not Path(f, "uv").exists())


def test_types_pass_with_other_answers(other_project: Project) -> None:
    """Strict type checks pass in a new project with the other answers."""
    other_project.run("nox -s typecheck")


@pytest.mark.night
def test_all_checks_pass_in_a_new_project(pip_project: Project) -> None:
    """Hooks, types and tests pass in a new project and leave no files behind."""
    output = pip_project.run("nox")
    assert skips(output) == AT_BIRTH
    assert pip_project.run("git status --porcelain") == ""


def test_uv_installs_the_cpu_build(tmp_path: Path) -> None:
    """`uv sync` installs PyTorch for the CPU unless the group is switched off."""
    project = render_repository(tmp_path / "project")
    use_mirror(project)
    environ = {**without_caches(os.environ), "UV_FIND_LINKS": ""}
    run_in("uv lock", project, environ)
    lock = tomllib.loads((project / "uv.lock").read_text())
    # The lock excludes packages published in the last 7 days.
    assert lock["options"]["exclude-newer-span"] == "P7D"
    (package,) = (p for p in lock["package"] if p["source"] == {"editable": "."})
    # PyTorch's own index has one build for each kind of machine.
    cpu, gpu = (
        {build["version"] for build in package["dev-dependencies"][group]}
        for group in ("cpu", "gpu")
    )
    assert any(version.endswith("+cpu") for version in cpu)
    assert not any(version.endswith("+cpu") for version in gpu)
    for command, builds in (
        ("uv sync --dry-run", cpu - gpu),
        ("UV_NO_GROUP=cpu uv sync --dry-run", gpu),
    ):
        output = run_in(command, project, environ)
        (version,) = re.findall(r"^ \+ torch==(\S+)$", output, re.MULTILINE)
        assert version in builds


def test_setup_reports_a_blocked_index(tmp_path: Path) -> None:
    """The setup ends with a hint if the package index is blocked, with uv and pip."""
    project = render_repository(tmp_path / "project")
    settings = project / "pyproject.toml"
    blocked = "https://blocked.invalid/whl/cpu"
    settings.write_text(settings.read_text().replace(INDEX, blocked))
    uv = {**without_caches(os.environ), "UV_FIND_LINKS": "", "UV_HTTP_RETRIES": "0"}
    pip = uv | {"PATH": _path_without_uv(uv["PATH"]), "PIP_RETRIES": "0"}
    pip["PIP_FIND_LINKS"] = str(tmp_path)
    for environ in (uv, pip):
        output = run_in("scripts/setup.sh", project, environ, succeeds=False)
        last = output.splitlines()[-1]
        assert last.startswith(
            f"error: setup failed, for the reason above. If {blocked} "
        )


def test_folder_of_a_larger_repository(
    default_project: Project, tmp_path: Path
) -> None:
    """In a subfolder of a repository, hooks stop with a message and tests run."""
    folder = render_repository(tmp_path).joinpath("inner")
    render(folder)
    nox = shlex.join([str(default_project.path / ".venv" / "bin" / "nox"), "-s"])
    output = run_in(f"{nox} lint", folder, default_project.environ, succeeds=False)
    assert "the hooks are for a whole repository" in output
    output = run_in(f"{nox} tests -- --help", folder, default_project.environ)
    assert "--data-docs" in output


@pytest.mark.parametrize(
    ("file", "healthy", "broken", "test"),
    [
        pytest.param(
            "training.py",
            "lr=self.learning_rate",
            "lr=0.0",
            "training/test_memorization.py::TestMemorization::test_memorizes_a_batch",
            id="no step is taken",
        ),
        pytest.param(
            "training.py",
            "(self.augment(x)), labels)",
            "(self.augment(x)), labels[torch.randperm(len(labels))])",
            "training/test_memorization.py::TestMemorization::test_memorizes_a_batch",
            id="labels are shuffled in every step",
            marks=pytest.mark.night,
        ),
        pytest.param(
            "data.py",
            "torch.from_numpy(labels))",
            "torch.from_numpy(np.random.default_rng(0).permutation(labels)))",
            "training/test_memorization.py::TestMemorization::"
            "test_true_labels_are_learnt_faster_than_permuted_ones",
            id="labels were shuffled once",
            marks=pytest.mark.night,
        ),
        pytest.param(
            "training.py",
            "losses = example_losses",
            "[self.net(x[:1]) for _ in x]\n        losses = example_losses",
            "training/test_memorization.py::TestMemorization::test_step_costs_what_it_should",
            id="a step does useless work",
            marks=pytest.mark.night,
        ),
        pytest.param(
            "training.py",
            "losses.mean()",
            "losses.sum()",
            "training/test_steps.py::TestSteps::test_loss_is_that_of_the_formula",
            id="the loss is a sum",
        ),
        pytest.param(
            "training.py",
            "weight_decay: float = 0.01",
            "weight_decay: float = 0.02",
            "training/test_curve.py::TestCurve::test_training_begins_as_recorded",
            id="a default is another",
            marks=pytest.mark.night,
        ),
        pytest.param(
            "datamodule.py",
            "shuffle=shuffle,",
            "sampler=range(len(self.splits[split]) - 8) if shuffle else None,",
            "training/test_steps.py::TestSteps::test_every_example_is_seen_once[train]",
            id="the last examples are left out",
        ),
        pytest.param(
            "training.py",
            "        self._parts.append(",
            "        self.net.train()\n        self._parts.append(",
            "training/test_steps.py::TestSteps::test_layers_are_in_the_right_mode",
            id="dropout in validation",
            marks=pytest.mark.night,
        ),
        pytest.param(
            "data.py",
            ".float() / MAX_INK",
            ".float() / 255",
            "model/test_regression.py::TestRegression::test_golden_predictions",
            id="inputs are scaled differently",
        ),
        pytest.param(
            "data.py",
            '"val": 0.2, "test": 0.2',
            '"val": 0.24, "test": 0.16',
            "model/test_regression.py::TestRegression::test_no_example_has_moved",
            id="the test data changed",
            marks=pytest.mark.night,
        ),
        pytest.param(
            "evaluation.py",
            'F.cross_entropy(logits, labels, reduction="none")',
            'F.cross_entropy(logits, labels, reduction="none", label_smoothing=0.1)',
            "model/test_regression.py::TestRegression::test_recorded_metrics_still_hold",
            id="losses are computed differently",
            marks=pytest.mark.night,
        ),
    ],
)
def test_injected_fault_is_caught(
    default_project: Project, file: str, healthy: str, broken: str, test: str
) -> None:
    """The named test fails when its part of the project is broken."""
    with default_project.sabotaged(file, healthy, broken):
        output = default_project.run(f"pytest -q tests/{test}", succeeds=False)
    assert f"FAILED tests/{test} " in output.replace("\n", " \n")


@pytest.mark.night
def test_overfit_check_works_on_sorted_data(default_project: Project) -> None:
    """The overfit check passes on data sorted by class and still catches a fault."""
    chosen = "data.select(rows)"
    by_class = chosen.replace("rows", "sorted(rows, key=data.labels.__getitem__)")
    loss = "example_losses(self.net(self.augment(x)), labels)"
    sabotaged = default_project.sabotaged
    with sabotaged("data.py", chosen, by_class):
        command = "pytest -q tests/training --deselect {}/test_curve.py"
        # Without the training curve, which depends on the order of examples.
        default_project.run(command.format("tests/training"))
        with sabotaged("training.py", loss, loss.replace("labels", "labels * 0")):
            command = "pytest -q tests/training -k memorizes"
            output = default_project.run(command, succeeds=False)
    assert "::test_memorizes_a_batch" in output


@pytest.mark.night
def test_mutation_results_are_counted(default_project: Project) -> None:
    """The report counts caught, missed, neutral and inapplicable changes."""
    tried = (
        "the last batch is left out",
        "one parameter gets none",
        "the learning rate is a tenth",
        "absolute errors are taken",
        "two threads",
        "`'none'` becomes",
    )
    only = " ".join(f"--only {shlex.quote(text)}" for text in tried)
    some = "tests/training/test_steps.py"
    output = default_project.run(f"nox -s mutation -- {only} {some}")
    table = (default_project.path / "build" / "mutation.md").read_text()
    assert table in output
    for part in (
        "| caught bugs: 3 | missed alarms: 1 |",
        "| false alarms: 0 | no alarm: 1 |",
        "- faults: 2 of 3 (67%) of those that apply here are caught",
        "- mutants: 1 of 1 (100%) of those that apply here are caught",
        "| optimizer: the learning rate is a tenth | training curve |",
        "Not applicable, as no test reaches such a place:\n\n- loss: absolute",
    ):
        assert part in table, table
    # Mutation testing needs tests that pass without a change.
    with default_project.sabotaged("training.py", "losses.mean()", "losses.sum()"):
        command = f"nox -s mutation -- --only threads {some}"
        output = default_project.run(command, succeeds=False)
    assert "error: tests fail without any change" in output
    assert "test_first_loss_is_that_of_chance" in output
    assert default_project.run("git status --porcelain") == ""


@pytest.mark.night
def test_equivalent_mutants_are_skipped(default_project: Project) -> None:
    """Mutants that cannot change the behaviour are skipped."""
    listed = "nox -s mutation -- --list --only evaluation.py --only prediction.py"
    output = default_project.run(listed)
    assert "`self.correct.double()` becomes" in output
    assert "`256` becomes" not in output
    assert "`logits` and `labels` change places" in output
    marked = "  # pragma: no mutate -- any gives the same\n) -> Evaluation:"
    with default_project.sabotaged("prediction.py", marked, "\n) -> Evaluation:"):
        assert "`256` becomes `257`" in default_project.run(listed)
    # Two equal arguments would change places without an effect.
    two = "_batches(data, batch_size)]\n    )"
    with default_project.sabotaged(
        "prediction.py", two, two.replace("data", "batch_size")
    ):
        output = default_project.run(listed)
    assert "`data` and `batch_size` change places" in output
    assert "`batch_size` and `batch_size`" not in output


def test_gpu_session_fails_without_gpu(default_project: Project) -> None:
    """Without a GPU, GPU tests are skipped, but the session `gpu` fails."""
    assert re.search(r"\n\d+ skipped", default_project.run("pytest -q -m gpu"))
    output = default_project.run("nox -s gpu", succeeds=False)
    assert "PyTorch finds no GPU here" in output
    assert not re.search("passed|skipped", output)


PRETENCE = """
import lightning, pytest, torch
from tests.helpers import regression_checks, training

regression_checks.move_data_to_device = lambda batch, device: batch
torch.Tensor.cuda = torch.nn.Module.cuda = lambda self: self
training.Trainer = lambda accelerator, **options: lightning.Trainer(
    accelerator="cpu", **options
)

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    for item in items:
        item.own_markers = [mark for mark in item.own_markers if mark.name != "gpu"]
"""


@pytest.mark.night
def test_gpu_tests_work_on_simulated_gpu(
    default_project: Project, tmp_path: Path
) -> None:
    """The GPU tests pass on a simulated GPU and catch a fault in half precision."""
    (tmp_path / "pretence.py").write_text(PRETENCE)
    pretend = f"PYTHONPATH=.:{tmp_path} pytest -q -m gpu -p pretence"
    assert re.search(r"\n7 passed", default_project.run(pretend))
    loss = "example_losses(self.net(self.augment(x)), labels)"
    scaled = f"{loss} * (1.5 if torch.is_autocast_enabled('cpu') else 1)"
    with default_project.sabotaged("training.py", loss, scaled):
        command = f"{pretend} -k test_step_in_half_precision"
        output = default_project.run(command, succeeds=False)
    assert "test_step_in_half_precision[bf16-mixed]" in output


def test_production_model_has_default_configuration(default_project: Project) -> None:
    """The production model was trained with the current default configuration."""
    program = f"python -m {default_project.package} fit --print_config"
    today = yaml.safe_load(default_project.run(program))
    path = default_project.path / "models" / "production" / "config.yaml"
    production = yaml.safe_load(path.read_text())
    # These values are set when a run starts.
    for config in (today, production):
        del config["trainer"]["default_root_dir"]
        for logger in config["trainer"]["logger"]:
            del logger["init_args"]["version"]
    assert production == today


def test_changed_weight_is_caught(default_project: Project) -> None:
    """A changed weight fails the golden test even if the checksum is updated."""
    change = """
import hashlib, json, pathlib
from safetensors.torch import load_file, save
folder = pathlib.Path("models/production")
state = load_file(folder / "model.safetensors")
state["head.bias"][3] += 0.01
content = save(state)
record = json.loads((folder / "record.json").read_text())
record["sha256"] = hashlib.sha256(content).hexdigest()
(folder / "model.safetensors").write_bytes(content)
(folder / "record.json").write_text(json.dumps(record))
"""
    try:
        default_project.run(f"python -c {shlex.quote(change)}")
        output = default_project.run("pytest -q tests/model", succeeds=False)
    finally:
        default_project.run("git checkout models")
    assert "test_golden_predictions" in output


def test_old_production_model_fails(default_project: Project) -> None:
    """A production model whose commit is older than a year fails a test."""
    check = "pytest -q -m 'slow or not slow' tests/model/test_regression.py -k too_old"
    amend = "git commit --quiet --amend --no-edit"
    default_project.run(amend)  # dated today: commits of the tests have a fixed date
    default_project.run(check)
    default_project.run(f"GIT_COMMITTER_DATE=2020-01-01T00:00:00Z {amend}")
    try:
        output = default_project.run(check, succeeds=False)
    finally:
        default_project.run(amend)
    assert "test_model_is_not_too_old" in output


PLANTED = """
import dataclasses, json, torch
from {package} import task
from {package}.data import MAX_INK
from {package}.toolkit.analysis import find_slices
from {package}.toolkit.evaluation import load_production

kinds = {kinds}
net, val = load_production(), task.load_splits()["val"]
fractions = dict()
for label, change in kinds.items():
    raw = val.raw.clone()
    rows = (val.labels == label).nonzero().flatten()[::2][:15]
    raw[rows] = eval(change)(raw[rows])
    data = dataclasses.replace(val, raw=raw)
    found = find_slices(
        task.embed(net, data), task.evaluate(net, data), task.attributes(raw)
    )
    fractions[change] = sum(row in rows for row in found[0].rows[:10]) / 10
print(json.dumps(fractions))
"""


@pytest.mark.night
def test_planted_slices_are_found(default_project: Project) -> None:
    """The first slice contains 8 of the first 10 deliberately changed examples."""
    kinds = {
        7: "lambda raw: raw.rot90(1, (1, 2))",
        3: "lambda raw: MAX_INK - raw",
        # Two filled rows.
        0: "lambda raw: raw.index_fill(1, torch.tensor([3, 4]), MAX_INK)",
    }
    script = PLANTED.format(package=default_project.package, kinds=kinds)
    fractions = json.loads(default_project.run(f"python -c {shlex.quote(script)}"))
    assert len(fractions) == len(kinds)
    assert min(fractions.values()) >= 0.8, fractions


@pytest.mark.parametrize(
    ("sent", "started"),
    [
        pytest.param(signal.SIGINT, 'exec "$@"', id="Ctrl-C", marks=pytest.mark.night),
        # Shells disable Ctrl-C for a background job.
        pytest.param(signal.SIGTERM, 'trap "" INT; exec "$@"', id="in the background"),
    ],
)
def test_interrupted_training_can_be_resumed(
    default_project: Project, tmp_path: Path, sent: signal.Signals, started: str
) -> None:
    """Interrupted training stops and prints a command that resumes it."""
    program = ["python", "-m", default_project.package, "fit"]
    # Many epochs: training must still run when the signal arrives.
    program.append("--trainer.max_epochs=300")
    before = _checkpoints(default_project)
    with (
        (tmp_path / "errors").open("w") as file,
        processes.start(
            ["bash", "-c", started, "bash", *program],
            default_project.path,
            default_project.environ,
            stdout=subprocess.DEVNULL,
            stderr=file,
        ) as process,
    ):
        while _checkpoints(default_project) == before and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(sent)
        processes.wait(process)
    errors = (tmp_path / "errors").read_text()
    assert process.returncode == 1, errors
    assert "Traceback" not in errors
    assert (f"kill {process.pid}\n" in errors) == (sent == signal.SIGTERM)
    (resume,) = re.findall(r"Stopped. To resume: (.*)", errors)
    limits = "--trainer.max_epochs=300 --trainer.max_time=00:00:00:02"
    default_project.run(f"{resume} {limits}")


def _checkpoints(project: Project) -> set[Path]:
    return set(project.path.glob("runs/fit-*/checkpoints/last.ckpt"))


def test_debug_recipes_work(default_project: Project) -> None:
    """Each debug recipe runs, one after the other in one process."""
    with toolkit_tests(default_project.path) as folder:
        default_project.run(f"pytest -m slow {folder}/debug")


def _pretend_srun(folder: Path) -> None:
    """Write a program `srun` that prints its arguments."""
    srun = folder / "srun"
    srun.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    srun.chmod(0o755)


def test_job_for_slurm_has_a_process_per_device(
    default_project: Project, tmp_path: Path
) -> None:
    """The Slurm job starts a process per device and reports a missing option."""
    _pretend_srun(tmp_path)
    job = f'PATH="{tmp_path}:$PATH" SLURM_NNODES=2 scripts/slurm.sh --threads 4'
    error = default_project.run(job, succeeds=False)
    assert error.strip() == "error: say sbatch --ntasks-per-node=DEVICES"
    words = default_project.run(f"SLURM_NTASKS_PER_NODE=8 {job}").split()
    assert words == [
        *(".venv/bin/python", "-m", default_project.package, "fit"),
        *("--trainer.num_nodes=2", "--trainer.devices=8", "--threads", "4"),
    ]


def test_other_packages_in_src_are_ignored(
    default_project: Project, tmp_path: Path
) -> None:
    """Other packages in `src` do not confuse nox and the Slurm job."""
    _pretend_srun(tmp_path)
    job = "SLURM_NNODES=1 SLURM_NTASKS_PER_NODE=1 scripts/slurm.sh"
    for name in ("a_library", "z_library"):
        (default_project.path / "src" / name).mkdir()
        (default_project.path / "src" / name / "__init__.py").touch()
        (default_project.path / "src" / name / "toolkit").mkdir()
    try:
        assert "shapes" in default_project.run("nox -s debug")
        words = default_project.run(f'PATH="{tmp_path}:$PATH" {job}').split()
        assert default_project.package in words
    finally:
        for name in ("a_library", "z_library"):
            shutil.rmtree(default_project.path / "src" / name)


@pytest.mark.night
def test_thresholds_apply_from_any_folder(
    default_project: Project, tmp_path: Path
) -> None:
    """The thresholds of comparison.yaml apply when tests run from another folder."""
    test = default_project.path / "tests" / "model" / "test_regression.py"
    command = f"cd '{tmp_path}' && pytest --quiet '{test}'"
    default_project.run(command)
    with default_project.broken("configs/comparison.yaml", "  all: 0.95", "  all: 1"):
        output = default_project.run(command, succeeds=False)
    assert "at least 100.0% required" in output
    with default_project.broken("configs/comparison.yaml", "mode: report", "mod: e"):
        assert "comparison.yaml: " in default_project.run(command, succeeds=False)
    assert [*tmp_path.iterdir()] == []


# Package versions that are known to work.
TRACKERS = ("mlflow==3.17.2", "wandb==0.31.0")


@pytest.mark.night
def test_runs_are_tracked_offline(default_project: Project, tmp_path: Path) -> None:
    """The documented tracking settings work offline; a missing package is reported."""
    page = default_project.path / "docs" / "tracking.md"
    files = [tmp_path / "wandb.yaml", tmp_path / "mlflow.yaml"]
    for path, lines in zip(files, code_blocks(page, "yaml"), strict=True):
        path.write_text(lines)
    train = f"python -m {default_project.package} fit --trainer.max_epochs=1 --config"
    error = default_project.run(f"{train} '{files[0]}'", succeeds=False)
    needs = "error: this needs the package wandb: uv add wandb, or pip install wandb"
    assert error.splitlines()[-1].startswith(needs)
    # Not into the environment, which other tests share.
    packages = tmp_path / "packages"
    python = default_project.path / ".venv" / "bin" / "python"
    uv = f"{sys.executable} -m uv pip install --quiet --constraint '{CONSTRAINTS}'"
    where = f"--target '{packages}' --python '{python}'"
    default_project.run(f"{uv} {where} {' '.join(TRACKERS)}")
    both = f"{train} '{files[0]}' --config '{files[1]}'"
    default_project.run(f"PYTHONPATH='{packages}' {both}")
    runs = default_project.path / "runs"
    assert [*runs.glob("wandb/offline-run-*/run-*.wandb")]
    with sqlite3.connect(runs / "mlflow.db") as database:
        names = database.execute("SELECT DISTINCT key FROM metrics").fetchall()
    assert {"train/loss", "val/loss"} <= {name for (name,) in names}


@pytest.mark.night
@pytest.mark.parametrize(
    ("page", "trains"),
    [
        ("troubleshooting", False),
        ("performance", False),
        ("distributed-training", True),
        ("large-data", True),
    ],
)
def test_page_works_word_for_word(
    default_project: Project, page: str, trains: bool
) -> None:
    """The commands of a page of the project work; what it trains evaluates equally."""
    before = {*default_project.path.glob("runs/fit-*")}
    doc_runner = DocRunner(default_project.path, default_project.path)
    doc_runner.run("source .venv/bin/activate")
    try:
        doc_runner.follow(default_project.path / "docs" / f"{page}.md")
    finally:
        default_project.run("git checkout --quiet src tests")
    if not trains:
        return
    # The loss of the whole model, with data in memory, equals that of the training.
    run = max({*default_project.path.glob("runs/fit-*")} - before)
    with (run / "metrics.csv").open() as file:
        *_, split = (row["val/loss"] for row in csv.DictReader(file) if row["val/loss"])
    last = run / "checkpoints" / "last.ckpt"
    default_project.run(f"python -m digit_recognizer validate --ckpt_path '{last}'")
    report = max(default_project.path.glob("runs/validate-*")) / "metrics.json"
    whole = json.loads(report.read_text())["loss"]
    assert float(split) == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize(
    ("file", "healthy", "broken", "message"),
    [
        (
            "model.py",
            "nn.Linear(flat_size, embedding_size)",
            "nn.Linear(flat_size - 1, embedding_size)",
            "in layer net.embedding (Linear) given (32, 512), validation batch 0",
        ),
        (
            "data.py",
            "self.raw[rows]), self.labels[rows]",
            "self.raw[rows]), self.labels[rows] + 1",
            "Target 10 is out of bounds in validation batch ",
        ),
    ],
)
def test_error_message_has_a_hint(
    default_project: Project, file: str, healthy: str, broken: str, message: str
) -> None:
    """An error in user code ends with its location, a hint and the saved files."""
    with default_project.sabotaged(file, healthy, broken):
        output = default_project.run("python -m digit_recognizer fit", succeeds=False)
    last = output.splitlines()[-1]
    assert message in last
    assert "nox -s debug -- shapes" in last
    for path in re.findall(r"runs/[\w/.-]+", last):
        assert (default_project.path / path).is_file()


@pytest.mark.night
def test_coverage_counts_notebooks_and_subprocesses(default_project: Project) -> None:
    """Lines that only a notebook or a subprocess runs count as covered."""
    command = "pytest -q --cov --cov-report=json:build/{name}.json {what}"
    source = f"src/{default_project.package}"
    started = "tests/toolkit/training/test_commands.py -k from_a_file"
    for name, what, file, code in (
        ("notebooks", "--nbmake notebooks", "evaluation.py", "F.cross_entropy("),
        (
            "commands",
            started,
            "task.py",
            "image = read_gray_picture(path, invert=invert)",
        ),
    ):
        with toolkit_tests(default_project.path):
            default_project.run(command.format(name=name, what=what))
        report = default_project.path / "build" / f"{name}.json"
        ran = json.loads(report.read_text())["files"][f"{source}/{file}"]
        lines = (default_project.path / source / file).read_text().splitlines()
        (number,) = (n for n, line in enumerate(lines, start=1) if code in line)
        assert number in ran["executed_lines"], name


def test_hook_versions_can_be_updated(default_project: Project) -> None:
    """`nox -s update-pins` updates the versions of all hooks."""
    hooks = default_project.path / ".pre-commit-config.yaml"
    healthy = hooks.read_text()
    old = re.sub(r"\bblack==[\d.]+", "black==24.1.0", healthy)
    assert old != healthy
    hooks.write_text(old)
    try:
        default_project.run("nox -s update-pins")
        raised = hooks.read_text()
    finally:
        hooks.write_text(healthy)
    assert "black==24.1.0" not in raised
    assert re.sub(r"==[\w.]+", "", raised) == re.sub(r"==[\w.]+", "", healthy)
