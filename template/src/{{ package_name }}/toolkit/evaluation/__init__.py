"""How good a model is: suites, comparison with the production model, promotion."""

from .evaluation_set import load_evaluation_set, suites_below_minimum
from .model_card import SHADOW_PICTURE
from .model_comparison import compare_models
from .model_store import (
    compare_with_record,
    known_training_data,
    load_checkpoint,
    load_example_records,
    load_golden,
    load_production,
    load_record,
)
from .predict import Range, out_of_range
from .promotion import SHADOW_RESULT, promote
from .significance import load_settings
from .suites import (
    Suite,
    SuiteExample,
    initial_min_accuracy,
    load_suites,
    read_json_lines,
    write_json_lines,
    write_suite,
)

__all__ = [
    "Range",
    "SHADOW_PICTURE",
    "SHADOW_RESULT",
    "Suite",
    "SuiteExample",
    "compare_models",
    "compare_with_record",
    "initial_min_accuracy",
    "known_training_data",
    "load_checkpoint",
    "load_evaluation_set",
    "load_example_records",
    "load_golden",
    "load_production",
    "load_record",
    "load_settings",
    "load_suites",
    "out_of_range",
    "promote",
    "read_json_lines",
    "suites_below_minimum",
    "write_json_lines",
    "write_suite",
]
