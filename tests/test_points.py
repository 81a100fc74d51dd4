"""Each point of the ML Test Score is lost when an injected fault breaks its test."""

import re
import shlex
from typing import NamedTuple

import pytest

from tests.environment import overlay
from tests.helpers import ROOT, commit
from tests.projects import Project

# A plugin that selects the tests that claim a point.
ONLY_POINT = """
import os


def pytest_collection_modifyitems(items):
    point = os.environ["POINT"]
    items[:] = [
        item
        for item in items
        if any(point in mark.args for mark in item.iter_markers("ml_test_score"))
    ]
"""
CLAIMS = "POINT={point} pytest -q -p only_point -m 'slow or not slow' tests"


class Fault(NamedTuple):
    """A fault that removes a point.

    Attributes:
        point: A point of the score.
        file: The file with the fault.
        healthy: A text that occurs once in it.
        broken: The replacement.
    """

    point: str
    file: str
    healthy: str
    broken: str


PACKAGE = "src/digit_recognizer"
FAULTS = [
    Fault(
        "data.1",
        f"{PACKAGE}/data.py",
        "return digits.images.astype(np.uint8)",
        "return (digits.images * 2).astype(np.uint8)",
    ),
    Fault(
        "data.3",
        f"{PACKAGE}/data.py",
        "return raw.unsqueeze(-3).float() / MAX_INK",
        "return torch.stack([one.float() / MAX_INK for one in raw]).unsqueeze(-3)",
    ),
    Fault(
        "data.7",
        f"{PACKAGE}/data.py",
        "return raw.unsqueeze(-3).float() / MAX_INK",
        "return raw.unsqueeze(-3).float()",
    ),
    Fault(
        "model.5",
        f"{PACKAGE}/toolkit/evaluation/model_store.py",
        "        net.load_state_dict(load(content))\n",
        "",
    ),
    Fault(
        "model.6",
        f"{PACKAGE}/evaluation.py",
        "return self.predictions == self.labels",
        "return (self.predictions == self.labels) & (self.labels != 3)",
    ),
    Fault(
        "infra.1",
        f"{PACKAGE}/training.py",
        "losses = example_losses",
        "torch.seed()\n        losses = example_losses",
    ),
    Fault("infra.2", f"{PACKAGE}/training.py", "losses.mean()", "losses.sum()"),
    Fault(
        "infra.3",
        f"{PACKAGE}/training.py",
        "losses.mean()",
        "losses.mean() * 0",
    ),
    Fault(
        "infra.4",
        f"{PACKAGE}/model.py",
        "return self.embedding(x).relu()",
        "return self.embedding(x).relu() * 0",
    ),
    Fault("infra.5", "configs/debug/shapes.yaml", "class_path: LayerTable", "[]"),
    Fault("infra.6", "models/production/shadow.json", '"sha256": "', '"sha256": "0'),
    Fault(
        "infra.7",
        f"{PACKAGE}/toolkit/paths.py",
        '"models" / "production"',
        '"models" / "elsewhere"',
    ),
    Fault(
        "monitor.1", ".github/dependabot.yml", "package-ecosystem: uv", "package-x: uv"
    ),
    Fault(
        "monitor.2",
        f"{PACKAGE}/toolkit/evaluation/predict.py",
        "if not low <= value <= high:",
        "if not 0 <= value:",
    ),
    Fault(
        "monitor.3",
        f"{PACKAGE}/prediction.py",
        "net(preprocess(raw))",
        "net(preprocess(raw).flip(-1))",
    ),
    Fault(
        "monitor.5",
        f"{PACKAGE}/model.py",
        "x = self.standardize(x)  # (B, 1, 8, 8)",
        "x = self.standardize(x) / x.sum((1, 2, 3), keepdim=True)",
    ),
    Fault(
        "monitor.6",
        f"{PACKAGE}/training.py",
        "losses = example_losses",
        "[self.net(x[:1]) for _ in x]\n        losses = example_losses",
    ),
    Fault(
        "monitor.7",
        f"{PACKAGE}/toolkit/evaluation/model_store.py",
        "        net.load_state_dict(load(content))\n",
        "",
    ),
]
# Simulates labelled requests and a shadow evaluation.
IN_USE = """
from datetime import datetime, timezone
from digit_recognizer.task import (
    label_name, load_splits
)
from digit_recognizer.toolkit import paths
from digit_recognizer.toolkit.evaluation import load_production, load_record
from digit_recognizer.toolkit.serving import (
    LabelRequest,
    log_predictions,
    replay,
    write_label_requests,
)

data, now = load_splits()["test"], datetime.now(timezone.utc).isoformat()
pairs = list(zip(data.raw.tolist(), data.labels))[:20]
write_label_requests(
    [LabelRequest(label_name(label), now, raw) for raw, label in pairs]
)
net, asked = load_production(), paths.production() / "asked"
log_predictions(asked, asked, "", data.raw[:20], range(20), [[]] * 20)
shadow = replay([asked], net, net)
shadow.write(load_record()["sha256"], paths.production())
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a lock, labelled requests and a shadow evaluation."""
    folder = tmp_path_factory.mktemp("a project")
    project = Project(folder / "project", {})
    (project.path / "uv.lock").touch()
    commit(project.path, "Lock")
    overlay(project.path)
    project.run(f"python -c {shlex.quote(IN_USE)}")
    (folder / "only_point.py").write_text(ONLY_POINT)
    project.environ["PYTHONPATH"] = str(folder)
    # A new project skips these tests.
    tests = "tests/test_evidence.py tests/model/test_feedback.py"
    some = "-k 'new_versions or shadow_evaluation or in_production'"
    assert "3 passed" in project.run(f"pytest -q {tests} {some}")
    return project


def test_every_claimed_point_has_a_fault() -> None:
    """The list has a fault for each point that the tests of a new project claim."""
    folder = ROOT / "template"
    tests = [*folder.glob("**/test_*.py*"), *folder.glob("tests/helpers/*.py*")]
    texts = [path.read_text("utf-8") for path in tests]
    claims = re.findall(r"ml_test_score\((.*)\)", "\n".join(texts))
    points = re.findall(r'"([a-z]+\.\d)"', "".join(claims))
    # monitor.4 is the age of the model, which tests/test_generated.py checks.
    assert {*points} == {*(fault.point for fault in FAULTS), "monitor.4"}


@pytest.mark.night
@pytest.mark.environment
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.point)
def test_fault_removes_the_point(project: Project, fault: Fault) -> None:
    """A test that claims the point fails, so the point does not count."""
    with project.broken(fault.file, fault.healthy, fault.broken):
        output = project.run(CLAIMS.format(point=fault.point), succeeds=False)
    assert re.search(r"^FAILED tests/", output, re.MULTILINE), output
