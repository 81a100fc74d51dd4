"""Error analysis: hard examples, label errors, slices."""

from .hard_examples import suspected_label_errors
from .label_review import load_review
from .slices import find_slices

__all__ = [
    "find_slices",
    "load_review",
    "suspected_label_errors",
]
