"""Runs: their folders, their metadata, and how trainings are launched."""

from .folders import VARIABLE, begin, leave, new_run_dir, newest_checkpoint, run_folder
from .metadata import RECORD, current_commit, load_training, require_sound
from .recipes import fit_options, recipe_among
from .retraining import configurations, fit_and_read
from .settings import read_settings

__all__ = [
    "RECORD",
    "VARIABLE",
    "begin",
    "configurations",
    "current_commit",
    "fit_and_read",
    "fit_options",
    "leave",
    "load_training",
    "new_run_dir",
    "newest_checkpoint",
    "read_settings",
    "recipe_among",
    "require_sound",
    "run_folder",
]
