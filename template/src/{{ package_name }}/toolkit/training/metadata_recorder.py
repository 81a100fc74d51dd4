"""Records the metadata of a training: code, data, hardware, outcome."""

import json
import math
import platform
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning
import torch
from joblib import cpu_count
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint

from .. import interface, paths
from ..errors import UserError
from ..evaluation import known_training_data
from ..run_records import (
    MAX_TRAINED_ON,
    RECORD,
    TRAINED_ON,
    current_commit,
    load_training_record,
    run_of,
)
from .nested_tensors import batch_size

BEST_BEFORE = "best-before-resuming.ckpt"
# What the best of a metric is; others, such as val/accuracy_gap, may be either.
MODES = {"min": ("loss", "error"), "max": ("accuracy", "auroc", "f1")}


class MetadataRecorder(Callback):
    """Writes `record.json` into the folder of a run, when it begins and when it ends.

    A training has finished after all its epochs or steps, or when Lightning's
    `EarlyStopping` ended it. It was stopped early by anything else, such as `max_time`,
    Ctrl-C or an error, or a crash, after which the record is that of the beginning.

    The best checkpoint is that of the first `ModelCheckpoint` with a metric to monitor.
    A better one from before a training was resumed is copied into the folder.
    """

    def __init__(
        self, folder: Path, arguments: Sequence[str] = (), seed: int | None = None
    ) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = {"arguments": list(arguments), "seed": seed}
        self.examples = 0
        self.start = 0.0  # until the training begins
        self._best_before: tuple[float, Path] | None = None
        self._stopped: list[tuple[Any, ...]] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what is known before the first step."""
        _require_the_best(trainer)
        splits = getattr(trainer.datamodule, "splits", {})  # type: ignore[attr-defined]
        self.facts |= {
            "commit": current_commit(),
            "resumed_from": (began := _resumed_from(trainer)) and str(began),
            "data": {name: split.fingerprint() for name, split in splits.items()},
            "split_rule": _split_rule(splits),
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__.split("+")[0],
                "lightning": lightning.__version__,
            },
            "hardware": _hardware(trainer),
        }
        self._best_before = _best_before(trainer)
        self._stopped = _early_stops(trainer)
        if trained_on := _trained_on(trainer, splits.get("train")):
            lines = "".join(f"{digest}\n" for digest in sorted(trained_on))
            (self.folder / TRAINED_ON).write_text(lines)
        self.start = time.perf_counter()
        self._write(trainer, finished=False)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Count the examples of all processes."""
        self.examples += batch_size(batch) * trainer.world_size

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write how it ended."""
        # `should_stop` is set by whatever ends a training before its time.
        finished = (
            not trainer.should_stop
            or _reached_its_limit(trainer)
            or _early_stops(trainer) != self._stopped
        )
        self._write(trainer, finished=finished)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Write how far the training came."""
        if self.start:
            self._write(trainer, finished=False)

    def _write(self, trainer: Trainer, *, finished: bool) -> None:
        seconds = time.perf_counter() - self.start
        facts = self.facts | {
            "finished": finished,
            "best_checkpoint": self._best_checkpoint(trainer),
            "epochs": trainer.current_epoch,
            "steps": trainer.global_step,
            "seconds": round(seconds, 1),  # validation included
            "examples_per_second": round(self.examples / seconds, 1),
            "metrics": {
                # JSON has no numbers that are not finite.
                name: number if math.isfinite(number := float(value)) else str(number)
                for name, value in sorted(trainer.callback_metrics.items())
            },
        }
        (self.folder / RECORD).write_text(json.dumps(facts, indent=2) + "\n")

    def _best_checkpoint(self, trainer: Trainer) -> str | None:
        """Return the path of the best checkpoint, from the folder of the run."""
        callback = _monitor(trainer)
        if callback is None:
            return None
        path, score = Path(callback.best_model_path), callback.best_model_score
        if self._best_before is not None:
            before, old = self._best_before
            least = callback.mode == "min"
            worse = score is None or (before < score if least else before > score)
            if worse and old.is_file():
                path = self.folder / "checkpoints" / BEST_BEFORE
                path.parent.mkdir(exist_ok=True)
                if not path.exists():
                    shutil.copyfile(old, path)
            elif score is None:
                return None
        if not path.is_file():
            return None
        path, folder = path.resolve(), self.folder.resolve()
        return str(path.relative_to(folder) if folder in path.parents else path)


def _monitor(trainer: Trainer) -> ModelCheckpoint | None:
    """Return the callback that keeps the best checkpoint."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.monitor:
            return callback
    return None


def _require_the_best(trainer: Trainer) -> None:
    """Raise an error if a forgotten mode would take the worst model for the best."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if not isinstance(callback, EarlyStopping | ModelCheckpoint):
            continue
        monitor = str(callback.monitor).lower()
        name = re.sub(r"^(train|val|valid|validation)[/_]", "", monitor)
        keeps_some = getattr(callback, "save_top_k", 1) > 0  # not none or all
        wanted = [mode for mode in MODES if name in MODES[mode]]
        if keeps_some and wanted and callback.mode not in wanted:
            raise UserError(
                f"the worst {callback.monitor} would count as the best: set mode: "
                f"{wanted.pop()} of the {type(callback).__name__} in the configuration"
            )


def _resumed_from(trainer: Trainer) -> Path | None:
    """Return the checkpoint that a training goes on from."""
    # One that Lightning itself has used, and removed, is none.
    path = Path(trainer.ckpt_path) if trainer.ckpt_path else None
    return path if path is not None and path.is_file() else None


def _best_before(trainer: Trainer) -> tuple[float, Path] | None:
    """Return score and path of the best checkpoint before a training was resumed."""
    callback = _monitor(trainer)
    began = _resumed_from(trainer)
    if callback is None or began is None:
        return None
    found = [_best_of(began, callback)]
    with suppress(UserError):  # such as a checkpoint without its run
        recorded = load_training_record(began).get("best_checkpoint")
        if recorded and (best := run_of(began) / recorded).is_file():
            # That of a training which was resumed itself, and before.
            if known := _best_of(best, callback):
                found.append((known[0], best))
    scores = [each for each in found if each is not None]
    choose = min if callback.mode == "min" else max
    return choose(scores, key=lambda pair: pair[0], default=None)


def _best_of(path: Path, callback: ModelCheckpoint) -> tuple[float, Path] | None:
    """Return the best score that a checkpoint knows, and the checkpoint with it."""
    file = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
    state = file.get("callbacks", {}).get(callback.state_key, {})
    score, best = state.get("best_model_score"), state.get("best_model_path")
    if score is None or not best:
        return None
    # Runs may have moved, all together.
    beside = path.with_name(Path(best).name)
    return float(score), beside if beside.is_file() else Path(best)


def _early_stops(trainer: Trainer) -> list[tuple[Any, ...]]:
    """Return when and why each early stopping ended the training."""
    return [
        (callback.stopped_epoch, callback.stopping_reason)
        for callback in trainer.callbacks  # type: ignore[attr-defined]
        if isinstance(callback, EarlyStopping)
    ]


def _reached_its_limit(trainer: Trainer) -> bool:
    """Return whether all epochs or all steps are done."""
    if 0 <= trainer.max_steps <= trainer.global_step:
        return True
    epochs = trainer.fit_loop.max_epochs
    if epochs is None or not 0 <= epochs <= trainer.current_epoch:
        return False
    return trainer.is_last_batch  # an epoch that was cut short counts, too


def _split_rule(splits: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what decides the split of an example, if the task says so."""
    rule = interface.optional("SPLIT_RULE")
    if rule is None:
        return None
    for name, data in splits.items():
        keys = interface.groups(data) or interface.digests(data)
        if any(rule.split_of(key) != name for key in keys):
            return None  # a list or a date decides
    by = "groups" if interface.optional("groups") else "content"
    return {"salt": rule.salt, "fractions": dict(rule.fractions), "by": by}


def _trained_on(trainer: Trainer, train: Any) -> set[str] | None:
    """Return the digests of all that the weights are trained on, if it is known."""
    if not 0 < len(train or ()) <= MAX_TRAINED_ON or not hasattr(train, "digests"):
        return None
    digests = {*interface.digests(train)}
    for base in _bases(trainer):
        try:
            before = known_training_data(base)
        except UserError:
            before = None
        if before is None:
            return None
        digests |= {*before}
    return digests if len(digests) <= MAX_TRAINED_ON else None


def _bases(trainer: Trainer) -> list[Path]:
    """Return the models whose weights a training begins with."""
    if began := _resumed_from(trainer):
        return [began]
    return [
        paths.found(callback.starts_from)
        for callback in trainer.callbacks  # type: ignore[attr-defined]
        if hasattr(callback, "starts_from")  # as that of fine-tuning has
    ]


def _hardware(trainer: Trainer) -> str:
    device = trainer.strategy.root_device
    if device.type == "cuda":
        return f"{trainer.world_size} x {torch.cuda.get_device_name(device)}"
    if device.type != "cpu":
        return f"{trainer.world_size} x {device.type}"
    # Those of the container, not of its host.
    cores, threads = cpu_count(), torch.get_num_threads()
    return f"CPU {platform.machine()}, {threads} of {cores} cores"
