"""Fine-tuning: a training that goes on from a model of other data."""

from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from .. import paths
from ..errors import UserError
from ..evaluation import load_checkpoint, load_production


class FineTune(Callback):
    """Begins with the weights of another model, and keeps a part of them.

    Weights of another shape, such as those of the last layer when there are other
    classes, begin at random as in any training. What the preprocessing has learnt comes
    with the weights, as these know no other inputs.

    Args:
        weights: A checkpoint, or the folder of a production model; from the current
            folder, or else from that of the repository.
        frozen: Names of layers that do not change, as in `named_modules`.
    """

    def __init__(self, weights: Path, frozen: tuple[str, ...] = ()) -> None:
        self.weights = Path(weights)
        self.frozen = frozen

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Freeze, before processes share what is left."""
        for layer in self._layers(pl_module):
            layer.requires_grad_(False)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the weights, unless this training goes on from its own checkpoint."""
        if trainer.ckpt_path is None:
            load_weights(pl_module, paths.found(self.weights))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the averages of frozen layers, too."""
        for layer in self._layers(pl_module):
            for part in layer.modules():
                if isinstance(part, _BatchNorm):
                    part.eval()

    def _layers(self, module: LightningModule) -> list[nn.Module]:
        there = dict(module.named_modules())
        for name in self.frozen:
            if name not in there:
                known = ", ".join(filter(None, there))
                raise UserError(f"no layer {name}: it is one of {known}")
        return [there[name] for name in self.frozen]


def load_weights(module: LightningModule, path: Path) -> None:
    """Give a module the weights of a model, as far as they fit, and say so.

    Args:
        module: Has a network of the same class.
        path: A checkpoint, or the folder of a production model.

    Raises:
        UserError: There is no such model, or nothing of it fits.
    """
    if path.is_dir():
        net = load_production(path)
    else:
        net, _ = load_checkpoint(path)
    parts = [part for part in module.children() if isinstance(part, type(net))]
    if len(parts) != 1:
        raise UserError(f"{path} is a {type(net).__name__}, and this model has none")
    own, given = parts[0].state_dict(), net.state_dict()
    fitting = {
        name: value
        for name, value in given.items()
        if name in own and own[name].shape == value.shape
    }
    if not fitting:
        raise UserError(f"nothing in {path} fits this model")
    parts[0].load_state_dict(own | fitting)
    others = ", ".join(name for name in own if name not in fitting)
    print(f"begins with  {path}" + (f", but for {others}" if others else ""))
