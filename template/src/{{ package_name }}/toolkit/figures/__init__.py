"""Tables and pictures."""

from .pictures import Shown, draw, draw_examples, draw_titled, save
from .reports import (
    draw_confusion,
    draw_errors,
    metrics_table,
    write_curves,
    write_evaluation,
)
from .tables import as_markdown, as_text

__all__ = [
    "Shown",
    "as_markdown",
    "as_text",
    "draw",
    "draw_confusion",
    "draw_errors",
    "draw_examples",
    "draw_titled",
    "metrics_table",
    "save",
    "write_curves",
    "write_evaluation",
]
