"""Repeatability tests: do runs with the same seed give the same results?

The effect of a change can be measured only if two runs without a change do not differ.
"""

from collections.abc import Callable
from pathlib import Path

import lightning
import pytest
import torch
from lightning import LightningModule, Trainer

from tests.helpers.observer import Observer
from tests.helpers.training import fit
from tests.training.case import (
    different_examples,
    new_data,
    new_module,
    without_chance,
)

STEPS = 6


def losses(
    seed: int,
    new: Callable[[], LightningModule] = new_module,
    accelerator: str = "cpu",
) -> list[float]:
    """Train for some steps, and return the losses."""
    lightning.seed_everything(seed, verbose=False)
    observer = Observer()
    fit(new(), new_data(), STEPS, accelerator=accelerator, callbacks=[observer])
    return observer.losses


@pytest.mark.ml_test_score("infra.1")
def test_same_seed_same_losses() -> None:
    """The same seed gives exactly equal losses, another seed different ones."""
    first = losses(seed=1)
    assert losses(seed=1) == first
    assert losses(seed=2) != first


@pytest.mark.gpu
def test_gpu_begins_as_the_cpu() -> None:
    """The first losses on a GPU equal those on the CPU, without dropout.

    Rounding, kernels and TF32 change the first losses by about 1e-6.
    """
    on_cpu = losses(1, without_chance)
    on_gpu = losses(1, without_chance, "gpu")
    assert on_gpu == pytest.approx(on_cpu, rel=1e-3)


def train_on_one_batch(
    module: LightningModule,
    steps: int,
    *,
    validate: bool = False,
    resume_from: Path | None = None,
) -> tuple[Trainer, list[float]]:
    """Train on a single batch, without randomness: each epoch is one step."""
    data, observer = new_data(), Observer()
    data.splits["train"] = different_examples(data.splits["train"], data.batch_size)
    trainer = fit(
        module,
        data,
        steps,
        validate=validate,
        resume_from=resume_from,
        callbacks=[observer],
    )
    return trainer, observer.losses


def test_evaluation_changes_nothing() -> None:
    """Validation does not change weights, metrics or the losses of later steps."""
    lightning.seed_everything(1, verbose=False)
    module = without_chance()
    trainer, expected = train_on_one_batch(module, STEPS)
    before = {name: part.clone() for name, part in module.state_dict().items()}
    logged = []
    for _ in range(2):
        trainer.limit_val_batches = 1.0
        trainer.validate(module, new_data(), verbose=False)
        logged.append({**trainer.callback_metrics})
    assert logged[0] == logged[1]
    torch.testing.assert_close(module.state_dict(), before, rtol=0, atol=0)
    lightning.seed_everything(1, verbose=False)
    _, found = train_on_one_batch(without_chance(), STEPS, validate=True)
    assert found == pytest.approx(expected, rel=1e-4)


def test_resuming_is_the_same_as_not_stopping(tmp_path: Path) -> None:
    """Training resumed from a checkpoint has the losses of an uninterrupted one."""
    lightning.seed_everything(1, verbose=False)
    _, expected = train_on_one_batch(without_chance(), STEPS)
    lightning.seed_everything(1, verbose=False)
    trainer, _ = train_on_one_batch(without_chance(), STEPS // 2)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    other = without_chance()
    _, found = train_on_one_batch(other, STEPS, resume_from=tmp_path / "half.ckpt")
    assert found == pytest.approx(expected[STEPS // 2 :], rel=1e-4)


def test_checkpoint_gives_the_same_answers(tmp_path: Path) -> None:
    """A checkpoint, loaded with `weights_only=True`, gives the same outputs."""
    module = new_module()
    trainer, _ = train_on_one_batch(module, STEPS)
    trainer.save_checkpoint(path := tmp_path / "trained.ckpt")
    loaded = type(module).load_from_checkpoint(path, weights_only=True)
    x, _ = next(iter(new_data().val_dataloader()))
    with torch.no_grad():
        assert torch.equal(loaded.eval()(x), module.eval()(x))
