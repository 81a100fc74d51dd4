"""Pictures of examples, with the prediction for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..interface import Evaluation, task

if TYPE_CHECKING:  # prediction does without
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ExampleView:
    """An example to draw.

    Attributes:
        data: The split that holds it.
        evaluation: Of this split, in the same order.
        row: Its row in the split.
        title: A line to write above it.
    """

    data: Any
    evaluation: Evaluation
    row: int
    title: str = ""

    @property
    def loss(self) -> float:
        """Return the loss of the prediction."""
        return self.evaluation.losses[self.row].item()


def draw_examples(evaluation: Evaluation, data: Any, rows: Sequence[int]) -> "Figure":
    """Draw some of the examples that were evaluated.

    Args:
        evaluation: Of each example.
        data: The same examples, in the same order, as a split.
        rows: Which of them to draw, in this order.

    Returns:
        The picture of `draw_predictions`.
    """
    return draw_predictions([ExampleView(data, evaluation, row) for row in rows])


def draw_predictions(examples: Sequence[ExampleView]) -> "Figure":
    """Draw examples with their label, prediction and loss.

    Args:
        examples: In the order in which to draw them.

    Returns:
        A picture of each; errors have a red title, and the digest below a picture
        tells which example it is.
    """
    every = {id(example.data): example.data for example in examples}
    digests = {key: data.digests() for key, data in every.items()}
    height = 2.6 if any(example.title for example in examples) else 2.3
    figure, all_axes = example_grid(len(examples), height)
    for example, axes in zip(examples, all_axes, strict=True):
        evaluation, row = example.evaluation, example.row
        task.draw_example(axes, example.data, row)
        label = task.label_name(evaluation.labels[row])
        prediction = task.label_name(evaluation.predictions[row])
        axes.set_title(
            f"{example.title}\n{label}, predicted {prediction}\n"
            f"loss {example.loss:.2f}".lstrip(),
            fontsize=9,
            color="black" if evaluation.correct[row] else "firebrick",
        )
        axes.set_xlabel(digests[id(example.data)][row], fontsize=8)
    return figure


def draw_with_titles(data: Any, titles: Mapping[int, str]) -> "Figure":
    """Draw some examples, each with a title.

    Args:
        data: A split.
        titles: By the rows of the examples to draw.

    Returns:
        A picture of each, in the order of the titles.
    """
    figure, all_axes = example_grid(len(titles), height=2.1)
    for axes, (row, title) in zip(all_axes, titles.items(), strict=True):
        task.draw_example(axes, data, row)
        axes.set_title(title, fontsize=9)
    return figure


def example_grid(count: int, height: float) -> "tuple[Figure, list[Axes]]":
    """Return a figure with axes for some examples, five in a line.

    Args:
        count: How many there are.
        height: Of a line, in inches.

    Returns:
        The figure, and axes for each example.
    """
    from matplotlib.figure import Figure  # as above

    columns = 5
    lines = -(-count // columns)
    figure = Figure(figsize=(1.8 * columns, height * lines), layout="constrained")
    all_axes = [figure.add_subplot(lines, columns, n + 1) for n in range(count)]
    return figure, all_axes


def save_figure(figure: "Figure", path: Path) -> Path:
    """Write a picture in the size of a screen, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path
