"""The task: how examples are read from files, drawn and grouped into suites.

The toolkit uses only the names in `__all__`, the task interface.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .data import (
    LENGTHS,
    MAX_INK,
    RANGES,
    SIZE,
    SPLIT_RULE,
    Examples,
    Label,
    attributes,
    groups,
    load_splits,
    sources,
)
from .evaluation import label_name, parse_label
from .model import Network
from .prediction import embed, evaluate, predict
from .toolkit.errors import UserError
from .toolkit.splits import content_digests

if TYPE_CHECKING:  # slow to import, and prediction does not need it
    from matplotlib.axes import Axes

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


def read_examples(path: Path) -> list[Tensor]:
    """Read a picture of a strip of square digits, in light ink on a dark ground.

    Args:
        path: A picture of any size in any format that Pillow reads.

    Returns:
        Raw pixels as in the data: one strip, uint8 from 0 to 16, (8, 8 * length).

    Raises:
        UserError: The file is missing, not a picture, or much too large.
    """
    try:
        with Image.open(path) as file:
            picture = file.convert("L")
    except FileNotFoundError:
        raise UserError(f"no file {path}") from None
    except (Image.DecompressionBombError, OSError) as error:
        raise UserError(f"{path} is not a picture that can be read") from error
    length = max(round(picture.width / picture.height), 1)
    if picture.size != (length * SIZE, SIZE):
        picture = picture.resize((length * SIZE, SIZE), Image.Resampling.BOX)
    ink = np.asarray(picture, dtype=np.float32) * MAX_INK / 255
    return [torch.from_numpy(ink.round().astype(np.uint8))]


def write_example(strip: Tensor, path: Path) -> None:
    """Write raw pixels (8, 8 * length) so that `read_examples` returns the same."""
    gray = (strip.numpy().astype(np.float32) * 255 / MAX_INK).round()
    Image.fromarray(gray.astype(np.uint8)).save(path, format="PNG")


def make_examples(raw: Sequence[Tensor], labels: Sequence[Label]) -> Examples:
    """Make examples of strips (8, 8 * length) and their labels."""
    return Examples([*raw], [*labels], content_digests([*raw]), [()] * len(raw))


def example_to_json(strip: Tensor) -> list[list[int]]:
    """Return raw pixels (8, 8 * length) as lists, for the log of predictions."""
    pixels: list[list[int]] = strip.tolist()
    return pixels


def example_from_json(value: Any) -> Tensor:
    """Return the raw pixels (8, 8 * length) of such lists."""
    try:
        strip = torch.tensor(value, dtype=torch.uint8)
    except (RuntimeError, TypeError, ValueError):
        strip = torch.empty(0)
    if strip.ndim != 2 or len(strip) != SIZE or strip.shape[1] % SIZE:
        raise UserError(f"a strip is {SIZE} lists of {SIZE} numbers for each digit")
    return strip


def draw_example(axes: "Axes", data: Examples, row: int) -> None:
    """Draw the strip in a row of the data, without axes around it."""
    axes.imshow(data.raw[row].numpy(), cmap="gray", vmin=0, vmax=MAX_INK)
    axes.set(xticks=[], yticks=[])


def suites(data: Examples) -> dict[str, list[int]]:
    """Return the rows of each length that occurs."""
    found: dict[str, list[int]] = {
        f"length {length}": [] for length in range(LENGTHS[0], LENGTHS[1] + 1)
    }
    for row, strip in enumerate(data.raw):
        found.setdefault(f"length {strip.shape[1] // SIZE}", []).append(row)
    return {name: rows for name, rows in found.items() if rows}
