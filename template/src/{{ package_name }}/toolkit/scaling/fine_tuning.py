"""Fine-tuning: a training that starts from the weights of another model."""

from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from .. import paths
from ..errors import UserError
from ..evaluation import load_checkpoint, load_production


class FineTune(Callback):
    """Starts from the weights of another model, and freezes some layers.

    Weights of another shape, such as those of the last layer when there are other
    classes, start at random as in any training. The fitted preprocessing comes with the
    weights, which were trained on its outputs.

    Args:
        weights: A checkpoint, or the folder of a production model; from the current
            folder, or else from that of the repository.
        frozen: Names of layers that do not change, as in `named_modules`.
    """

    def __init__(self, weights: Path, frozen: tuple[str, ...] = ()) -> None:
        self.starts_from = Path(weights)  # for the record of the run
        self.frozen = frozen

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Freeze, before processes exchange gradients."""
        for layer in self._layers(pl_module):
            layer.requires_grad_(False)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Load the weights, unless the training is resumed."""
        if trainer.ckpt_path is None:
            load_weights(pl_module, paths.found(self.starts_from))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Freeze the statistics of BatchNorm layers, too."""
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
    """Load the weights of a model as far as they fit, and report it.

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
    print(f"starts from  {path}" + (f", but for {others}" if others else ""))
