"""Runs: folders, metadata, and the launch of trainings."""

from .folders import newest_checkpoint, run_folder, start_run, write_run_json
from .metadata import RECORD, current_commit, load_training_record, require_finished
from .recipes import fit_options, recipe_among
from .retraining import fit_in_subprocess
from .settings import read_settings

__all__ = [
    "RECORD",
    "current_commit",
    "fit_in_subprocess",
    "fit_options",
    "load_training_record",
    "newest_checkpoint",
    "read_settings",
    "recipe_among",
    "require_finished",
    "run_folder",
    "start_run",
    "write_run_json",
]
