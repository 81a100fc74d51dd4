"""The gain from more data or a larger model; fine-tuning on few examples."""

from .fine_tuning import FineTune
from .fraction import TrainOnFraction
from .scaling_study import ScalingStudies

__all__ = [
    "FineTune",
    "ScalingStudies",
    "TrainOnFraction",
]
