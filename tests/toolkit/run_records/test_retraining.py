"""Are configurations trained again, and is what they leave found?"""

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
from digit_recognizer.toolkit.run_records.retraining import (
    configurations,
    fit_in_subprocess,
    retrain,
)
from tests.helpers.workplace import enter


def test_configurations_that_say_so(tmp_path: Path) -> None:
    """The default one comes last: its model is the one that is compared."""
    for name, text in {
        "default": "seed_everything: 1\nretrain: true # every week\n",
        "wide": "retrain: true\n",
        "deep": "model: {depth: 9}\nretrain:  true",
        "old": "retrain: false\n",
        "new": "# retrain: true\n",
        "comparison": "mode: report\n",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    names = [path.stem for path in configurations(tmp_path)]
    assert names == ["deep", "wide", "default"]


def test_none_at_all_is_an_error(tmp_path: Path) -> None:
    """Else nothing is trained, every week, and all is green."""
    with pytest.raises(UserError, match="no file in .* has a line retrain: true"):
        configurations(tmp_path)


@pytest.mark.parametrize("name", ["", "nowhere.yaml"])
def test_file_that_is_not_there_is_one_line(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where a script has passed on an empty name."""
    assert main(["retrain", name]) == 2
    assert capsys.readouterr().err.startswith("error: no file ")


@pytest.fixture
def _trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings beside each of which a later one ends first."""
    enter(tmp_path, monkeypatch)

    def run(command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        folder = Path(how["env"][VARIABLE])
        beside = new_run_dir(folder.name.rpartition("-")[0])
        for run_dir in (folder, beside):
            facts = {"run_dir": str(run_dir), "finished": True}
            (run_dir / "record.json").write_text(json.dumps(facts))
        return subprocess.CompletedProcess(command, 0, "", "")

    fake = SimpleNamespace(run=run)
    monkeypatch.setattr(f"{PACKAGE}.toolkit.run_records.retraining.subprocess", fake)


@pytest.mark.usefixtures("_trainings")
def test_training_beside_another_is_told_apart() -> None:
    """What the one that was started has left is read, whatever is newer."""
    facts, _ = fit_in_subprocess(["--trainer.max_epochs=1"], "record.json")
    assert facts is not None
    assert facts["run_dir"] == str(Path("runs", "fit-0001"))
    Path("wide.yaml").touch()
    (facts,) = retrain([Path("wide.yaml")])
    assert facts["run"] == facts["run_dir"] == str(Path("runs", "fit-0003"))


@pytest.mark.parametrize("status", [1, None])
def test_training_that_does_not_begin_leaves_nothing(
    status: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No empty folder, in which the newest model would be looked for."""
    enter(tmp_path, monkeypatch)

    def run(command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        if status is None:
            raise KeyboardInterrupt
        return subprocess.CompletedProcess(command, status, "", "wrong option")

    fake = SimpleNamespace(run=run)
    monkeypatch.setattr(f"{PACKAGE}.toolkit.run_records.retraining.subprocess", fake)
    if status is None:
        with pytest.raises(KeyboardInterrupt):
            fit_in_subprocess([], "record.json")
    else:
        assert fit_in_subprocess([], "record.json") == (None, "\nwrong option")
    assert [*Path("runs").iterdir()] == []
