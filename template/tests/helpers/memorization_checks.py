"""Memorization checks: can training overfit a few examples?"""

from dataclasses import dataclass, field
from typing import Any, Self

import lightning
import pytest
import torch

from tests.helpers.case import TaskCase
from tests.helpers.checks import Checks
from tests.helpers.cost import Cost, measure_cost
from tests.helpers.training import Precision, fit


@dataclass(frozen=True)
class Trained:
    """The outcome of a short training."""

    loss: float  # on the training split
    accuracy: float  # on the memorized batch, or on the validation split
    splits: dict[str, Any] = field(repr=False)


class MemorizationChecks(Checks):
    """If a network learns all labels of a small batch, data, loss and optimizer work.

    If a limit is too strict for a healthy model, take more steps, fewer examples, a
    higher learning rate or less regularization before you relax it.

    Attributes:
        case: The task.
        examples: Size of the batch to memorize.
        steps: Of each training.
        max_loss: Of the memorized batch, in the unit of the loss.
        max_loss_ratio: Training loss with true labels, by that with permuted labels.
        min_gain: Accuracy on the validation split above that of the simple baseline.
        flops_per_step: Least and most operations of convolutions and matrix products.
        operators_per_step: Least and most calls of PyTorch operators.
        cpu_seconds_per_step: Most processor time; generous, as it depends on the load.
    """

    case: TaskCase
    examples = 16
    steps = 120
    max_loss = 0.1
    max_loss_ratio = 0.6
    min_gain = 0.03
    flops_per_step = (0, 0)
    operators_per_step = (0, 0)
    cpu_seconds_per_step = 0.0

    @pytest.mark.ml_test_score("infra.2")
    def test_memorizes_a_batch(self) -> None:
        """After overfitting one batch, every label is correct and the loss is near 0.

        Look first at the learning rate, the loss, and whether each input keeps its
        label. Then overfit a batch on the command line: `nox -s debug`.
        """
        memorized = self.memorize()
        labels = memorized.splits["train"].labels
        assert len({*map(str, labels)}) > 1, "to learn one label proves nothing"
        assert memorized.accuracy == 1
        assert memorized.loss < self.max_loss

    @pytest.mark.gpu
    @pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
    def test_memorizes_on_a_gpu(self, precision: Precision) -> None:
        """Training on a GPU overfits one batch, also in half precision.

        Look first at values that half precision cannot hold, such as a loss above
        65,000 or a division by a small number.
        """
        memorized = self.memorize(accelerator="gpu", precision=precision)
        assert memorized.accuracy == 1
        assert memorized.loss < self.max_loss

    @pytest.mark.ml_test_score("monitor.6")
    def test_step_costs_what_it_should(self) -> None:
        """Operations and processor time of a training step are in their ranges.

        A higher cost is often a loop over examples, a lower one a missing part of the
        computation. If you changed the network on purpose, set the range anew: the
        measured value plus or minus a quarter.
        """
        # The difference excludes the fixed cost of starting and ending a training.
        few, counted = 5, 12  # steps; few, as counting is slow
        short, long = self.cost(few), self.cost(few + counted)
        names = ("flops", "operators", "cpu_seconds")
        found = {n: (getattr(long, n) - getattr(short, n)) / counted for n in names}
        for name in ("flops", "operators"):
            (low, high), cost = getattr(self, f"{name}_per_step"), found[name]
            right = f"{name}_per_step = ({0.75 * cost:_.0f}, {1.25 * cost:_.0f})"
            assert low <= cost <= high, f"it costs {found}; if that is right: {right}"
        assert found["cpu_seconds"] <= self.cpu_seconds_per_step, found

    def test_preprocessing_is_fitted_to_the_training_split_alone(self) -> None:
        """Preprocessing is fitted to the training split: other data would be leakage.

        Look first at what calls `fit_preprocessing`, and with which split. It does not
        apply to a network without preprocessing that is fitted.
        """
        module, data = self.case.new_module(), self.case.new_data()
        for name in {*data.splits} - {"train"}:
            data.splits[name] = self.case.without_content(data.splits[name])
        fit(module, data, steps=1)
        expected = self.case.fitted_preprocessing(data.splits["train"])
        assert expected, "fit_preprocessing changes nothing: exempt it if that is right"
        fitted = {name: dict(module.named_buffers())[name] for name in expected}
        torch.testing.assert_close(fitted, expected)

    def test_true_labels_are_learnt_faster_than_permuted_ones(
        self, trained: Trained
    ) -> None:
        """The training loss with true labels is much lower than with permuted labels.

        Permuted labels are learnt only slowly. If true labels are, too, look first at
        whether each input keeps its label: sorting, shuffling, joining of tables.
        """
        assert trained.loss < self.max_loss_ratio * self.train(permuted=True).loss

    def test_training_beats_a_simple_baseline(self, trained: Trained) -> None:
        """The validation accuracy exceeds that of a simple baseline, by a margin.

        Look first at how validation differs from training: preprocessing, the mode of
        layers, the split.
        """
        data = trained.splits
        simple = self.case.simple_baseline(data["train"], data["val"]).double().mean()
        assert trained.accuracy > simple.item() + self.min_gain

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls: type[Self]) -> Trained:
        """A training that several checks share."""
        return cls.train(permuted=False)

    @classmethod
    def train(cls: type[Self], *, permuted: bool) -> Trained:
        """Train on the training split, with its labels or with permuted labels."""
        lightning.seed_everything(1, verbose=False)
        module, data = cls.case.new_module(), cls.case.new_data()
        if permuted:
            data.splits["train"] = cls.case.with_labels_permuted(data.splits["train"])
        fit(module, data, cls.steps)
        loss, _ = cls.case.evaluate(module, data.splits["train"])
        _, accuracy = cls.case.evaluate(module, data.splits["val"])
        return Trained(loss, accuracy, data.splits)

    def memorize(self, **options: Any) -> Trained:
        """Train on a single batch, with the real trainer and its options."""
        lightning.seed_everything(1, verbose=False)
        module = self.case.new_module()
        data = self.case.one_batch(batch_size=self.examples)
        trainer = fit(module, data, self.steps, overfit_batches=1, **options)
        assert trainer.fit_loop.epoch_loop.total_batch_idx + 1 == self.steps
        # Lightning would evaluate the validation split.
        loss, accuracy = self.case.evaluate(module, data.splits["train"])
        return Trained(loss, accuracy, data.splits)

    def cost(self, steps: int) -> Cost:
        """Measure the cost of a training on a single batch."""
        module = self.case.new_module()
        data = self.case.one_batch(batch_size=self.examples)
        # Lightning validates each overfitted batch, on as many examples here.
        data.splits["val"] = data.splits["train"]
        return measure_cost(lambda: fit(module, data, steps, overfit_batches=1))
