"""Reports: curves, confusion matrix and worst errors as files to look at."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .data import CLASSES, Examples
from .evaluation import Evaluation
from .toolkit.figures import draw_examples, save


def write_curves(run_dir: Path) -> Path:
    """Draw the learning curves of a run into its folder.

    Args:
        run_dir: Folder of the run; gets `curves.png`.

    Returns:
        The picture's path.
    """
    return save(draw_curves(run_dir), run_dir / "curves.png")


def draw_curves(run_dir: Path) -> Figure:
    """Draw the learning curves of a run from its `metrics.csv`."""
    with (run_dir / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    _draw_curve(loss, rows, "train/loss")
    _draw_curve(loss, rows, "val/loss")
    loss.set(xlabel="epoch", ylabel="loss", yscale="log")
    # Else people look for a leak.
    loss.set_title("validation is without dropout, and may lie below", fontsize=9)
    loss.legend()
    _draw_curve(accuracy, rows, "val/accuracy")
    accuracy.set(xlabel="epoch", ylabel="accuracy")
    accuracy.legend()
    return figure


def write_evaluation(
    evaluation: Evaluation, data: Examples, folder: Path, model: Mapping[str, str]
) -> list[Path]:
    """Write everything there is to know about one evaluation.

    Args:
        evaluation: What the model said about each example.
        data: The same examples, in the same order.
        folder: Gets `metrics.json`, `examples.csv` (one line per example, the
            highest loss first), `confusion.png` and `errors.png`.
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
        writer = csv.DictWriter(file, ["digest", *evaluation.describe(0)])
        writer.writeheader()
        digests = data.digests()
        for row in evaluation.worst(len(data)):
            writer.writerow({"digest": digests[row], **evaluation.describe(row)})
    confusion = save(draw_confusion(evaluation), folder / "confusion.png")
    errors = save(draw_errors(evaluation, data), folder / "errors.png")
    return [metrics, examples, confusion, errors]


def draw_confusion(evaluation: Evaluation) -> Figure:
    """Draw how often each class was taken for which."""
    counts = evaluation.confusion()
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
    ticks = range(len(CLASSES))
    axes.set_xticks(ticks, CLASSES)
    axes.set_yticks(ticks, CLASSES)
    axes.set(xlabel="predicted", ylabel="true")
    return figure


def draw_errors(
    evaluation: Evaluation,
    data: Examples,
    count: int = 20,  # pragma: no mutate -- a matter of taste
) -> Figure:
    """Draw the examples with the highest loss: errors in the model or in the data?

    Args:
        evaluation: What the model said about each example.
        data: The same examples, in the same order.
        count: How many.

    Returns:
        A picture of each, the highest loss first; below it stands the digest that
        finds it in `examples.csv`.
    """
    return draw_examples(evaluation, data, evaluation.worst(count))


def table(evaluations: Mapping[str, Evaluation]) -> str:
    """Lay out metrics as a small table for the terminal.

    Args:
        evaluations: What to show, by the name of the data.

    Returns:
        A line of titles, and a line for each evaluation.

    Examples:
        >>> from types import SimpleNamespace
        >>> evaluation = SimpleNamespace(labels=[0, 0, 1, 2], accuracy=0.5, loss=2.3026)
        >>> print(table({"test": evaluation}))
              examples  accuracy    loss
        test         4     50.0%  2.3026
    """
    lines = [f"{'':<4}  examples  accuracy    loss"]
    lines += [
        f"{name:<4}  {len(evaluation.labels):8d}  {evaluation.accuracy:8.1%}  "
        f"{evaluation.loss:6.4f}"
        for name, evaluation in evaluations.items()
    ]
    return "\n".join(lines)


def _draw_curve(axes: Axes, rows: list[dict[str, str]], name: str) -> None:
    points = [(int(row["epoch"]), float(row[name])) for row in rows if row.get(name)]
    epochs, values = zip(*points, strict=True) if points else ((), ())
    axes.plot(epochs, values, marker=".", label=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no epoch 2.5
