"""Reports: tables, learning curves, the confusion matrix and errors."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..errors import UserError
from ..interface import Evaluation, classes, optional
from .pictures import draw_examples, save_figure

if TYPE_CHECKING:  # prediction does without
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows of cells in columns, of which the first and last begin left.

    Args:
        rows: As many cells in each.

    Returns:
        A line for each row.

    Examples:
        >>> print(as_text([["suite", "examples", ""], ["all", "360", "worse"]]))
        suite  examples
        all         360  worse
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if position in (0, last) else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows of cells as a table in Markdown.

    Args:
        rows: The first holds the titles.

    Returns:
        A line for each row, and one below the titles.

    Examples:
        >>> print(as_markdown([["suite", "examples"], ["all", "360"]]))
        | suite | examples |
        |---|---|
        | all | 360 |
    """
    lines = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    titles, *rest = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([titles, "|" + "---|" * len(rows[0]), *rest])


def write_curves(run_dir: Path) -> Path:
    """Draw the learning curves of a run into its folder.

    Args:
        run_dir: Folder of the run; gets `curves.png`.

    Returns:
        The picture's path.
    """
    return save_figure(draw_curves(run_dir), run_dir / "curves.png")


def draw_curves(run_dir: Path) -> "Figure":
    """Draw the learning curves of a run from its `metrics.csv`."""
    from matplotlib.figure import Figure  # as above

    with (run_dir / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    _draw_curve(loss, rows, "train/loss")
    _draw_curve(loss, rows, "val/loss")
    loss.set(xlabel="epoch", ylabel="loss", yscale="log")
    # Else people suspect data leakage.
    loss.set_title("validation is without dropout, and may lie below", fontsize=9)
    loss.legend()
    _draw_curve(accuracy, rows, "val/accuracy")
    accuracy.set(xlabel="epoch", ylabel="accuracy")
    accuracy.legend()
    return figure


def write_evaluation(
    evaluation: Evaluation, data: Any, folder: Path, model: Mapping[str, str]
) -> list[Path]:
    """Write the report of one evaluation.

    Args:
        evaluation: Of each example.
        data: The same examples, in the same order.
        folder: Gets `metrics.json`, `examples.csv` (one line per example, the
            highest loss first), `errors.png` and, of classes, `confusion.png`.
        model: What was evaluated, for `metrics.json`.

    Returns:
        The paths of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    metrics = folder / "metrics.json"
    content = {"model": dict(model), **evaluation.metrics()}
    metrics.write_text(json.dumps(content, indent=2) + "\n")
    examples = folder / "examples.csv"
    with examples.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["digest", *evaluation.describe_example(0)])
        writer.writeheader()
        digests = data.digests()
        for row in _highest_losses(evaluation, len(data)):
            writer.writerow(
                {"digest": digests[row], **evaluation.describe_example(row)}
            )
    pictures = {
        "confusion.png": draw_confusion_matrix(evaluation),
        "errors.png": draw_errors(evaluation, data),
    }
    return [
        metrics,
        examples,
        *(save_figure(one, folder / name) for name, one in pictures.items() if one),
    ]


def confusion_matrix(evaluation: Evaluation) -> Tensor:
    """Count examples by true and predicted class.

    Args:
        evaluation: Of each example.

    Returns:
        Counts by true class (row) and predicted class (column), shape (C, C).

    Raises:
        UserError: The task has no classes.
    """
    true = classes(evaluation.labels)  # (N,)
    predicted = classes(evaluation.predictions)  # (N,)
    if true is None or predicted is None:
        raise UserError("a task without CLASSES has no confusion matrix")
    size = len(optional("CLASSES"))
    cells = true * size + predicted  # (N,)
    return torch.bincount(cells, minlength=size * size).reshape(size, size)


def draw_confusion_matrix(evaluation: Evaluation) -> "Figure | None":
    """Draw the confusion matrix; a task without classes has none."""
    from matplotlib.figure import Figure  # as above

    if optional("CLASSES") is None:
        return None
    counts = confusion_matrix(evaluation)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    # On a square-root scale, else the diagonal hides the errors. White on what is dark:
    # a quarter of the most is half as dark.
    axes.imshow(counts.sqrt().numpy(), cmap="Blues")
    for true, row in enumerate(counts.tolist()):
        for predicted, count in enumerate(row):
            if count:
                color = "white" if count > counts.max() / 4 else "black"
                axes.text(
                    predicted, true, str(count), ha="center", va="center", color=color
                )
    names = optional("CLASSES")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="true")
    return figure


def draw_errors(
    evaluation: Evaluation,
    data: Any,
    count: int = 20,  # pragma: no mutate -- a matter of taste
) -> "Figure":
    """Draw the examples with the highest loss: errors in the model or in the data?

    Args:
        evaluation: Of each example.
        data: The same examples, in the same order.
        count: How many.

    Returns:
        A picture of each, the highest loss first; below it stands the digest that
        finds it in `examples.csv`.
    """
    return draw_examples(evaluation, data, _highest_losses(evaluation, count))


def metrics_table(evaluations: Mapping[str, Evaluation]) -> str:
    """Lay out metrics as a small table for the terminal.

    Args:
        evaluations: What to show, by the name of the data.

    Returns:
        A line of titles, and a line for each evaluation.

    Examples:
        >>> from types import SimpleNamespace
        >>> metrics = lambda: {"accuracy": 0.5, "loss": 2.3026}
        >>> evaluation: Any = SimpleNamespace(labels=[0, 0, 1, 2], metrics=metrics)
        >>> print(metrics_table({"test": evaluation}))
              examples  accuracy    loss
        test         4     50.0%  2.3026
    """
    found = {name: evaluation.metrics() for name, evaluation in evaluations.items()}
    names = [*dict.fromkeys(name for metrics in found.values() for name in metrics)]
    rows = [["", "examples", *names, ""]]
    for data, metrics in found.items():
        shown = [
            (
                format(metrics[name], ".1%" if name == "accuracy" else ".4f")
                if name in metrics
                else ""
            )
            for name in names
        ]
        count = str(len(evaluations[data].labels))
        rows.append([f"{data:<4}", count, *shown, ""])
    return as_text(rows)


def _highest_losses(evaluation: Evaluation, count: int) -> list[int]:
    """Return the positions of the highest losses, the highest first."""
    return evaluation.losses.argsort(descending=True)[:count].tolist()


def _draw_curve(axes: "Axes", rows: list[dict[str, str]], name: str) -> None:
    points = [(int(row["epoch"]), float(row[name])) for row in rows if row.get(name)]
    epochs, values = zip(*points, strict=True) if points else ((), ())
    axes.plot(epochs, values, marker=".", label=name)
    from matplotlib.ticker import MaxNLocator  # as above

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no epoch 2.5
