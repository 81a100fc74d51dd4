"""The first hour of a team: from nothing to a project of its own data, as a script.

Run `python3 start.py night-tests -- -s tests/test_first_hour.py` to see the times.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.environment import overlay
from tests.helpers import commit
from tests.projects import Project

pytestmark = [pytest.mark.night, pytest.mark.environment]

# A scanner writes gray levels from 0 to 255: a label and 64 pixels in each line.
SCANS = """
import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
lighter = np.clip(digits.images[:300] - 1, 0, None)
pixels = np.concatenate([digits.images, lighter]).reshape(-1, 64)
labels = np.concatenate([digits.target, digits.target[:300]])
rows = np.column_stack([labels, np.rint(pixels * 255 / 16)])
np.savetxt("data/scans.csv", rows, fmt="%d", delimiter=",")
"""
OLD_DATA = """    # Imported here: prediction needs this module, but not scikit-learn.
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images.astype(np.uint8), digits.target.astype(np.int64)
"""
NEW_DATA = """    path = Path(__file__).resolve().parents[2] / "data" / "scans.csv"
    rows = np.loadtxt(path, dtype=np.int64, delimiter=",")
    images = rows[:, 1:].reshape(-1, IMAGE_SIZE, IMAGE_SIZE)  # (N, 8, 8)
    return images.astype(np.uint8), rows[:, 0]
"""
IN_OUR_UNIT = "np.rint(images * MAX_INK / 255).astype(np.uint8)"


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print how long a step took."""
    start = time.perf_counter()
    yield
    print(f"{time.perf_counter() - start:6.0f} s  {name}")


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that a file has once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} is not in {path} exactly once"
    path.write_text(text.replace(old, new))


def test_first_hour(tmp_path: Path) -> None:
    """A team generates a project, takes its own data, and two tests catch mistakes."""
    with step("generate the project, and commit it"):
        answers = {"project_name": "Digit Recognizer", "practices": "core"}
        project = Project(tmp_path / "project", answers)
    with step("set up the environment"):
        overlay(project.path)
    with step("all tests pass"):
        project.run("nox -s tests")
    with step("predict with the model that is there"):
        output = project.run("python -m digit_recognizer predict tests/model/seven.png")
        assert "seven.png: 7 (" in output

    with step("read our own data instead of the example"):
        (project.path / "data").mkdir()
        (project.path / "scans.py").write_text(SCANS)
        project.run("python scans.py && rm scans.py")
        data = project.path / "src" / "digit_recognizer" / "data.py"
        edit(data, OLD_DATA, NEW_DATA)
        edit(data, "from dataclasses", "from pathlib import Path\nfrom dataclasses")
    with step("an expectation test catches that the scanner has another unit"):
        output = project.run("nox -s tests -- tests/data", succeeds=False)
        assert "ink_max" in output
    with step("convert the unit: tests of the data pass"):
        edit(data, "images.astype(np.uint8)", IN_OUR_UNIT)
        project.run("nox -s tests -- tests/data")
    with step("train a model of our data, and make it the production model"):
        project.run("nox -s promote -- --trainer.accelerator=cpu")
        project.run("nox -s update-curve")
    with step("all tests pass, with the new model and the new curve"):
        project.run("nox -s tests")
        commit(project.path, "Our own data, and a model of them")

    with step("a test of training catches a loss that is summed, not averaged"):
        training = project.path / "src" / "digit_recognizer" / "training.py"
        edit(training, "losses.mean()", "losses.sum()")
        output = project.run("nox -s tests -- tests/training", succeeds=False)
        assert "TestCurve::test_training_begins_as_recorded" in output
        assert "test_first_loss_is_that_of_chance" in output
    with step("take the mistake back"):
        project.run("git checkout src && nox -s tests -- tests/training")
