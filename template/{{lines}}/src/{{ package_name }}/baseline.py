"""The baseline: a simple model that the network must beat.

It trains in a second. If a network is not better, either the network has a bug, or the
task does not need a network.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .data import BLANK, CHARACTERS, HEIGHT, Examples, encode, preprocess
from .evaluation import Evaluation, score

RARE = -5.0  # the least logarithm of a probability


def baseline(train: Examples, data: Examples) -> Evaluation:
    """Cut lines into equal pieces, and fit a linear discriminant analysis to them.

    Args:
        train: Examples to fit, some of each character.
        data: Examples to evaluate.

    Returns:
        The evaluation of `data`, in its order.
    """
    # Imported here: prediction and training do not need it.
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    lines, lengths = [*map(_text, train.raw)], [len(label) for label in train.labels]
    pieces = torch.cat([*map(_cut, lines, lengths)])  # (characters, 64)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    model.fit(pieces.numpy(), [*"".join(train.labels)])
    pitch = sum(line.shape[1] for line in lines) / sum(lengths)  # pixels
    lines = [*map(_text, data.raw)]
    counts = [round(line.shape[1] / pitch) for line in lines]
    pieces = torch.cat([*map(_cut, lines, counts)])
    found = torch.from_numpy(model.predict_log_proba(pieces.numpy())).float()
    seen = [CHARACTERS.index(one) + 1 for one in model.classes_]
    # A blank follows each character, so that equal ones stay two. Nothing is certain:
    # a line with one character more would have an infinite loss.
    size = (len(data), 2 * max(counts) + 1, 1 + len(CHARACTERS))
    logits = torch.full(size, RARE)
    logits[:, :, BLANK] = 0
    for line, values in zip(logits, found.split(counts), strict=True):
        line[: 2 * len(values) : 2, BLANK] = RARE
        line[: 2 * len(values) : 2, seen] = values.clamp_min(RARE)  # (count, seen)
    return score(logits, encode(data.labels))


def _text(line: Tensor) -> Tensor:
    """Return a line (8, W) without the columns before and after the ink."""
    columns = line.any(dim=0).nonzero().flatten().tolist()
    return line[:, columns[0] : columns[-1] + 1] if columns else line[:, :0]


def _cut(line: Tensor, count: int) -> Tensor:
    """Cut a line (8, W) into `count` pieces of equal width, and return (count, 64)."""
    if not count or not line.shape[1]:
        return torch.zeros(count, HEIGHT * HEIGHT)
    pixels = preprocess([line]).pixels  # (1, 1, 8, W)
    wide = F.interpolate(pixels, (HEIGHT, HEIGHT * count))  # (1, 1, 8, 8 * count)
    pieces = wide[0, 0].unflatten(1, (count, HEIGHT))  # (8, count, 8)
    return pieces.movedim(1, 0).flatten(1)
