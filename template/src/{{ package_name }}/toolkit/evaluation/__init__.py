"""How good a model is: suites, comparison with the one in use, promotion."""

from .evaluation_set import load_exam, missed_floors
from .expectations import Range, unusual
from .model_card import TRIAL_PICTURE
from .model_comparison import judge
from .model_store import load_checkpoint, load_production, load_record
from .promotion import TRIAL_RESULT, promote
from .suites import (
    Member,
    Suite,
    load_suites,
    read_lines,
    starting_floor,
    write_lines,
    write_suite,
)

__all__ = [
    "Member",
    "Range",
    "Suite",
    "TRIAL_PICTURE",
    "TRIAL_RESULT",
    "judge",
    "load_checkpoint",
    "load_exam",
    "load_production",
    "load_record",
    "load_suites",
    "missed_floors",
    "promote",
    "read_lines",
    "starting_floor",
    "unusual",
    "write_lines",
    "write_suite",
]
