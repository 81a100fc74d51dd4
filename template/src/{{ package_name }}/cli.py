"""The training commands: Lightning's command line, with a folder per run."""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import torch
from jsonargparse.typing import PositiveInt
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from . import report
from .datamodule import DigitsDataModule
from .errors import InputError
from .production import load_checkpoint
from .runs import new_run_dir, newest_checkpoint
from .training import DigitClassifier

CONFIG = "configs/default.yaml"

# More workers only slow down data that is in memory.
warnings.filterwarnings("ignore", message=".*does not have many workers")
# The arguments are passed on by `__main__`, on purpose.
warnings.filterwarnings("ignore", message="LightningCLI's args parameter")
# Inside the libraries, for them to mend.
warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec")
# Tips that advertise a service.
logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(
    lambda record: "Tip:" not in record.getMessage()
)


class Parser(LightningArgumentParser):
    """Reports a wrong option in one line, without two screens of usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise what `__main__` prints."""
        raise InputError(" ".join(message.split())) from ex


class ResumeHint(Callback):
    """Says how to go on after Ctrl-C or `kill`."""

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Name the last checkpoint, if an epoch was finished."""
        last = Path(trainer.log_dir or "") / "checkpoints" / "last.ckpt"
        if isinstance(exception, KeyboardInterrupt) and last.is_file():
            command = f"python -m {__package__} fit --ckpt_path {last}"
            print(f"Stopped. Go on with: {command}", file=sys.stderr)


class CLI(LightningCLI):
    """`LightningCLI` that numbers the runs and ends each with its report."""

    run_dir: Path | None = None  # none for a rehearsal with fast_dev_run

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Leave out `predict`, which `prediction` does for single pictures."""
        commands = LightningCLI.subcommands()
        return {name: commands[name] for name in ("fit", "validate", "test")}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add an option that the trainer does not have."""
        parser.add_argument(
            "--threads", type=PositiveInt, default=1, help="of PyTorch, on the CPU"
        )

    def before_instantiate_classes(self) -> None:
        """Let everything that writes files write into `runs/COMMAND-NNNN`."""
        config = self.config[self.subcommand]
        torch.set_num_threads(config.threads)
        if "verbose" in config:
            config.verbose = False  # the report has the table
        if config.trainer.enable_progress_bar is False:
            # The trainer refuses a bar in its callbacks when none is wanted.
            config.trainer.callbacks = [
                callback
                for callback in config.trainer.callbacks or []
                if "ProgressBar" not in callback.class_path
            ]
        # Of several processes that train together, the first writes the files.
        if config.trainer.fast_dev_run or os.environ.get("LOCAL_RANK", "0") != "0":
            return
        self.run_dir = new_run_dir(str(self.subcommand))
        config.trainer.default_root_dir = str(self.run_dir)
        if isinstance(config.trainer.logger, list):
            for logger in config.trainer.logger:
                # To loggers of other kinds a version is something else.
                if logger.class_path.endswith(("CSVLogger", "TensorBoardLogger")):
                    logger.init_args.version = self.run_dir.name

    def after_fit(self) -> None:
        """Draw the learning curves."""
        if self.run_dir is not None and (self.run_dir / "metrics.csv").is_file():
            curves = report.write_curves(self.run_dir)
            print(f"\ncurves       {curves}")
            print(f"checkpoints  {self.run_dir / 'checkpoints'}")

    def after_validate(self) -> None:
        """Report on the validation data."""
        self._report("val")

    def after_test(self) -> None:
        """Report on the test data."""
        self._report("test")

    def _report(self, split: str) -> None:
        if self.trainer.world_size > 1:
            raise InputError("each process saw a part: add --trainer.devices=1")
        evaluation = self.model.evaluation
        print("\n" + report.table({split: evaluation}))
        if self.run_dir is not None:
            data = self.datamodule.splits[split]
            for path in report.write_evaluation(evaluation, data, self.run_dir):
                print(f"{path.stem:<11}  {path}")


def run(command: str, arguments: Sequence[str]) -> None:
    """Run a command with Lightning's options; a wrong one is an `InputError`.

    Args:
        command: `fit`, `validate` or `test`.
        arguments: What follows it on the command line.
    """
    _end_cleanly()
    arguments = [command, *arguments]
    checkpoint = _option("--ckpt_path", arguments)
    if checkpoint is not None:
        load_checkpoint(Path(checkpoint))  # if it is none, it says so in one line
    if command != "fit":
        # The report goes to another folder than the checkpoint's.
        warnings.filterwarnings("ignore", message="The dirpath has changed from")
        if checkpoint is None and not {"-h", "--help"} & {*arguments}:
            newest = newest_checkpoint()
            arguments += ["--ckpt_path", str(newest)]
            print(f"The model is {newest}.")
    CLI(
        DigitClassifier,
        DigitsDataModule,
        args=arguments,
        parser_class=Parser,
        parser_kwargs={
            name: {"default_config_files": [CONFIG]} for name in CLI.subcommands()
        },
        trainer_defaults={"callbacks": [ResumeHint()]},
    )


def _end_cleanly() -> None:
    """Let `kill` do what Ctrl-C does, and say so where Ctrl-C does nothing.

    Shells let programs in the background ignore Ctrl-C.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    first = os.environ.get("LOCAL_RANK", "0") == "0"
    if first and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        print(f"In the background: end it with kill {os.getpid()}", file=sys.stderr)


def _option(name: str, arguments: Sequence[str]) -> str | None:
    """Return the value of `name VALUE` or `name=VALUE`, if it is there."""
    for position, word in enumerate(arguments):
        if word == name:
            return "".join(arguments[position + 1 : position + 2])
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None
