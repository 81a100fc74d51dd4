"""Are the marked configurations retrained, and are their results found?"""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from digit_recognizer.toolkit.cli.commands import main
from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.paths import PACKAGE
from digit_recognizer.toolkit.run_records.folders import VARIABLE, new_run_dir
from digit_recognizer.toolkit.run_records.commands import (
    configurations,
    fit_in_subprocess,
    retrain,
)
from tests.helpers.training import enter


def test_configurations_with_retrain_are_found(tmp_path: Path) -> None:
    """Files that say `retrain: true` are found, the default one last."""
    for name, text in {
        "default.yaml": "seed_everything: 1\nretrain: true # every week\n",
        "wide.yaml": "retrain: True\n",
        "deep.yml": "model: {depth: 9}\nretrain:  true",
        "exp/a.yaml": '"retrain": yes\n',
        "exp/default.yaml": "retrain: true\n",
        "old.yaml": "retrain: false\n",
        "new.yaml": "# retrain: true\n",
        "other.yaml": "model:\n  retrain: true\n",
        "list.yaml": "- retrain: true\n",
        "empty.yaml": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    *names, last = [path.relative_to(tmp_path) for path in configurations(tmp_path)]
    assert last == Path("default.yaml")
    assert [path.stem for path in names] == ["deep", "a", "default", "wide"]


def test_unreadable_configuration_is_named(tmp_path: Path) -> None:
    """A file that is no YAML is an error, as it might be one to retrain."""
    (tmp_path / "broken.yaml").write_text("retrain: [true\n")
    with pytest.raises(UserError, match="broken.yaml cannot be read: "):
        configurations(tmp_path)


def test_no_configuration_to_retrain_is_an_error(tmp_path: Path) -> None:
    """A weekly job that retrains nothing must not succeed."""
    with pytest.raises(UserError, match="no file in .* has a line retrain: true"):
        configurations(tmp_path)


@pytest.mark.parametrize("name", ["", "nowhere.yaml"])
def test_missing_configuration_is_one_line(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing file and an empty name are reported in one line."""
    assert main(["retrain", name]) == 2
    assert capsys.readouterr().err.startswith("error: no file ")


@pytest.fixture
def _trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake trainings, during each of which a newer run ends."""
    enter(tmp_path, monkeypatch)

    def run(command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        folder = Path(how["env"][VARIABLE])
        beside = new_run_dir(folder.name.rpartition("-")[0])
        for run_dir in (folder, beside):
            facts = {"run_dir": str(run_dir), "finished": True}
            (run_dir / "record.json").write_text(json.dumps(facts))
        return subprocess.CompletedProcess(command, 0, "", "")

    fake = SimpleNamespace(run=run)
    monkeypatch.setattr(f"{PACKAGE}.toolkit.run_records.commands.subprocess", fake)


@pytest.mark.usefixtures("_trainings")
def test_results_are_those_of_the_started_run() -> None:
    """Results are read from the started run, even if another run is newer."""
    facts, _ = fit_in_subprocess(["--trainer.max_epochs=1"], "record.json")
    assert facts is not None
    assert facts["run_dir"] == str(Path("runs", "fit-0001"))
    Path("wide.yaml").touch()
    (facts,) = retrain([Path("wide.yaml")])
    assert facts["run"] == facts["run_dir"] == str(Path("runs", "fit-0003"))


@pytest.mark.parametrize("status", [1, None])
def test_failed_start_leaves_no_run_folder(
    status: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run folder is removed if its training fails to start or is interrupted."""
    enter(tmp_path, monkeypatch)

    def run(command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        if status is None:
            raise KeyboardInterrupt
        return subprocess.CompletedProcess(command, status, "", "wrong option")

    fake = SimpleNamespace(run=run)
    monkeypatch.setattr(f"{PACKAGE}.toolkit.run_records.commands.subprocess", fake)
    if status is None:
        with pytest.raises(KeyboardInterrupt):
            fit_in_subprocess([], "record.json")
    else:
        assert fit_in_subprocess([], "record.json") == (None, "\nwrong option")
    assert [*Path("runs").iterdir()] == []
