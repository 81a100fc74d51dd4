"""Runs: folders, metadata, and the launch of trainings."""

from .folders import (
    RECORD,
    newest_checkpoint,
    run_folder,
    run_of,
    start_run,
    write_run_json,
)
from .metadata import (
    MAX_TRAINED_ON,
    TRAINED_ON,
    current_commit,
    load_trained_on,
    load_training_record,
    require_finished,
)
from .recipes import fit_options, recipe_among
from .retraining import fit_in_subprocess
from .settings import read_settings

__all__ = [
    "MAX_TRAINED_ON",
    "RECORD",
    "TRAINED_ON",
    "current_commit",
    "fit_in_subprocess",
    "fit_options",
    "load_trained_on",
    "load_training_record",
    "newest_checkpoint",
    "read_settings",
    "recipe_among",
    "require_finished",
    "run_folder",
    "run_of",
    "start_run",
    "write_run_json",
]
