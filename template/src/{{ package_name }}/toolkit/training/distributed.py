"""Several processes that train together: which writes files, and what all have seen."""

from typing import Any

from lightning import LightningModule
from lightning.fabric.utilities.rank_zero import rank_zero_only
from torch import Tensor
from torch.utils.data import DistributedSampler


def first_process() -> bool:
    """Return whether this process is the first, or the only one.

    It writes the files. Known before there is a trainer, from what Lightning,
    `torchrun` and SLURM tell the processes that they start.
    """
    rank: int = rank_zero_only.rank  # type: ignore[attr-defined]
    return rank == 0


def gather(module: LightningModule, loader: Any, values: Tensor) -> Tensor:
    """Join what all processes computed of their parts of the data.

    Lightning deals the examples out like cards, and the first ones once more where some
    process would else get fewer.

    Args:
        module: In the loop over the data.
        loader: Where the examples came from.
        values: Of the n examples of this process, shape (n, ...).

    Returns:
        Those of all examples in the order of the data, in each process, each once,
        shape (N, ...).
    """
    sampler = getattr(loader, "sampler", None)
    if not isinstance(sampler, DistributedSampler):
        return values  # each process has all
    parts: Any = module.all_gather(values)  # (processes, n, ...)
    # Processes that split layers among them have the same part.
    parts = parts[:: len(parts) // sampler.num_replicas]  # (parts, n, ...)
    dealt = parts.transpose(0, 1).flatten(0, 1)  # (parts * n, ...)
    count = len(sampler.dataset)  # type: ignore[arg-type]
    return dealt[:count].to(values.device)
