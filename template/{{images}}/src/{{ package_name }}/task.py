"""The task: how examples are read from files, drawn and grouped into suites.

Here examples are images. For another task, rewrite this file, `data.py`, `model.py`
and `evaluation.py`: other modules use the task only through these four. The toolkit
uses only the names in `__all__`, the task interface.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .data import (
    CLASSES,
    IMAGE_SIZE,
    MAX_INK,
    RANGES,
    SPLIT_RULE,
    Examples,
    attributes,
    class_index,
    load_splits,
)
from .evaluation import label_name, parse_label
from .model import Network
from .prediction import embed, evaluate, predict
from .toolkit.errors import UserError
from .toolkit.figures import read_gray_picture

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


def read_examples(path: Path, *, invert: bool = False) -> Tensor:
    """Read a picture of one digit in light ink on a dark ground.

    Args:
        path: A picture of any size in any format that Pillow reads.
        invert: Set for dark ink on a light ground.

    Returns:
        Raw pixels as in the data, uint8 from 0 to 16, shape (1, 8, 8). A file that
        cannot be read is a `UserError`.
    """
    image = read_gray_picture(path, invert=invert)
    if image.size != (IMAGE_SIZE, IMAGE_SIZE):
        # The data were made from larger scans in the same way, by averaging boxes.
        image = image.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BOX)
    ink = np.asarray(image, dtype=np.float32) * MAX_INK / 255
    return torch.from_numpy(ink.round().astype(np.uint8))[None]


def write_example(image: Tensor, path: Path) -> None:
    """Write raw pixels, uint8 (8, 8), so that `read_examples` returns the same."""
    gray = (image.numpy().astype(np.float32) * 255 / MAX_INK).round()
    Image.fromarray(gray.astype(np.uint8)).save(path, format="PNG")


def make_examples(raw: Sequence[Tensor], labels: Sequence[Tensor]) -> Examples:
    """Make examples of raw images, (8, 8) each, and their labels, () each."""
    images = torch.stack([*raw]) if len(raw) else torch.zeros(0, IMAGE_SIZE, IMAGE_SIZE)
    return Examples(images.to(torch.uint8), torch.tensor([*labels], dtype=torch.int64))


def example_to_json(image: Tensor) -> list[list[int]]:
    """Return raw pixels (8, 8) as lists, for the log of predictions."""
    pixels: list[list[int]] = image.tolist()
    return pixels


def example_from_json(value: Any) -> Tensor:
    """Return the raw pixels (8, 8) of such lists."""
    try:
        image = torch.tensor(value, dtype=torch.uint8)
    except (RuntimeError, TypeError, ValueError):
        image = torch.empty(0)
    if image.shape != (IMAGE_SIZE, IMAGE_SIZE):
        raise UserError(f"an image is {IMAGE_SIZE} lists of {IMAGE_SIZE} numbers")
    return image


def draw_example(axes: "Axes", data: Examples, row: int) -> None:
    """Draw the image in a row of the data, without axes around it."""
    image = data.raw[row]  # (8, 8)
    axes.imshow(image.numpy(), cmap="gray", vmin=0, vmax=MAX_INK)
    axes.set(xticks=[], yticks=[])


def suites(data: Examples) -> dict[str, list[int]]:
    """Return the rows of each class: a model is evaluated on each of them."""
    classes = class_index(data.labels)  # (N,)
    return {
        f"class {name}": (classes == index).nonzero().flatten().tolist()
        for index, name in enumerate(CLASSES)
    }
