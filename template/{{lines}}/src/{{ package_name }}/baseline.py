"""The baseline: a simple model that the network must beat.

It trains in a second. If a network is not better, either the network has a bug, or the
task does not need a network.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from .data import BLANK, CHARACTERS, HEIGHT, Examples, encode, preprocess
from .evaluation import Evaluation, score
from .model import NEVER


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

    lengths = [len(label) for label in train.labels]
    pieces = torch.cat([*map(_cut, train.raw, lengths)])  # (characters, 64)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    model.fit(pieces.numpy(), [*"".join(train.labels)])
    pitch = sum(line.shape[1] for line in train.raw) / sum(lengths)  # pixels
    counts = [max(round(line.shape[1] / pitch), 1) for line in data.raw]
    pieces = torch.cat([*map(_cut, data.raw, counts)])
    found = torch.from_numpy(model.predict_log_proba(pieces.numpy())).float()
    seen = [CHARACTERS.index(one) + 1 for one in model.classes_]
    # A blank follows each character, so that equal ones stay two.
    logits = torch.full((len(data), 2 * max(counts), 1 + len(CHARACTERS)), NEVER)
    logits[:, :, BLANK] = 0
    for row, values in enumerate(found.split(counts)):  # (count, seen)
        logits[row, : 2 * len(values) : 2, BLANK] = NEVER
        for column, character in enumerate(seen):
            logits[row, : 2 * len(values) : 2, character] = values[:, column]
    return score(logits, encode(data.labels))


def _cut(line: Tensor, count: int) -> Tensor:
    """Cut a line (8, W) into `count` pieces of equal width, and return (count, 64)."""
    pixels = preprocess([line]).pixels  # (1, 1, 8, W)
    wide = F.interpolate(pixels, (HEIGHT, HEIGHT * count))  # (1, 1, 8, 8 * count)
    pieces = wide[0, 0].unflatten(1, (count, HEIGHT))  # (8, count, 8)
    return pieces.movedim(1, 0).flatten(1)
