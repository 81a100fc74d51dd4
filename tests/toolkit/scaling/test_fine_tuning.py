"""Does fine-tuning start from another model, and keep frozen layers?"""

from pathlib import Path

import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor, nn

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.scaling.fine_tuning import FineTune
from tests.helpers.training import enter, fit

pytestmark = pytest.mark.task_interface

FROZEN = ("layer.body", "layer.norm")


class Net(nn.Module):
    """Two layers with batch normalization between them."""

    def __init__(self, outputs: int = 2) -> None:
        super().__init__()
        self.body = nn.Linear(32, 3)
        self.norm = nn.BatchNorm1d(3)
        self.head = nn.Linear(3, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return outputs of an example and its reverse: batch norm needs two."""
        both = torch.cat([x, x.flip(1)])  # (2, 32)
        return self.head(self.norm(self.body(both)))


class Module(BoringModel):
    """Trains a Net."""

    layer: Net  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.layer = Net()


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Net:
    """The production model, loaded from the current folder."""
    net = Net()
    monkeypatch.setattr(
        "digit_recognizer.toolkit.scaling.fine_tuning.load_production",
        lambda folder: net,
    )
    enter(tmp_path, monkeypatch)
    return net


def same(one: nn.Module, other: nn.Module) -> bool:
    """Return whether two layers have the same weights and buffers."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)


def test_frozen_layers_are_unchanged(
    given: Net, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights and buffers of frozen layers stay; other layers are trained."""
    module = Module()
    fit(module, BoringDataModule(), 3, callbacks=[FineTune(Path(), FROZEN)])
    assert same(module.layer.body, given.body)
    assert same(module.layer.norm, given.norm)
    assert not same(module.layer.head, given.head)
    assert capsys.readouterr().out == "starts from  .\n"


def test_all_layers_are_trained_by_default(given: Net) -> None:
    """Training starts from the weights of the given model."""
    nn.init.constant_(given.body.bias, 99)
    module = Module()
    fit(module, BoringDataModule(), 1, callbacks=[FineTune(Path())])
    assert not same(module.layer.body, given.body)
    assert module.layer.body.bias.min() > 90


def test_weights_of_other_shape_are_random(
    given: Net, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output names the weights that were not loaded."""
    other = Net(outputs=5)
    monkeypatch.setattr(
        "digit_recognizer.toolkit.scaling.fine_tuning.load_production",
        lambda folder: other,
    )
    module = Module()
    fit(module, BoringDataModule(), 1, callbacks=[FineTune(Path(), FROZEN)])
    assert same(module.layer.body, other.body)
    expected = "starts from  ., but for head.weight, head.bias\n"
    assert capsys.readouterr().out == expected


def test_fine_tuning_starts_from_a_checkpoint(
    given: Net, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The path may be a checkpoint of this project."""
    path = tmp_path / "best.ckpt"
    path.touch()
    models = {path: given}
    monkeypatch.setattr(
        "digit_recognizer.toolkit.scaling.fine_tuning.load_checkpoint",
        lambda path: (models[path], {}),
    )
    module = Module()
    fit(module, BoringDataModule(), 1, callbacks=[FineTune(path, FROZEN)])
    assert same(module.layer.body, given.body)


def test_resumed_training_keeps_its_own_weights(given: Net, tmp_path: Path) -> None:
    """A resumed training does not load the other model again."""
    module = Module()
    trainer = fit(module, BoringDataModule(), 3, callbacks=[FineTune(Path())])
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    resumed = Module()
    fit(
        resumed,
        BoringDataModule(),
        3,
        resume_from=tmp_path / "last.ckpt",
        callbacks=[FineTune(Path())],
    )
    assert same(resumed.layer, module.layer)


@pytest.mark.parametrize(
    ("module", "frozen", "message"),
    [
        (Module(), "layer.tail", "no layer layer.tail: it is one of layer, layer.b"),
        (BoringModel(), "layer", "is a Net, and this model has none"),
    ],
)
def test_missing_layer_or_network_is_named(
    module: BoringModel, frozen: str, message: str, given: Net
) -> None:
    """The error comes before the first step."""
    with pytest.raises(UserError, match=message):
        fit(module, BoringDataModule(), 1, callbacks=[FineTune(Path(), (frozen,))])


def test_model_without_matching_weights_is_an_error(
    given: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training would start from random weights."""
    monkeypatch.setattr(given, "state_dict", lambda: {"other": torch.ones(1)})
    with pytest.raises(UserError, match=r"nothing in \. fits"):
        fit(Module(), BoringDataModule(), 1, callbacks=[FineTune(Path())])
