"""Runs: folders, metadata, and the launch of trainings."""

from .commands import fit_in_subprocess
from .folders import (
    MAX_TRAINED_ON,
    RECORD,
    TRAINED_ON,
    current_commit,
    load_trained_on,
    load_training_record,
    newest_checkpoint,
    require_finished,
    run_folder,
    run_of,
    start_run,
    write_run_json,
)
from .recipes import fit_options, read_settings, recipe_among

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
