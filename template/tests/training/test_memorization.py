"""Memorization tests: can training overfit a few examples?

If a network learns all labels of a very small batch, then data path, loss, gradients
and optimizer work together. This takes a fraction of a second, so it can run on every
change.

The limits are far from the values of correct training, to avoid false alarms. If one
is too strict for your model, try in this order: train for more steps, memorize fewer
examples, raise the learning rate, disable regularization (dropout, augmentation,
weight decay), and only then relax the limit.
"""

from dataclasses import dataclass
from typing import Any

import lightning
import pytest
import torch
from lightning import LightningModule
from torch.utils.data import Dataset

from tests.helpers.op_counts import Cost, measure_cost
from tests.helpers.observer import examples
from tests.helpers.training import Precision, fit
from tests.training.case import (
    CPU_SECONDS_PER_STEP,
    FLOPS_PER_STEP,
    MARGIN,
    OPERATORS_PER_STEP,
    are_different,
    different_examples,
    is_right,
    loss_by_formula,
    new_data,
    new_module,
    preprocessing,
    simple_answers,
    with_labels_permuted,
    without_content,
)

EXAMPLES = 16
STEPS = 120
COUNTED = 12  # steps; few, as counting is slow


@dataclass(frozen=True)
class Memorized:
    """The outcome of memorizing one batch."""

    loss: float
    right: float
    steps: int
    batch: Any


def evaluate_by_formula(
    module: LightningModule, split: Dataset[Any]
) -> tuple[float, float]:
    """Return the mean loss and the accuracy."""
    x, labels = examples(split)
    with torch.no_grad():
        outputs = module.cpu().eval()(x)
    losses, right = loss_by_formula(outputs, labels), is_right(outputs, labels)
    return losses.mean().item(), right.double().mean().item()


def memorize(accelerator: str = "cpu", precision: Precision = "32-true") -> Memorized:
    """Train on a single batch, with the real trainer."""
    lightning.seed_everything(1, verbose=False)
    module, data = new_module(), new_data(batch_size=EXAMPLES)
    batch = different_examples(data.splits["train"], EXAMPLES)
    data.splits["train"] = batch
    trainer = fit(
        module,
        data,
        STEPS,
        accelerator=accelerator,
        precision=precision,
        overfit_batches=1,
    )
    # Evaluated here without Lightning, which would use the validation split, and in
    # the way in which users call the model.
    return Memorized(*evaluate_by_formula(module, batch), trainer.global_step, batch)


@pytest.mark.ml_test_score("infra.2")
def test_memorizes_a_batch() -> None:
    """After overfitting one batch, every label is correct and the loss is near 0."""
    memorized = memorize()
    assert memorized.steps == STEPS
    assert are_different(memorized.batch)
    assert memorized.right == 1
    assert memorized.loss < 0.1


@pytest.mark.ml_test_score("monitor.6")
def test_step_costs_what_it_should() -> None:
    """The cost of a training step is in its range, independent of the machine.

    A lower cost fails, too: part of the computation is missing.
    """
    module, data = new_module(), new_data(batch_size=EXAMPLES)
    data.splits["train"] = different_examples(data.splits["train"], EXAMPLES)

    def train(steps: int) -> Cost:
        return measure_cost(lambda: fit(module, data, steps, overfit_batches=1))

    # The difference excludes the fixed cost of starting and ending a training.
    short, long = train(5), train(5 + COUNTED)
    low, high = FLOPS_PER_STEP
    assert low < (long.flops - short.flops) / COUNTED < high
    low, high = OPERATORS_PER_STEP
    assert low < (long.operators - short.operators) / COUNTED < high
    seconds = (long.cpu_seconds - short.cpu_seconds) / COUNTED
    assert seconds < CPU_SECONDS_PER_STEP


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_memorizes_on_a_gpu(precision: Precision) -> None:
    """Training on a GPU overfits one batch, also in half precision."""
    memorized = memorize("gpu", precision)
    assert memorized.right == 1
    assert memorized.loss < 0.1


def test_preprocessing_is_fitted_to_the_training_split_alone() -> None:
    """Preprocessing is fitted to the training split: other data would be leakage."""
    module, data = new_module(), new_data()
    for name in ("val", "test"):
        data.splits[name] = without_content(data.splits[name])
    fit(module, data, steps=1)
    expected = preprocessing(data.splits["train"])
    fitted = {name: module.state_dict()[name] for name in expected}
    torch.testing.assert_close(fitted, expected)


@dataclass(frozen=True)
class Trained:
    """The outcome of a short training."""

    loss: float
    right: float  # on the validation split
    splits: dict[str, Any]


def train(*, permuted: bool) -> Trained:
    """Train on the training split, with its labels or with permuted labels."""
    lightning.seed_everything(1, verbose=False)
    module, data = new_module(), new_data()
    if permuted:
        data.splits["train"] = with_labels_permuted(data.splits["train"])
    fit(module, data, STEPS)
    loss, _ = evaluate_by_formula(module, data.splits["train"])
    _, right = evaluate_by_formula(module, data.splits["val"])
    return Trained(loss, right, data.splits)


@pytest.fixture(scope="module")
def trained() -> Trained:
    """A training that several tests share."""
    return train(permuted=False)


def test_true_labels_are_learnt_faster_than_permuted_ones(trained: Trained) -> None:
    """The training loss with true labels is much lower than with permuted labels.

    Permuted labels are learnt only slowly. This detects misaligned inputs and labels.
    """
    assert trained.loss < 0.6 * train(permuted=True).loss


def test_training_beats_a_simple_baseline(trained: Trained) -> None:
    """The validation accuracy exceeds that of a simple baseline, by a margin."""
    simple = simple_answers(trained.splits["train"], trained.splits["val"])
    assert trained.right > simple.double().mean().item() + MARGIN
