"""Are short options expanded, and removed ones named?"""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from lightning import Trainer

from digit_recognizer.toolkit.cli.parser import REMOVED, expand_aliases
from digit_recognizer.toolkit.errors import UserError


def data(batch_size: int = 1, precision: int = 1) -> None:
    """Take an option that the trainer lacks, and one that it has, too."""


@pytest.mark.parametrize(
    ("given", "expanded"),
    [
        ("--overfit_batches 1", "--trainer.overfit_batches 1"),
        ("--precision=16", "--trainer.precision=16"),
        ("--accumulate_grad_batches=4", "--trainer.accumulate_grad_batches=4"),
        ("--profiler=simple", "--trainer.profiler=simple"),
        ("--callbacks+=Timer", "--trainer.callbacks+=Timer"),
        ("--batch_size=8", "--data.batch_size=8"),
        ("--fast_dev_run", "--trainer.fast_dev_run=true"),
        ("--fast_dev_run --x=1", "--trainer.fast_dev_run=true --x=1"),
        ("--fast_dev_run 2", "--trainer.fast_dev_run 2"),
        ("--x=1 --trainer.fast_dev_run", "--x=1 --trainer.fast_dev_run=true"),
        ("--fast_dev_run=3", "--trainer.fast_dev_run=3"),
    ],
)
def test_option_is_expanded_with_its_group(given: str, expanded: str) -> None:
    """If two groups have the option, the first one is used."""
    groups: dict[str, Callable[..., Any]] = {"trainer": Trainer, "data": data}
    assert expand_aliases(given.split(), groups) == expanded.split()


@pytest.mark.parametrize(
    "argument",
    [
        "--trainer.max_epochs=3",
        "--trainer",
        "--config=precision.yaml",
        "--precisions=16",
        "--precision.of=16",
        "precision=16",
        "-x",
        "--",
        "--model.precision=16",
    ],
)
def test_other_arguments_are_unchanged(argument: str) -> None:
    """Misspelt options, options with a group and other words are not expanded."""
    assert expand_aliases([argument], {"trainer": Trainer}) == [argument]


@pytest.mark.parametrize("name", REMOVED)
@pytest.mark.parametrize("prefix", ["--", "--trainer."])
def test_removed_option_is_named(name: str, prefix: str) -> None:
    """The error says what to use in place of the option."""
    with pytest.raises(UserError) as caught:
        expand_aliases([f"{prefix}{name}=1"], {"trainer": Trainer})
    assert str(caught.value) == f"--{name} was removed: use {REMOVED[name]}"
    assert name not in inspect.signature(Trainer).parameters
