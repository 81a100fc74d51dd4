"""Tables and pictures."""

from .pictures import (
    ExampleView,
    draw_examples,
    draw_predictions,
    draw_with_titles,
    read_gray_picture,
    save_figure,
)
from .reports import (
    as_markdown,
    as_text,
    draw_confusion_matrix,
    draw_errors,
    metrics_table,
    write_curves,
    write_evaluation,
)

__all__ = [
    "ExampleView",
    "as_markdown",
    "as_text",
    "draw_confusion_matrix",
    "draw_errors",
    "draw_examples",
    "draw_predictions",
    "draw_with_titles",
    "metrics_table",
    "read_gray_picture",
    "save_figure",
    "write_curves",
    "write_evaluation",
]
