"""Tests of single steps: does the trainer process data, loss and metrics correctly?

Memorization tests do not detect many bugs, such as skipped examples, a wrong loss or a
wrong metric in validation.
"""

from tests.case import CASE
from tests.helpers.step_checks import StepChecks


class TestSteps(StepChecks):
    """Two epochs of the real trainer, recorded and recomputed."""

    case = CASE
