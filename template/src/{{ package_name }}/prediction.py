"""Prediction: from raw examples to labels, as in production."""

import torch
from torch import Tensor, nn

from .data import preprocess
from .evaluation import Prediction, interpret


@torch.inference_mode()
def predict(net: nn.Module, raw: Tensor) -> list[Prediction]:
    """Predict the label of each example.

    Args:
        net: Maps inputs (B, ...) to outputs (B, K); put in evaluation mode.
        raw: Examples as in the data, shape (B, ...).

    Returns:
        A prediction per example.
    """
    net.eval()
    return interpret(net(preprocess(raw)))
