"""Reproducibility tests: do runs with the same seed give the same results?

The effect of a change can be measured only if two runs without a change do not differ.
"""

from tests.case import CASE
from tests.helpers.reproducibility_checks import ReproducibilityChecks


class TestReproducibility(ReproducibilityChecks):
    """Same seed, same losses; evaluation, a stop and a checkpoint change nothing."""

    case = CASE
