"""Promotion: a checkpoint becomes the production model, unless it is worse."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import paths
from ..errors import UserError
from .model_card import write_model_card
from .model_comparison import ModelComparison, Replay, compare_models
from .model_store import load_record, write_production

SHADOW_RESULT = "shadow.json"  # beside the record of the model


def promote(
    checkpoint: Path,
    folder: Path | None = None,
    *,
    even_if_worse: bool = False,
    replay: Replay | None = None,
) -> ModelComparison:
    """Make a checkpoint the production model.

    Args:
        checkpoint: Written by a training run, still in the folder of its run.
        folder: Of the production model; gets the new one. By default, that of the
            repository.
        even_if_worse: Do not refuse a model that is worse, or whose training stopped
            early.
        replay: Compares both models on logged requests.

    Returns:
        The comparison with the production model so far.

    Raises:
        UserError: The checkpoint, its configuration or its record is missing or
            unusable, or the model is worse; the folder is as it was.
    """
    folder = folder or paths.production()
    comparison = compare_models(
        checkpoint, folder, even_if_stopped_early=even_if_worse, replay=replay
    )
    if comparison.result.verdict == "regress" and not even_if_worse:
        raise UserError(
            f"{checkpoint} is {comparison.result.reason}: train again, look at "
            f"min_accuracy in {paths.settings()}, or add --even-if-worse"
        )
    write_promoted(comparison, folder)
    return comparison


def write_promoted(comparison: ModelComparison, folder: Path) -> None:
    """Write all that a production model consists of.

    If a part of it cannot be written, the folder is as it was.
    """
    with _exchanged(folder) as beside:
        write_production(comparison.checkpoint, beside)
        # It is that of the model before.
        (beside / SHADOW_RESULT).unlink(missing_ok=True)
        if comparison.shadow is not None:
            comparison.shadow.write(load_record(beside)["sha256"], beside)
        write_model_card(comparison, beside)


@contextmanager
def _exchanged(folder: Path) -> Iterator[Path]:
    """Give a copy of a folder, which takes its place if nothing fails."""
    folder = folder.resolve()  # not a link to it
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise UserError(f"cannot write to {folder.parent}: {error.strerror}") from error
    new, old = beside / "new", beside / "old"
    try:
        if folder.exists():
            # People may keep files of their own there.
            shutil.copytree(folder, new, ignore_dangling_symlinks=True)
        yield new
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except BaseException:  # also Ctrl-C
            if old.exists():
                old.rename(folder)
            raise
    except OSError as error:
        raise UserError(
            f"{folder} is as it was, as the new one cannot be written: "
            f"{error.strerror or error}"
        ) from error
    finally:
        if folder.exists() or not old.exists():
            shutil.rmtree(beside, ignore_errors=True)
