"""Behavioural tests of the production model."""

import torch

from digit_recognizer.data import load_splits
from digit_recognizer.prediction import predict
from digit_recognizer.toolkit.evaluation import load_production
from tests.plugins.behaviour import Checklist

MAX_FAILURE_RATES: dict[str, float] = {}  # a test that is not here allows no failure


def test_order_of_digits(checklist: Checklist) -> None:
    """The order of the digits does not change the prediction."""
    data, net = load_splits()["val"], load_production()
    turned = [torch.cat(strip.split(8, dim=1)[::-1], dim=1) for strip in data.raw]
    before, after = (
        [prediction.label for prediction in predict(net, raw)]
        for raw in (data.raw, turned)
    )
    checklist.invariance("order", before, after, data.digests())
