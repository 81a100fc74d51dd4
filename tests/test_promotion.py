"""A new model beside the one in use: the verdict is right, and names what is wrong.

These tests train.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.environment import overlay
from tests.projects import Project

pytestmark = pytest.mark.environment

# How the training data are damaged; the test data are not.
SPLIT = "    rows_of = split_indices(raw, labels)\n"
WITHOUT_CLASS_8 = """\
    train = rows_of["train"]
    rows_of["train"] = train[labels[train] != 8]
"""
NOISE = """\
    generator = np.random.default_rng(1)
    noisy = generator.permutation(rows_of["train"])[:431]  # 40 %
    labels[noisy] = generator.integers(0, 10, len(noisy))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A new project, in which a regression is an error, and no floor hides one."""
    project = Project(tmp_path_factory.mktemp("promotion") / "project", {})
    overlay(project.path)
    settings = project.path / "configs" / "comparison.yaml"
    settings.write_text("mode: enforce\n")
    return project


def compare(project: Project, *, succeeds: bool = True) -> dict[str, Any]:
    """Compare the newest run, and return the verdict."""
    output = project.run("nox -s compare", succeeds=succeeds)
    folder = project.path / "build" / "comparison"
    verdict: dict[str, Any] = json.loads((folder / "verdict.json").read_text())
    assert f"\n{verdict['verdict']}: {verdict['reason']}\n" in output
    assert (
        f"**{verdict['verdict']}**: {verdict['reason']}."
        in (folder / "card.md").read_text()
    )
    return verdict


@pytest.mark.parametrize(
    ("damage", "options", "name"),
    [
        pytest.param(WITHOUT_CLASS_8, "", "class 8 (0.0%", id="without a class"),
        pytest.param(
            NOISE,
            "",
            "worse on all (",
            id="two labels of five are random",
            marks=pytest.mark.night,
        ),
        pytest.param(
            "",
            "--trainer.max_epochs=1",
            "worse on all (",
            id="hardly trained",
            marks=pytest.mark.night,
        ),
    ],
)
def test_damaged_model_is_a_regression(
    project: Project, damage: str, options: str, name: str
) -> None:
    """By the name of the suite that it is worse on."""
    with project.sabotaged("data.py", SPLIT, SPLIT + damage):
        project.run(f"python -m {project.package} fit {options}")
    verdict = compare(project, succeeds=False)
    assert verdict["verdict"] == "regress"
    assert name in verdict["reason"]


@pytest.mark.night
def test_equal_model_is_kept(project: Project) -> None:
    """Another seed is another model, as good as the first.

    An old experiment is tried again before it, and another one is too old.
    """
    configs = project.path / "configs"
    small, removed = "model: {width: 4}", "model: {layers: 4}"
    for name, model in (("small", small), ("old", removed)):
        limit = "trainer: {max_epochs: 1}"
        (configs / f"{name}.yaml").write_text(f"retrain: true\n{model}\n{limit}\n")
    retrain = "nox -s retrain -- --seed_everything=2"
    output = project.run(retrain, succeeds=False)
    assert re.search(r"\nconfigs/old.yaml +0 +0 +did not begin\n", output)
    assert re.search(r"\nconfigs/small.yaml .+ runs/fit-\d+\n", output)
    assert re.search(r"\nconfigs/default.yaml .+ runs/fit-\d+\n", output)
    assert compare(project)["verdict"] == "keep"
    for name in ("small", "old"):
        (configs / f"{name}.yaml").unlink()


@pytest.mark.night
def test_better_model_is_promoted_and_taken_back(project: Project) -> None:
    """It is better than one of a single epoch, which was promoted on request."""
    path = project.path
    run = f"python -m {project.package}"
    project.run(f"{run} fit --trainer.max_epochs=1")
    refused = project.run(f"{run} promote", succeeds=False)
    assert "worse on " in refused
    assert project.run("git status --porcelain models") == ""
    project.run(f"{run} promote --even-if-worse")
    project.run("git add --all && git commit --quiet --message=Worse")
    project.run(f"{run} fit --trainer.max_epochs=5")
    assert compare(project)["verdict"] == "promote"
    # What it proposes is what promoting it does.
    project.run(f"{run} promote")
    proposed = path / "build" / "comparison" / "production"
    production = path / "models" / "production"
    for file in production.iterdir():
        assert (proposed / file.name).read_bytes() == file.read_bytes()
    changed = project.run("git status --porcelain").split()[1::2]
    assert {str(Path(name).parent) for name in changed} == {"models/production"}
    project.run("pytest -q tests/model")
    # The way back is that of any change.
    before = project.run("git show HEAD:models/production/record.json")
    project.run("git add --all && git commit --quiet --message=Better")
    project.run("git revert --no-edit HEAD")
    assert (production / "record.json").read_text() == before
    project.run("pytest -q tests/model -k 'golden or metrics'")
