"""Does a shadow evaluation count the predictions that would change?"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.evaluation import SHADOW_RESULT, load_production
from digit_recognizer.toolkit.interface import task
from digit_recognizer.toolkit.serving.prediction_log import log_predictions
from digit_recognizer.toolkit.serving.shadow import (
    MAX_PICTURES,
    ShadowEvaluation,
    draw_changed,
    replay,
)

pytestmark = pytest.mark.task_interface


class Other(nn.Module):
    """Predicts something else than another network.

    Args:
        net: The other network.
        factor: Multiplies the outputs.
    """

    def __init__(self, net: nn.Module, factor: float) -> None:
        super().__init__()
        self.net, self.factor = net, factor

    def forward(self, x: Tensor) -> Tensor:
        """Return outputs (B, K) for inputs (B, ...)."""
        outputs: Tensor = self.net(x)
        return outputs * self.factor


def data() -> Any:
    """Return the split that the requests are taken from."""
    return task.load_splits()["test"]


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """A prediction log with three requests, two of them repeated."""
    raw = data().raw[:3]
    for examples in (raw, raw[:2]):
        count = len(examples)
        log_predictions(
            tmp_path / "log", Path("a"), "", examples, range(count), [[]] * count
        )
    return [tmp_path / "log"]


def test_changed_predictions_are_counted(logs: list[Path]) -> None:
    """A repeated request counts once."""
    net = load_production()
    same = replay(logs, net, net)
    assert (len(same.before), same.changed) == (3, [])
    assert str(same) == "0 of 3 predictions change (0.0%)"
    other = replay(logs, net, Other(net, -1))
    assert other.changed == [0, 1, 2]
    labels = task.evaluate(net, data()).predictions
    assert other.before == [task.label_name(labels[row]) for row in range(3)]


def test_nan_prediction_is_an_error(logs: list[Path]) -> None:
    """A candidate that predicts nan for a logged request is refused."""
    net = load_production()
    with pytest.raises(UserError, match="predicts nan for a request in .*log"):
        replay(logs, net, Other(net, torch.nan))


def test_empty_log_is_an_error(tmp_path: Path) -> None:
    """A log without requests cannot be replayed."""
    (tmp_path / "log").touch()
    net = load_production()
    with pytest.raises(UserError, match="there are no predictions in .*log"):
        replay([tmp_path / "log"], net, net)


def test_changed_predictions_are_drawn() -> None:
    """Pictures are limited to MAX_PICTURES."""
    requests = data()
    count = len(requests)
    same = ["a"] * count
    assert (
        len(draw_changed(ShadowEvaluation(requests, same, ["b"] * count)).axes)
        == MAX_PICTURES
    )
    (axes,) = draw_changed(ShadowEvaluation(requests, same, ["a", "b", *same[2:]])).axes
    assert axes.get_title() == "a, now b"


def test_result_has_the_checksum_of_the_model(tmp_path: Path) -> None:
    """The file also has the number of requests and of changed predictions."""
    shadow = ShadowEvaluation(data(), ["a", "b"], ["a", "c"])
    shadow.write("0123", tmp_path)
    facts = json.loads((tmp_path / SHADOW_RESULT).read_text())
    assert facts == {"sha256": "0123", "requests": 2, "changed": 1}
