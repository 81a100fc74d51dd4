"""The end of a training by Ctrl-C or `kill`: of all its processes, and how to go on."""

import os
import signal
import sys

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from ..paths import PACKAGE
from ..run_records import run_folder
from .distributed import first_process


class Ending(Callback):
    """Lets `kill` do what Ctrl-C does, and says how to go on after both."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take `kill` back from Lightning."""
        take_kill_for_ctrl_c()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take `kill` back from Lightning."""
        take_kill_for_ctrl_c()

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take `kill` back from Lightning."""
        take_kill_for_ctrl_c()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Name the last checkpoint, if an epoch was finished."""
        folder = run_folder(trainer)
        if folder is None or not isinstance(exception, KeyboardInterrupt):
            return
        last = folder / "checkpoints" / "last.ckpt"
        if last.is_file():
            command = f"python -m {PACKAGE} fit --ckpt_path {last}"
            print(f"Stopped. Go on with: {command}", file=sys.stderr)


def take_kill_for_ctrl_c() -> None:
    """Let `kill` end the program as Ctrl-C does.

    Lightning's own way is to tell the other processes, which may be waiting for
    something else; then they wait for each other for ever.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def end_cleanly() -> None:
    """Let `kill` do what Ctrl-C does, and say so where Ctrl-C does nothing.

    Shells let programs in the background ignore Ctrl-C.
    """
    take_kill_for_ctrl_c()
    if not first_process():
        # The first ends the others, and says how to go on: they must not end before.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    elif signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        print(f"In the background: end it with kill {os.getpid()}", file=sys.stderr)
