"""Memorization tests: can training overfit a few examples?

If a network learns all labels of a very small batch, then data path, loss, gradients
and optimizer work together. This takes a second, so it can run on every change. If a
limit is too strict for your model, try in this order: train for more steps, memorize
fewer examples, raise the learning rate, disable regularization (dropout, augmentation,
weight decay), and only then relax the limit.
"""

from tests.case import CASE
from tests.helpers.memorization_checks import MemorizationChecks


class TestMemorization(MemorizationChecks):
    """Limits are far from the values of correct training, to avoid false alarms."""

    case = CASE
    examples = 16
    steps = 200
    # With 6 seeds it was 0.006 to 0.016.
    max_loss_ratio = 0.3
    # The accuracy was 0.88 to 0.96 above that of the baseline with 6 seeds.
    min_gain = 0.5
    # Cost of one step on the 16 examples: the measured value plus or minus a quarter,
    # as it depends on the version of PyTorch. Typical bugs multiply the cost; a lower
    # cost means that part of the computation is missing.
    flops_per_step = (189_000_000, 315_000_000)
    operators_per_step = (515, 858)
    # Five times the measured value, as processor time depends on machine and load.
    cpu_seconds_per_step = 0.35
