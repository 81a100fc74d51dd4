"""The names of `op_counts` that projects of version 0.1.0 import."""

from tests.helpers.op_counts import Cost
from tests.helpers.op_counts import measure_cost as measure

__all__ = ["Cost", "measure"]
