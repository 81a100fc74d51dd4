"""Pictures of examples, with the prediction for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..interface import Evaluation, task

if TYPE_CHECKING:  # prediction does without
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_COLUMNS = 5
LETTERS = 110  # of titles in a line of pictures


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
    titles = [
        f"{example.title}\n{task.label_name(example.evaluation.labels[example.row])}, "
        f"predicted {task.label_name(example.evaluation.predictions[example.row])}\n"
        f"loss {example.loss:.2f}".lstrip()
        for example in examples
    ]
    figure, all_axes = example_grid(titles, height)
    for example, title, axes in zip(examples, titles, all_axes, strict=True):
        task.draw_example(axes, example.data, example.row)
        correct = bool(example.evaluation.correct[example.row])
        axes.set_title(title, fontsize=9, color="black" if correct else "firebrick")
        axes.set_xlabel(digests[id(example.data)][example.row], fontsize=8)
    return figure


def draw_with_titles(data: Any, titles: Mapping[int, str]) -> "Figure":
    """Draw some examples, each with a title.

    Args:
        data: A split.
        titles: By the rows of the examples to draw.

    Returns:
        A picture of each, in the order of the titles.
    """
    figure, all_axes = example_grid([*titles.values()], height=2.1)
    for axes, (row, title) in zip(all_axes, titles.items(), strict=True):
        task.draw_example(axes, data, row)
        axes.set_title(title, fontsize=9)
    return figure


def example_grid(titles: Sequence[str], height: float) -> "tuple[Figure, list[Axes]]":
    """Return a figure with axes for some examples, at most five in a line.

    Args:
        titles: Of the examples: long ones need wider columns.
        height: Of a line, in inches.

    Returns:
        The figure, and axes for each example.
    """
    from matplotlib.figure import Figure  # as above

    longest = max(
        (len(line) for title in titles for line in title.split("\n")), default=1
    )
    columns = min(max(LETTERS // longest, 1), MAX_COLUMNS)
    lines = -(-len(titles) // columns)
    figure = Figure(figsize=(9, height * lines), layout="constrained")
    all_axes = [figure.add_subplot(lines, columns, n + 1) for n in range(len(titles))]
    return figure, all_axes


def save_figure(figure: "Figure", path: Path) -> Path:
    """Write a picture in the size of a screen, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path
