"""Are metrics, losses and predictions computed correctly?"""

import math

import pytest
import torch

from digit_recognizer.data import DIGITS, load_splits, targets
from digit_recognizer.evaluation import (
    concatenate,
    interpret,
    label_name,
    parse_label,
    score,
)
from digit_recognizer.model import Network
from digit_recognizer.prediction import embed, evaluate
from digit_recognizer.toolkit.errors import UserError

LOGITS = torch.full((3, DIGITS), -2.0)
LOGITS[0, 0] = LOGITS[1, 0] = LOGITS[2, 1] = 2.0
LABELS = targets([frozenset({0}), frozenset({0, 1}), frozenset({0})])


def test_score_by_hand() -> None:
    """Metrics of three examples equal those by hand."""
    evaluation = score(LOGITS.clone().requires_grad_(), LABELS)
    assert evaluation.predictions == [frozenset({0}), frozenset({0}), frozenset({1})]
    assert evaluation.correct.tolist() == [True, False, False]
    assert evaluation.errors.tolist() == [0, 1, 2]
    sure = 1 / (1 + math.exp(-2))
    assert evaluation.confidences.tolist() == pytest.approx([sure**DIGITS] * 3)
    # A wrong digit costs 2 nats more, and a strip the mean of its ten digits.
    losses = [-math.log(sure) + 0.2 * wrong for wrong in range(3)]
    assert evaluation.losses.tolist() == pytest.approx(losses)
    assert not evaluation.losses.requires_grad
    metrics = {"accuracy": 1 / 3, "loss": losses[1], "wrong_digits": 1}
    assert evaluation.metrics() == pytest.approx(metrics)


def test_answers_are_for_people() -> None:
    """Predictions are printed as digits and confidence."""
    confidence = (1 + math.exp(-2)) ** -DIGITS
    assert str(interpret(LOGITS)[2]) == f"1 ({confidence:.1%})"
    assert score(LOGITS, LABELS).describe_example(1) == {
        "label": "0+1",
        "prediction": "0",
        "confidence": f"{confidence:.4f}",
        "loss": f"{0.2 - math.log(confidence) / DIGITS:.4f}",
    }


@pytest.mark.parametrize("label", [frozenset(), frozenset({7}), frozenset({7, 1})])
def test_labels_have_names(label: frozenset[int]) -> None:
    """The name of a set is read back, and other names are refused."""
    assert parse_label(label_name(label)) == label
    with pytest.raises(UserError, match="is no label: write digits as "):
        parse_label(label_name(label) + "+")


def test_batches_do_not_change_the_result() -> None:
    """Metrics are means over examples, independent of the batch size."""
    whole = score(LOGITS, LABELS)
    parts = concatenate([score(LOGITS[:1], LABELS[:1]), score(LOGITS[1:], LABELS[1:])])
    assert parts.metrics() == whole.metrics()
    data, net = load_splits()["val"], Network()
    small, large = evaluate(net, data, batch_size=7), evaluate(net, data)
    torch.testing.assert_close(small.losses, large.losses)
    assert small.labels == data.labels


def test_embeddings_are_those_of_the_network() -> None:
    """Embeddings are those in evaluation mode, in the order of the data."""
    data, net = load_splits()["val"], Network().train()
    small = embed(net, data, batch_size=7)
    x, _ = data.batch([*range(len(data))])
    torch.testing.assert_close(small, net.eval().embed(x))
