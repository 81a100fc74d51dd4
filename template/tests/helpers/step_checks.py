"""Checks of single steps: does the trainer process data, loss and metrics correctly?"""

import gc
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import lightning
import pytest
import torch
from lightning import LightningModule
from lightning.pytorch.callbacks import LambdaCallback
from torch import Tensor

from tests.helpers.case import TaskCase
from tests.helpers.checks import Checks
from tests.helpers.training import STAGES, Observer, Precision, fit, left_out, tensors
from tests.helpers.cost import tensors_alive

EPOCHS = 2  # side effects of a validation show in the second
MAX_EXAMPLES = 500  # to choose the smallest and the largest from


@dataclass(frozen=True)
class Watched:
    """The records of a training with validation, and of a test after it."""

    logged: dict[str, Tensor]
    module: LightningModule
    before: dict[str, Tensor]
    splits: dict[str, Any]
    observer: Observer


def _flat(gradients: Iterable[Tensor | None]) -> Tensor:
    return torch.cat([part.flatten() for part in gradients if part is not None])


class StepChecks(Checks):
    """Skipped examples, a wrong loss or a wrong metric: memorization shows few of them.

    So a callback records two epochs of the real trainer, and the records are compared
    with the split, with a formula and with a plain loop.

    Attributes:
        case: The task.
        frozen: Beginnings of the names of parameters that training does not change.
        averages: Those of parameters without gradients, such as averages of others.
        gradient_tolerance: Difference of gradients in half precision, relative to the
            norm of all gradients. With four seeds on an H100, bfloat16 changed them by
            2 to 6 %, 16-bit by 0.4 to 3 %, a loss scale that stays by a factor of 1000.
    """

    case: TaskCase
    frozen: tuple[str, ...] = ()
    averages: tuple[str, ...] = ()
    gradient_tolerance = 0.2

    @pytest.fixture(scope="class")
    @classmethod
    def watched(cls: type[Self]) -> Watched:
        """A recorded training that several checks share."""
        lightning.seed_everything(1, verbose=False)
        module, data, observer = cls.case.new_module(), cls.case.new_data(), Observer()
        before = {name: weight.clone() for name, weight in module.named_parameters()}
        steps = EPOCHS * len(data.train_dataloader())
        trainer = fit(module, data, steps, validate=True, callbacks=[observer])
        logged = {**trainer.callback_metrics}
        trainer.test(module, data, verbose=False)
        logged |= trainer.callback_metrics
        return Watched(logged, module, before, data.splits, observer)

    @pytest.mark.parametrize(
        ("name", "times"), [("train", EPOCHS), ("val", EPOCHS), ("test", 1)], ids=STAGES
    )
    def test_every_example_is_seen_once(
        self, watched: Watched, name: str, times: int
    ) -> None:
        """Each epoch has every example of its split once, unchanged, and no other.

        Look first at samplers and the length of the split. Training may leave out a
        batch that is not full, by `drop_last`, and a sampler may draw. Augmentation
        belongs into a method `augment` of module or data module; exempt `[train]` for
        other changes on purpose.
        """
        expected = Counter(times * self.case.contents_of(watched.splits[name]))
        found = Counter(self.case.contents(watched.observer.batches[name]))
        missing, other = (expected - found).total(), (found - expected).total()
        if name == "train":
            left = left_out(self.case.new_data().train_dataloader())
            if left is None and any(found[x] > expected[x] for x in expected):
                missing = 0
                other = sum(found[x] for x in found.keys() - expected.keys())
            missing -= times * (left or 0)
        assert not (missing or other), f"{missing} not seen, {other} others seen"

    def test_layers_are_in_the_right_mode(self, watched: Watched) -> None:
        """Layers such as dropout are in training mode only during training.

        Look first at calls of `train()` and `eval()` in the steps and in callbacks.
        Fine-tuning with frozen layers keeps them in evaluation mode: exempt it then.
        """
        expected = {"train": {True}, "val": {False}, "test": {False}}
        assert watched.observer.modes == expected

    @pytest.mark.ml_test_score("infra.2")
    def test_every_parameter_learns(self, watched: Watched) -> None:
        """Every parameter gets a finite, nonzero gradient and changes in training.

        Look first at layers that `forward` does not use, at `detach`, and at what the
        optimizer is given. List in `frozen` what training shall not change, and in
        `averages` what it changes without gradients.
        """
        for name, weight in watched.module.named_parameters():
            stays = torch.equal(weight, watched.before[name])
            if name.startswith(self.frozen):
                assert stays, f"{name} is frozen, but changes"
                continue
            if name.startswith(self.averages):
                continue
            gradient = watched.observer.gradients[name]
            assert gradient is not None, f"{name} has no gradient"
            assert gradient.isfinite().all(), f"{name} has a gradient that is no number"
            assert gradient.any(), f"the gradient of {name} is zero"
            assert not stays, f"{name} does not change"

    def test_first_loss_is_that_of_chance(self, watched: Watched) -> None:
        """The loss of an untrained network is that of predictions by chance.

        Look first at a softmax too many, at inputs that are not standardized, and at
        the initial weights.
        """
        case = self.case
        expected = pytest.approx(case.first_loss, rel=case.first_loss_tolerance)
        assert watched.observer.losses[0] == expected

    @pytest.mark.ml_test_score("infra.2")
    def test_loss_is_that_of_the_formula(self) -> None:
        """The training loss equals the mean loss that is computed by a formula.

        Look first at the reduction of the loss, a sum or a mean, and at what it is
        given: probabilities or logits. Augmentation is the method `augment` of the
        module, or is switched off in `without_dropout` of the case.
        """
        _, observer, expected = self.first_step()
        assert observer.losses[0] == pytest.approx(expected.item(), rel=1e-5)

    def test_gradients_are_those_of_the_formula(self) -> None:
        """The optimizer gets the gradients of the loss that is computed by a formula.

        Look first at `backward`, `on_after_backward` and `detach`.
        """
        module, observer, loss = self.first_step()
        module.zero_grad()
        loss.backward()
        expected = _flat(weight.grad for weight in module.parameters())
        found = _flat(observer.gradients.values())
        assert (found - expected).norm() < 0.01 * expected.norm()

    def first_step(self) -> tuple[LightningModule, Observer, Tensor]:
        """Take a step, and compute its loss again by the formula, with gradients."""
        module, observer = self.case.without_dropout(), Observer()
        before = {name: weight.clone() for name, weight in module.named_parameters()}
        seed = LambdaCallback(on_train_batch_start=lambda *_: torch.manual_seed(1))
        fit(module, self.case.new_data(), 1, callbacks=[observer, seed])
        # The weights before training, with the preprocessing of the training split.
        module.load_state_dict(before, strict=False)
        (batch,) = observer.batches["train"]
        torch.manual_seed(1)  # for dropout that no layer has
        return module, observer, self.case.training_loss(module.train(), batch)

    @pytest.mark.parametrize("name", ["val", "test"])
    def test_metrics_are_those_of_a_plain_loop(
        self, watched: Watched, name: str
    ) -> None:
        """The logged loss and accuracy equal the means computed in a plain loop.

        Look first at means over batches of different size, and at metrics that keep
        what an earlier epoch left.
        """
        loss, accuracy = self.case.evaluate(watched.module, watched.splits[name])
        logged = watched.logged
        assert logged[f"{name}/loss"].item() == pytest.approx(loss, rel=1e-4)
        found = logged[f"{name}/{self.case.accuracy_name}"].item()
        assert found == pytest.approx(accuracy)

    def test_output_does_not_depend_on_the_batch(self, watched: Watched) -> None:
        """The output for an example is the same alone and beside larger ones.

        Look first at `view` and `reshape`, which mix examples where axes are in another
        order, at layers that stay in training mode, and at layers that read padding.
        """
        case, split = self.case, watched.splits["val"]
        rows = [*range(min(len(split), MAX_EXAMPLES))]
        x = [case.inputs_and_labels(case.batch(split, [row]))[0] for row in rows]
        rows.sort(key=lambda row: sum(part.numel() for part in tensors(x[row])))
        rows = [*rows[:4], *rows[-4:]]  # the smallest and the largest
        batch, _ = case.inputs_and_labels(case.batch(split, rows))
        with torch.no_grad():
            together = watched.module.eval()(batch)  # (8, ...)
            alone = [watched.module(x[row])[0] for row in rows]
        for found, expected in zip(together, alone, strict=True):
            # What is longer than alone is padding.
            there = found[tuple(map(slice, expected.shape))]
            close = 1e-5 * max(1.0, expected.abs().max().item())
            torch.testing.assert_close(there, expected, atol=close, rtol=1e-5)

    def test_no_step_leaves_tensors_behind(self) -> None:
        """The number of tensors in memory does not grow with the number of steps.

        Look first at lists of losses or outputs that are kept without `detach`.
        """
        counts: list[int] = []
        data = self.case.new_data()
        for _ in data.train_dataloader():
            pass  # examples may be cached from now on

        def count(*_: object) -> None:
            counts.append(tensors_alive())

        gc.freeze()  # excludes existing objects from the search
        try:
            for steps in (4, 12):
                last = LambdaCallback(on_train_end=count)
                fit(self.case.new_module(), data, steps, callbacks=[last])
        finally:
            gc.unfreeze()
        assert counts[1] < counts[0] + 4

    @pytest.mark.gpu
    @pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
    def test_step_in_half_precision(self, precision: Precision) -> None:
        """Gradients in half precision are close to those in full precision.

        In 16-bit, small gradients become 0 and large values infinite. Look first at
        sums over many numbers, and compute these in float32. A large first loss needs
        some steps until its scale is lower: then exempt the parameter `[16-mixed]`.
        """
        expected, found = self.gradients("32-true"), self.gradients(precision)
        assert found.dtype == torch.float32
        difference = (found - expected).norm() / expected.norm()
        assert difference < self.gradient_tolerance

    def gradients(self, precision: Precision) -> Tensor:
        """Take one step, and return the gradients of all P weights, shape (P,)."""
        lightning.seed_everything(1, verbose=False)
        observer = Observer()
        # Dropout would drop different features in each precision.
        module, data = self.case.without_dropout(), self.case.new_data()
        options: dict[str, Any] = {"accelerator": "gpu", "precision": precision}
        fit(module, data, 1, callbacks=[observer], **options)
        return _flat(observer.gradients.values())
