"""Aliases of `op_counts` for projects that were created with version 0.1.0."""

from tests.helpers.op_counts import Cost
from tests.helpers.op_counts import measure_cost as measure

__all__ = ["Cost", "measure"]
