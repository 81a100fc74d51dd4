"""Does the comparison of training curves find differences beyond the tolerance?"""

import json
import math
from pathlib import Path

import pytest

from tests.helpers.curve import Curve, Tolerance, accept, difference

TOLERANCE = Tolerance(steps=2, close=1e-3, rough=0.1)
RECORDED: Curve = {"losses": [2.0, 1.5, 1.0], "metrics": {"val/loss": 0.5}}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"losses": [2.0001, 1.5, 1.05]}, None, id="a little"),
        pytest.param({"losses": [2.0, 1.51, 1.0]}, "step 2", id="an early step"),
        pytest.param({"losses": [2.0, 1.5, 1.2]}, "step 3", id="a late step"),
        pytest.param({"losses": [2.0, 1.5]}, "step 3", id="a step too few"),
        pytest.param({"losses": [2.0, 1.5, 1.0, 0.9]}, "step 4", id="one too many"),
        pytest.param({"losses": [2.0, 1.5, math.nan]}, "step 3", id="no number"),
        pytest.param({"metrics": {"val/loss": 0.6}}, "val/loss", id="a metric"),
        pytest.param({"metrics": {}}, "val/loss", id="a metric is missing"),
    ],
)
def test_difference_names_steps_and_metrics(
    change: dict[str, object], named: str | None
) -> None:
    """Only the step or metric beyond its tolerance is named."""
    lines = difference(RECORDED, RECORDED | change, TOLERANCE).splitlines()
    assert [line[:9].strip() for line in lines[1:]] == ([named] if named else [])


def test_accepting_keeps_other_accelerators(tmp_path: Path) -> None:
    """A new CPU curve does not replace the recorded GPU curve."""
    path = tmp_path / "curve.json"
    accept(path, "gpu", RECORDED)
    accept(path, "cpu", RECORDED | {"losses": [3.0]})
    curves = json.loads(path.read_text())
    assert curves["gpu"] == RECORDED
    assert curves["cpu"]["losses"] == [3.0]


@pytest.mark.parametrize("losses", [[], [math.nan], [2.0, math.inf]])
def test_empty_or_nonfinite_curve_is_refused(
    tmp_path: Path, losses: list[float]
) -> None:
    """A curve without steps, or with a non-finite loss, is not recorded."""
    with pytest.raises(ValueError, match=r"step \d is|took no step"):
        accept(tmp_path / "curve.json", "cpu", RECORDED | {"losses": losses})
    assert not (tmp_path / "curve.json").exists()
