"""Prediction: the forward passes of a trained network, in plain PyTorch."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from .data import Examples, preprocess
from .evaluation import Evaluation, Prediction, concatenate, interpret, score
from .model import Network


@torch.inference_mode()
def predict(net: nn.Module, raw: Any) -> list[Prediction]:
    """Predict the label of each example, as in production.

    Args:
        net: Maps inputs (B, ...) to outputs (B, ...); put in evaluation mode.
        raw: B examples as in the data.

    Returns:
        A prediction per example.
    """
    net.eval()
    return interpret(net(preprocess(raw)))


@torch.inference_mode()
def evaluate(
    net: nn.Module,
    data: Examples,
    batch_size: int = 256,  # pragma: no mutate -- any gives the same
) -> Evaluation:
    """Evaluate a network on one split.

    Args:
        net: Maps inputs (B, ...) to outputs (B, ...); put in evaluation mode.
        data: The examples.
        batch_size: Examples per forward pass; does not change the result.

    Returns:
        The evaluation of all examples, in their order.
    """
    net.eval()
    return concatenate(
        [score(net(x), labels) for x, labels in _batches(data, batch_size)]
    )


@torch.inference_mode()
def embed(
    net: Network,
    data: Examples,
    batch_size: int = 256,  # pragma: no mutate -- any gives the same
) -> Tensor:
    """Return the embedding of each example of one split.

    Args:
        net: Put in evaluation mode.
        data: The examples.
        batch_size: Examples per forward pass; does not change the result.

    Returns:
        Embeddings, shape (N, D), in the order of the data.
    """
    net.eval()
    return torch.cat([net.embed(x) for x, _ in _batches(data, batch_size)])


def _batches(data: Examples, size: int) -> Iterator[tuple[Any, Any]]:
    """Yield inputs (B, ...) and labels batch by batch, in order."""
    for start in range(0, len(data), size):
        yield data.batch([*range(start, min(start + size, len(data)))])
