"""Tests of single steps and of reproducibility: are they right, and again the same?

Memorization tests do not detect many bugs, such as skipped examples, a wrong loss or a
wrong metric in validation. The effect of a change can be measured only if two runs
without a change do not differ.
"""

from tests.case import CASE
from tests.helpers.reproducibility_checks import ReproducibilityChecks
from tests.helpers.step_checks import StepChecks


class TestSteps(StepChecks):
    """Two epochs of the real trainer, recorded and recomputed."""

    case = CASE


class TestReproducibility(ReproducibilityChecks):
    """Same seed, same losses; evaluation, a stop and a checkpoint change nothing."""

    case = CASE
