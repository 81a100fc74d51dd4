"""Half precision: are the gradients on a GPU close to those in full precision?

Half precision is faster and needs less memory, but sums are less exact, and in 16-bit
small gradients become 0 and large values infinite. Gradients show this first.
"""

import lightning
import pytest
import torch
from torch import Tensor

from tests.helpers.observer import Observer
from tests.helpers.training import Precision, fit
from tests.training.case import new_data, without_chance

# Relative to the norm of all gradients. With four seeds on an H100, bfloat16 changed
# them by 2 to 6 %, 16-bit by 0.4 to 3 %; a loss scale that is not removed, by more
# than a factor of 1000.
TOLERANCE = 0.2


def gradients(precision: Precision) -> Tensor:
    """Take one step, and return the gradients of all P weights, shape (P,)."""
    lightning.seed_everything(1, verbose=False)
    observer = Observer()
    # Dropout would drop different features in each precision.
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
    """Gradients in half precision are close to those in full precision."""
    expected = gradients("32-true")
    found = gradients(precision)
    assert found.dtype == torch.float32
    assert (found - expected).norm() / expected.norm() < TOLERANCE
