"""Errors: hard examples, wrong labels, and what errors have in common."""

from .hard_examples import suspects
from .label_review import load_review
from .slices import find_slices

__all__ = [
    "find_slices",
    "load_review",
    "suspects",
]
