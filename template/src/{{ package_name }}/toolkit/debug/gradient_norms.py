"""The norm of the gradient of each layer, step by step."""

import math
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import nn

from ..figures import save_figure
from ..run_records import run_folder
from ..training import returned_loss


class GradientNorms(Callback):
    """Logs the norm of each layer's gradient, and draws all of them at the end.

    The picture `gradients.png` in the folder of the run has a line for each layer, from
    the input down to the output, and a column for each step.
    """

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.norms: dict[str, list[float]] = {}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Remember the loss, as the step returned it."""
        loss = returned_loss(outputs)
        self.losses.append(math.nan if loss is None else float(loss))

    def on_before_optimizer_step(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        optimizer: torch.optim.Optimizer,
    ) -> None:
        """Log the norms of this step."""
        norms = gradient_norms(pl_module)
        for name, norm in norms.items():
            self.norms.setdefault(name, []).append(norm)
        pl_module.log_dict({f"gradient/{name}": norm for name, norm in norms.items()})

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw."""
        self._draw(trainer)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Draw what there is until the error."""
        self._draw(trainer)

    def _draw(self, trainer: Trainer) -> None:
        folder = run_folder(trainer)
        if self.norms and folder is not None:
            picture = save_figure(
                draw_gradient_norms(self.norms, self.losses), folder / "gradients.png"
            )
            print(f"\ngradients    {picture}")


def gradient_norms(net: nn.Module) -> dict[str, float]:
    """Compute the norm of the gradient of each layer.

    Args:
        net: After a backward pass.

    Returns:
        The norm over a layer's own parameters that have a gradient, by its name.

    Examples:
        >>> net = nn.Sequential(nn.Linear(1, 1, bias=False))
        >>> net(torch.full((1, 1), 3.0)).sum().backward()
        >>> gradient_norms(net)
        {'0': 3.0}
    """
    norms = {}
    for name, module in net.named_modules():
        gradients = [
            weight.grad.float().norm()
            for weight in module.parameters(recurse=False)
            if weight.grad is not None
        ]
        if gradients:
            norms[name] = torch.stack(gradients).norm().item()
    return norms


def draw_gradient_norms(norms: dict[str, list[float]], losses: list[float]) -> Figure:
    """Draw the norms of all layers and steps.

    Args:
        norms: A norm for each step, by layer.
        losses: A loss for each step.

    Returns:
        The loss above, the norms as colours on a logarithmic scale below, nan in red.
    """
    figure = Figure(figsize=(9, 3 + 0.25 * len(norms)), layout="constrained")
    above, below = figure.subplots(
        2, 1, sharex=True, height_ratios=[1, 0.5 + 0.15 * len(norms)]
    )
    above.plot(losses, marker=".", markersize=3)
    positive = all(loss > 0 for loss in losses if math.isfinite(loss))
    above.set(ylabel="loss", yscale="log" if positive else "linear")
    steps = max(map(len, norms.values()))
    table = torch.full((len(norms), steps), math.nan)
    for row, values in enumerate(norms.values()):
        table[row, : len(values)] = torch.tensor(values)
    # A gradient of exactly zero is as dark as it gets.
    logs = table.clamp_min(1e-12).log10()
    logs[~table.isfinite()] = math.nan
    below.set_facecolor("red")  # where the norm is nan there is no colour
    colours = below.imshow(logs.numpy(), aspect="auto", interpolation="none")
    below.set_yticks(range(len(norms)), list(norms))
    below.set(xlabel="step")
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.colorbar(colours, ax=below, label="norm of the gradient, log 10")
    return figure
