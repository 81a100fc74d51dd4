"""Training: loss, metrics and optimizer of the network, for Lightning's trainer."""

from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor
from torch.optim import Optimizer

from .datamodule import Batch, DataModule
from .evaluation import Evaluation, concatenate, example_losses, score
from .model import Network
from .toolkit.errors import require
from .toolkit.training import gather


class TrainingModule(LightningModule):
    """Trains a `Network` with AdamW.

    Hyperparameters are plain numbers, so that checkpoints contain no code and load
    with `weights_only=True`.

    Args:
        width: Features of the network's first layer.
        embedding_size: Length of the embedding of an example.
        dropout: Fraction of features that training drops, from 0 to 1.
        learning_rate: Step size of AdamW.
        weight_decay: Weight decay of AdamW.
    """

    def __init__(
        self,
        width: int = 16,
        embedding_size: int = 32,
        dropout: float = 0.4,
        learning_rate: float = 5e-3,
        weight_decay: float = 0.01,
    ) -> None:
        for name, value in (
            ("width", width),
            ("embedding_size", embedding_size),
            ("learning_rate", learning_rate),
        ):
            require(value > 0, f"model.{name} is {value}: more than 0, please")
        require(
            0 <= dropout < 1, f"model.dropout is {dropout}: from 0 to below 1, please"
        )
        require(
            weight_decay >= 0,
            f"model.weight_decay is {weight_decay}: 0 or more, please",
        )
        super().__init__()
        self.save_hyperparameters()
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.net = Network(width, embedding_size, dropout)
        self.evaluation: Evaluation | None = None  # of the last validate or test
        self._parts: list[Evaluation] = []
        self._losses: list[Tensor] = []  # of the epoch so far, shape (B,) each

    def setup(self, stage: str) -> None:
        """Fit the preprocessing to the training split, unless a checkpoint has it."""
        if stage == "fit":
            data: DataModule = self.trainer.datamodule  # type: ignore[attr-defined]
            self.net.fit_preprocessing(data.splits["train"])

    def forward(self, x: Any) -> Tensor:
        """Return the outputs (B, ...) of inputs (B, ...)."""
        return self.net(x)

    def augment(self, x: Any) -> Any:
        """Return other inputs (B, ...) to train on, such as shifted ones.

        Augmentation belongs here: tests that compare exactly do without it.
        """
        return x

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Compute the loss to be minimized.

        Args:
            batch: Inputs and labels of B examples.
            batch_idx: Position of the batch in the epoch.

        Returns:
            Mean loss of the examples, shape ().
        """
        x, labels = batch  # of B examples
        losses = example_losses(self.net(self.augment(x)), labels)  # (B,)
        self._losses.append(losses.detach())
        return losses.mean()

    def on_train_epoch_end(self) -> None:
        """Log the loss once per epoch: logging each step takes a tenth of the time."""
        loss = torch.cat(self._losses).mean()
        self._losses.clear()
        # With several processes, the mean over all of them.
        self.log("train/loss", loss, prog_bar=True, sync_dist=True)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Store the evaluation of a batch."""
        self._evaluate(batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        """Store the evaluation of a batch."""
        self._evaluate(batch)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics of all batches."""
        self._finish("val", self.trainer.val_dataloaders)

    def on_test_epoch_end(self) -> None:
        """Log the metrics of all batches."""
        self._finish("test", self.trainer.test_dataloaders)

    def configure_optimizers(self) -> Optimizer:
        """Return the optimizer over all parameters."""
        return torch.optim.AdamW(
            self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )

    def _evaluate(self, batch: Batch) -> None:
        x, labels = batch  # of B examples
        self._parts.append(score(self.net(x), labels))

    def _finish(self, split: str, loader: Any) -> None:
        part = concatenate(self._parts)  # of this process, if there are several
        self._parts.clear()
        fields = {
            name: gather(self, loader, values) for name, values in vars(part).items()
        }
        self.evaluation = Evaluation(**fields)
        metrics = self.evaluation.metrics()
        # They are already equal in all processes, which Lightning cannot know.
        self.log_dict(
            {f"{split}/{name}": value for name, value in metrics.items()},
            prog_bar=True,
            sync_dist=True,
        )
