"""Prediction: what is on this picture?"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from .data import CLASSES, IMAGE_SIZE, MAX_INK, to_tensor
from .errors import InputError


class Prediction(NamedTuple):
    """The most likely class and its probability, from 0 to 1."""

    label: str
    confidence: float


def read_image(path: Path, *, invert: bool = False) -> Tensor:
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


def write_image(image: Tensor, path: Path) -> None:
    """Write raw pixels, uint8 (8, 8), so that `read_image` gets them back."""
    gray = (image.numpy().astype(np.float32) * 255 / MAX_INK).round()
    Image.fromarray(gray.astype(np.uint8)).save(path)


@torch.inference_mode()
def predict(net: nn.Module, images: Tensor) -> list[Prediction]:
    """Predict the class of each image.

    Args:
        net: Maps inputs (B, 1, 8, 8) to logits (B, 10); put in evaluation mode.
        images: Raw pixels, uint8 from 0 to 16, shape (B, 8, 8).

    Returns:
        A prediction per image.
    """
    net.eval()
    probabilities = net(to_tensor(images)).softmax(dim=1)  # (B, 10)
    confidences, classes = probabilities.max(dim=1)  # (B,), (B,)
    return [
        Prediction(CLASSES[index], confidence)
        for index, confidence in zip(
            classes.tolist(), confidences.tolist(), strict=True
        )
    ]
