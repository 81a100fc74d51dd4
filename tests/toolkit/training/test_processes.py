"""Are examples of several processes gathered once and in order?"""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from lightning import LightningModule
from lightning.fabric.utilities.rank_zero import rank_zero_only
from torch import Tensor
from torch.utils.data import Dataset, DistributedSampler, SequentialSampler

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.training.processes import gather, require_own_rank

EXAMPLES = torch.arange(14).reshape(7, 2)


def gathered(parts: int, copies: int, batches: slice) -> list[Tensor]:
    """Return the examples that each process has after gathering."""
    data = cast("Dataset[Tensor]", EXAMPLES)
    samplers: list[DistributedSampler[Tensor]] = [
        DistributedSampler(data, parts, part, shuffle=False)
        for part in range(parts)
        for _ in range(copies)
    ]
    seen = [EXAMPLES[[*sampler][batches]] for sampler in samplers]
    module: Any = SimpleNamespace(all_gather=lambda values: torch.stack(seen))
    return [
        gather(cast("LightningModule", module), SimpleNamespace(sampler=sampler), mine)
        for sampler, mine in zip(samplers, seen, strict=True)
    ]


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_each_example_is_gathered_once_and_in_order(parts: int, copies: int) -> None:
    """Padding of uneven parts and copies of a part are removed."""
    results = gathered(parts, copies, slice(None))
    assert len(results) == parts * copies
    for result in results:
        torch.testing.assert_close(result, EXAMPLES)


@pytest.mark.parametrize("parts", [2, 3])
def test_texts_are_gathered_as_tensors_are(
    parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels that are no tensors come once and in order, too."""
    texts = [*"abcdefg"]
    data = cast("Dataset[int]", texts)
    samplers: list[DistributedSampler[int]] = [
        DistributedSampler(data, parts, part, shuffle=False) for part in range(parts)
    ]
    seen = [[texts[int(row)] for row in sampler] for sampler in samplers]

    def fill(found: list[Any], mine: list[str]) -> None:
        assert mine in seen
        found[:] = seen

    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: parts)
    monkeypatch.setattr(torch.distributed, "all_gather_object", fill)
    for sampler, mine in zip(samplers, seen, strict=True):
        loader = SimpleNamespace(sampler=sampler)
        assert gather(LightningModule(), loader, mine) == texts


def test_limited_batches_are_the_first_examples() -> None:
    """With `limit_val_batches`, the first examples of the split are gathered."""
    for result in gathered(2, 1, slice(2)):
        torch.testing.assert_close(result, EXAMPLES[:4])


def test_undivided_examples_are_not_gathered() -> None:
    """A process with all examples must not wait for others."""
    loader = SimpleNamespace(sampler=SequentialSampler(EXAMPLES))
    assert gather(LightningModule(), loader, EXAMPLES) is EXAMPLES


def test_rank_of_another_job_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only process of a training may not have the rank of a helper."""
    trainer: Any = SimpleNamespace(world_size=1)
    require_own_rank(trainer)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.setattr(rank_zero_only, "rank", 3)
    with pytest.raises(UserError, match="^SLURM_PROCID=3 in the environment says"):
        require_own_rank(trainer)
    trainer.world_size = 4
    require_own_rank(trainer)
