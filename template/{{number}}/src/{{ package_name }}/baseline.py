"""The baseline: a simple model that the network must beat.

It trains in a second. If a network is not better, either the network has a bug, or the
task does not need a network.
"""

import numpy as np
import torch

from .data import Examples, preprocess
from .evaluation import QUANTILES, Evaluation, score


def baseline(train: Examples, data: Examples) -> Evaluation:
    """Fit a ridge regression to examples, and evaluate it on others.

    Args:
        train: Examples to fit.
        data: Examples to evaluate.

    Returns:
        The evaluation of `data`, in its order. The range around each prediction is that
        of the errors of the fitted examples.
    """
    # Imported here: prediction and training do not need it.
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 11)))
    model.fit(preprocess(train.raw), train.labels)
    residuals = train.labels.numpy() - model.predict(preprocess(train.raw))  # (N,)
    low, _, high = np.quantile(residuals, QUANTILES)
    found = torch.from_numpy(model.predict(preprocess(data.raw))).float()  # (M,)
    return score(torch.stack([found + low, found, found + high], dim=1), data.labels)
