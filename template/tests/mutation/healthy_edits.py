"""Healthy changes of the source: with each of them, the tests should pass.

A function here is called at the end of a module in the copy of the repository, where it
changes a class. So every process has the change, and it works with any model. Settings
are merged into `configs/default.yaml`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Self
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torch.optim import NAdam, lr_scheduler
from torch.utils.data import WeightedRandomSampler

from .changes import healthy_edit, healthy_settings, healthy_text, replace

if TYPE_CHECKING:  # prediction does without the training framework
    from lightning import LightningDataModule, LightningModule

    from tests.helpers.case import TaskCase

    DataModule = type[LightningDataModule]
    TrainingModule = type[LightningModule]

Network = type[nn.Module]
Arrays = tuple[np.ndarray, ...]
Load = Callable[..., Arrays]


def _around(owner: type, name: str, function: Callable[..., Any]) -> None:
    """Call a function in place of a method, which is its first argument."""

    def make(method: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, *arguments: Any, **options: Any) -> Any:
            return function(method, self, *arguments, **options)

        return changed

    replace(owner, name, make)


def _built(network: Network, change: Callable[[nn.Module], None]) -> None:
    """Change each new network."""

    def build(plain: Any, net: nn.Module, *arguments: Any, **options: Any) -> None:
        plain(net, *arguments, **options)
        change(net)

    _around(network, "__init__", build)


def _layers(net: nn.Module, *kinds: type) -> list[str]:
    """Return the names of layers of some kinds."""
    return [name for name, layer in net.named_modules() if isinstance(layer, kinds)]


def _at_last(network: Network, change: Callable[[nn.Linear], nn.Module]) -> None:
    """Replace the last linear layer of each new network."""

    def change_last(net: nn.Module) -> None:
        for name in _layers(net, nn.Linear)[-1:]:
            layer: Any = net.get_submodule(name)
            net.set_submodule(name, change(layer))

    _built(network, change_last)


@healthy_edit("BatchNorm behind the first layer", of="Network")
def batch_norm(network: Network) -> None:
    """Replace the layer by one with normalization."""

    def change(net: nn.Module) -> None:
        for name in _layers(net, nn.Conv2d, nn.Linear)[:1]:
            layer: Any = net.get_submodule(name)
            if isinstance(layer, nn.Linear):
                normal: nn.Module = nn.BatchNorm1d(layer.out_features)
            else:
                normal = nn.BatchNorm2d(layer.out_channels)
            net.set_submodule(name, nn.Sequential(layer, normal))

    _built(network, change)


@healthy_edit("LayerNorm before the last layer", of="Network")
def layer_norm(network: Network) -> None:
    """Replace the layer by one with normalization."""
    _at_last(network, lambda last: nn.Sequential(nn.LayerNorm(last.in_features), last))


@healthy_edit("the last layer has a spectral norm", of="Network")
def spectral_norm(network: Network) -> None:
    """Parametrize the weight, with buffers."""
    _at_last(network, parametrizations.spectral_norm)


@healthy_edit("the last layer has a weight norm", of="Network")
def weight_norm(network: Network) -> None:
    """Parametrize the weight, without buffers."""
    _at_last(network, parametrizations.weight_norm)


@healthy_edit("one layer more", of="Network")
def one_more(network: Network) -> None:
    """Add a linear layer before the last one."""

    def change(last: nn.Linear) -> nn.Module:
        size = last.in_features
        return nn.Sequential(nn.Linear(size, size), nn.ReLU(), last)

    _at_last(network, change)


@healthy_edit("two layers share their weight", of="Network")
def shared_weight(network: Network) -> None:
    """Add two linear layers before the last one."""

    def change(last: nn.Linear) -> nn.Module:
        size = last.in_features
        first, second = nn.Linear(size, size), nn.Linear(size, size)
        second.weight = first.weight
        return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)

    _at_last(network, change)


class _Attention(nn.Module):
    """Attends to the parts of each example's features."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.parts = 2
        self.attention = nn.MultiheadAttention(
            size // self.parts, 1, dropout=0.1, batch_first=True
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = x.unflatten(1, (self.parts, -1))  # (B, 2, D / 2)
        found: Tensor = self.attention(parts, parts, parts, need_weights=False)[0]
        return x + found.flatten(1)  # (B, D)


@healthy_edit("attention before the last layer", of="Network")
def attention(network: Network) -> None:
    """Add a layer whose dropout is an option of it, not a layer."""

    def change(last: nn.Linear) -> nn.Module:
        odd = last.in_features % 2
        return last if odd else nn.Sequential(_Attention(last.in_features), last)

    _at_last(network, change)


@healthy_text("attention before the last layer", "tests/training/test_memorization.py")
def more_operators(text: str) -> str:
    """Set the range of costs anew, as the test says."""
    return re.sub(r"(operators_per_step =) .*", r"\1 (350, 600)", text)


@healthy_edit("another activation", of="Network")
def activation(network: Network) -> None:
    """Replace each ReLU by a GELU."""

    def change(net: nn.Module) -> None:
        for name in _layers(net, nn.ReLU):
            net.set_submodule(name, nn.GELU())

    _built(network, change)


@healthy_edit("dropout is a function, not a layer", of="Network")
def functional_dropout(network: Network) -> None:
    """Drop outputs of the first layer."""

    def drop(layer: nn.Module, _: object, x: Tensor) -> Tensor:
        return F.dropout(x, 0.1, layer.training)

    def change(net: nn.Module) -> None:
        for name in _layers(net, nn.Conv2d, nn.Linear)[:1]:
            net.get_submodule(name).register_forward_hook(drop)

    _built(network, change)


@healthy_edit("weights have another memory layout", of="Network")
def memory_layout(network: Network) -> None:
    """Convolutions are channels last, matrices are transposed."""

    def change(net: nn.Module) -> None:
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for weight in net.parameters():
            if weight.ndim == 2:
                weight.data = weight.data.t().contiguous().t()

    _built(network, change)


@healthy_edit("the network cannot be copied", of="Network")
def no_copy(network: Network) -> None:
    """Keep a lock, of which there is no deep copy."""
    _built(network, lambda net: setattr(net, "lock", threading.Lock()))


@healthy_edit("a buffer of random numbers is not saved", of="Network")
def random_buffer(network: Network) -> None:
    """Register a buffer that the state lacks."""

    def change(net: nn.Module) -> None:
        net.register_buffer("noise", torch.rand(3), persistent=False)

    _built(network, change)


class _Scores(nn.Module):
    """A linear layer whose parameters have other names."""

    def __init__(self, last: nn.Linear) -> None:
        super().__init__()
        self.kernel = nn.Parameter(last.weight.detach().t().clone())
        self.offset = nn.Parameter(torch.zeros(last.out_features))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.kernel + self.offset  # (B, K)


@healthy_edit("the last layer has no `weight`", of="Network")
def no_weight(network: Network) -> None:
    """Replace the last layer by one that a team wrote."""
    _at_last(network, _Scores)


@healthy_edit("the last layer starts at zero", of="Network")
def zero_start(network: Network) -> None:
    """Set weight and bias to zero."""

    def change(last: nn.Linear) -> nn.Module:
        for weight in last.parameters():
            nn.init.zeros_(weight)
        return last

    _at_last(network, change)


def _scheduled(module: TrainingModule, make: Callable[[Any, Any], Any]) -> None:
    """Give the optimizer a schedule of the learning rate."""

    def scheduled(configure: Any, self: LightningModule) -> dict[str, Any]:
        optimizer = configure(self)
        return {"optimizer": optimizer, "lr_scheduler": make(self, optimizer)}

    _around(module, "configure_optimizers", scheduled)


@healthy_edit("a cosine schedule", of="TrainingModule")
def cosine(module: TrainingModule) -> None:
    """Lower the learning rate after each epoch."""
    _scheduled(module, lambda _, one: lr_scheduler.CosineAnnealingLR(one, T_max=20))


@healthy_edit("a schedule over all steps", of="TrainingModule")
def one_cycle(module: TrainingModule) -> None:
    """Raise and lower the learning rate in each step."""

    def make(self: Any, optimizer: Any) -> dict[str, Any]:
        steps = int(self.trainer.estimated_stepping_batches)
        rate = optimizer.param_groups[0]["lr"]
        cycle = lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
        return {"scheduler": cycle, "interval": "step"}

    _scheduled(module, make)


@healthy_edit("the learning rate rises from zero", of="TrainingModule")
def warm_up(module: TrainingModule) -> None:
    """Take no step at first."""

    def make(_: Any, optimizer: Any) -> dict[str, Any]:
        rise = lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 20))
        return {"scheduler": rise, "interval": "step"}

    _scheduled(module, make)


@healthy_edit("a schedule that waits for a metric", of="TrainingModule")
def plateau(module: TrainingModule) -> None:
    """Lower the learning rate when validation stops improving."""

    def make(_: Any, optimizer: Any) -> dict[str, Any]:
        wait = lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
        return {"scheduler": wait, "monitor": "val/loss"}

    _scheduled(module, make)


@healthy_edit("biases have no weight decay", of="TrainingModule")
def groups(module: TrainingModule) -> None:
    """Split the parameters into two groups."""

    def grouped(configure: Any, self: LightningModule) -> Any:
        optimizer = configure(self)
        (group,) = optimizer.param_groups
        biases = [one for one in group["params"] if one.ndim < 2]
        group["params"] = [one for one in group["params"] if one.ndim >= 2]
        optimizer.add_param_group({"params": biases, "weight_decay": 0.0})
        return optimizer

    _around(module, "configure_optimizers", grouped)


@healthy_edit("another optimizer", of="TrainingModule")
def nadam(module: TrainingModule) -> None:
    """Train with Nesterov's momentum."""

    def with_nadam(configure: Any, self: LightningModule) -> Any:
        (group,) = configure(self).param_groups
        options = {name: group[name] for name in ("lr", "weight_decay")}
        return NAdam(group["params"], decoupled_weight_decay=True, **options)

    _around(module, "configure_optimizers", with_nadam)


@healthy_edit("a step returns a dictionary", of="TrainingModule")
def dictionary(module: TrainingModule) -> None:
    """Return the loss by name, beside another value."""

    def with_name(step: Any, self: Any, *arguments: Any) -> dict[str, Tensor]:
        loss = step(self, *arguments)
        return {"loss": loss, "root": loss.detach().sqrt()}

    _around(module, "training_step", with_name)


@healthy_edit("the loss of each step is logged", of="TrainingModule")
def logged(module: TrainingModule) -> None:
    """Log in the training step."""

    def and_log(step: Any, self: Any, *arguments: Any) -> Any:
        loss = step(self, *arguments)
        self.log("train/step_loss", loss, on_step=True)
        return loss

    _around(module, "training_step", and_log)


@healthy_edit("inputs are augmented", of="TrainingModule")
def augmentation(module: TrainingModule) -> None:
    """Add noise to the inputs of training, in the place for it."""
    module.augment = lambda _, x: x + 0.02 * torch.randn_like(x)  # type: ignore[attr-defined]


@healthy_edit("two optimizers, without automatic optimization", of="TrainingModule")
def two_optimizers(module: TrainingModule) -> None:
    """Give the last two parameters an optimizer of their own."""

    def configure(self: LightningModule) -> Any:
        weights = [*self.parameters()]
        return NAdam(weights[:-2], lr=3e-3), NAdam(weights[-2:], lr=1e-3)

    def manually(step: Any, self: Any, *arguments: Any) -> Any:
        loss = step(self, *arguments)
        for optimizer in self.optimizers():
            optimizer.zero_grad()
        self.manual_backward(loss)
        for optimizer in self.optimizers():
            optimizer.step()
        return loss

    module.configure_optimizers = configure  # type: ignore[method-assign]
    module.automatic_optimization = False  # type: ignore[method-assign, assignment]
    _around(module, "training_step", manually)


@healthy_text("two optimizers, without automatic optimization", "tests/code/*.py")
def no_hyperparameters(text: str) -> str:
    """Leave out a test of the one optimizer that there was."""
    return text.replace("def test_hyperparameters_reach", "def hyperparameters_reach")


def _penalty(module: Any) -> Any:
    """Return a small multiple of the sum of all squared weights."""
    return 1e-4 * sum(weight.square().sum() for weight in module.net.parameters())


@healthy_text("weights have a penalty in the loss", "tests/code/*.py")
def another_logged_loss(text: str) -> str:
    """Leave out a test of the project that the logged loss is all there is."""
    return text.replace("def test_loss_is_that_of_the_epoch", "def loss_of_the_epoch")


@healthy_edit("weights have a penalty in the loss", of="TrainingModule")
def penalty(module: TrainingModule) -> None:
    """Add to the loss what no formula of outputs and labels says."""

    def penalized(step: Any, self: Any, *arguments: Any) -> Any:
        return step(self, *arguments) + _penalty(self)

    _around(module, "training_step", penalized)


@healthy_edit("weights have a penalty in the loss", of="TaskCase")
def penalty_formula(case: type[TaskCase]) -> None:
    """Say so in `tests/case.py`."""

    def penalized(plain: Any, self: TaskCase, module: Any, batch: Any) -> Any:
        return plain(self, module, batch) + _penalty(module)

    _around(case, "training_loss", penalized)


SMOOTHING = 0.05


@healthy_edit("labels are smoothed", of="TrainingModule")
def smoothed(module: TrainingModule) -> None:
    """Smooth them in training alone."""
    plain = F.cross_entropy

    def smooth(*given: Any, **options: Any) -> Tensor:
        return plain(*given, **options | {"label_smoothing": SMOOTHING})

    def smoothly(step: Any, self: Any, *arguments: Any) -> Any:
        with patch.object(F, "cross_entropy", smooth):
            return step(self, *arguments)

    _around(module, "training_step", smoothly)


@healthy_edit("labels are smoothed", of="TaskCase")
def smoothed_formula(case: type[TaskCase]) -> None:
    """Say so in `tests/case.py`."""
    case.evaluation_loss = case.loss_by_formula  # type: ignore[method-assign]

    def smooth(plain: Any, self: TaskCase, outputs: Tensor, labels: Tensor) -> Any:
        true = plain(self, outputs, labels)  # (B,)
        if labels.is_floating_point():
            return true
        every = [torch.full_like(labels, row) for row in range(outputs.shape[1])]
        losses = torch.stack([plain(self, outputs, one) for one in every])  # (C, B)
        return (1 - SMOOTHING) * true + SMOOTHING * losses.mean(dim=0)

    _around(case, "loss_by_formula", smooth)


def _loaded(data: DataModule, *stages: str, **changes: Any) -> None:
    """Load with other options."""

    def loaded(load: Any, self: LightningDataModule) -> Any:
        old = load(self)
        same = ("dataset", "batch_size", "sampler", "num_workers", "collate_fn")
        options = {name: getattr(old, name) for name in same}
        for name, change in changes.items():
            options[name] = change(old) if callable(change) else change
        return type(old)(**options)

    for stage in stages:
        _around(data, f"{stage}_dataloader", loaded)


@healthy_edit("the last batch is dropped if it is not full", of="DataModule")
def drop_last(data: DataModule) -> None:
    """Set the option of the loader."""
    _loaded(data, "train", drop_last=True)


@healthy_edit("classes are drawn equally often", of="DataModule")
def balanced(data: DataModule) -> None:
    """Draw with weights."""

    def sampler(old: Any) -> WeightedRandomSampler:
        labels = old.dataset.labels  # (N,)
        _, kind, counts = labels.unique(return_inverse=True, return_counts=True)
        return WeightedRandomSampler((1 / counts[kind]).tolist(), len(labels))

    _loaded(data, "train", sampler=sampler)


@healthy_edit("two processes load the data", of="DataModule")
def workers(data: DataModule) -> None:
    """Set the option of the loaders."""
    _loaded(data, "train", "val", num_workers=2, persistent_workers=True)


@healthy_edit("batches of evaluation are larger", of="DataModule")
def larger(data: DataModule) -> None:
    """Set the option of the loaders."""
    _loaded(data, "val", "test", batch_size=100)


@dataclass
class _Batch:
    """A batch that is an object of its own."""

    inputs: Tensor
    labels: Tensor

    def to(self, *arguments: Any, **options: Any) -> Self:
        moved = (part.to(*arguments, **options) for part in vars(self).values())
        return type(self)(*moved)


@healthy_edit("a batch is an object of its own", of="DataModule")
def own_batch(data: DataModule) -> None:
    """Make it of what the loader collates."""

    def collate(old: Any) -> Callable[[Any], _Batch]:
        return lambda rows: _Batch(*old.collate_fn(rows))

    _loaded(data, "train", "val", "test", collate_fn=collate)


@healthy_edit("a batch is an object of its own", of="TrainingModule")
def own_batch_in_steps(module: TrainingModule) -> None:
    """Take it apart."""

    def of_parts(step: Any, self: LightningModule, batch: _Batch, *rest: Any) -> Any:
        return step(self, (batch.inputs, batch.labels), *rest)

    for stage in ("training", "validation", "test"):
        _around(module, f"{stage}_step", of_parts)


def _with_raw(load: Load, change: Callable[..., Arrays]) -> Load:
    """Return a function that changes the arrays that another one loads."""
    return wraps(load)(lambda *arguments: change(*load(*arguments)))


@healthy_edit("one example more", of="load_raw")
def example_more(load: Load) -> Load:
    """Add the first example with another value."""

    def more(*arrays: np.ndarray) -> Arrays:
        raw, *rest = (np.concatenate([part, part[:1]]) for part in arrays)
        raw[-1].flat[raw[-1].size // 2] += 1
        return (raw, *rest)

    return _with_raw(load, more)


@healthy_edit("the data come in another order", of="load_raw")
def reordered(load: Load) -> Load:
    """Reverse them."""
    return _with_raw(load, lambda *arrays: tuple(part[::-1].copy() for part in arrays))


@healthy_edit("the data are loaded as float32", of="load_raw")
def floats(load: Load) -> Load:
    """Convert the inputs."""
    return _with_raw(load, lambda raw, *rest: (raw.astype(np.float32), *rest))


@healthy_edit("one metric more", of="Evaluation")
def metric(evaluation: type) -> None:
    """Compute the highest loss."""

    def more(metrics: Any, self: Any) -> Any:
        return metrics(self) | {"highest_loss": self.losses.max().item()}

    _around(evaluation, "metrics", more)


def _with_option(text: str, owner: str, option: str) -> str:
    """Add an option to the class of a module."""
    signature = rf"(class {owner}\b.*?def __init__\(.*?),?(\s*\) -> None:)"
    return re.sub(signature, rf"\1, {option}\2", text, count=1, flags=re.DOTALL)


@healthy_text("a new option of the model", "src/*/training.py")
def new_option(text: str) -> str:
    """Add an option with a default."""
    return _with_option(text, "TrainingModule", "verbose: bool = False")


@healthy_text("the network gets a new option", "src/*/model.py")
def network_option(text: str) -> str:
    """Add an option with a default, and use it."""
    text = _with_option(text, "Network", "bias: bool = True")
    return re.sub(r"(self\.head = nn\.Linear\([^\n]*)\)", r"\1, bias=bias)", text)


@healthy_text("the network gets a new option", "src/*/training.py")
def module_option(text: str) -> str:
    """Pass the option on."""
    text = _with_option(text, "TrainingModule", "bias: bool = True")
    return re.sub(r"(self\.net = Network\([^\n]*)\)", r"\1, bias=bias)", text)


ONE_PROCESS = ("--trainer.accelerator=cpu", "--trainer.devices=1")
healthy_settings("gradients are clipped", trainer={"gradient_clip_val": 1.0})
healthy_settings("two batches per step", trainer={"accumulate_grad_batches": 2})
healthy_settings("five epochs more", trainer={"max_epochs": 25})
healthy_settings("another seed", seed_everything=2)
healthy_settings("another learning rate", model={"learning_rate": 4e-3})
healthy_settings("a wider network", model={"width": 24})
healthy_settings("larger batches", data={"batch_size": 64})
healthy_settings("two validations per epoch", trainer={"val_check_interval": 0.5})
healthy_settings("deterministic operations", trainer={"deterministic": True})
healthy_settings("bfloat16", trainer={"precision": "bf16-mixed"})
healthy_settings("two processes", ONE_PROCESS, trainer={"devices": 2})
healthy_settings("a GPU is wanted", ONE_PROCESS, trainer={"accelerator": "gpu"})
healthy_settings(
    "one logger",
    trainer={"logger": {"class_path": "CSVLogger", "init_args": {"save_dir": "runs"}}},
)
healthy_settings(
    "three best checkpoints and early stopping",
    trainer={
        "callbacks+": [
            {
                "class_path": "ModelCheckpoint",
                "init_args": {
                    "monitor": "val/accuracy",
                    "mode": "max",
                    "save_top_k": 3,
                },
            },
            {
                "class_path": "EarlyStopping",
                "init_args": {"monitor": "val/loss", "patience": 8},
            },
            {"class_path": "LearningRateMonitor"},
        ]
    },
)
