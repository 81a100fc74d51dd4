"""Does a training that diverges stop, and is the cause named?"""

import copy
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor, nn

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.training import divergence_guard
from digit_recognizer.toolkit.training.divergence_guard import DivergenceGuard
from tests.helpers.training import fit

pytestmark = pytest.mark.usefixtures("_in_a_folder")


class Scripted(BoringModel):
    """Multiplies its loss by given factors, one per step."""

    def __init__(self, *factors: float) -> None:
        super().__init__()
        self.factors = factors

    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        """Return the loss."""
        factor = self.factors[min(batch_idx, len(self.factors) - 1)]
        return self.step(batch) * factor

    def configure_optimizers(self) -> torch.optim.Optimizer:  # type: ignore[override]
        """Return an optimizer that leaves the weights alone."""
        return torch.optim.SGD(self.parameters(), lr=0)


class Root(nn.Module):
    """Returns nan, the root of a negative number."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the root."""
        return (-1 - x * x).sqrt()


def run(module: BoringModel, steps: int = 20, **options: Any) -> DivergenceGuard:
    """Train with a DivergenceGuard."""
    guard = DivergenceGuard()
    fit(module, BoringDataModule(), steps, callbacks=[guard], **options)
    return guard


def test_healthy_training_is_not_stopped() -> None:
    """Loss spikes that end do not stop training, and no file is written."""
    guard = run(Scripted(1, 1e6, 1e6, 1e6, 1e6, 1, 0, 1e6, 1e6, 1e6, 1e6, 1))
    assert guard.hint is None
    assert [*Path().iterdir()] == []


def test_diverging_loss_is_an_error() -> None:
    """A loss that stays far above the first one stops training."""
    with pytest.raises(UserError, match=r"diverges: .* in step 7\. Lower the"):
        run(Scripted(1, 1, 1, 1e4))


class Silent(BoringModel):
    """Forgets to return its loss, in all batches but some."""

    def __init__(self, *spoken: int) -> None:
        super().__init__()
        self.spoken = spoken

    def training_step(self, batch: Tensor, batch_idx: int) -> Any:
        """Compute the loss."""
        loss = self.step(batch)
        return loss if batch_idx in self.spoken else None


@pytest.mark.filterwarnings("ignore:.*returned .None.")
def test_step_without_a_loss_is_an_error() -> None:
    """A step that never returns a loss is an error after an epoch; some may not."""
    with pytest.raises(UserError, match="^training_step has returned no loss in any"):
        run(Silent(), steps=100)
    run(Silent(5), steps=100)


def test_vector_of_losses_is_an_error() -> None:
    """A loss that is no single number is named with its shape."""
    module = BoringModel()
    module.training_step = lambda batch, batch_idx: module(batch)  # type: ignore
    with pytest.raises(
        UserError, match=r"of batch 0 of epoch 0 has the shape \(1, 2\)"
    ):
        run(module)


@pytest.mark.parametrize("first", [0, -1])
def test_nonpositive_first_loss_is_not_checked(first: float) -> None:
    """A first loss of 0 or less says nothing about the scale of the loss."""
    run(Scripted(first, 1e4))


def test_resumed_training_may_start_with_low_loss(tmp_path: Path) -> None:
    """A resumed training is not compared with its first loss."""
    trainer = fit(Scripted(1), BoringDataModule(), 1)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    run(Scripted(1, 1, 1e4), resume_from=tmp_path / "last.ckpt")


@pytest.mark.ml_test_score("monitor.5")
def test_nan_loss_is_traced_to_its_layer() -> None:
    """The first layer with a nan output is named, and the batch is saved."""
    module = BoringModel()
    layers = nn.Sequential(nn.Linear(32, 2), nn.Sequential(nn.ReLU(), Root()))
    module.layer = layers  # type: ignore[assignment]
    message = r"nan in batch 0 of epoch 0, step 0: the output of layer layer\.1\.1 \("
    with pytest.raises(UserError, match=message):
        run(module)
    batch = torch.load("batch-0.pt", weights_only=True)
    assert batch.shape == (1, 32)


def test_infinite_loss_is_traced_to_the_loss() -> None:
    """If all outputs of layers are finite, the error names the loss."""
    with pytest.raises(UserError, match="loss is inf in batch 2 .* so it is the loss"):
        run(Scripted(1, 1, float("inf")))


def test_root_module_is_not_named_as_a_layer() -> None:
    """A nan from the module's own forward is not attributed to a layer."""

    class Divided(BoringModel):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) / torch.zeros(())

    with pytest.raises(UserError, match="all outputs of layers are finite"):
        run(Divided())


def test_nan_weight_is_named() -> None:
    """A weight that is nan is attributed to the previous step."""
    module = BoringModel()
    nn.init.constant_(module.layer.bias, float("nan"))
    with pytest.raises(UserError, match="layer.bias is not finite since the step"):
        run(module)


def test_nonfinite_batch_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error points to the tests of the data."""
    module = BoringModel()
    moved = module.transfer_batch_to_device
    monkeypatch.setattr(
        module, "transfer_batch_to_device", lambda *a: moved(*a) / torch.zeros(1)
    )
    with pytest.raises(UserError, match="the batch has values .* tests/data"):
        run(module)


def test_validation_without_examples_is_an_error() -> None:
    """An empty validation split would give no best checkpoint."""
    data = BoringDataModule()
    data.setup("fit")
    data.random_val = torch.utils.data.Subset(data.random_val, [])
    trainer = Trainer(
        accelerator="cpu",
        max_steps=1,
        logger=False,
        enable_checkpointing=False,
        callbacks=[DivergenceGuard()],
    )
    data.setup = lambda stage: None  # type: ignore[method-assign]
    with pytest.raises(UserError, match="the validation split has no examples"):
        trainer.fit(BoringModel(), data)


class Broken(Scripted):
    """Fails in validation, or without it at the end of the epoch."""

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        """Fail at the second batch."""
        if batch_idx:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")

    def on_train_epoch_end(self) -> None:
        """Fail, if there was no validation."""
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")


def test_known_error_has_a_hint() -> None:
    """An out-of-memory error has a hint, a traceback file and a saved batch."""
    guard = DivergenceGuard()
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        fit(Broken(1), BoringDataModule(), 64, validate=True, callbacks=[guard])
    assert guard.hint == (
        "out of memory in validation batch 1 of epoch 0. Smaller batches need less: "
        f"docs/troubleshooting.md (see {Path.cwd()}/traceback.txt, "
        f"{Path.cwd()}/batch-1.pt)"
    )
    assert "CUDA out of memory" in Path("traceback.txt").read_text()
    assert Path("batch-1.pt").is_file()


def test_error_between_batches_names_no_batch() -> None:
    """An error after the last batch saves no batch."""
    guard = DivergenceGuard()
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        fit(Broken(1), BoringDataModule(), 64, callbacks=[guard])
    assert guard.hint is not None
    assert guard.hint.startswith("out of memory. Smaller batches need less")
    assert not [*Path().glob("batch-*.pt")]


def test_fast_dev_run_writes_no_files(capsys: pytest.CaptureFixture[str]) -> None:
    """The traceback is printed, as there is no run folder."""
    guard = DivergenceGuard()
    trainer = Trainer(accelerator="cpu", fast_dev_run=2, callbacks=[guard])
    with pytest.raises(RuntimeError, match="CUDA out of memory"):
        trainer.fit(Broken(1), BoringDataModule())
    assert guard.hint is not None
    assert "left for you" not in guard.hint
    assert "Traceback" in capsys.readouterr().out
    assert [*Path().iterdir()] == []


def test_user_error_has_no_hint() -> None:
    """A UserError already says what to do."""
    guard = DivergenceGuard()
    guard.on_exception(Trainer(), BoringModel(), UserError("out of memory"))
    assert guard.hint is None


class Scaled(Scripted):
    """Scales its loss before the backward pass, as training in 16 bit does."""

    def on_before_backward(self, loss: Tensor) -> None:
        """Scale the loss of later steps."""
        if self.trainer.global_step > 1:
            loss *= 1e6


@pytest.mark.parametrize("late", [False, True])
def test_scale_of_16_bit_training_is_not_the_loss(
    late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss counts as the step returned it, whatever it is scaled by later."""
    if late:
        monkeypatch.setattr(DivergenceGuard, "_must_wait", lambda *_: False)
    run(Scaled(1))


def test_copy_of_the_module_has_its_own_step() -> None:
    """A copy that is made during training computes with its own weights."""
    found = []

    class Copies(Callback):
        def on_train_batch_start(
            self, trainer: Trainer, pl_module: LightningModule, *_: Any
        ) -> None:
            other: Any = copy.deepcopy(pl_module)
            nn.init.zeros_(other.layer.weight)
            nn.init.zeros_(other.layer.bias)
            found.append(other.training_step(torch.ones(1, 32), 0).item())

    module = Scripted(1)
    fit(module, BoringDataModule(), 1, callbacks=[DivergenceGuard(), Copies()])
    assert found == [1]


class Late:
    """A loss that is there two steps later, as on a GPU."""

    made: ClassVar[list[float]] = []
    waited_for: ClassVar[list[float]] = []

    def __init__(self, loss: Tensor, where: str, step: int) -> None:
        self.value = float(loss)
        self.where = where
        self.step = step
        self.made.append(self.value)
        self.count = len(self.made)

    def is_ready(self) -> bool:
        """Return whether two more were made."""
        return len(self.made) >= self.count + 2

    def number(self) -> float:
        """Return the loss, and note if it was waited for."""
        if not self.is_ready():
            self.waited_for.append(self.value)
        return self.value


def test_gpu_is_not_waited_for_in_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses are checked when they are there, and the last ones at the end."""
    monkeypatch.setattr(divergence_guard, "_Pending", Late)
    monkeypatch.setattr(Late, "made", [])
    monkeypatch.setattr(Late, "waited_for", [])
    monkeypatch.setattr(DivergenceGuard, "_must_wait", lambda *_: False)
    with pytest.raises(UserError, match=r"nan in batch 3 .* step 3: weights have chan"):
        run(Scripted(1, 1, 1, float("nan"), 1))
    assert Late.waited_for == []
    with pytest.raises(UserError, match="the loss is nan in batch 63 of epoch 0"):
        run(Scripted(*[1] * 63, float("nan")), steps=64)
    assert len(Late.waited_for) == 2
