"""Options as they were written in older versions and are in many texts."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import UserError

# What is gone from the trainer, and what to write now.
GONE = {
    "auto_lr_find": "--trainer.callbacks+=LearningRateFinder",
    "auto_scale_batch_size": "--config=configs/debug/batch-size.yaml",
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


def spell_out(
    arguments: Sequence[str], groups: Mapping[str, Callable[..., Any]]
) -> list[str]:
    """Put the name of its group before each option that lacks it.

    Args:
        arguments: From the command line.
        groups: What takes the options, by the name of the group.

    Returns:
        The arguments as the parser knows them; what belongs to no group is left alone.

    Raises:
        UserError: An option is gone; the message names what to write instead.

    Examples:
        >>> class Trainer:
        ...     def __init__(self, precision: str) -> None: ...
        >>> spell_out(["--precision", "16", "--threads=2"], {"trainer": Trainer})
        ['--trainer.precision', '16', '--threads=2']
    """
    owner = {
        name: group
        for group, taker in [*groups.items()][::-1]
        for name in inspect.signature(taker).parameters
    }
    spelt = []
    for argument in arguments:
        found = re.match(r"--(?:trainer\.)?(\w+)", argument)
        name = found[1] if found else ""
        if name in GONE:
            raise UserError(f"--{name} is gone: write {GONE[name]}")
        plain = re.fullmatch(rf"--{name}\b(?!\.).*", argument, re.DOTALL)
        if plain and name in owner:
            argument = f"--{owner[name]}.{argument[2:]}"
        spelt.append(argument)
    return spelt
