"""Tensors in batches, and in what layers and steps return."""

from collections.abc import Iterator, Mapping, Sized
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor, nn


def tensors(value: Any) -> Iterator[Tensor]:
    """Find the tensors in lists, tuples, dictionaries and attributes of objects."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors([*value.values()])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tensors(each)
    elif is_dataclass(value):
        yield from tensors([getattr(value, field.name) for field in fields(value)])
    elif hasattr(value, "__dict__") and not isinstance(value, nn.Module):
        # A batch may be an object of its own. Other objects in it may refer to it.
        for part in vars(value).values():
            if isinstance(part, Tensor | Mapping | list | tuple):
                yield from tensors(part)


def batch_size(batch: Any) -> int:
    """Count the examples in a batch.

    Args:
        batch: What a loader yields.

    Returns:
        The length of the first tensor that is no single number, or else of the batch.

    Examples:
        >>> import torch
        >>> batch_size({"inputs": torch.zeros(3, 8), "weight": torch.zeros(())})
        3
    """
    for part in tensors(batch):
        if part.ndim:
            return len(part)
    return len(batch) if isinstance(batch, Sized) else 1


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
