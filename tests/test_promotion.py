"""The comparison of a new model with the production model gives correct verdicts.

These tests train models.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.environment import overlay
from tests.projects import Project

pytestmark = pytest.mark.environment

# Faults in the training data; the test data stay unchanged.
SPLIT = """\
    return {name: data.select(rows) for name, rows in split_indices(data).items()}
"""
DAMAGED = """\
    splits = {name: data.select(rows) for name, rows in split_indices(data).items()}
    train = splits["train"]
DAMAGE
    return splits | {"train": train}
"""
WITHOUT_CLASS_8 = """\
    train = train.select([row for row, label in enumerate(train.labels) if label != 8])
"""
NOISE = """\
    generator = np.random.default_rng(1)
    noisy = generator.permutation(len(train))[:431]  # 40 %
    train.labels[noisy] = torch.from_numpy(generator.integers(0, 10, len(noisy)))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A new project in which a regression is an error, without thresholds."""
    project = Project(tmp_path_factory.mktemp("promotion") / "project", {})
    overlay(project.path)
    settings = project.path / "configs" / "comparison.yaml"
    settings.write_text("mode: enforce\n")
    return project


def compare(project: Project, *, succeeds: bool = True) -> dict[str, Any]:
    """Compare the newest run with production and return the verdict."""
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
    """A model from damaged training is a regression, named by its suite."""
    with project.sabotaged("data.py", SPLIT, DAMAGED.replace("DAMAGE", damage)):
        project.run(f"python -m {project.package} fit {options}")
    verdict = compare(project, succeeds=False)
    assert verdict["verdict"] == "regress"
    assert name in verdict["reason"]


@pytest.mark.night
def test_equal_model_is_not_promoted(project: Project) -> None:
    """A model with another seed is not promoted, as it is no better.

    Retraining also runs an old experiment, and reports one whose settings are outdated.
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
def test_better_model_is_promoted_and_reverted(project: Project) -> None:
    """A better model is promoted, a worse one only on request; git can revert it."""
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
    # The proposed files equal those of the promotion.
    project.run(f"{run} promote")
    proposed = path / "build" / "comparison" / "production"
    production = path / "models" / "production"
    for file in production.iterdir():
        assert (proposed / file.name).read_bytes() == file.read_bytes()
    changed = project.run("git status --porcelain").split()[1::2]
    assert {str(Path(name).parent) for name in changed} == {"models/production"}
    project.run("pytest -q tests/model")
    # The promotion can be reverted like any commit.
    before = project.run("git show HEAD:models/production/record.json")
    project.run("git add --all && git commit --quiet --message=Better")
    project.run("git revert --no-edit HEAD")
    assert (production / "record.json").read_text() == before
    project.run("pytest -q tests/model -k 'golden or metrics'")
