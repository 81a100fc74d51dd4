"""The baseline: a simple model that the network must beat.

It trains in a second. If a network is not better, either the network has a bug, or the
task does not need a network. So few wines show this: logistic regression is as good as
a network. This baseline is simpler yet, so that a network with a bug is still noticed.
"""

import torch

from .data import CLASSES, Examples, preprocess
from .evaluation import Evaluation, score


def baseline(train: Examples, data: Examples) -> Evaluation:
    """Fit a decision tree of two levels to examples, and evaluate it on others.

    Args:
        train: Examples to fit, some of each class.
        data: Examples to evaluate.

    Returns:
        The evaluation of `data`, in its order.
    """
    # Imported here: prediction and training do not need it.
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(max_depth=2, random_state=0)
    model.fit(preprocess(train.raw), train.labels)
    found = torch.from_numpy(model.predict_proba(preprocess(data.raw)))  # (N, C)
    # Never sure: an error would have an infinite loss.
    fractions = (found * len(train) + 1) / (len(train) + len(CLASSES))
    return score(fractions.log(), data.labels)
