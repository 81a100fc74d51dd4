"""Does a training go on from another model, and keep what is frozen?"""

from pathlib import Path

import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor, nn

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.training.fine_tuning import FineTune
from tests.helpers.training import fit
from tests.helpers.workplace import enter

pytestmark = pytest.mark.task_interface

FROZEN = ("layer.body", "layer.norm")


class Net(nn.Module):
    """Two layers, and between them one that keeps averages."""

    def __init__(self, outputs: int = 2) -> None:
        super().__init__()
        self.body = nn.Linear(32, 3)
        self.norm = nn.BatchNorm1d(3)
        self.head = nn.Linear(3, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of an example and its reverse: averages need two."""
        both = torch.cat([x, x.flip(1)])  # (2, 32)
        return self.head(self.norm(self.body(both)))


class Module(BoringModel):
    """Trains it."""

    layer: Net  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.layer = Net()


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Net:
    """The model in use, in this folder."""
    net = Net()
    monkeypatch.setattr(
        "digit_recognizer.toolkit.training.fine_tuning.load_production",
        lambda folder: net,
    )
    enter(tmp_path, monkeypatch)
    return net


def same(one: nn.Module, other: nn.Module) -> bool:
    """Say whether two layers have the same weights and averages."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)


def test_frozen_layers_stay(given: Net, capsys: pytest.CaptureFixture[str]) -> None:
    """The weights and the averages; all else is trained."""
    module = Module()
    fit(module, BoringDataModule(), 3, callbacks=[FineTune(Path(), FROZEN)])
    assert same(module.layer.body, given.body)
    assert same(module.layer.norm, given.norm)
    assert not same(module.layer.head, given.head)
    assert capsys.readouterr().out == "starts from  .\n"


def test_all_is_trained_if_nothing_is_frozen(given: Net) -> None:
    """From there on: a step does not lead far."""
    nn.init.constant_(given.body.bias, 99)
    module = Module()
    fit(module, BoringDataModule(), 1, callbacks=[FineTune(Path())])
    assert not same(module.layer.body, given.body)
    assert module.layer.body.bias.min() > 90


def test_other_classes_begin_at_random(
    given: Net, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said which weights these are."""
    other = Net(outputs=5)
    monkeypatch.setattr(
        "digit_recognizer.toolkit.training.fine_tuning.load_production",
        lambda folder: other,
    )
    module = Module()
    fit(module, BoringDataModule(), 1, callbacks=[FineTune(Path(), FROZEN)])
    assert same(module.layer.body, other.body)
    told = "starts from  ., but for head.weight, head.bias\n"
    assert capsys.readouterr().out == told


def test_checkpoint_is_a_model_too(
    given: Net, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By what loads those of this project."""
    path = tmp_path / "best.ckpt"
    path.touch()
    asked = {path: given}
    monkeypatch.setattr(
        "digit_recognizer.toolkit.training.fine_tuning.load_checkpoint",
        lambda path: (asked[path], {}),
    )
    module = Module()
    fit(module, BoringDataModule(), 1, callbacks=[FineTune(path, FROZEN)])
    assert same(module.layer.body, given.body)


def test_resumed_training_keeps_its_own_weights(given: Net, tmp_path: Path) -> None:
    """Those of the beginning are old."""
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
def test_what_is_not_there_is_named(
    module: BoringModel, frozen: str, message: str, given: Net
) -> None:
    """Before any step."""
    with pytest.raises(UserError, match=message):
        fit(module, BoringDataModule(), 1, callbacks=[FineTune(Path(), (frozen,))])


def test_model_that_fits_nowhere_is_an_error(
    given: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be a training from nothing."""
    monkeypatch.setattr(given, "state_dict", lambda: {"other": torch.ones(1)})
    with pytest.raises(UserError, match=r"nothing in \. fits"):
        fit(Module(), BoringDataModule(), 1, callbacks=[FineTune(Path())])
