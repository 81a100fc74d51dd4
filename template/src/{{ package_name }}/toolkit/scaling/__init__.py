"""What more data would bring, and what a larger model."""

from .fraction import Scale
from .scaling_study import Studies

__all__ = [
    "Scale",
    "Studies",
]
