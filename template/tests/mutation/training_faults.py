"""Faults in optimizer, gradients, loss, network and modes."""

from collections.abc import Callable
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, Optimizer

from .changes import Applied, fault, replace
from .patches import around_step, in_step, on_gradients, on_loss, on_optimizers

CURVE, MEMORIZE, STEPS = "training curve", "memorization", "single steps"


def _in_groups(applied: Applied, **changes: Any) -> None:
    def change(optimizer: Optimizer) -> None:
        for group in optimizer.param_groups:
            for name, of in changes.items():
                if name in group:
                    applied()
                    group[name] = of(group[name])

    on_optimizers(change)


@fault("optimizer", "the learning rate is ten times as high", CURVE)
def _(applied: Applied) -> None:
    _in_groups(applied, lr=lambda rate: rate * 10)


@fault("optimizer", "the learning rate is a tenth", CURVE)
def _(applied: Applied) -> None:
    _in_groups(applied, lr=lambda rate: rate / 10)


@fault("optimizer", "no step is taken", MEMORIZE)
def _(applied: Applied) -> None:
    _in_groups(applied, lr=lambda rate: rate * 0)


@fault("optimizer", "it climbs", MEMORIZE)
def _(applied: Applied) -> None:
    _in_groups(applied, maximize=lambda ascend: not ascend)


@fault("optimizer", "weight decay is ten times as high", CURVE)
def _(applied: Applied) -> None:
    _in_groups(applied, weight_decay=lambda decay: max(10 * decay, 0.1))


@fault("optimizer", "part of the parameters is left out", STEPS)
def _(applied: Applied) -> None:
    def change(optimizer: Optimizer) -> None:
        for group in optimizer.param_groups:
            if len(group["params"]) > 1:
                applied()
                group["params"] = group["params"][len(group["params"]) // 2 :]

    on_optimizers(change)


@fault("optimizer", "it is another one", CURVE)
def _(applied: Applied) -> None:
    def change(optimizer: Optimizer) -> Optimizer | None:
        if isinstance(optimizer, SGD):
            return None
        applied()
        groups = optimizer.param_groups
        return SGD([{"params": group["params"], "lr": group["lr"]} for group in groups])

    on_optimizers(change)


@fault("optimizer", "gradients are not set to zero", CURVE)
def _(applied: Applied) -> None:
    def zero_grad(self: LightningModule, *arguments: Any, **options: Any) -> None:
        applied()

    LightningModule.optimizer_zero_grad = zero_grad  # type: ignore[method-assign]


@fault("gradients", "they are clipped to next to nothing", CURVE)
def _(applied: Applied) -> None:
    def change(gradients: list[Tensor]) -> None:
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        for gradient in gradients:
            gradient.mul_(min(1.0, 0.01 / max(norm.item(), 1e-12)))

    on_gradients(change, applied)


@fault("gradients", "noise is added", CURVE)
def _(applied: Applied) -> None:
    noise = torch.Generator().manual_seed(0)

    def change(gradients: list[Tensor]) -> None:
        for gradient in gradients:
            random = torch.randn(gradient.shape, generator=noise).to(gradient)
            gradient.add_(random * gradient.abs().mean())

    on_gradients(change, applied)


@fault("gradients", "one parameter gets none", STEPS)
def _(applied: Applied) -> None:
    def change(gradients: list[Tensor]) -> None:
        gradients[0].zero_()

    on_gradients(change, applied)


@fault("loss", "it is the sum for the mean", STEPS)
def _(applied: Applied) -> None:
    on_loss(lambda loss: loss * 32, applied)


@fault("loss", "its sign is wrong", MEMORIZE)
def _(applied: Applied) -> None:
    on_loss(lambda loss: -loss, applied)


@fault("loss", "it is a hundredth", STEPS)
def _(applied: Applied) -> None:
    on_loss(lambda loss: loss / 100, applied)


@fault("loss", "half of each batch is forgotten", STEPS)
def _(applied: Applied) -> None:
    def change(inputs: Tensor, rows: Tensor) -> tuple[Tensor, Tensor] | None:
        half = len(rows) // 2
        return (inputs[:half], rows[:half]) if half else None

    in_step(change, "training", applied=applied)


@fault("loss", "probabilities are taken for scores", STEPS)
def _(applied: Applied) -> None:
    def make(loss: Any) -> Any:
        def changed(outputs: Tensor, *rest: Any, **options: Any) -> Tensor:
            applied()
            result: Tensor = loss(outputs.softmax(dim=1), *rest, **options)
            return result

        return changed

    replace(F, "cross_entropy", make)


@fault("loss", "absolute errors are taken for squared ones", STEPS)
def _(applied: Applied) -> None:
    def make(loss: Any) -> Any:
        def changed(*arguments: Any, **options: Any) -> Tensor:
            applied()
            return F.l1_loss(*arguments, **options)

        return changed

    replace(F, "mse_loss", make)


@fault("modes", "the network is in evaluation mode in training", STEPS)
def _(applied: Applied) -> None:
    def change(module: LightningModule, step: Any) -> Any:
        applied()
        module.eval()
        return step()

    around_step("training", change)


@fault("modes", "the network is in training mode in validation", STEPS)
def _(applied: Applied) -> None:
    def change(module: LightningModule, step: Any) -> Any:
        applied()
        module.train()
        return step()

    around_step("validation", change)


@fault("modes", "dropout never ends", "regression")
def _(applied: Applied) -> None:
    def make(dropout: Any) -> Any:
        def changed(
            x: Tensor, p: float = 0.5, training: bool = True, *rest: Any
        ) -> Any:
            if p and not training:
                applied()
            return dropout(x, p, True, *rest)

        return changed

    replace(F, "dropout", make)


def _in_layers(change: Callable[[Tensor], Tensor]) -> None:
    def make(forward: Any) -> Any:
        return lambda self, x: forward(self, change(x))

    replace(nn.Linear, "forward", make)


@fault("network", "its answers depend on the rest of the batch", STEPS)
def _(applied: Applied) -> None:
    def change(x: Tensor) -> Tensor:
        if len(x) < 2:
            return x
        applied()
        return x - x.mean(dim=0, keepdim=True)

    _in_layers(change)


@fault("network", "it starts with weights five times as large", STEPS)
def _(applied: Applied) -> None:
    def make(reset: Any) -> Any:
        def changed(self: nn.Linear) -> None:
            reset(self)
            applied()
            with torch.no_grad():
                self.weight.mul_(5)

        return changed

    replace(nn.Linear, "reset_parameters", make)


@fault("network", "noise is added to what passes through", "regression")
def _(applied: Applied) -> None:
    def change(x: Tensor) -> Tensor:
        applied()
        return x + 0.01 * torch.randn_like(x)

    _in_layers(change)


@fault("network", "it computes in half precision", "regression")
def _(applied: Applied) -> None:
    def change(x: Tensor) -> Tensor:
        applied()
        return x.bfloat16().to(x.dtype)

    _in_layers(change)
