"""Prediction: what is this?"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .data import CLASSES, to_tensor


class Prediction(NamedTuple):
    """The most likely class and its probability, from 0 to 1."""

    label: str
    confidence: float


@torch.inference_mode()
def predict(net: nn.Module, images: Tensor) -> list[Prediction]:
    """Predict the class of each image.

    Args:
        net: Maps inputs (B, 1, 8, 8) to logits (B, 10); put in evaluation mode.
        images: Raw pixels, uint8 from 0 to 16, shape (B, 8, 8).

    Returns:
        A prediction per image.
    """
    net.eval()
    probabilities = net(to_tensor(images)).softmax(dim=1)  # (B, 10)
    confidences, classes = probabilities.max(dim=1)  # (B,), (B,)
    return [
        Prediction(CLASSES[index], confidence)
        for index, confidence in zip(
            classes.tolist(), confidences.tolist(), strict=True
        )
    ]
