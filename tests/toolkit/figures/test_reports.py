"""Do reports show the measured metrics, errors and curves?"""

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from digit_recognizer.toolkit.figures.reports import (
    confusion_matrix,
    draw_confusion_matrix,
    draw_curves,
    draw_errors,
    metrics_table,
    write_curves,
    write_evaluation,
)
from digit_recognizer.toolkit.interface import TASK, optional, task

pytestmark = pytest.mark.task_interface


def test_examples_are_listed_by_loss(tmp_path: Path) -> None:
    """Each example has a line with its digest; the highest loss comes first."""
    data = task.load_splits()["val"]
    evaluation = task.evaluate(task.Network(), data)
    for path in write_evaluation(evaluation, data, tmp_path, {"checkpoint": "x"}):
        assert path.stat().st_size > 0
    rows = list(csv.DictReader((tmp_path / "examples.csv").open()))
    losses = [float(row["loss"]) for row in rows]
    assert len(rows) == len(data)
    assert losses == sorted(losses, reverse=True)
    worst = int(evaluation.losses.argmax())
    assert rows[0] == {
        "digest": data.digests()[worst],
        **evaluation.describe_example(worst),
    }
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics == {"model": {"checkpoint": "x"}, **evaluation.metrics()}


def test_confusion_matrix_shows_each_count() -> None:
    """Rows are true classes, and columns are predicted classes."""
    data = task.load_splits()["val"]
    evaluation = task.evaluate(task.Network(), data)
    figure = draw_confusion_matrix(evaluation)
    assert figure is not None
    shown = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    pairs = zip(
        optional("class_index")(evaluation.predictions).tolist(),
        optional("class_index")(evaluation.labels).tolist(),
        strict=True,
    )
    assert shown == {pair: str(count) for pair, count in Counter(pairs).items()}
    axes = figure.axes[0]
    (image,) = axes.images
    shades = np.square(np.asarray(image.get_array()))
    np.testing.assert_allclose(shades, confusion_matrix(evaluation), rtol=1e-5)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [tick.get_text() for tick in ticks] == [*optional("CLASSES")]


def test_task_without_classes_has_no_confusion_matrix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without CLASSES the picture is left out, and all else is written."""
    for name in ("CLASSES", "class_index"):
        monkeypatch.delattr(f"digit_recognizer.task.{name}")
    data = task.load_splits()["val"].select([*range(50)])
    evaluation = task.evaluate(task.Network(), data)
    assert draw_confusion_matrix(evaluation) is None
    files = write_evaluation(evaluation, data, tmp_path, {})
    assert {path.name for path in files} == {
        "metrics.json",
        "examples.csv",
        "errors.png",
    }


def test_errors_name_label_and_prediction() -> None:
    """The example with the highest loss is the first picture."""
    data = task.load_splits()["val"]
    evaluation = task.evaluate(task.Network(), data)
    figure = draw_errors(evaluation, data, count=3)
    assert len(figure.axes) == 3
    worst = int(evaluation.losses.argmax())
    assert figure.axes[0].get_xlabel() == data.digests()[worst]
    label = task.label_name(data.labels[worst])
    prediction = task.label_name(evaluation.predictions[worst])
    title = figure.axes[0].get_title()
    assert title.startswith(f"{label}, predicted {prediction}\n")


def test_curves_show_training_and_validation(tmp_path: Path) -> None:
    """Both are drawn by epoch, though they are in separate rows of the file."""
    (tmp_path / "metrics.csv").write_text(
        "epoch,train/loss,val/accuracy,val/loss\n"
        "0,,0.5,1.5\n0,2.0,,\n1,,0.75,1.25\n1,1.0,,\n"
    )
    loss, accuracy = draw_curves(tmp_path).axes
    drawn = {
        line.get_label(): np.asarray(line.get_xydata()).tolist()
        for axes in (loss, accuracy)
        for line in axes.get_lines()
    }
    assert drawn == {
        "train/loss": [[0, 2], [1, 1]],
        "val/loss": [[0, 1.5], [1, 1.25]],
        "val/accuracy": [[0, 0.5], [1, 0.75]],
    }
    for axes in (loss, accuracy):
        legend = axes.get_legend()
        assert legend is not None
        names = [text.get_text() for text in legend.get_texts()]
        assert names == [line.get_label() for line in axes.get_lines()]
        assert axes.get_xlabel() == "epoch"
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    assert write_curves(tmp_path).stat().st_size > 1000


def test_run_without_a_finished_epoch_has_empty_curves(tmp_path: Path) -> None:
    """A metrics file without rows is no error."""
    (tmp_path / "metrics.csv").write_text("epoch,train/loss\n")
    for axes in draw_curves(tmp_path).axes:
        assert all(np.size(line.get_xdata()) == 0 for line in axes.get_lines())


def test_metrics_table_has_all_metrics() -> None:
    """A row has the number of examples, the accuracy and the loss of a split."""
    evaluation = task.evaluate(task.Network(), task.load_splits()["val"])
    head, line = metrics_table({"val": evaluation}).splitlines()
    values = dict(zip(head.split(), line.split()[1:], strict=True))
    assert line.split()[0] == "val"
    metrics = evaluation.metrics()
    texts = {name: f"{value:.4f}" for name, value in metrics.items()}
    texts["accuracy"] = f"{metrics['accuracy']:.1%}"
    assert values == {"examples": str(len(evaluation.labels)), **texts}


@pytest.mark.parametrize(("letters", "columns"), [(1, 5), (30, 1), (12, 3)])
def test_long_names_get_wider_pictures(
    letters: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Titles with long labels and predictions do not overlap."""
    monkeypatch.setattr(f"{TASK}.label_name", lambda label: letters * "x")
    data = task.load_splits()["val"]
    figure = draw_errors(task.evaluate(task.Network(), data), data, count=6)
    assert len(figure.axes) == 6
    shape = figure.axes[0].get_gridspec()
    assert shape is not None
    assert shape.ncols == columns
