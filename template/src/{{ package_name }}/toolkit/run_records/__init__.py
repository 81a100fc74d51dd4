"""Runs: their folders, their metadata, and how trainings are launched."""

from .folders import begin, leave, newest_checkpoint, run_folder
from .metadata import RECORD, current_commit, load_training, require_sound
from .recipes import fit_options, recipe_among
from .retraining import fit_and_read
from .settings import read_settings

__all__ = [
    "RECORD",
    "begin",
    "current_commit",
    "fit_and_read",
    "fit_options",
    "leave",
    "load_training",
    "newest_checkpoint",
    "read_settings",
    "recipe_among",
    "require_sound",
    "run_folder",
]
