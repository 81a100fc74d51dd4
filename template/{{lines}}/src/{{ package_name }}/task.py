"""The task: how examples are read from files, drawn and grouped into suites.

Here examples are pictures of lines of text. For another task, rewrite this file,
`data.py`, `model.py` and `evaluation.py`: other modules use the task only through these
four. The toolkit uses only the names in `__all__`, the task interface.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .data import (
    HEIGHT,
    MAX_INK,
    RANGES,
    SPLIT_RULE,
    Examples,
    attributes,
    groups,
    load_splits,
    sources,
)
from .evaluation import label_name, parse_label
from .model import Network
from .prediction import embed, evaluate, predict
from .toolkit.errors import UserError
from .toolkit.figures import read_gray_picture

if TYPE_CHECKING:  # slow to import, and prediction does not need it
    from matplotlib.axes import Axes

# Texts have no classes, so `CLASSES` and `class_index` are missing here.
__all__ = [
    "Network",
    "RANGES",
    "SPLIT_RULE",
    "attributes",
    "draw_example",
    "embed",
    "evaluate",
    "example_from_json",
    "example_to_json",
    "groups",
    "label_name",
    "load_splits",
    "make_examples",
    "parse_label",
    "predict",
    "read_examples",
    "sources",
    "suites",
]
MAX_WIDTH = 1000  # pixels of a line that is read


def read_examples(path: Path, *, invert: bool = False) -> list[Tensor]:
    """Read a picture of one line of text in light ink on a dark ground.

    Args:
        path: A picture of any size in any format that Pillow reads.
        invert: Set for dark ink on a light ground.

    Returns:
        One picture as in the data, uint8 from 0 to 16, shape (8, W).

    Raises:
        UserError: The file is missing, not a picture, much too large or no line.
    """
    image = read_gray_picture(path, invert=invert)
    width = max(round(image.width * HEIGHT / image.height), 1)
    if width > MAX_WIDTH:
        raise UserError(
            f"{path} is {width / HEIGHT:.0f} times as wide as high: cut out one line"
        )
    if image.height != HEIGHT:
        # The digits were made from larger scans in the same way, by averaging boxes.
        image = image.resize((width, HEIGHT), Image.Resampling.BOX)
    ink = np.asarray(image, dtype=np.float32) * MAX_INK / 255
    return [torch.from_numpy(ink.round().astype(np.uint8))]


def write_example(line: Tensor, path: Path) -> None:
    """Write raw pixels, uint8 (8, W), so that `read_examples` returns the same."""
    gray = (line.numpy().astype(np.float32) * 255 / MAX_INK).round()
    Image.fromarray(gray.astype(np.uint8)).save(path, format="PNG")


def make_examples(raw: Sequence[Tensor], labels: Sequence[str]) -> Examples:
    """Make examples of pictures, (8, W) each, and their texts."""
    return Examples([*raw], [*labels], [()] * len(labels))


def example_to_json(line: Tensor) -> list[list[int]]:
    """Return raw pixels (8, W) as lists, for the log of predictions."""
    pixels: list[list[int]] = line.tolist()
    return pixels


def example_from_json(value: Any) -> Tensor:
    """Return the raw pixels (8, W) of such lists."""
    try:
        line = torch.tensor(value, dtype=torch.uint8)
    except (RuntimeError, TypeError, ValueError):
        line = torch.empty(0)
    if line.ndim != 2 or len(line) != HEIGHT or not line.numel():
        raise UserError(f"a line is {HEIGHT} lists of numbers of the same length")
    return line


def draw_example(axes: "Axes", data: Examples, row: int) -> None:
    """Draw the line in a row of the data, without axes around it."""
    line = data.raw[row]  # (8, W)
    axes.imshow(line.numpy(), cmap="gray", vmin=0, vmax=MAX_INK)
    axes.set(xticks=[], yticks=[])


def suites(data: Examples) -> dict[str, list[int]]:
    """Return the rows of each length: a model is evaluated on each of them."""
    rows_of: dict[int, list[int]] = {}
    for row, label in enumerate(data.labels):
        rows_of.setdefault(len(label), []).append(row)
    return {f"{length} characters": rows for length, rows in sorted(rows_of.items())}
