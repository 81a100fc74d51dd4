"""Processes that train: their ranks, results of all of them, a clean end by signals."""

import os
import signal
import sys
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from torch.utils.data import DistributedSampler

from ..errors import UserError
from ..paths import PACKAGE
from ..run_records import run_folder

# What tells a process its rank, in the order in which Lightning looks.
RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")


def is_rank_zero() -> bool:
    """Return whether this process writes the files; known before there is a trainer."""
    rank: int = rank_zero_only.rank  # type: ignore[attr-defined]
    return rank == 0


def require_own_rank(trainer: Trainer) -> None:
    """Raise an error for a rank of another job: such a process would write no file."""
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


class GracefulShutdown(Callback):
    """Ends a training by SIGTERM like one by Ctrl-C, and says how to resume it."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Replace Lightning's handler of SIGTERM; say so where Ctrl-C has no effect.

        Shells let background processes ignore Ctrl-C.
        """
        treat_sigterm_as_interrupt()
        if is_rank_zero() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            print(f"In the background: end it with kill {os.getpid()}", file=sys.stderr)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Replace Lightning's handler of SIGTERM."""
        treat_sigterm_as_interrupt()

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Replace Lightning's handler of SIGTERM."""
        treat_sigterm_as_interrupt()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Print how to resume, if an epoch was finished."""
        folder = run_folder(trainer)
        if folder is None or not isinstance(exception, KeyboardInterrupt):
            return
        last = folder / "checkpoints" / "last.ckpt"
        if last.is_file():
            command = f"python -m {PACKAGE} fit --ckpt_path {last}"
            print(f"Stopped. To resume: {command}", file=sys.stderr)


def treat_sigterm_as_interrupt() -> None:
    """Let SIGTERM raise a `KeyboardInterrupt`, as Ctrl-C does.

    Lightning's own handler notifies the other processes, which can cause a deadlock if
    they wait for something else.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def handle_signals() -> None:
    """Handle SIGTERM like Ctrl-C."""
    treat_sigterm_as_interrupt()
    if not is_rank_zero():
        # Rank zero ends the others and says how to resume: they must not end before.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
