"""Tests of single steps: does the trainer process data, loss and metrics correctly?

Memorization tests do not detect many bugs, such as skipped examples, a wrong loss or a
wrong metric in validation. So a callback records two epochs of the real trainer, and
the records are compared with the split, with a formula and with a plain loop.
"""

import gc
from dataclasses import dataclass
from typing import Any

import lightning
import pytest
import torch
from lightning import LightningModule
from lightning.pytorch.callbacks import LambdaCallback
from torch import Tensor

from tests.helpers.op_counts import tensors_alive
from tests.helpers.observer import Observer, contents, examples
from tests.helpers.training import fit
from tests.training.case import (
    CHANCE,
    is_right,
    loss_by_formula,
    new_data,
    new_module,
    without_chance,
)

EPOCHS = 2  # side effects of a validation show in the second


@dataclass(frozen=True)
class Watched:
    """The records of a training with validation, and of a test after it."""

    logged: dict[str, Tensor]
    module: LightningModule
    before: dict[str, Tensor]
    splits: dict[str, Any]
    observer: Observer


@pytest.fixture(scope="module")
def watched() -> Watched:
    """A recorded training that several tests share."""
    lightning.seed_everything(1, verbose=False)
    module, data, observer = new_module(), new_data(), Observer()
    before = {name: weight.clone() for name, weight in module.named_parameters()}
    steps = EPOCHS * len(data.train_dataloader())
    trainer = fit(module, data, steps, validate=True, callbacks=[observer])
    logged = {**trainer.callback_metrics}
    trainer.test(module, data, verbose=False)
    logged |= trainer.callback_metrics
    return Watched(logged, module, before, data.splits, observer)


@pytest.mark.parametrize(
    ("name", "times"), [("train", EPOCHS), ("val", EPOCHS), ("test", 1)]
)
def test_every_example_is_seen_once(watched: Watched, name: str, times: int) -> None:
    """Each epoch has every example of its split once, unchanged, and no other."""
    expected = contents(times * [examples(watched.splits[name])])
    assert contents(watched.observer.batches[name]) == expected


def test_layers_are_in_the_right_mode(watched: Watched) -> None:
    """Layers such as dropout are in training mode only during training."""
    expected = {"train": {True}, "val": {False}, "test": {False}}
    assert watched.observer.modes == expected


@pytest.mark.ml_test_score("infra.2")
def test_every_parameter_learns(watched: Watched) -> None:
    """Every parameter gets a finite, nonzero gradient and changes in training."""
    for name, weight in watched.module.named_parameters():
        gradient = watched.observer.gradients[name]
        assert gradient is not None, f"{name} has no gradient"
        assert gradient.isfinite().all(), f"the gradient of {name} is NaN or infinite"
        assert gradient.any(), f"the gradient of {name} is zero"
        assert not torch.equal(weight, watched.before[name]), f"{name} does not change"


def test_first_loss_is_that_of_chance(watched: Watched) -> None:
    """The loss of an untrained network is that of equal class probabilities."""
    assert watched.observer.losses[0] == CHANCE


@pytest.mark.ml_test_score("infra.2")
def test_loss_is_that_of_the_formula() -> None:
    """The training loss equals the mean loss that is computed by a formula."""
    module, observer = without_chance(), Observer()
    before = {name: weight.clone() for name, weight in module.named_parameters()}
    fit(module, new_data(), 1, callbacks=[observer])
    # The weights before training, with the preprocessing fitted to the training split.
    module.load_state_dict(before, strict=False)
    ((x, labels),) = observer.batches["train"]
    with torch.no_grad():
        expected = loss_by_formula(module.train()(x), labels).mean()
    assert observer.losses[0] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("name", ["val", "test"])
def test_metrics_are_those_of_a_plain_loop(watched: Watched, name: str) -> None:
    """Logged metrics equal the mean over all examples, computed in a plain loop."""
    x, labels = examples(watched.splits[name])
    with torch.no_grad():
        outputs = watched.module.eval()(x)
    loss = loss_by_formula(outputs, labels).mean().item()
    right = is_right(outputs, labels).double().mean().item()
    assert watched.logged[f"{name}/loss"].item() == pytest.approx(loss, rel=1e-4)
    assert watched.logged[f"{name}/accuracy"].item() == pytest.approx(right)


def test_answer_does_not_depend_on_the_company(watched: Watched) -> None:
    """The output for an example is the same alone and in a batch."""
    x, _ = examples(watched.splits["val"])
    x = x[:8]
    with torch.no_grad():
        together = watched.module.eval()(x)
        alone = torch.cat([watched.module(one[None]) for one in x])
    torch.testing.assert_close(together, alone)


def test_no_step_leaves_tensors_behind() -> None:
    """The number of tensors in memory does not grow with the number of steps."""
    counts: list[int] = []

    def count(*_: object) -> None:
        counts.append(tensors_alive())

    gc.freeze()  # excludes existing objects from the search
    try:
        for steps in (4, 12):
            last = LambdaCallback(on_train_end=count)
            fit(new_module(), new_data(), steps, callbacks=[last])
    finally:
        gc.unfreeze()
    assert counts[1] < counts[0] + 4
