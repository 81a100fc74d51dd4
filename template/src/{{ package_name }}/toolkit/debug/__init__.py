"""Callbacks of the recipes that debug a training."""

from .gradient_norms import GradientNorms
from .layer_table import LayerTable
from .overfit import OverfitCheck

__all__ = [
    "GradientNorms",
    "LayerTable",
    "OverfitCheck",
]
