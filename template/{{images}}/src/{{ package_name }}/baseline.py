"""The baseline: a simple model that the network must beat.

It trains in a second. If a network is not better, either the network has a bug, or the
task does not need a network.
"""

import torch

from .data import Examples, preprocess
from .evaluation import Evaluation, score


def baseline(train: Examples, data: Examples) -> Evaluation:
    """Fit a logistic regression to examples, and evaluate it on others.

    Args:
        train: Examples to fit, some of each class.
        data: Examples to evaluate.

    Returns:
        The evaluation of `data`, in its order.
    """
    # Imported here: prediction and training do not need it.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(preprocess(train.raw).flatten(1), train.labels)
    logits = model.predict_log_proba(preprocess(data.raw).flatten(1))  # (N, C)
    return score(torch.from_numpy(logits), data.labels)
