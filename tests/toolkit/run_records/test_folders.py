"""Do runs get unique numbers, and is the newest run found?"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.run_records.folders import (
    VARIABLE,
    new_run_dir,
    newest_checkpoint,
    start_run,
)
from tests.helpers.training import enter


def test_numbers_go_on_after_deletion(tmp_path: Path) -> None:
    """The number of a deleted run is not reused while a newer run exists."""
    first, second = new_run_dir("fit", tmp_path), new_run_dir("fit", tmp_path)
    first.rmdir()
    (tmp_path / "notes").mkdir()
    assert second.name == "fit-0002"
    assert new_run_dir("test", tmp_path).name == "test-0003"


@pytest.mark.parametrize("there", ["fit-9999", "sweep-9999", "test-10000"])
def test_numbers_go_on_beyond_four_digits(there: str, tmp_path: Path) -> None:
    """A new run is numbered above all others, and is found as the newest."""
    (tmp_path / there).mkdir()
    run = new_run_dir("fit", tmp_path)
    assert run.name == f"fit-{int(there.rpartition('-')[2]) + 1}"
    best = run / "checkpoints" / "best.ckpt"
    best.parent.mkdir(parents=True)
    best.touch()
    assert newest_checkpoint(tmp_path) == best


def test_run_uses_the_folder_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first run uses it; runs that this run starts make their own."""
    enter(tmp_path, monkeypatch)
    made = new_run_dir("fit")
    monkeypatch.setenv(VARIABLE, str(made))
    assert start_run("fit") == made
    assert start_run("fit") == Path("runs", "fit-0002")


def test_concurrent_runs_get_unique_numbers(tmp_path: Path) -> None:
    """Runs that start at the same time never get the same number."""
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: new_run_dir("fit", tmp_path), range(40)))
    assert len({run.name for run in runs}) == 40


def test_unwritable_runs_folder_is_named(tmp_path: Path) -> None:
    """A file in place of the folder of runs is reported in one line."""
    (tmp_path / "runs").touch()
    with pytest.raises(UserError, match=r"cannot write to .*runs/: File exists"):
        new_run_dir("fit", tmp_path / "runs")


def test_newest_checkpoint_is_that_of_the_newest_run(tmp_path: Path) -> None:
    """The checkpoint of an older run is never used in its place."""
    for name in ("fit-0002", "fit-0010", "fit-0001", "fit-old", "test-0011"):
        path = tmp_path / name / "checkpoints" / "best.ckpt"
        path.parent.mkdir(parents=True)
        path.touch()
    newest = newest_checkpoint(tmp_path)
    assert newest.parts[-3] == "fit-0010"
    newest.unlink()
    with pytest.raises(UserError, match="fit-0010 was not validated"):
        newest_checkpoint(tmp_path)


def test_missing_run_is_an_error(tmp_path: Path) -> None:
    """Without a run, the message says to train a model first."""
    with pytest.raises(UserError, match="train a model first"):
        newest_checkpoint(tmp_path)
