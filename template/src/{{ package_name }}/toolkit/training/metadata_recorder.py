"""Records the metadata of a training: code, data, hardware, outcome."""

import json
import math
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.utilities.data import extract_batch_size

from .. import interface
from ..run_records import MAX_TRAINED_ON, RECORD, TRAINED_ON, current_commit


class MetadataRecorder(Callback):
    """Writes `record.json` into the folder of a run, when it begins and when it ends.

    A training has finished after all its epochs or steps, or when Lightning's
    `EarlyStopping` ended it. It was stopped early by anything else, such as `max_time`,
    Ctrl-C or an error, or a crash, after which the record is that of the beginning.

    Args:
        folder: Of the run.
        arguments: Of the command line.
        seed: Of the random numbers, if it was set.
    """

    def __init__(
        self, folder: Path, arguments: Sequence[str] = (), seed: int | None = None
    ) -> None:
        self.folder = folder
        self.facts: dict[str, Any] = {"arguments": list(arguments), "seed": seed}
        self.examples = 0
        self.start = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what is known before the first step."""
        splits = getattr(trainer.datamodule, "splits", {})  # type: ignore[attr-defined]
        self.facts |= {
            "commit": current_commit(),
            "resumed_from": trainer.ckpt_path and str(trainer.ckpt_path),
            "data": {name: split.fingerprint() for name, split in splits.items()},
            "split_rule": _split_rule(),
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__.split("+")[0],
                "lightning": lightning.__version__,
            },
            "hardware": _hardware(trainer),
        }
        if 0 < len(train := splits.get("train", ())) <= MAX_TRAINED_ON:
            lines = "".join(f"{digest}\n" for digest in sorted(train.digests()))
            (self.folder / TRAINED_ON).write_text(lines)
        self.start = time.perf_counter()
        self._write(trainer, finished=False)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Count the examples of all processes."""
        self.examples += extract_batch_size(batch) * trainer.world_size

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write how it ended."""
        # Set by whatever ends a training before its time.
        finished = not trainer.should_stop or any(
            isinstance(callback, EarlyStopping) and callback.stopped_epoch > 0
            for callback in trainer.callbacks  # type: ignore[attr-defined]
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


def _split_rule() -> dict[str, Any] | None:
    """Return what decides the split of an example, if the task says so."""
    rule = interface.optional("SPLIT_RULE")
    if rule is None:
        return None
    by = "groups" if interface.optional("groups") else "content"
    return {"salt": rule.salt, "fractions": dict(rule.fractions), "by": by}


def _hardware(trainer: Trainer) -> str:
    device = trainer.strategy.root_device
    if device.type == "cuda":
        return f"{trainer.world_size} x {torch.cuda.get_device_name(device)}"
    if device.type != "cpu":
        return f"{trainer.world_size} x {device.type}"
    cores, threads = os.cpu_count(), torch.get_num_threads()
    return f"CPU {platform.machine()}, {threads} of {cores} cores"
