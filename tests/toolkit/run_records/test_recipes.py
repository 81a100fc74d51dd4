"""Are recipes listed, and passed to training in the correct order?"""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from digit_recognizer.toolkit import paths
from digit_recognizer.toolkit.cli.commands import main
from digit_recognizer.toolkit.run_records.recipes import recipe_among
from tests.helpers.training import enter

PACKAGE = "digit_recognizer"


@pytest.fixture(autouse=True)
def _recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path, monkeypatch)
    folder = Path("configs", "debug")
    folder.mkdir(parents=True)
    (folder / "slow.yaml").write_text("# Why is it slow?\ntrainer: {}\n")
    (folder / "fast.yaml").write_text("# Does it run?\n# You should see: a curve.\n")


def test_recipes_are_listed_with_their_first_comment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The list is sorted by name."""
    assert main(["debug"]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    assert lines == ["fast    Does it run?", "slow    Why is it slow?"]


def test_recipe_is_passed_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe comes after other configurations, and before single options."""
    commands = []

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 3)

    target = f"{PACKAGE}.toolkit.run_records.commands.subprocess"
    monkeypatch.setattr(target, SimpleNamespace(run=run))
    options = ["--trainer.max_epochs", "2", "--config", "a.yaml", "--config=b.yaml"]
    options += ["-c", "c.yaml", "-cd.yaml"]
    assert main(["debug", "fast", *options]) == 3
    files = [f"{name}.yaml" for name in "abcd"]
    configs = [*files, Path("configs", "debug", "fast.yaml")]
    expected = [f"--config={config}" for config in configs]
    ((*start, epochs, two),) = commands
    assert start == [sys.executable, "-m", PACKAGE, "fit", *expected]
    assert (epochs, two) == ("--trainer.max_epochs", "2")


@pytest.mark.parametrize(
    ("name", "folder", "message"),
    [
        ("quick", "configs", "no recipe 'quick' in configs/debug/: it has fast, slow"),
        ("fast", "", "no recipes: there is no YAML file in configs/debug/"),
    ],
)
def test_unknown_recipe_is_one_line(
    name: str,
    folder: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The error lists the existing recipes, if there are any."""
    if not folder:
        shutil.rmtree(paths.recipes())
    assert main(["debug", name]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


@pytest.mark.parametrize("option", ["-c", "--config", "--config="])
def test_config_option_without_a_file_is_one_line(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing file name is an error before training starts."""
    assert main(["debug", "fast", option]) == 2
    assert capsys.readouterr().err == f"error: {option} names no file\n"


def test_recipe_is_identified_by_its_folder() -> None:
    """Any path into configs/debug/ is a recipe; the same name elsewhere is not."""
    absolute = Path("configs", "debug", "fast.yaml").absolute()
    assert recipe_among(["configs/wide.yaml", absolute]) == "fast"
    assert recipe_among([absolute, "configs/debug/slow.yaml"]) == "slow"
    assert recipe_among(["configs/fast.yaml"]) is None
    assert recipe_among([]) is None
