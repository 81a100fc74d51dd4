"""For any training by Lightning: divergence, hints, a clean end, several processes."""

from .distributed import first_process, gather
from .divergence_guard import Guard
from .fine_tuning import FineTune
from .interrupts import Ending, end_cleanly
from .metadata_recorder import Recorder
from .nested_tensors import shapes, tensors

__all__ = [
    "Ending",
    "FineTune",
    "Guard",
    "Recorder",
    "end_cleanly",
    "first_process",
    "gather",
    "shapes",
    "tensors",
]
