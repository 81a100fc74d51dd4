"""Tables and pictures."""

from .pictures import Shown, draw, draw_examples, draw_titled, save
from .tables import as_markdown, as_text

__all__ = [
    "Shown",
    "as_markdown",
    "as_text",
    "draw",
    "draw_examples",
    "draw_titled",
    "save",
]
