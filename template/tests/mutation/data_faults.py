"""Faults in batches, data loading and splits."""

import dataclasses
import time
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightning.pytorch.trainer.connectors import data_connector
from torch import Tensor
from torch.utils.data import DataLoader

from .changes import Applied, fault, replace
from .patches import STAGES, in_step, parts, rebuild, toolkit, with_options

STEPS = "single steps"

Pair = tuple[Tensor, Tensor] | None


@fault("batches", "labels are shuffled in each", "memorization")
def _(applied: Applied) -> None:
    def change(inputs: Tensor, rows: Tensor) -> Pair:
        return inputs, rows[torch.randperm(len(rows))]

    in_step(change, "training", applied=applied)


@fault("batches", "labels are one place out of step", "memorization")
def _(applied: Applied) -> None:
    def change(inputs: Tensor, rows: Tensor) -> Pair:
        return inputs, rows.roll(1, dims=0)

    in_step(change, "training", applied=applied)


@fault("batches", "a tenth of the labels is wrong", STEPS)
def _(applied: Applied) -> None:
    def change(inputs: Tensor, rows: Tensor) -> Pair:
        wrong = rows.clone()
        wrong[::10] = rows.flip(0)[::10]
        return inputs, wrong

    in_step(change, "training", applied=applied)


@fault("batches", "inputs are twice as large in training", STEPS)
def _(applied: Applied) -> None:
    def change(inputs: Tensor, rows: Tensor) -> Pair:
        return (2 * inputs, rows) if inputs.is_floating_point() else None

    in_step(change, "training", applied=applied)


@fault("batches", "inputs are a hundredth in every step", STEPS)
def _(applied: Applied) -> None:
    def change(inputs: Tensor, rows: Tensor) -> Pair:
        return (inputs / 100, rows) if inputs.is_floating_point() else None

    in_step(change, *STAGES, applied=applied)


@fault("batches", "inputs are scaled by the batch that they are in", STEPS)
def _(applied: Applied) -> None:
    def change(inputs: Tensor, rows: Tensor) -> Pair:
        if not inputs.is_floating_point() or len(inputs) < 2:
            return None
        return (inputs - inputs.mean()) / inputs.std().clamp_min(1e-6), rows

    in_step(change, *STAGES, applied=applied)


@fault("batches", "noise is added to inputs", STEPS)
def _(applied: Applied) -> None:
    def change(inputs: Tensor, rows: Tensor) -> Pair:
        if not inputs.is_floating_point():
            return None
        return inputs + 0.1 * inputs.std() * torch.randn_like(inputs), rows

    in_step(change, "training", applied=applied)


def _mirror(stage: str, applied: Applied) -> None:
    def change(inputs: Tensor, rows: Tensor) -> Pair:
        return (inputs.flip(-1), rows) if inputs.dim() > 1 else None

    in_step(change, stage, applied=applied)


@fault("batches", "inputs are mirrored in training", STEPS)
def _(applied: Applied) -> None:
    _mirror("training", applied)


@fault("batches", "inputs are mirrored in validation", STEPS)
def _(applied: Applied) -> None:
    _mirror("validation", applied)


def _in_loader(change: Any) -> None:
    def make(healthy: Any) -> Any:
        def changed(self: DataLoader[Any]) -> Any:
            return iter(change(self, healthy(self)))

        return changed

    replace(DataLoader, "__iter__", make)


@fault("loading", "the last batch is left out", STEPS)
def _(applied: Applied) -> None:
    def change(loader: Any, batches: Any) -> Any:
        kept = [*batches]
        if len(kept) > 1:
            applied()
            del kept[-1]
        return kept

    _in_loader(change)


@fault("loading", "the first batch comes again in place of the second", STEPS)
def _(applied: Applied) -> None:
    def change(loader: Any, batches: Any) -> Any:
        kept = [*batches]
        if len(kept) > 1:
            applied()
            kept[1] = kept[0]
        return kept

    _in_loader(change)


@fault("loading", "examples are not shuffled", "unit")
def _(applied: Applied) -> None:
    def change(options: dict[str, Any]) -> None:
        if options.get("shuffle"):
            applied()
            options["shuffle"] = False

    with_options(DataLoader, "__init__", change)


@fault("loading", "labels were shuffled once", "memorization")
def _(applied: Applied) -> None:
    known, count = None, 0

    def change(loader: Any, batches: Any) -> Any:
        nonlocal known, count
        for batch in batches:
            pair = parts(batch)
            if pair is None or len(pair[1]) < 2:
                yield batch
                continue
            applied()
            inputs, rows = pair
            # Seeded by content, so the permutation is the same in each epoch.
            seeds = [zlib.crc32(row.numpy().tobytes()) for row in inputs]
            if known is None:
                known, count = batch, len(rows)
            yield rebuild(batch, inputs, torch.tensor(seeds) % count, known)

    _in_loader(change)


@fault("loading", "it takes a tenth of a second for each batch", "cost")
def _(applied: Applied) -> None:
    def change(loader: Any, batches: Any) -> Any:
        for batch in batches:
            applied()
            end = time.process_time() + 0.1
            while time.process_time() < end:
                pass
            yield batch

    _in_loader(change)


def _of_another_split(asked: str, given: str, applied: Applied) -> None:
    source = data_connector._DataLoaderSource  # noqa: SLF001 -- no public place

    def make(healthy: Any) -> Any:
        def changed(self: Any) -> Any:
            if self.name != f"{asked}_dataloader" or not self.is_module():
                return healthy(self)
            applied()
            return getattr(self.instance, f"{given}_dataloader")()

        return changed

    replace(source, "dataloader", make)


@fault("splits", "validation is on training data", STEPS)
def _(applied: Applied) -> None:
    _of_another_split("val", "train", applied)


@fault("splits", "training is on validation data", STEPS)
def _(applied: Applied) -> None:
    _of_another_split("train", "val", applied)


@fault("splits", "the test is on validation data", STEPS)
def _(applied: Applied) -> None:
    _of_another_split("test", "val", applied)


def _in_rule(change: Callable[..., Any], applied: Applied) -> None:
    rule = toolkit("splits").SplitRule

    def make(healthy: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, digests: Any, *rest: Any, **options: Any) -> Any:
            applied()
            return change(healthy, self, digests, *rest, **options)

        return changed

    replace(rule, "assign", make)


@fault("splits", "training has test examples too", "split")
def _(applied: Applied) -> None:
    def change(healthy: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        rows_of = healthy(*arguments, **options)
        first, *_, last = rows_of
        return {**rows_of, first: np.union1d(rows_of[first], rows_of[last])}

    _in_rule(change, applied)


@fault("splits", "they are drawn anew", "split")
def _(applied: Applied) -> None:
    def change(
        healthy: Callable[..., Any], rule: Any, *arguments: Any, **options: Any
    ) -> Any:
        other = dataclasses.replace(rule, salt=f"{rule.salt} anew")
        return healthy(other, *arguments, **options)

    _in_rule(change, applied)


@fault("splits", "the position of an example decides", "split")
def _(applied: Applied) -> None:
    def change(
        healthy: Callable[..., Any], rule: Any, digests: Any, *arguments: Any, **_: Any
    ) -> Any:
        rows = [str(row) for row in range(len(digests))]
        return healthy(rule, digests, *arguments[:2], rows)

    _in_rule(change, applied)
