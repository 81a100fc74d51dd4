"""Tensors in lists, tuples and dictionaries, as layers and steps return them."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor


def tensors(value: Any) -> Iterator[Tensor]:
    """Find the tensors in what a layer is given or returns."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from tensors([*value.values()])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tensors(each)


def returned_loss(output: Any) -> Tensor | None:
    """Return the loss in what `training_step` returns, if there is one."""
    loss = output.get("loss") if isinstance(output, Mapping) else output
    return loss if isinstance(loss, Tensor) else None


def shapes(value: Any) -> str:
    """Describe the tensors in what a layer is given or returns.

    Args:
        value: A tensor, or a list, tuple or dictionary of them.

    Returns:
        Their shapes.

    Examples:
        >>> import torch
        >>> shapes((torch.zeros(2, 3), {"mask": torch.zeros(2)}))
        '(2, 3) (2,)'
    """
    return " ".join(str(tuple(tensor.shape)) for tensor in tensors(value))


def finite(value: Any) -> bool:
    """Return whether all tensors in a value hold numbers, and no nan or inf."""
    return all(bool(tensor.isfinite().all()) for tensor in tensors(value))
