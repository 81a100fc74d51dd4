"""Helpers for several processes that train together."""

import os
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.fabric.utilities.rank_zero import rank_zero_only
from torch import Tensor
from torch.utils.data import DistributedSampler

from ..errors import UserError

# What tells a process its rank, in the order in which Lightning looks.
RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")


def is_rank_zero() -> bool:
    """Return whether this process has rank zero, or is the only one.

    It writes the files. Known before there is a trainer, from what Lightning,
    `torchrun` and SLURM tell the processes that they start.
    """
    rank: int = rank_zero_only.rank  # type: ignore[attr-defined]
    return rank == 0


def require_own_rank(trainer: Trainer) -> None:
    """Raise an error for a rank that belongs to another training.

    A variable of somebody else's job would make the only process a helper, which writes
    no file.

    Args:
        trainer: Of this process.

    Raises:
        UserError: The only process has another rank than zero.
    """
    if trainer.world_size > 1 or is_rank_zero():
        return
    name = next(name for name in RANKS if os.environ.get(name, "0") != "0")
    raise UserError(
        f"{name}={os.environ[name]} in the environment says that other processes train "
        f"with this one, but there is only one device: unset {name}, or name the "
        "devices with --trainer.devices"
    )


def gather(module: LightningModule, loader: Any, values: Any) -> Any:
    """Gather the values of all processes in the order of the data.

    Lightning gives every n-th example to each of n processes, and repeats the first
    ones where a process would get fewer.

    Args:
        module: In the loop over the data.
        loader: Where the examples came from.
        values: Of the n examples of this process, a tensor (n, ...) or a list.

    Returns:
        Those of all examples, each once, in each process: a tensor (N, ...) or a list.
    """
    sampler = getattr(loader, "sampler", None)
    if not isinstance(sampler, DistributedSampler):
        return values  # each process has all
    count = len(sampler.dataset)  # type: ignore[arg-type]
    parts: Any
    if isinstance(values, Tensor):
        parts = module.all_gather(values)  # (processes, n, ...)
    else:
        parts = [None] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(parts, values)
    # Processes that split layers among them have the same part.
    parts = parts[:: len(parts) // sampler.num_replicas]  # (parts, n, ...)
    if not isinstance(values, Tensor):
        return [value for turn in zip(*parts, strict=True) for value in turn][:count]
    interleaved = parts.transpose(0, 1).flatten(0, 1)  # (parts * n, ...)
    return interleaved[:count].to(values.device)
