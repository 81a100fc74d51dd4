"""Does a scaling study predict the effect of doubling the data or the model?"""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from digit_recognizer.toolkit import paths
from digit_recognizer.toolkit.cli.commands import main
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.run_records.folders import VARIABLE
from digit_recognizer.toolkit.run_records.recipes import read_settings
from digit_recognizer.toolkit.scaling.scaling_study import (
    RESULT,
    PowerLaw,
    ScalingStudies,
    draw_study,
    fit_power_law,
    scaling_advice,
    size_options,
)
from tests.helpers.training import enter

PACKAGE = "digit_recognizer"


def law(size: float, seed: int, factor: float = 0.7) -> float:
    """Return a loss that follows a power law with noise."""
    noise = np.random.default_rng([int(size), seed]).normal(0, 0.1)
    return float(2 * factor ** (np.log2(size) + noise))


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Options of fake trainings whose losses follow a power law."""
    enter(tmp_path, monkeypatch)
    folder = Path("configs", "debug")
    folder.mkdir(parents=True)
    (folder / "fraction.yaml").write_text("# How good does it become?\n")
    paths.studies().write_text(
        "seeds: 2\nfractions: [1, 0.5, 0.25, 0.125]\n"
        "models: [--model.width=4, --model.width=8, --model.width=16 --model.depth=2]\n"
    )
    called: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        called.append(command[5:])
        given = dict(word.lstrip("-").split("=") for word in command[5:])
        examples = round(800 * float(given.get("trainer.callbacks.fraction", 1)))
        weights = 50 * int(given.get("model.width", 16))
        seed = int(given["seed_everything"])
        loss = law(examples, seed) + law(weights, seed, 0.99)
        if given.get("trainer.fail"):
            return subprocess.CompletedProcess(command, 1, "", "no luck today")
        run_dir = Path(options["env"][VARIABLE])
        facts = {"examples": examples, "weights": weights, "loss": loss}
        (run_dir / RESULT).write_text(json.dumps(facts))
        return subprocess.CompletedProcess(command, 0, "", "")

    target = f"{PACKAGE}.toolkit.run_records.commands.subprocess"
    monkeypatch.setattr(target, SimpleNamespace(run=run))
    return called


@pytest.mark.parametrize("fraction", [0, -0.5, 1.5])
def test_wrong_fraction_is_an_error_before_training(fraction: float) -> None:
    """A fraction out of its range is named with the file."""
    with pytest.raises(UserError, match=f"studies.yaml: a fraction .* not {fraction}"):
        ScalingStudies(fractions=[1, fraction])


def test_settings_of_this_project_can_be_read() -> None:
    """They have enough sizes for each study."""
    if not paths.studies().is_file():  # such as after an update from 0.1.0
        pytest.skip("this project has no settings of studies")
    studies = read_settings(ScalingStudies, paths.studies())
    for study in ("data", "model") if studies.models else ("data",):
        assert size_options(study, studies)


def test_each_size_is_trained_with_each_seed(
    trained: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The smallest size comes first, and the given options come last."""
    assert main(["scale-data", "--trainer.max_epochs=3"]) == 0
    assert len(trained) == 4 * 2
    fraction, seed = "--trainer.callbacks.fraction=", "--seed_everything="
    assert trained[0] == [f"{fraction}0.125", f"{seed}1", "--trainer.max_epochs=3"]
    assert trained[-1] == [f"{fraction}1.0", f"{seed}2", "--trainer.max_epochs=3"]
    output = capsys.readouterr().out
    assert "400 examples, 800 weights, seed 1: loss " in output
    assert Path("build", "scale-data.png").stat().st_size > 1000
    assert "picture  build/scale-data.png" in output
    assert "scale the data: " in output.splitlines()[-1]


def test_studies_are_compared(
    trained: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """After both studies, the advice compares the data with the model."""
    assert main(["scale-data"]) == 0
    assert main(["scale-model"]) == 0
    assert trained[-1][:2] == ["--model.width=16", "--model.depth=2"]
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("scale the data: twice as much has 0.")
    assert ", twice the model 0.9" in last


def test_failed_training_ends_a_study(
    trained: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The output and the options of the training are shown."""
    assert main(["scale-data", "--trainer.fail=yes"]) == 2
    assert len(trained) == 1
    output = capsys.readouterr()
    assert "no luck today" in output.out
    assert "--trainer.callbacks.fraction=0.125 --seed_everything=1" in output.err
    assert not Path("build").exists()


def test_confidence_interval_covers_true_factor() -> None:
    """About 95 of 100 intervals contain the factor of the power law."""
    studies = 200
    sizes = [size for size in (64, 128, 256, 512) for _ in range(3)]
    found = [
        fit_power_law(
            sizes, [law(size, 1000 * study + n) for n, size in enumerate(sizes)]
        )
        for study in range(studies)
    ]
    inside = sum(each.low < 0.7 < each.high for each in found)
    assert 0.9 * studies < inside < 0.99 * studies
    assert np.mean([each.factor for each in found]) == pytest.approx(0.7, rel=0.01)


def test_only_the_largest_sizes_are_fitted() -> None:
    """A loss that no longer decreases has a factor of 1."""
    sizes = [2.0**power for power in range(9)]
    losses = [max(1 / size, 1 / 16) for size in sizes]
    assert fit_power_law(sizes, losses).factor == pytest.approx(1)


def test_line_is_drawn_through_the_largest_sizes() -> None:
    """The line is extended to twice the largest size."""
    points = [
        {"examples": 2.0**power, "loss": law(2.0**power, seed)}
        for power in range(6)
        for seed in range(3)
    ]
    found = fit_power_law([p["examples"] for p in points], [p["loss"] for p in points])
    (axes,) = draw_study("data", points, found).axes
    x, y = map(np.asarray, axes.lines[1].get_data())  # (50,) each
    assert (x[0], x[-1]) == pytest.approx((4, 64))
    slope, _ = np.polyfit(np.log2(x), np.log2(y), 1)
    assert 2**slope == pytest.approx(found.factor)


HELPS, HELPS_MORE = PowerLaw(0.9, 0.88, 0.92), PowerLaw(0.5, 0.4, 0.6)
UNSURE, NOT = PowerLaw(0.8, 0.5, 1.1), PowerLaw(1, 0.9, 1.1)


@pytest.mark.parametrize(
    ("data", "model", "wanted"),
    [
        (HELPS_MORE, HELPS, "scale the data"),
        (HELPS, HELPS_MORE, "scale the model"),
        (NOT, HELPS, "scale the model"),
        (HELPS, UNSURE, "scale the data"),
        (UNSURE, NOT, "neither"),
        (HELPS_MORE, PowerLaw(0.6, 0.5, 0.7), "the cheaper of the two"),
    ],
)
def test_advice_ignores_insignificant_gains(
    data: PowerLaw, model: PowerLaw, wanted: str
) -> None:
    """A factor whose interval includes 1 is no reason to scale."""
    assert scaling_advice({"data": data, "model": model}).startswith(f"{wanted}: ")


@pytest.mark.parametrize(
    ("study", "found", "wanted"),
    [
        ("data", HELPS, "scale the data: "),
        ("model", UNSURE, "not the model: "),
    ],
)
def test_advice_of_one_study(study: str, found: PowerLaw, wanted: str) -> None:
    """The advice says nothing about the other study."""
    assert scaling_advice({study: found}).startswith(wanted)


def test_too_few_sizes_are_an_error() -> None:
    """The error names the file that sets the sizes."""
    with pytest.raises(UserError, match=r"studies\.yaml: models needs 3"):
        size_options("model", ScalingStudies())


def test_losses_without_logarithm_are_an_error() -> None:
    """A power law of losses that are not positive asks for another metric."""
    with pytest.raises(UserError, match="a loss is -1, but a power law needs positive"):
        fit_power_law([1, 2, 4], [1.0, 0.5, -1.0])
