"""Do checks of steps know samplers, batches of any kind, and augmentation?"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    RandomSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from tests.helpers.case import TaskCase
from tests.helpers.training import contents, left_out, tensors
from tests.helpers.step_checks import EPOCHS, StepChecks

# Projects from 0.1.0 have no case.py.
CASE = pytest.importorskip("tests.case").CASE

INPUTS, LABELS = torch.arange(20.0)[:, None], torch.arange(20) % 3
DATA = TensorDataset(INPUTS, LABELS)
OTHER = TensorDataset(INPUTS + 1, LABELS)
weighted = WeightedRandomSampler([1.0] * 20, 20)


class Stream:
    """A loader that is no `DataLoader`."""

    def __iter__(self) -> Any:
        """Return the batches."""
        return iter([[INPUTS, LABELS]])


LOADERS: dict[str, tuple[Callable[[], Any], int | None, bool]] = {
    "shuffled": (lambda: DataLoader(DATA, 6, shuffle=True), 0, True),
    "drop_last": (lambda: DataLoader(DATA, 6, drop_last=True), 2, True),
    "drawn": (lambda: DataLoader(DATA, 6, sampler=weighted), None, True),
    "batches are drawn": (
        lambda: DataLoader(DATA, batch_sampler=BatchSampler(weighted, 6, False)),
        None,
        True,
    ),
    "no DataLoader": (Stream, 0, True),
    "half": (
        lambda: DataLoader(DATA, 6, sampler=SubsetRandomSampler(range(10))),
        0,
        False,
    ),
    "with replacement": (
        lambda: DataLoader(DATA, 6, sampler=RandomSampler(DATA, replacement=True)),
        None,
        True,
    ),
    "others": (lambda: DataLoader(OTHER, 6), 0, False),
    "half, by a sampler of another kind": (
        lambda: DataLoader(DATA, 6, sampler=range(10)),
        None,
        False,
    ),
    "others are drawn, too": (
        lambda: DataLoader(
            ConcatDataset([DATA, OTHER]), 6, sampler=WeightedRandomSampler([1] * 40, 60)
        ),
        None,
        False,
    ),
    "others are drawn": (lambda: DataLoader(OTHER, 6, sampler=weighted), None, False),
}


@pytest.mark.parametrize("name", LOADERS)
def test_a_loader_may_leave_out_what_it_says(name: str) -> None:
    """A sampler that draws may repeat examples, and `drop_last` may leave some out."""
    build, expected, passes = LOADERS[name]
    torch.manual_seed(1)
    assert left_out(build()) == expected
    seen = [batch for _ in range(EPOCHS) for batch in build()]
    observer = SimpleNamespace(batches={"train": seen, "val": seen})
    watched: Any = SimpleNamespace(
        observer=observer, splits={"train": DATA, "val": DATA}
    )
    checks: Any = StepChecks()
    data = SimpleNamespace(train_dataloader=build)
    checks.case = SimpleNamespace(
        new_data=lambda: data,
        contents=contents,
        contents_of=lambda split: contents([split[:]]),
    )

    def check(split: str) -> bool:
        try:
            checks.test_every_example_is_seen_once(watched, split, EPOCHS)
        except AssertionError:
            return False
        return True

    assert check("train") == passes
    assert check("val") == (passes and expected == 0)


@dataclass(slots=True)
class Part:
    """A part of a batch."""

    x: Tensor


@dataclass
class Batch:
    """A batch of a part and labels."""

    part: Part
    labels: Tensor


class Pair(NamedTuple):
    """A batch of inputs and labels."""

    inputs: Tensor
    labels: Tensor


@pytest.mark.parametrize(
    "batch",
    [
        [INPUTS, LABELS],
        {"inputs": INPUTS, "labels": LABELS},
        Pair(INPUTS, LABELS),
        Batch(Part(INPUTS), LABELS),
        SimpleNamespace(inputs=INPUTS, labels=LABELS),
    ],
    ids=["list", "dictionary", "named tuple", "dataclass", "object"],
)
def test_batches_of_any_kind_are_read(batch: Any) -> None:
    """Inputs and labels of a batch are found, whatever it is."""
    first, last = tensors(batch)
    assert first is INPUTS
    assert last is LABELS
    assert contents([batch]) == contents([[INPUTS, LABELS]])
    assert contents([[LABELS, INPUTS]]) == contents([[INPUTS, LABELS]])


class Augmenting(nn.Module):
    """A module with a method that augments."""

    def augment(self, x: Tensor, labels: Tensor | None = None) -> Any:
        """Return other inputs."""
        return x + 1 if labels is None else (x + 1, labels)


class WithLayer(nn.Module):
    """A module with a layer that augments."""

    def __init__(self) -> None:
        super().__init__()
        self.augment = nn.Dropout(0.5)


@pytest.mark.parametrize("kind", [Augmenting, WithLayer, nn.Module])
def test_augmentation_is_switched_off(kind: type[nn.Module]) -> None:
    """A method or a layer `augment` returns what it is given."""
    case: Any = SimpleNamespace(new_module=kind)
    module: Any = TaskCase.without_dropout(case)
    if kind is nn.Module:
        assert not hasattr(module, "augment")
        return
    assert torch.equal(module.augment(INPUTS), INPUTS)
    if kind is Augmenting:
        assert module.augment(INPUTS, LABELS) == (INPUTS, LABELS)


def test_an_option_is_no_augmentation() -> None:
    """An option that is called `augment` keeps its value."""
    built = SimpleNamespace(augment=True, prepare_data=list, setup=str)
    case: Any = SimpleNamespace(
        interface=SimpleNamespace(data_module=lambda: lambda: built)
    )
    assert TaskCase.new_data(case).augment is True


def test_changed_gradients_are_noticed() -> None:
    """Gradients that are changed after the backward pass are not those of the loss."""

    class Halving(type(CASE)):  # type: ignore[misc]
        """The task with a module that halves its gradients."""

        def without_dropout(self) -> Any:
            """Return a module with a hook."""
            module: Any = super().without_dropout()

            def halve() -> None:
                for weight in module.parameters():
                    weight.grad.mul_(0.5)

            module.on_after_backward = halve
            return module

    checks: Any = StepChecks()
    checks.case = CASE
    checks.test_gradients_are_those_of_the_formula()
    checks.case = Halving()
    checks.test_loss_is_that_of_the_formula()
    with pytest.raises(AssertionError):
        checks.test_gradients_are_those_of_the_formula()
