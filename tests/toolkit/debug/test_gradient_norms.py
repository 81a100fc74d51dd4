"""Are gradient norms of each layer logged, and drawn even if training fails?"""

from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor, nn

from digit_recognizer.toolkit.debug.gradient_norms import (
    GradientNorms,
    draw_gradient_norms,
    gradient_norms,
)
from tests.helpers.training import fit

pytestmark = pytest.mark.usefixtures("_in_a_folder")


class Fragile(BoringModel):
    """Fails in the third step."""

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        """Fail."""
        if batch_idx == 2:
            raise ZeroDivisionError


def test_norm_covers_all_parameters_of_a_layer() -> None:
    """Weight and bias have one norm together; a layer without gradients has none."""
    used = nn.Linear(1, 1)
    used.weight.grad = torch.full((1, 1), 3.0)
    used.bias.grad = torch.full((1,), 4.0)
    net = nn.ModuleDict({"used": used, "unused": nn.Linear(1, 1)})
    assert gradient_norms(net) == {"used": pytest.approx(5)}


@pytest.mark.parametrize(("module", "steps"), [(BoringModel(), 3), (Fragile(), 2)])
def test_gradients_are_logged_and_drawn(
    module: BoringModel,
    steps: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Gradient norms are logged and drawn, also when training fails."""
    norms = GradientNorms()
    try:
        trainer = fit(module, BoringDataModule(), 3, callbacks=[norms])
    except ZeroDivisionError:
        assert steps == 2
    else:
        logged = trainer.callback_metrics["gradient/layer"]
        assert logged == pytest.approx(norms.norms["layer"][-1])
    assert len(norms.norms["layer"]) == len(norms.losses) == steps
    assert Path("gradients.png").stat().st_size > 1000
    assert "gradients.png" in capsys.readouterr().out


@pytest.mark.parametrize(("lowest", "scale"), [(0.1, "log"), (-3.0, "linear")])
def test_negative_losses_have_a_linear_axis(lowest: float, scale: str) -> None:
    """A logarithmic axis would not show them."""
    figure = draw_gradient_norms({"a": [1.0, 1.0]}, [2.0, lowest])
    assert figure.axes[0].get_yscale() == scale


def test_nonfinite_norms_are_masked() -> None:
    """The heat map masks norms that are nan, infinite or missing."""
    norms = {"a": [1.0, float("nan"), 0.0], "b": [0.1, float("inf")]}
    figure = draw_gradient_norms(norms, [2.0, 1.0, float("inf")])
    (image,) = figure.axes[1].get_images()
    mask = np.isnan(np.asarray(image.get_array()))
    assert mask.tolist() == [[False, True, False], [False, True, True]]
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == [
        "a",
        "b",
    ]
