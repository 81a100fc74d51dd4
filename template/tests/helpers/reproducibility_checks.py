"""Reproducibility checks: do runs with the same seed give the same results?"""

import copy
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, LambdaCallback
from torch.utils.data import DataLoader

from tests.helpers.case import TaskCase
from tests.helpers.checks import Checks
from tests.helpers.training import Observer, fit


class ReproducibilityChecks(Checks):
    """The effect of a change can be measured only if runs without one do not differ.

    Attributes:
        case: The task.
        steps: Of each training.
    """

    case: TaskCase
    steps = 6

    @pytest.mark.ml_test_score("infra.1")
    def test_same_seed_same_losses(self) -> None:
        """The same seed gives exactly equal losses, another seed different ones.

        Look first at random numbers of another source than the seed, such as a new
        generator, the order of a set, or the time.
        """
        first = self.losses(seed=1)
        assert self.losses(seed=1) == first
        assert self.losses(seed=2) != first

    @pytest.mark.gpu
    def test_gpu_begins_as_the_cpu(self) -> None:
        """The first losses on a GPU equal those on the CPU, without dropout.

        Rounding, kernels and TF32 change the first losses by about 1e-6. Look first at
        code that depends on the device.
        """
        on_cpu = self.losses(1, dropout=False)
        on_gpu = self.losses(1, dropout=False, accelerator="gpu")
        assert on_gpu == pytest.approx(on_cpu, rel=1e-3)

    def test_evaluation_changes_nothing(self) -> None:
        """Validation does not change weights, metrics or the losses of later steps.

        Look first at metrics that are not reset, and at layers that validation leaves
        in another mode. Random numbers of another source than the seed are switched off
        in `without_dropout` of the case.
        """
        module, trainer, expected = self.train()
        before = {name: part.clone() for name, part in module.state_dict().items()}
        logged = []
        for _ in range(2):
            trainer.limit_val_batches = 1.0
            trainer.validate(module, self.case.new_data(), verbose=False)
            logged.append({**trainer.callback_metrics})
        assert logged[0] == logged[1]
        torch.testing.assert_close(module.state_dict(), before, rtol=0, atol=0)
        _, _, found = self.train(validate=True)
        assert found == pytest.approx(expected, rel=1e-4)

    def test_resuming_is_the_same_as_not_stopping(self, tmp_path: Path) -> None:
        """Training resumed from a checkpoint has the losses of an uninterrupted one.

        Look first at what a checkpoint does not keep: own counters, the state of a
        schedule, a moving average.
        """
        half, path = self.steps // 2, tmp_path / "half.ckpt"

        def save(trainer: Trainer, *_: object) -> None:
            if trainer.fit_loop.epoch_loop.total_batch_idx + 1 == half:
                trainer.save_checkpoint(path)

        _, _, expected = self.train(LambdaCallback(on_train_epoch_end=save))
        _, _, found = self.train(resume_from=path)
        assert found == pytest.approx(expected[half:], rel=1e-4)

    def test_checkpoint_gives_the_same_outputs(self, tmp_path: Path) -> None:
        """A checkpoint, loaded with `weights_only=True`, gives the same outputs.

        Look first at hyperparameters that are no plain values, and at tensors that are
        no buffers, which a checkpoint does not keep.
        """
        module, trainer, _ = self.train()
        trainer.save_checkpoint(path := tmp_path / "trained.ckpt")
        loaded = type(module).load_from_checkpoint(path, weights_only=True)
        batch = next(iter(self.case.new_data().val_dataloader()))
        x, _ = self.case.inputs_and_labels(batch)
        with torch.no_grad():
            assert torch.equal(loaded.eval()(x), module.eval()(x))

    def losses(
        self, seed: int, *, dropout: bool = True, accelerator: str = "cpu"
    ) -> list[float]:
        """Train for some steps, and return the losses."""
        lightning.seed_everything(seed, verbose=False)
        module = self.case.new_module() if dropout else self.case.without_dropout()
        data, observer = self.case.new_data(), Observer()
        fit(module, data, self.steps, accelerator=accelerator, callbacks=[observer])
        return observer.losses

    def train(
        self, *callbacks: Callback, **options: Any
    ) -> tuple[LightningModule, Trainer, list[float]]:
        """Train on one batch, without randomness; return module, trainer and losses."""
        lightning.seed_everything(1, verbose=False)
        module = self.case.without_dropout()
        data, observer = self.case.one_batch(), Observer()
        batches: Any = [next(iter(data.train_dataloader()))]
        # A copy of it for each step, which may change it.
        kind: Any = partial(DataLoader, batch_size=None, collate_fn=copy.deepcopy)
        data.train_dataloader = partial(kind, batches)

        def seed(trainer: Trainer, *_: object) -> None:
            lightning.seed_everything(trainer.global_step, verbose=False)

        every = [observer, LambdaCallback(on_train_batch_start=seed), *callbacks]
        trainer = fit(module, data, self.steps, callbacks=every, **options)
        return module, trainer, observer.losses
