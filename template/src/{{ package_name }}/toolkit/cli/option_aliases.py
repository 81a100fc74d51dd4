"""Aliases of options, and hints for options that Lightning has removed."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import UserError

# Options that the trainer had once, and their replacements.
REMOVED = {
    "auto_lr_find": "--trainer.callbacks+=LearningRateFinder",
    "auto_scale_batch_size": "--trainer.callbacks+=BatchSizeFinder",
    "auto_select_gpus": "--trainer.devices=1",
    "checkpoint_callback": "--trainer.enable_checkpointing",
    "gpus": "--trainer.accelerator=gpu --trainer.devices",
    "num_processes": "--trainer.accelerator=cpu --trainer.devices",
    "progress_bar_refresh_rate": "refresh_rate of TQDMProgressBar, in a configuration",
    "resume_from_checkpoint": "--ckpt_path",
    "tpu_cores": "--trainer.accelerator=tpu --trainer.devices",
    "track_grad_norm": "--config=configs/debug/nan.yaml",
    "weights_summary": "--trainer.enable_model_summary",
}


def option_names(groups: Mapping[str, Callable[..., Any]]) -> list[tuple[str, str]]:
    """Return the group and the name of each option.

    Args:
        groups: Classes that take the options, by the name of the group.

    Returns:
        In the order of the groups.
    """
    return [
        (group, name)
        for group, taker in groups.items()
        for name in inspect.signature(taker).parameters
    ]


def expand_aliases(
    arguments: Sequence[str], groups: Mapping[str, Callable[..., Any]]
) -> list[str]:
    """Add the group of options to those that lack it.

    Args:
        arguments: From the command line.
        groups: Classes that take the options, by the name of the group.

    Returns:
        The arguments as the parser knows them; those of no group are unchanged.

    Raises:
        UserError: An option was removed; the message names the replacement.

    Examples:
        >>> class Trainer:
        ...     def __init__(self, precision: str) -> None: ...
        >>> expand_aliases(["--precision", "16", "--threads=2"], {"trainer": Trainer})
        ['--trainer.precision', '16', '--threads=2']
    """
    # Of two groups with such an option the first one.
    owner = {name: group for group, name in option_names(groups)[::-1]}
    expanded = []
    for argument in arguments:
        found = re.match(r"--(?:trainer\.)?(\w+)", argument)
        name = found[1] if found else ""
        if name in REMOVED:
            raise UserError(f"--{name} was removed: use {REMOVED[name]}")
        plain = re.fullmatch(rf"--{name}\b(?!\.).*", argument, re.DOTALL)
        if plain and name in owner:
            argument = f"--{owner[name]}.{argument[2:]}"
        expanded.append(argument)
    return expanded
