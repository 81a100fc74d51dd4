"""Is it known what users would be told otherwise, before they are?"""

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
    """Says something else than another network.

    Args:
        net: The other.
        factor: What its outputs are multiplied by.
    """

    def __init__(self, net: nn.Module, factor: float) -> None:
        super().__init__()
        self.net, self.factor = net, factor

    def forward(self, x: Tensor) -> Tensor:
        """Return outputs (B, K) for inputs (B, ...)."""
        outputs: Tensor = self.net(x)
        return outputs * self.factor


def data() -> Any:
    """The split that questions are taken from, too."""
    return task.load_splits()["test"]


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """A few questions, and some of them again."""
    raw = data().raw[:3]
    for examples in (raw, raw[:2]):
        count = len(examples)
        log_predictions(
            tmp_path / "log", Path("a"), "", examples, range(count), [[]] * count
        )
    return [tmp_path / "log"]


def test_what_is_answered_otherwise_is_counted(logs: list[Path]) -> None:
    """Each question once."""
    net = load_production()
    same = replay(logs, data(), net, net)
    assert (len(same.before), same.changed) == (3, [])
    assert str(same) == "0 of 3 predictions change (0.0%)"
    other = replay(logs, data(), net, Other(net, -1))
    assert other.changed == [0, 1, 2]
    labels = task.evaluate(net, data()).predictions[:3]
    assert other.before == [task.label_name(label) for label in labels]


def test_answer_that_is_no_number_is_an_error(logs: list[Path]) -> None:
    """Before users meet it."""
    net = load_production()
    with pytest.raises(UserError, match="predicts nan for a request in .*log"):
        replay(logs, data(), net, Other(net, torch.nan))


def test_no_questions(tmp_path: Path) -> None:
    """An empty log is no trial."""
    (tmp_path / "log").touch()
    net = load_production()
    with pytest.raises(UserError, match="there are no predictions in .*log"):
        replay([tmp_path / "log"], data(), net, net)


def test_some_are_drawn() -> None:
    """Those that get another answer, and not too many."""
    questions = data()
    count = len(questions)
    same = ["a"] * count
    assert (
        len(draw_changed(ShadowEvaluation(questions, same, ["b"] * count)).axes)
        == MAX_PICTURES
    )
    (axes,) = draw_changed(
        ShadowEvaluation(questions, same, ["a", "b", *same[2:]])
    ).axes
    assert axes.get_title() == "a, now b"


def test_result_names_the_model(tmp_path: Path) -> None:
    """By its weights, with how many answers change."""
    shadow = ShadowEvaluation(data(), ["a", "b"], ["a", "c"])
    shadow.write("0123", tmp_path)
    facts = json.loads((tmp_path / SHADOW_RESULT).read_text())
    assert facts == {"sha256": "0123", "requests": 2, "changed": 1}
