"""Pictures of examples, with the prediction for each."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from ..interface import Evaluation, task

if TYPE_CHECKING:  # prediction does without
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

MAX_COLUMNS = 5
LETTERS = 110  # of titles in a line of pictures
WIDTH = 9  # inches
TEXT = 0.7  # inches above and below a picture


@dataclass(frozen=True)
class ExampleView:
    """An example to draw.

    Attributes:
        data: The split that holds it.
        evaluation: Of this split, in the same order.
        row: Its row in the split.
        title: A line to write above it.
    """

    data: Any
    evaluation: Evaluation
    row: int
    title: str = ""

    @property
    def loss(self) -> float:
        """Return the loss of the prediction."""
        return self.evaluation.losses[self.row].item()


def draw_examples(evaluation: Evaluation, data: Any, rows: Sequence[int]) -> "Figure":
    """Draw some of the examples that were evaluated.

    Args:
        evaluation: Of each example.
        data: The same examples, in the same order, as a split.
        rows: Which of them to draw, in this order.

    Returns:
        The picture of `draw_predictions`.
    """
    return draw_predictions([ExampleView(data, evaluation, row) for row in rows])


def draw_predictions(examples: Sequence[ExampleView]) -> "Figure":
    """Draw examples with their label, prediction and loss.

    Args:
        examples: In the order in which to draw them.

    Returns:
        A picture of each; errors have a red title, and the digest below a picture
        tells which example it is.
    """
    every = {id(example.data): example.data for example in examples}
    digests = {key: data.digests() for key, data in every.items()}
    height = 2.6 if any(example.title for example in examples) else 2.3
    titles = [
        f"{example.title}\n{task.label_name(example.evaluation.labels[example.row])}, "
        f"predicted {task.label_name(example.evaluation.predictions[example.row])}\n"
        f"loss {example.loss:.2f}".lstrip()
        for example in examples
    ]
    figure, all_axes = example_grid(titles, height)
    for example, title, axes in zip(examples, titles, all_axes, strict=True):
        task.draw_example(axes, example.data, example.row)
        correct = bool(example.evaluation.correct[example.row])
        axes.set_title(title, fontsize=9, color="black" if correct else "firebrick")
        axes.set_xlabel(digests[id(example.data)][example.row], fontsize=8)
    return _without_empty_space(figure, height)


def draw_with_titles(data: Any, titles: Mapping[int, str]) -> "Figure":
    """Draw some examples, each with a title.

    Args:
        data: A split.
        titles: By the rows of the examples to draw.

    Returns:
        A picture of each, in the order of the titles.
    """
    figure, all_axes = example_grid([*titles.values()], height=2.1)
    for axes, (row, title) in zip(all_axes, titles.items(), strict=True):
        task.draw_example(axes, data, row)
        axes.set_title(title, fontsize=9)
    return _without_empty_space(figure, 2.1)


def example_grid(titles: Sequence[str], height: float) -> "tuple[Figure, list[Axes]]":
    """Return a figure with axes for each example, at most five in a line.

    Long titles need wider columns. The height is that of a line, in inches.
    """
    from matplotlib.figure import Figure  # as above

    longest = max((len(line) for t in titles for line in t.split("\n")), default=1)
    columns = min(max(LETTERS // longest, 1), MAX_COLUMNS)
    lines = -(-len(titles) // columns)
    figure = Figure(figsize=(WIDTH, height * lines), layout="constrained")
    all_axes = [figure.add_subplot(lines, columns, n + 1) for n in range(len(titles))]
    return figure, all_axes


def _without_empty_space(figure: "Figure", height: float) -> "Figure":
    """Make the lines of a figure lower, if all its pictures are wider than high."""
    places = [axes.get_subplotspec() for axes in figure.axes if axes.images]
    if figure.axes and len(places) == len(figure.axes) and places[0] is not None:
        lines, columns, *_ = places[0].get_geometry()
        ratio = max(
            abs(float(np.ptp(axes.get_ylim()) / np.ptp(axes.get_xlim())))
            for axes in figure.axes
        )
        most = min(height - TEXT, ratio * WIDTH / columns)  # inches
        figure.set_size_inches(WIDTH, lines * (TEXT + most))
    return figure


def read_gray_picture(path: Path, *, invert: bool = False) -> "Image":
    """Read a file as gray levels, as people see it.

    Args:
        path: In any format that Pillow reads, turned as its camera says.
        invert: Exchange light and dark.

    Returns:
        A picture of mode `L`. What is transparent is black, also if inverted.

    Raises:
        UserError: The file is missing, holds no picture, a huge one or several.
    """
    from PIL import Image, ImageOps  # other tasks do without

    if path.is_dir():
        raise UserError(f"{path} is a folder: name the pictures in it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                count = getattr(file, "n_frames", 1)
                picture = ImageOps.exif_transpose(file)
    except FileNotFoundError:
        raise UserError(f"no file {path}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{path} has too many pixels: make it smaller") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{path} is not a picture that can be read") from error
    if count > 1:
        raise UserError(f"{path} holds {count} pictures: save each in a file")
    if picture.mode.startswith("I;16"):  # Pillow would cut off what is above 255
        picture = picture.point(lambda level: level / 256).convert("L")
    elif picture.mode in ("I", "F"):
        raise UserError(f"{path} has more than 16 bits in a pixel: save it with 8")
    if picture.has_transparency_data:
        ground = Image.new("RGBA", picture.size, "white" if invert else "black")
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    gray = picture.convert("L")
    return ImageOps.invert(gray) if invert else gray


def save_figure(figure: "Figure", path: Path) -> Path:
    """Write a picture in the size of a screen, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return path
