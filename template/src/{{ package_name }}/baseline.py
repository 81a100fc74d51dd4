"""The baseline: what any network has to beat to be worth its trouble.

It takes a line and a second. If a network is no better, either something is wrong with
the network, or the task does not need one.
"""

import torch

from .data import Examples, preprocess
from .evaluation import Evaluation, score


def baseline(train: Examples, data: Examples) -> Evaluation:
    """Learn from examples, and answer others, by logistic regression.

    Args:
        train: Examples to learn from, some of each class.
        data: Examples to answer.

    Returns:
        What it says about these, in their order.
    """
    # Imported here: prediction and training do without.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(preprocess(train.raw).flatten(1), train.labels)
    logits = model.predict_log_proba(preprocess(data.raw).flatten(1))  # (N, C)
    return score(torch.from_numpy(logits), data.labels)
