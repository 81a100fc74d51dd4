"""Half precision: is a training step on a GPU the same with fewer digits?

Faster and smaller, but sums lose digits, and in 16-bit small gradients become 0 and
large values infinite. It shows in the gradients first.
"""

import lightning
import pytest
import torch
from torch import Tensor

from tests.helpers.observer import Observer
from tests.helpers.training import Precision, fit
from tests.training.case import new_data, without_chance

# Of the norm of all gradients. With four seeds on an H100, bfloat16 changed them by
# 2 to 6 %, 16-bit by 0.4 to 3 %; a loss scale that stays in, thousands of times.
TOLERANCE = 0.2


def gradients(precision: Precision) -> Tensor:
    """Take one step, and return the gradients of all P weights, shape (P,)."""
    lightning.seed_everything(1, verbose=False)
    observer = Observer()
    # Dropout would leave out others in each precision.
    fit(
        without_chance(),
        new_data(),
        steps=1,
        accelerator="gpu",
        precision=precision,
        callbacks=[observer],
    )
    parts = [part for part in observer.gradients.values() if part is not None]
    return torch.cat([part.flatten() for part in parts])


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
def test_step_in_half_precision(precision: Precision) -> None:
    """It points where a step in full precision does, and as far."""
    expected = gradients("32-true")
    found = gradients(precision)
    assert found.dtype == torch.float32
    assert (found - expected).norm() / expected.norm() < TOLERANCE
