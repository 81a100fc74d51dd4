"""Pictures of examples, with what a model said about each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..interface import Evaluation, task

if TYPE_CHECKING:  # prediction does without
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Shown:
    """An example to draw.

    Attributes:
        data: The examples it is one of, as `task.load_splits` gives them.
        evaluation: What the model said about each of these, in the same order.
        row: Which one it is.
        remark: A line to write above it.
    """

    data: Any
    evaluation: Evaluation
    row: int
    remark: str = ""

    @property
    def loss(self) -> float:
        """Return what the answer of the model costs."""
        return self.evaluation.losses[self.row].item()


def draw_examples(evaluation: Evaluation, data: Any, rows: Sequence[int]) -> "Figure":
    """Draw some of the examples that were evaluated.

    Args:
        evaluation: What the model said about each example.
        data: The same examples, in the same order, as `task.load_splits` gives them.
        rows: Which of them to draw, in this order.

    Returns:
        What `draw` makes of them.
    """
    return draw([Shown(data, evaluation, row) for row in rows])


def draw(examples: Sequence[Shown]) -> "Figure":
    """Draw examples with their label, prediction and loss.

    Args:
        examples: In the order in which to draw them.

    Returns:
        A picture of each; errors have a red title, and the digest below a picture
        tells which example it is.
    """
    every = {id(example.data): example.data for example in examples}
    digests = {key: data.digests() for key, data in every.items()}
    height = 2.6 if any(example.remark for example in examples) else 2.3
    figure, places = grid(len(examples), height)
    for example, axes in zip(examples, places, strict=True):
        evaluation, row = example.evaluation, example.row
        task.draw_example(axes, example.data, row)
        label = task.label_name(evaluation.labels[row])
        prediction = task.label_name(evaluation.predictions[row])
        axes.set_title(
            f"{example.remark}\n{label}, predicted {prediction}\n"
            f"loss {example.loss:.2f}".lstrip(),
            fontsize=9,
            color="black" if evaluation.correct[row] else "firebrick",
        )
        axes.set_xlabel(digests[id(example.data)][row], fontsize=8)
    return figure


def draw_titled(data: Any, titles: Mapping[int, str]) -> "Figure":
    """Draw some examples, each with a line above it.

    Args:
        data: The examples, as `task.load_splits` gives them.
        titles: The line of each to draw, by its row.

    Returns:
        A picture of each, in the order of the titles.
    """
    figure, places = grid(len(titles), height=2.1)
    for axes, (row, title) in zip(places, titles.items(), strict=True):
        task.draw_example(axes, data, row)
        axes.set_title(title, fontsize=9)
    return figure


def grid(count: int, height: float) -> "tuple[Figure, list[Axes]]":
    """Return a figure with a place for each of some examples, five in a line.

    Args:
        count: How many there are.
        height: Of a line, in inches.

    Returns:
        The figure, and the places in the order of the examples.
    """
    from matplotlib.figure import Figure  # as above

    columns = 5
    lines = -(-count // columns)
    figure = Figure(figsize=(1.8 * columns, height * lines), layout="constrained")
    places = [figure.add_subplot(lines, columns, n + 1) for n in range(count)]
    return figure, places


def save(figure: "Figure", path: Path) -> Path:
    """Write a picture in the size of a screen, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path
