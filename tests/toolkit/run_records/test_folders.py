"""Are runs numbered, and is the newest found?"""

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
from tests.helpers.workplace import enter


def test_numbers_go_on_after_deletion(tmp_path: Path) -> None:
    """A number stands for one run for as long as a newer one exists."""
    first, second = new_run_dir("fit", tmp_path), new_run_dir("fit", tmp_path)
    first.rmdir()
    (tmp_path / "notes").mkdir()
    assert second.name == "fit-0002"
    assert new_run_dir("test", tmp_path).name == "test-0003"


@pytest.mark.parametrize("there", ["fit-9999", "sweep-9999", "test-10000"])
def test_numbers_go_on_beyond_four_digits(there: str, tmp_path: Path) -> None:
    """A new run gets a number above every other, and is the newest."""
    (tmp_path / there).mkdir()
    run = new_run_dir("fit", tmp_path)
    assert run.name == f"fit-{int(there.rpartition('-')[2]) + 1}"
    best = run / "checkpoints" / "best.ckpt"
    best.parent.mkdir(parents=True)
    best.touch()
    assert newest_checkpoint(tmp_path) == best


def test_run_takes_the_folder_that_was_made_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once: what the run itself starts makes folders of its own."""
    enter(tmp_path, monkeypatch)
    made = new_run_dir("fit")
    monkeypatch.setenv(VARIABLE, str(made))
    assert start_run("fit") == made
    assert start_run("fit") == Path("runs", "fit-0002")


def test_runs_that_start_together_get_numbers_of_their_own(tmp_path: Path) -> None:
    """Two terminals, or the jobs of a sweep."""
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: new_run_dir("fit", tmp_path), range(40)))
    assert len({run.name for run in runs}) == 40


def test_file_in_the_place_of_the_runs_is_named(tmp_path: Path) -> None:
    """In a line, as any place that cannot be written to."""
    (tmp_path / "runs").touch()
    with pytest.raises(UserError, match=r"cannot write to .*runs/: File exists"):
        new_run_dir("fit", tmp_path / "runs")


def test_newest_checkpoint_is_that_of_the_newest_run(tmp_path: Path) -> None:
    """Not of one before it: that would judge, or promote, another model."""
    for name in ("fit-0002", "fit-0010", "fit-0001", "fit-old", "test-0011"):
        path = tmp_path / name / "checkpoints" / "best.ckpt"
        path.parent.mkdir(parents=True)
        path.touch()
    newest = newest_checkpoint(tmp_path)
    assert newest.parts[-3] == "fit-0010"
    newest.unlink()
    with pytest.raises(UserError, match="fit-0010 was not validated"):
        newest_checkpoint(tmp_path)


def test_no_run_yet_says_what_to_do(tmp_path: Path) -> None:
    """The first evaluation of a newcomer may come before the first training."""
    with pytest.raises(UserError, match="train a model first"):
        newest_checkpoint(tmp_path)
