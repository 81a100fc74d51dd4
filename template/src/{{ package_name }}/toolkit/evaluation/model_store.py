"""The production model: its weights and its metadata.

The folder `models/production` is kept in git, and git is the registry: a
promotion is a commit that changes it, a rollback is the revert of that commit.
"""

import hashlib
import inspect
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from .. import interface, paths
from ..errors import UserError
from ..interface import Evaluation, Examples, task
from ..run_records import load_trained_on, load_training_record, run_of
from .evaluation_set import TEST_SPLIT, TRAIN_SPLIT
from .example_records import (
    FILE,
    Changes,
    ExampleRecords,
    find_changes,
    label_text,
    read_example_records,
    write_example_records,
)

GOLDEN_COUNT = 40  # examples whose output is recorded


class NoModel(UserError):
    """There is no production model, or it does not fit today's network."""


def load_production(folder: Path | None = None) -> Any:
    """Load the production model, ready to predict.

    Args:
        folder: Holds `record.json` and `model.safetensors`; by default, that of the
            production model.

    Returns:
        The network in evaluation mode.

    Raises:
        UserError: A file is missing, or the weights are not those of the record.
        NoModel: The weights are not for today's network.
    """
    folder = folder or paths.production()
    record = load_record(folder)
    path = folder / "model.safetensors"
    if not path.is_file():
        raise UserError(f"{path} is missing: restore it with git checkout")
    content = path.read_bytes()
    if content.startswith(b"version https://git-lfs"):
        raise UserError(f"{path} is a pointer of Git LFS: fetch the file, git lfs pull")
    if hashlib.sha256(content).hexdigest() != record["sha256"]:
        raise UserError(
            f"{path} is not the file of its record.json: restore both with git "
            "checkout, or promote a checkpoint"
        )
    try:
        net = task.Network(**record["model"])
        net.load_state_dict(load(content))
    except (RuntimeError, TypeError, ValueError, LookupError, UserError) as error:
        raise NoModel(
            f"the model in {folder} does not fit the network in model.py: promote a "
            "new one"
        ) from error
    return net.eval()


def load_record(folder: Path | None = None) -> dict[str, Any]:
    """Read what is known about the production model.

    Args:
        folder: Holds `record.json`; by default, that of the production model.

    Returns:
        The record by its keys, as `promote` wrote it.

    Raises:
        NoModel: There is no record.
        UserError: It cannot be read.
    """
    path = (folder or paths.production()) / "record.json"
    if not path.is_file():
        raise NoModel(f"no production model in {path.parent}: promote a checkpoint")
    try:
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        _ = record["sha256"], record["model"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not a record of a model: restore it with git checkout"
        ) from error
    return record


def load_example_records(folder: Path | None = None) -> ExampleRecords:
    """Read what is recorded of single examples.

    Args:
        folder: Of the model; by default, that of the production model.

    Returns:
        The records: none, if an older version wrote the record of the model. What is
        missing or cannot be read is a `UserError`.
    """
    folder = folder or paths.production()
    known_hash = load_record(folder).get("examples")
    if known_hash is None:
        return ExampleRecords()
    return read_example_records(folder / FILE, known_hash)


def known_training_data(model: Path) -> Collection[str] | None:
    """Return what a model was trained on, if it is recorded.

    Args:
        model: A checkpoint in the folder of its run, or the folder of a production
            model.

    Returns:
        Digests of the examples.
    """
    if model.is_dir():
        return load_example_records(model).trained_on
    return load_trained_on(model)


def compare_with_record(
    data: Examples, evaluation: Evaluation, tolerance: float
) -> Changes:
    """Compare today's results of the production model with its recorded ones.

    Args:
        data: The test split, as it is today.
        evaluation: Of the production model on it, by the code of today.
        tolerance: Of a loss, absolute and relative.

    Returns:
        What has changed.
    """
    records, fingerprint = load_example_records(), load_record()["data"]["test"]
    if records.results:
        return find_changes(records, data, evaluation, tolerance)
    if data.fingerprint() == fingerprint:
        return Changes("", "")
    return Changes("the data are not those of the record: promote a model", "")


def load_checkpoint(path: Path) -> tuple[Any, dict[str, Any]]:
    """Load a network from a training checkpoint, without Lightning.

    Args:
        path: Written by a training run.

    Returns:
        The network, ready to predict, and all hyperparameters of its training.

    Raises:
        UserError: The file is missing or no checkpoint, or its weights are not for
            today's network.
    """
    if path.is_dir():
        files = [str(file) for file in sorted(path.rglob("*.ckpt"))]
        inside = f", such as {files[0]}" if files else ""
        raise UserError(f"{path} is a folder: name a file of it{inside}")
    if not path.is_file():
        raise UserError(f"no checkpoint at {path}: those of runs are in {paths.runs()}")
    try:
        checkpoint = torch.load(path, weights_only=True, map_location="cpu")
        hyperparameters = dict(checkpoint["hyper_parameters"])
        # Only the network: what else was trained or kept belongs to training.
        weights = {
            name.removeprefix("net."): weight
            for name, weight in checkpoint["state_dict"].items()
            if name.startswith("net.")
        }
    except OSError as error:
        raise UserError(
            f"{path} cannot be read, or is cut off: train again, or name another "
            "checkpoint with --ckpt_path"
        ) from error
    except Exception as error:  # a file of another kind can cause any
        raise UserError(f"{path} is not a checkpoint of a training") from error
    for name, option in _options().items():
        if name not in hyperparameters and option.default is option.empty:
            raise UserError(
                f"{path} was trained without model.{name}, which the network in "
                "model.py takes: give it a default, or train a new model"
            )
    # A mistake in the network is none of the checkpoint's, and keeps its traceback.
    net = task.Network(**_architecture(hyperparameters))
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(
            f"{path} does not fit the network in model.py: train a new model"
        ) from error
    return net.eval(), hyperparameters


def write_production(checkpoint: Path, folder: Path) -> None:
    """Write a production model, whatever was there before.

    The checkpoint must be in the folder of its run. If something is missing or
    unusable, a `UserError` leaves the folder as it was.
    """
    net, hyperparameters = load_checkpoint(checkpoint)
    config = run_of(checkpoint) / "config.yaml"
    if not config.is_file():
        raise UserError(f"{config} is missing: promote a checkpoint from its run")
    training = load_training_record(checkpoint)
    splits = interface.splits()
    results = [
        (name, data, task.evaluate(net, data))
        for name, data in splits.items()
        if name != TRAIN_SPLIT
    ]
    metrics = next(found.metrics() for name, _, found in results if name == TEST_SPLIT)
    # Copies, as two layers may share a weight, and their memory may have another order.
    weights = {
        name: weight.clone(memory_format=torch.contiguous_format)
        for name, weight in net.state_dict().items()
    }
    content = save(weights)
    record: dict[str, Any] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "model": _architecture(hyperparameters),
        "data": {name: data.fingerprint() for name, data in splits.items()},
        "metrics": {"test": metrics},
        "cost": {
            "flops": _flops(net, splits["test"]),
            "weights": sum(weight.numel() for weight in net.parameters()),
        },
        "training": training,
    }
    golden = [json.dumps(line) for line in golden_examples(net, splits["test"])]
    folder.mkdir(parents=True, exist_ok=True)
    trained_on = load_trained_on(checkpoint)
    record["examples"] = write_example_records(folder, trained_on, results)
    (folder / "model.safetensors").write_bytes(content)
    (folder / "record.json").write_text(json.dumps(record, indent=2) + "\n")
    (folder / "config.yaml").write_text(config.read_text())
    (folder / "golden.jsonl").write_text("\n".join(golden) + "\n")


@torch.inference_mode()
def golden_examples(net: Any, data: Examples) -> list[dict[str, Any]]:
    """Return the network's output for examples spread over the data."""
    step = max(1, len(data) // GOLDEN_COUNT)
    rows = list(range(0, len(data), step))[:GOLDEN_COUNT]
    digests = interface.digests(data)
    return [
        {
            "digest": digests[row],
            "label": label_text(data.labels[row]),
            # One by one: beside a larger example, the outputs may be longer.
            "outputs": _rounded(net(data.batch([row])[0])[0].tolist()),
        }
        for row in rows
    ]


def _rounded(values: Any) -> Any:
    """Round numbers in lists of lists: more digits would be noise."""
    if isinstance(values, list):
        return [_rounded(value) for value in values]
    return round(values, 5)  # pragma: no mutate


def _architecture(hyperparameters: dict[str, Any]) -> dict[str, Any]:
    """Pick out what builds the network; the rest only trained it."""
    return {n: hyperparameters[n] for n in _options() if n in hyperparameters}


def _options() -> Mapping[str, inspect.Parameter]:
    """Return the options of the network by name."""
    return inspect.signature(task.Network).parameters


def load_golden(data: Examples) -> list[tuple[int | None, Tensor]]:
    """Load the recorded outputs of the production model.

    Args:
        data: The test split.

    Returns:
        For each golden example its row, or None if it has left the data, and its
        outputs (...). The cost of a prediction was recorded for the first.
    """
    lines = (paths.production() / "golden.jsonl").read_text().splitlines()
    rows = {digest: row for row, digest in enumerate(interface.digests(data))}
    # Outputs were called logits in version 0.1.0.
    return [
        (
            rows.get(each["digest"]),
            torch.tensor(each.get("outputs", each.get("logits"))),
        )
        for each in map(json.loads, lines)
    ]


def _flops(net: Any, data: Examples) -> int:
    """Count the floating-point operations of one prediction."""
    x, _ = data.batch([0])  # (1, ...), the first golden example
    # The counter does not know weights that are computed in inference mode.
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(x)
    return int(counter.get_total_flops())
