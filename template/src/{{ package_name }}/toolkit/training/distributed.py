"""Helpers for several processes that train together."""

from typing import Any

from lightning import LightningModule
from lightning.fabric.utilities.rank_zero import rank_zero_only
from torch import Tensor
from torch.utils.data import DistributedSampler


def is_rank_zero() -> bool:
    """Return whether this process has rank zero, or is the only one.

    It writes the files. Known before there is a trainer, from what Lightning,
    `torchrun` and SLURM tell the processes that they start.
    """
    rank: int = rank_zero_only.rank  # type: ignore[attr-defined]
    return rank == 0


def gather(module: LightningModule, loader: Any, values: Tensor) -> Tensor:
    """Gather the values of all processes in the order of the data.

    Lightning gives every n-th example to each of n processes, and repeats the first
    ones where a process would get fewer.

    Args:
        module: In the loop over the data.
        loader: Where the examples came from.
        values: Of the n examples of this process, shape (n, ...).

    Returns:
        Those of all examples, each once, in each process, shape (N, ...).
    """
    sampler = getattr(loader, "sampler", None)
    if not isinstance(sampler, DistributedSampler):
        return values  # each process has all
    parts: Any = module.all_gather(values)  # (processes, n, ...)
    # Processes that split layers among them have the same part.
    parts = parts[:: len(parts) // sampler.num_replicas]  # (parts, n, ...)
    interleaved = parts.transpose(0, 1).flatten(0, 1)  # (parts * n, ...)
    count = len(sampler.dataset)  # type: ignore[arg-type]
    return interleaved[:count].to(values.device)
