"""The baseline: a logistic regression per digit, on the mean picture of a strip."""

import torch
from torch import Tensor

from .data import Examples, preprocess, targets
from .evaluation import Evaluation, score


def _mean_pictures(data: Examples) -> Tensor:
    x = preprocess(data.raw)
    return x.digits.flatten(2).sum(dim=1) / x.lengths[:, None]  # (N, 64)


def baseline(train: Examples, data: Examples) -> Evaluation:
    """Fit the regressions to examples, and evaluate them on others."""
    # Imported here: prediction and training do not need it.
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    model = OneVsRestClassifier(LogisticRegression(C=100, max_iter=1000))
    model.fit(_mean_pictures(train).numpy(), targets(train.labels).numpy())
    logits = model.decision_function(_mean_pictures(data).numpy())  # (N, 10)
    return score(torch.from_numpy(logits), targets(data.labels))
