"""Scaling studies: the gain from more data or a larger model."""

from .fraction import TrainOnFraction
from .scaling_study import ScalingStudies

__all__ = [
    "ScalingStudies",
    "TrainOnFraction",
]
