"""The data module: gives the trainer batches of each split."""

from typing import Any

from lightning import LightningDataModule
from torch.utils.data import DataLoader

from .data import Examples, load_splits
from .toolkit.errors import require

Batch = tuple[Any, Any]  # inputs and labels, as `Examples.batch` returns them


class DataModule(LightningDataModule):
    """Batches of examples.

    Args:
        batch_size: Examples per batch.
        num_workers: Processes that load data; 0 loads in the training process,
            which is fastest for data that is in memory already.
    """

    def __init__(self, batch_size: int = 32, num_workers: int = 0) -> None:
        require(batch_size > 0, f"data.batch_size is {batch_size}: at least 1, please")
        require(
            num_workers >= 0, f"data.num_workers is {num_workers}: 0 or more, please"
        )
        super().__init__()
        self.save_hyperparameters()
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.splits: dict[str, Examples] = {}

    def setup(self, stage: str | None = None) -> None:
        """Load the data once per process."""
        if not self.splits:
            self.splits = load_splits()

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return shuffled batches of the training split."""
        return self._loader("train", shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return batches of the validation split, in order."""
        return self._loader("val", shuffle=False)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return batches of the test split, in order."""
        return self._loader("test", shuffle=False)

    def _loader(self, split: str, *, shuffle: bool) -> DataLoader[Batch]:
        return DataLoader(
            self.splits[split],
            batch_size=self.batch_size,
            shuffle=shuffle,
            num_workers=self.num_workers,
            persistent_workers=bool(self.num_workers),
            collate_fn=_already_a_batch,
        )


def _already_a_batch(batch: Any) -> Any:
    """Return the batch from `Examples.batch` unchanged."""
    return batch
