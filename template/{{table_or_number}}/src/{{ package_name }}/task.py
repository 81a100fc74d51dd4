"""The task: how examples are read from files, drawn and grouped into suites.

Here examples are rows of a table. For another task, rewrite this file, `data.py`,
`model.py` and `evaluation.py`: other modules use the task only through these four. The
toolkit uses only the names in `__all__`, the task interface.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .data import (
    CLASSES,
    COLUMNS,
    RANGES,
    SPLIT_RULE,
    TEXTS,
    Examples,
    attributes,
    class_index,
    load_splits,
    parse_cell,
    suite_names,
)
from .evaluation import label_name, parse_label
from .model import Network
from .prediction import embed, evaluate, predict
from .toolkit.errors import UserError

if TYPE_CHECKING:  # slow to import, and prediction does not need it
    from matplotlib.axes import Axes

__all__ = [
    "CLASSES",
    "Network",
    "RANGES",
    "SPLIT_RULE",
    "attributes",
    "class_index",
    "draw_example",
    "embed",
    "evaluate",
    "example_from_json",
    "example_to_json",
    "label_name",
    "load_splits",
    "make_examples",
    "parse_label",
    "predict",
    "read_examples",
    "suites",
]


def read_examples(path: Path) -> Tensor:
    """Read a table: comma-separated values below a line of titles.

    Args:
        path: A file with at least `COLUMNS`, in any order.

    Returns:
        Measurements in the order of `COLUMNS`, float32, shape (N, F).

    Raises:
        UserError: The file is missing or no table, or a cell has no number.
    """
    try:
        # With or without the mark at the beginning that spreadsheets write.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            titles = [*(reader.fieldnames or [])]
            rows = {reader.line_num: row for row in reader}
    except FileNotFoundError:
        raise UserError(f"no file {path}") from None
    except (OSError, UnicodeError, csv.Error) as error:
        raise UserError(f"{path} is not a table that can be read") from error
    for column in COLUMNS:
        if titles.count(column) != 1:
            found = ", ".join(titles)[:200] or "nothing"
            many = "no" if column not in titles else "more than one"
            raise UserError(
                f"{path} has {many} column {column}, between commas: {found}"
            )
    if not rows:
        raise UserError(f"{path} has no rows below its titles")
    numbers: list[list[float]] = []
    for line, row in rows.items():
        if None in row or None in row.values():
            count = sum(value is not None for value in row.values())
            count += len(row.get(None, [None])) - 1  # type: ignore[call-overload]
            raise UserError(
                f"{path}:{line} has {count} values, and not {len(titles)}: write 1.5, "
                "not 1,5"
            )
        numbers.append([])
        for column in COLUMNS:
            try:
                numbers[-1].append(parse_cell(column, row[column]))
            except ValueError as error:
                cell = f"{path}:{line}: {column} is {row[column]!r}"
                raise UserError(f"{cell}, and {error}") from error
    return torch.tensor(numbers)


def write_examples(raw: Tensor, path: Path) -> None:
    """Write measurements (N, F), so that `read_examples` returns the same."""
    with path.open("w", encoding="utf-8", newline="") as file:
        # As few digits as tell a float32 from others.
        rows = [map(_cell, COLUMNS, row) for row in raw.numpy().astype(str)]
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


def _cell(column: str, number: str) -> str:
    """Return what stands in a column: the number, or the text that it means."""
    return TEXTS[column][int(float(number))] if column in TEXTS else number


def make_examples(raw: Sequence[Tensor], labels: Sequence[Tensor]) -> Examples:
    """Make examples of raw measurements, (F,) each, and their labels, () each."""
    rows = torch.stack([*raw]) if len(raw) else torch.zeros(0, len(COLUMNS))
    return Examples(rows, torch.stack([*labels]) if len(labels) else torch.zeros(0))


def example_to_json(row: Tensor) -> list[float]:
    """Return measurements (F,) as a list, for the log of predictions."""
    numbers: list[float] = row.tolist()
    return numbers


def example_from_json(value: Any) -> Tensor:
    """Return the measurements (F,) of such a list."""
    try:
        row = torch.tensor(value, dtype=torch.float32)
    except (RuntimeError, TypeError, ValueError):
        row = torch.empty(0)
    if row.shape != (len(COLUMNS),):
        raise UserError(f"a row is {len(COLUMNS)} numbers, in the order of COLUMNS")
    return row


def draw_example(axes: "Axes", data: Examples, row: int) -> None:
    """Write the measurements in a row of the data in the place of a picture."""
    values = data.raw[row].tolist()
    lines = [
        f"{column[:18]} {_cell(column, f'{value:.4g}')}"
        for column, value in zip(COLUMNS, values, strict=True)
    ]
    axes.text(0.03, 0.97, "\n".join(lines), va="top", fontsize=6)
    axes.set(xticks=[], yticks=[])


def suites(data: Examples) -> dict[str, list[int]]:
    """Return the rows of each suite: a model is evaluated on each of them."""
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(suite_names(data)):
        rows_of.setdefault(name, []).append(row)
    return dict(sorted(rows_of.items()))
