"""Callbacks that recipes look into a training with."""

from .gradient_norms import GradientNorms
from .layer_table import LayerTable
from .overfit import Memorize

__all__ = [
    "GradientNorms",
    "LayerTable",
    "Memorize",
]
