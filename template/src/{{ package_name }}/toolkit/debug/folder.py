"""Where a training may leave files."""

from pathlib import Path

from lightning import Trainer


def run_folder(trainer: Trainer) -> Path | None:
    """Return the folder of the run, if there is one.

    Of several processes that train together, the first writes the files; a rehearsal
    with `fast_dev_run` has none.
    """
    if trainer.fast_dev_run or not trainer.is_global_zero:  # type: ignore[attr-defined]
        return None
    folder = Path(trainer.default_root_dir)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
