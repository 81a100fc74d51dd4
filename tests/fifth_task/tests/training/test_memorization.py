"""Memorization tests: can training overfit a few examples?"""

from tests.case import CASE
from tests.helpers.memorization_checks import MemorizationChecks


class TestMemorization(MemorizationChecks):
    """Limits are far from the values of correct training, to avoid false alarms."""

    case = CASE
    examples = 16
    steps = 120
    min_gain = 0.03
    # Cost of one step: the measured value plus or minus a quarter.
    flops_per_step = (180_000_000, 310_000_000)
    operators_per_step = (260, 430)
    cpu_seconds_per_step = 0.1
