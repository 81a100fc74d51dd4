"""Pictures of examples, with what a model said about each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from .. import task
from .protocols import Evaluation


def draw_examples(evaluation: Evaluation, data: Any, rows: Sequence[int]) -> Figure:
    """Draw examples with their label, prediction and loss.

    Args:
        evaluation: What the model said about each example.
        data: The same examples, in the same order, as `task.load_splits` gives them.
        rows: Which of them to draw, in this order.

    Returns:
        A picture of each; errors have a red title, and the digest below a picture
        tells which example it is.
    """
    digests = data.digests()
    columns = 5
    lines = -(-len(rows) // columns)
    figure = Figure(figsize=(1.8 * columns, 2.3 * lines), layout="constrained")
    for position, row in enumerate(rows):
        axes = figure.add_subplot(lines, columns, position + 1)
        task.draw_example(axes, data, row)
        label = task.describe_label(evaluation.labels[row])
        prediction = task.describe_label(evaluation.predictions[row])
        axes.set_title(
            f"{label}, predicted {prediction}\nloss {evaluation.losses[row]:.2f}",
            fontsize=9,
            color="black" if evaluation.right[row] else "firebrick",
        )
        axes.set_xlabel(digests[row], fontsize=8)
    return figure


def save(figure: Figure, path: Path) -> Path:
    """Write a picture in the size of a screen, and return its path."""
    figure.savefig(path, dpi=120)
    return path
