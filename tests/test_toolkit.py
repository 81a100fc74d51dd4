"""The tests of managed code pass in a generated project.

They are in tests/toolkit/ and not in projects, because teams cannot fix managed code.
They are written for the default package.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import overlay
from tests.projects import Project, skips, toolkit_tests

pytestmark = pytest.mark.environment

# Mutation testing in projects leaves the toolkit out. So faults in its code are listed
# here: module, code, fault, and the tests that catch it. A fault whose code is gone is
# an error.
FAULTS = [
    (
        "analysis/hard_examples.py",
        "low, high = known.quantile",
        "high, low = known.quantile",
        "analysis",
    ),
    (
        "analysis/slices.py",
        "where(inside, -torch.inf).argsort(descending=True)",
        "where(inside, -torch.inf).argsort()",
        "analysis",
    ),
    ("cli/parser.py", "if name in REMOVED:", "if name is REMOVED:", "cli"),
    ("cli/parser.py", "return 130", "return 0", "cli"),
    (
        "debug/gradient_norms.py",
        "torch.stack(gradients).norm()",
        "torch.stack(gradients).sum()",
        "debug",
    ),
    (
        "debug/overfit.py",
        "self.loss <= self.loss_fraction * self.first",
        "self.loss <= self.first",
        "debug",
    ),
    (
        "evaluation/evaluation_set.py",
        "**task.suites(data)}",
        "}",
        "evaluation/test_suites.py",
    ),
    (
        "evaluation/evaluation_set.py",
        "if split == TRAIN_SPLIT:",
        "if split is None:",
        "evaluation/test_suites.py",
    ),
    (
        "evaluation/model_card.py",
        "~new.correct & old",
        "~new.correct",
        "evaluation/test_promotion.py",
    ),
    (
        "evaluation/model_store.py",
        'if hashlib.sha256(content).hexdigest() != record["sha256"]:',
        "if not content:",
        "evaluation/test_promotion.py",
    ),
    (
        "evaluation/promotion.py",
        'if comparison.result.verdict == "regress" and not even_if_worse:',
        "if False:",
        "evaluation/test_promotion.py",
    ),
    (
        "evaluation/significance.py",
        "weight = 0.5 if name == ALL",
        "weight = 1 if name == ALL",
        "evaluation/test_significance.py",
    ),
    (
        "figures/reports.py",
        "cells = true * size +",
        "cells = true +",
        "figures",
    ),
    (
        "figures/reports.py",
        "argsort(descending=True)[:count]",
        "argsort()[:count]",
        "figures",
    ),
    (
        "performance/step_cost.py",
        "if key in self._alive:",
        "if key is self._alive:",
        "performance/test_step_cost.py performance/test_overhead.py",
    ),
    (
        "run_records/folders.py",
        "max(map(_number, runs_dir.iterdir()), default=0) + 1",
        "len([*runs_dir.iterdir()]) + 1",
        "run_records",
    ),
    (
        "run_records/folders.py",
        'if not training["finished"] and not even_if_stopped_early:',
        "if False:",
        "run_records",
    ),
    (
        "run_records/recipes.py",
        "return [*given, *wanted, *others]",
        "return [*wanted, *given, *others]",
        "run_records",
    ),
    (
        "run_records/commands.py",
        "sorted(found, key=lambda path: path == folder / paths.default_config().name)",
        "found",
        "run_records",
    ),
    (
        "scaling/fraction.py",
        "trainer.fit_loop.epoch_loop.max_steps = min(limit, whole_training)",
        "pass",
        "scaling",
    ),
    (
        "serving/labelling.py",
        "sorted(new.items())[:count]",
        "[*new.items()][:count]",
        "serving",
    ),
    (
        "serving/shadow.py",
        "if before != after]",
        "if before == after]",
        "serving",
    ),
    (
        "training/commands.py",
        "if value != before:",
        "if value is None:",
        "training/test_commands.py",
    ),
    (
        "training/processes.py",
        "interleaved[:count]",
        "interleaved",
        "training/test_processes.py",
    ),
    (
        "training/divergence_guard.py",
        "if not math.isfinite(value):",
        "if math.isnan(value):",
        "training/test_divergence_guard.py",
    ),
    (
        "training/error_hints.py",
        '-1 if kind == "loading" else 0',
        "0",
        "training/test_error_hints.py",
    ),
    (
        "scaling/fine_tuning.py",
        "part.eval()",
        "part.train()",
        "scaling/test_fine_tuning.py",
    ),
    (
        "interface.py",
        "_loaded[load] = MappingProxyType(load())",
        "_loaded[load] = load()",
        "test_interface.py",
    ),
    (
        "paths.py",
        "return path if path.exists() else root() / path",
        "return path",
        "test_paths.py training/test_commands.py",
    ),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A new project with the tests of the toolkit."""
    project = Project(tmp_path_factory.mktemp("a project") / "project", {})
    overlay(project.path)
    with toolkit_tests(project.path):
        yield project


def test_fast_tests_of_the_toolkit_pass(project: Project) -> None:
    """All fast tests of the toolkit pass in a new project, without skips."""
    output = project.run("pytest --quiet tests/toolkit")
    assert skips(output) == []


@pytest.mark.night
@pytest.mark.parametrize(("module", "healthy", "broken", "tests"), FAULTS)
def test_fault_in_the_toolkit_is_caught(
    project: Project, module: str, healthy: str, broken: str, tests: str
) -> None:
    """The tests of a room fail for a fault in its code."""
    named = " ".join(f"tests/toolkit/{test}" for test in tests.split())
    with project.sabotaged(f"toolkit/{module}", healthy, broken):
        output = project.run(f"pytest --quiet --exitfirst {named}", succeeds=False)
    assert "1 failed" in output  # and no error of another kind


@pytest.mark.night
def test_slow_tests_of_the_toolkit_pass(project: Project) -> None:
    """The slow tests of the toolkit, which start several processes, pass."""
    project.run("pytest --quiet -m slow tests/toolkit")


@pytest.mark.night
def test_types_of_the_toolkit_tests_pass(project: Project) -> None:
    """The tests of the toolkit pass the type checks."""
    project.run("mypy tests")


def test_toolkit_tests_follow_the_package_name(tmp_path: Path) -> None:
    """The copied tests use the project's package name and are removed afterwards."""
    project = Project(tmp_path / "project", {"package_name": "m"})
    with toolkit_tests(project.path) as folder:
        (text,) = (
            path.read_text("utf-8")
            for path in (project.path / folder).glob("test_paths.py")
        )
        assert "from m.toolkit import paths\n" in text
    assert project.run("git status --porcelain") == ""
