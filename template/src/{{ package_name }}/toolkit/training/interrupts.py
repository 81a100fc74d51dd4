"""Ctrl-C and SIGTERM: a clean end of all processes of a training."""

import os
import signal
import sys

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from ..paths import PACKAGE
from ..run_records import run_folder
from .distributed import is_rank_zero


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
