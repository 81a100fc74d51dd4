"""Training by Lightning: divergence, error hints, interrupts, several processes."""

from .distributed import gather
from .fine_tuning import FineTune
from .nested_tensors import batch_size, returned_loss, shapes, tensors

__all__ = [
    "FineTune",
    "batch_size",
    "gather",
    "returned_loss",
    "shapes",
    "tensors",
]
