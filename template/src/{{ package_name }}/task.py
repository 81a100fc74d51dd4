"""The task: what an example is to people, and how it comes from a file.

Here it is an image. Prediction, reports and notebooks see no more of the task than
these functions, `data.py` and `model.py`: another task rewrites these three.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from .data import CLASSES, IMAGE_SIZE, MAX_INK
from .errors import InputError

if TYPE_CHECKING:  # prediction does not wait for it
    from matplotlib.axes import Axes


def read_example(path: Path, *, invert: bool = False) -> Tensor:
    """Read a picture of one digit in light ink on a dark ground.

    Args:
        path: A picture of any size in any format that Pillow reads.
        invert: Set for dark ink on a light ground.

    Returns:
        Raw pixels as in the data, uint8 from 0 to 16, shape (8, 8).

    Raises:
        InputError: The file is missing, no picture, or much too large.
    """
    try:
        with Image.open(path) as file:
            image = file.convert("L")
    except FileNotFoundError:
        raise InputError(f"no file {path}") from None
    except Image.DecompressionBombError as error:
        raise InputError(f"{path} has too many pixels: make it smaller") from error
    except OSError as error:
        raise InputError(f"{path} is not a picture that can be read") from error
    if invert:
        image = ImageOps.invert(image)
    if image.size != (IMAGE_SIZE, IMAGE_SIZE):
        # The mean over a box is how the data were made from larger scans.
        image = image.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BOX)
    ink = np.asarray(image, dtype=np.float32) * MAX_INK / 255
    return torch.from_numpy(ink.round().astype(np.uint8))


def write_example(image: Tensor, path: Path) -> None:
    """Write raw pixels, uint8 (8, 8), so that `read_example` gets them back."""
    gray = (image.numpy().astype(np.float32) * 255 / MAX_INK).round()
    Image.fromarray(gray.astype(np.uint8)).save(path)


def draw_example(axes: "Axes", image: Tensor) -> None:
    """Draw raw pixels, uint8 (8, 8), without axes around them."""
    axes.imshow(image.numpy(), cmap="gray", vmin=0, vmax=MAX_INK)
    axes.set(xticks=[], yticks=[])


def describe_label(label: Tensor) -> str:
    """Name a label or a prediction, an index ()."""
    return CLASSES[label]
