"""Faults in metrics, checkpoints, seeds, options, cost and memory."""

from typing import Any

import lightning
import safetensors.torch
import torch
from lightning import LightningModule, Trainer
from lightning.fabric.utilities import seed
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.trainer.connectors import checkpoint_connector
from torch import Tensor, nn

from .changes import Applied, fault, replace
from .patches import around_step, with_options

STEPS, REPEAT, CURVE = "single steps", "reproducibility", "training curve"


def _in_log(change: Any) -> None:
    def make(log: Any) -> Any:
        def changed(
            self: LightningModule, name: str, value: Any, *rest: Any, **options: Any
        ) -> None:
            log(self, *change(name, value, options), *rest, **options)

        return changed

    replace(LightningModule, "log", make)


def _is_metric(name: str) -> bool:
    return name.startswith(("val", "test"))


@fault("metrics", "what is logged is a tenth too good", STEPS)
def _(applied: Applied) -> None:
    def change(name: str, value: Any, options: Any) -> tuple[str, Any]:
        if not _is_metric(name):
            return name, value
        applied()
        return name, value * 0.9

    _in_log(change)


@fault("metrics", "small batches count as much as large ones", STEPS)
def _(applied: Applied) -> None:
    def change(name: str, value: Any, options: Any) -> tuple[str, Any]:
        if options.get("batch_size"):
            applied()
            options["batch_size"] = 1
        return name, value

    _in_log(change)


@fault("metrics", "only the first batch is logged", STEPS)
def _(applied: Applied) -> None:
    first: dict[str, Any] = {}

    def change(name: str, value: Any, options: Any) -> tuple[str, Any]:
        if not _is_metric(name):
            return name, value
        applied()
        return name, first.setdefault(name, value)

    _in_log(change)


def _in_checkpoint(change: Any) -> None:
    connector = checkpoint_connector._CheckpointConnector  # noqa: SLF001 -- no other

    def make(dump: Any) -> Any:
        def changed(self: Any, *arguments: Any, **options: Any) -> Any:
            checkpoint = dump(self, *arguments, **options)
            change(checkpoint)
            return checkpoint

        return changed

    replace(connector, "dump_checkpoint", make)


@fault("checkpoints", "weights are saved in half precision", REPEAT)
def _(applied: Applied) -> None:
    def change(checkpoint: Any) -> None:
        for name, value in checkpoint["state_dict"].items():
            if value.is_floating_point():
                applied()
                checkpoint["state_dict"][name] = value.half().to(value.dtype)

    _in_checkpoint(change)


@fault("checkpoints", "the optimizer's memory is not saved", REPEAT)
def _(applied: Applied) -> None:
    def change(checkpoint: Any) -> None:
        for state in checkpoint.get("optimizer_states", []):
            applied()
            state["state"] = {}

    _in_checkpoint(change)


@fault("checkpoints", "a parameter is not loaded", REPEAT)
def _(applied: Applied) -> None:
    def make(load: Any) -> Any:
        def changed(self: nn.Module, state: Any, *rest: Any, **options: Any) -> Any:
            kept = dict(self.named_parameters())
            for name in [*state][-1:]:
                if name in kept:
                    applied()
                    state = {**state, name: kept[name].detach().clone()}
            return load(self, state, *rest, **options)

        return changed

    replace(nn.Module, "load_state_dict", make)


@fault("checkpoints", "the exported weights are slightly different", "regression")
def _(applied: Applied) -> None:
    def make(save: Any) -> Any:
        def changed(tensors: dict[str, Tensor], *rest: Any, **options: Any) -> Any:
            applied()
            moved = {name: value * 1.001 for name, value in tensors.items()}
            return save(moved, *rest, **options)

        return changed

    replace(safetensors.torch, "save", make)
    replace(safetensors.torch, "save_file", make)


@fault("checkpoints", "the worst is kept", "unit")
def _(applied: Applied) -> None:
    def change(options: dict[str, Any]) -> None:
        if options.get("monitor"):
            applied()
            kept = options.get("mode", "min")
            options["mode"] = "max" if kept == "min" else "min"

    with_options(ModelCheckpoint, "__init__", change)


@fault("seeds", "they have no effect", REPEAT)
def _(applied: Applied) -> None:
    def make(healthy: Any) -> Any:
        def changed(*arguments: Any, **options: Any) -> Any:
            applied()
            result = healthy(*arguments, **options)
            torch.seed()
            return result

        return changed

    replace(seed, "seed_everything", make)
    lightning.seed_everything = seed.seed_everything
    from lightning.pytorch import cli

    cli.seed_everything = seed.seed_everything  # type: ignore[attr-defined]


def _in_trainer(applied: Applied, **changes: Any) -> None:
    def change(options: dict[str, Any]) -> None:
        applied()
        options.update(changes)

    with_options(Trainer, "__init__", change)


@fault("options", "training sees half of the batches", CURVE)
def _(applied: Applied) -> None:
    _in_trainer(applied, limit_train_batches=0.5)


@fault("options", "validation sees half of the batches", STEPS)
def _(applied: Applied) -> None:
    _in_trainer(applied, limit_val_batches=0.5)


@fault("options", "gradients of two batches are added up", CURVE)
def _(applied: Applied) -> None:
    _in_trainer(applied, accumulate_grad_batches=2)


@fault("options", "training is in half precision", CURVE)
def _(applied: Applied) -> None:
    _in_trainer(applied, precision="bf16-mixed")


@fault("cost", "each step is computed twice", "cost")
def _(applied: Applied) -> None:
    def change(module: LightningModule, step: Any) -> Any:
        applied()
        step()
        return step()

    around_step("training", change)


@fault("cost", "each step does something for each weight in Python", "cost")
def _(applied: Applied) -> None:
    def change(module: LightningModule, step: Any) -> Any:
        applied()
        for weight in module.parameters():
            for row in weight.detach().flatten()[:100]:
                row.abs().item()
        return step()

    around_step("training", change)


@fault("cost", "what a step computed is kept for ever", "cost")
def _(applied: Applied) -> None:
    kept: list[Any] = []

    def change(module: LightningModule, step: Any) -> Any:
        applied()
        output = step()
        kept.append(output)
        return output

    around_step("training", change)
