"""Commands that train and evaluate: Lightning's command line, with a folder per run."""

import copy
import hashlib
import itertools
import logging
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, NoReturn

import torch
import yaml
from jsonargparse.typing import PositiveInt
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.cli import (
    ArgsType,
    LightningArgumentParser,
    LightningCLI,
    SaveConfigCallback,
)

from .. import interface, paths
from ..cli import Command, expand_aliases, option_names
from ..errors import UserError
from ..evaluation import load_checkpoint
from ..figures import metrics_table, write_curves, write_evaluation
from ..run_records import start_run, newest_checkpoint, recipe_among
from .divergence_guard import DivergenceGuard
from .error_hints import raised_by_lightning
from .metadata_recorder import MetadataRecorder
from .processes import GracefulShutdown, handle_signals, is_rank_zero, require_own_rank

# Recipes name the callbacks of all rooms.
for room in iter_modules([str(Path(__file__).parents[1])]):
    if room.ispkg:
        import_module(f"{__package__.rpartition('.')[0]}.{room.name}")
# More workers only slow down data that is in memory.
warnings.filterwarnings("ignore", message=".*does not have many workers")
# Irrelevant: the report counts each example once.
warnings.filterwarnings("ignore", message="Using `DistributedSampler` with")
# The arguments are passed on by `__main__`, on purpose.
warnings.filterwarnings("ignore", message="LightningCLI's args parameter")
# Inside the libraries, for them to mend.
warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec")
warnings.filterwarnings("ignore", message=".*functional.all_gather is deprecated")
# Tips that advertise a service.
logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(
    lambda record: "Tip:" not in record.getMessage()
)


class Parser(LightningArgumentParser):
    """Reports a wrong option in one line, without two screens of usage."""

    takers: Mapping[str, Callable[..., Any]] = {}  # of the options, by their group

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise what `__main__` prints."""
        message = " ".join(message.split())
        pattern = r"unrecognized arguments: -*([\w.-]+)|accept option '([\w.]+)'"
        if wrong := re.search(pattern, message):
            word = (wrong[1] or wrong[2]).replace("-", "_")
            known = [".".join(option) for option in option_names(self.takers)]
            meant = get_close_matches(word, known, 1)
            dashes = "--" if wrong[1] else ""
            message += "".join(f": is it {dashes}{name}?" for name in meant)
        # Of a misspelt option there is no more to say.
        raise UserError(_shortened(message)) from ex and ex.__cause__


def _shortened(message: str) -> str:
    """Return the choices of an option instead of its types."""
    found = re.match(r'Parser key "([\w.]+)": Does not validate', message)
    if found is None:
        return message
    literals = re.findall(r"typing.Literal\[(.*?)\]", message.partition(" Errors: ")[0])
    value = message.rpartition("Given value: ")[2]
    choices = f": one of {', '.join(literals)}" if literals else ""
    return f"{found[1]} cannot be {value[:100]}{choices or ': ' + message[:300]}"


class KeepConfig(SaveConfigCallback):
    """Writes `config.yaml` into the folder of the run, whatever the loggers are."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write it."""
        if trainer.is_global_zero:
            folder = Path(trainer.default_root_dir)
            folder.mkdir(parents=True, exist_ok=True)
            path = str(folder / self.config_filename)
            self.parser.save(self.config, path, skip_unset=False, overwrite=True)


class OptionalMetrics(Callback):
    """Lets a schedule of the learning rate wait for a metric that is not computed."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Make its metric optional."""
        for config in trainer.lr_scheduler_configs:
            config.strict = False


class CLI(LightningCLI):
    """`LightningCLI` that numbers the runs and ends each with its report.

    Whatever way a checkpoint is named, on the command line or in a file, it is the one
    that is used, with the options it was trained with.
    """

    command: str  # the requested one
    recorder: MetadataRecorder  # of a training with a folder
    config: Any  # of this command, as it was parsed
    run_dir: Path | None = None  # none for a rehearsal with fast_dev_run

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Know only the requested command: each takes a tenth of a second."""
        return {CLI.command: LightningCLI.subcommands()[CLI.command]}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add options that the trainer does not have."""
        parser.add_argument(
            "--threads", type=PositiveInt, default=1, help="of PyTorch, on the CPU"
        )
        parser.add_argument(
            "--retrain", type=bool, default=False, help="whether nox -s retrain does it"
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Find the checkpoint, and refuse options that it would overrule."""
        self.arguments = [*args]  # type: ignore[misc]  # `run` gives a list
        super().parse_arguments(parser, args)
        command = self.config.subcommand
        config = self.config[command]
        if config.ckpt_path is not None:
            config.ckpt_path = str(paths.found(Path(config.ckpt_path)))
        if config.ckpt_path is None and command != "fit":
            config.ckpt_path = str(newest_checkpoint())
        if config.ckpt_path is None:
            return
        _, trained_with = load_checkpoint(Path(config.ckpt_path))
        if command == "fit":
            file = torch.load(config.ckpt_path, weights_only=True, mmap=True)
            done, wanted = file.get("epoch", 0) + 1, config.trainer.max_epochs
            if wanted is not None and 0 <= wanted < done:
                raise UserError(
                    f"{config.ckpt_path} has trained {done} epochs: ask for more than "
                    f"{wanted} with --trainer.max_epochs"
                )
        # Without the defaults, to see the options that were given.
        asked = parser.parse_args(self.arguments, defaults=False)
        given = asked[command].get("model", {})
        for name, value in given.items():
            before = trained_with.get(name, value)
            if value != before:
                raise UserError(
                    f"{config.ckpt_path} was trained with {name}={before}: "
                    f"leave out model.{name}={value}, or train a new model with it"
                )

    def before_instantiate_classes(self) -> None:
        """Write all files into `runs/COMMAND-NNNN`, or `runs/RECIPE-NNNN`.

        A training with a recipe makes no model to promote, so it is no run of `fit`.
        """
        config = self.config[self.subcommand]
        torch.set_num_threads(config.threads)
        if "verbose" in config:
            config.verbose = False  # the report has the table
        for option, kind in (
            ("enable_progress_bar", "ProgressBar"),
            ("enable_checkpointing", "Checkpoint"),
        ):
            if getattr(config.trainer, option) is False:
                # The trainer refuses those in its callbacks when none are wanted.
                config.trainer.callbacks = [
                    callback
                    for callback in config.trainer.callbacks or []
                    if kind not in callback.class_path
                ]
        if config.trainer.fast_dev_run or not is_rank_zero():
            return
        recipe = recipe_among(config.config or ())
        self.run_dir = start_run(recipe or str(self.subcommand))
        config.trainer.default_root_dir = os.path.relpath(self.run_dir, paths.root())
        for logger in _loggers(config.trainer):
            # To loggers of other kinds a version is something else.
            if logger.class_path.endswith(("CSVLogger", "TensorBoardLogger")):
                logger.init_args.version = self.run_dir.name

    def instantiate_classes(self) -> None:
        """Write into the repository from every folder, and keep what names no machine.

        Leave no folder of a run that cannot begin.
        """
        self._kept = copy.deepcopy(self.config)
        trainer = self.config[self.subcommand].trainer
        if self.run_dir is not None:
            trainer.default_root_dir = _in_root(trainer.default_root_dir)
        for logger in _loggers(trainer):
            given = getattr(logger, "init_args", None)
            if given is not None and getattr(given, "save_dir", None):
                given.save_dir = _in_root(given.save_dir)
        try:
            super().instantiate_classes()
        except Exception as error:
            if self.run_dir is not None:
                with suppress(OSError):  # somebody has written into it
                    self.run_dir.rmdir()
            # Loggers, for example, come with Lightning, and their packages do not.
            pattern = r"Requirement '([\w-]+)[^']*' not met|requires `([\w-]+)`"
            missing = re.search(pattern, str(error))
            if missing is None:
                raise
            name = missing[1] or missing[2]
            raise UserError(
                f"this needs the package {name}: uv add {name}, or pip install {name}"
            ) from error

    def instantiate_trainer(self, **options: Any) -> Trainer:
        """Let the trainer keep the configuration as it was given."""
        self.config = self._kept
        try:
            return super().instantiate_trainer(**options)
        except Exception as error:
            reason = raised_by_lightning(error)
            if reason is None:
                raise
            raise UserError(f"the trainer cannot be made: {reason}") from error

    def after_instantiate_classes(self) -> None:
        """Record the training; show no progress bar in a log, a line per step."""
        require_own_rank(self.trainer)
        wanted = self.config[self.subcommand].trainer.enable_progress_bar
        bar = self.trainer.progress_bar_callback
        if bar is not None and wanted is None and not sys.stdout.isatty():
            bar.disable()
        recipe = recipe_among(self.config[self.subcommand].config or ())
        if recipe or not self.trainer.limit_val_batches:
            self.trainer.callbacks.append(  # type: ignore[attr-defined]
                OptionalMetrics()
            )
        if self.subcommand == "fit" and self.run_dir is not None:
            for callback in self.trainer.checkpoint_callbacks:
                # Where Lightning would put it depends on the loggers.
                if getattr(callback, "dirpath", "") is None:
                    folder = os.path.abspath(self.run_dir / "checkpoints")
                    callback.dirpath = folder  # type: ignore[attr-defined]
            seed = self.config.fit.seed_everything
            # From the root, as in the configuration that is kept beside it.
            root = re.escape(os.path.abspath(paths.root()))
            words = [re.sub(rf"(^|=){root}/", r"\1", word) for word in self.arguments]
            self.recorder = MetadataRecorder(self.run_dir, words, seed)
            self.trainer.callbacks.append(self.recorder)  # type: ignore[attr-defined]

    def after_fit(self) -> None:
        """Draw the learning curves; refuse a training that had nothing to do."""
        if self.run_dir is not None and not self.recorder.start:
            shutil.rmtree(self.run_dir)  # else it would be the newest run
            done = self.config.fit.ckpt_path
            why = f"{done} has done all of that: ask for" if done else "allow"
            raise UserError(
                f"nothing was trained: {why} more with --trainer.max_epochs, "
                "max_steps, max_time or limit_train_batches"
            )
        if self.run_dir is not None and (self.run_dir / "metrics.csv").is_file():
            curves = write_curves(self.run_dir)
            print(f"\ncurves       {curves}")
            if (self.run_dir / "checkpoints").is_dir():
                print(f"checkpoints  {self.run_dir / 'checkpoints'}")

    def after_validate(self) -> None:
        """Report on the validation data."""
        self._report("val")

    def after_test(self) -> None:
        """Report on the test data."""
        self._report("test")

    def _report(self, split: str) -> None:
        if not self.trainer.is_global_zero:
            return
        evaluation = self.model.evaluation
        print("\n" + metrics_table({split: evaluation}))
        checkpoint = Path(self.config[self.subcommand].ckpt_path)
        digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
        print(f"\nmodel        {checkpoint} (sha256 {digest[:12]})")
        if self.run_dir is not None:
            model = {"checkpoint": str(checkpoint), "sha256": digest}
            data = self.datamodule.splits[split]
            for path in write_evaluation(evaluation, data, self.run_dir, model):
                print(f"{path.stem:<11}  {path}")


def _loggers(trainer: Any) -> list[Any]:
    """Return the configured loggers: a list, a single one, or whether to log."""
    found = trainer.logger if isinstance(trainer.logger, list) else [trainer.logger]
    return [logger for logger in found if hasattr(logger, "class_path")]


def _in_root(folder: str) -> str:
    """Return a folder of a configuration: if relative, it is one of the repository."""
    expanded = os.path.expandvars(os.path.expanduser(folder))
    if "://" in folder or os.path.isabs(expanded):
        return folder
    return str(paths.root() / folder)


def run(command: str, arguments: Sequence[str]) -> None:
    """Run `fit`, `validate` or `test` with Lightning's options."""
    handle_signals()
    default = paths.default_config()
    if not default.is_file():
        raise UserError(
            f"{default.absolute()} is missing: restore it with git checkout"
        )
    if command != "fit":
        # The report goes to another folder than the checkpoint's.
        warnings.filterwarnings("ignore", message="The dirpath has changed from")
    # A misspelt option must not match another.
    options = {"allow_abbrev": False}
    defaults = {"default_config_files": [str(default)]}
    CLI.command = command
    module, data = interface.training_module(), interface.data_module()
    groups = {"trainer": Trainer, "model": module, "data": data}
    Parser.takers = groups
    for file in _configurations(arguments):
        _require_settings(file)
    guard = DivergenceGuard()
    with guard.reporting_hints():
        CLI(
            module,
            data,
            args=[command, *expand_aliases(arguments, groups)],
            parser_class=Parser,
            parser_kwargs={**options, command: defaults},
            save_config_callback=KeepConfig,
            trainer_defaults={"callbacks": [GracefulShutdown(), guard]},
        )


def _configurations(arguments: Sequence[str]) -> list[Path]:
    """Return the files that are named by `--config`."""
    names = [
        following if word in ("-c", "--config") else word.partition("--config=")[2]
        for word, following in itertools.pairwise([*arguments, ""])
    ]
    return [path for name in names if (path := Path(name)).is_file()]


def _require_settings(file: Path) -> None:
    """Raise a `UserError` for a configuration that holds no settings, by its name."""
    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", in line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        raise UserError(f"{file} is no YAML{line}: {reason}") from None
    if not isinstance(found, dict):
        raise UserError(f"{file} has no settings, such as seed_everything: 1")


COMMANDS: dict[str, Command] = {
    name: partial(run, name) for name in ("fit", "test", "validate")
}
