"""Promotion: a new model takes the place of the one in use, unless it is worse."""

from pathlib import Path

from .. import paths
from ..errors import UserError
from .model_card import write_card
from .model_comparison import Judgement, Replay, judge
from .model_store import load_record, write_production

TRIAL_RESULT = "trial.json"  # beside the record of the model


def promote(
    checkpoint: Path,
    folder: Path | None = None,
    *,
    even_if_worse: bool = False,
    replay: Replay | None = None,
) -> Judgement:
    """Make a checkpoint the production model.

    Args:
        checkpoint: Written by a training run, still in the folder of its run.
        folder: Of the model in use; gets the new one. By default, where that is kept.
        even_if_worse: Do not refuse a model that is worse than the one in use, or
            whose training stopped early.
        replay: Tries both models on what the one in use was asked.

    Returns:
        How it compares with the model in use so far.

    Raises:
        UserError: The checkpoint, its configuration or its record is missing or
            unusable, or the model is worse; the folder is as it was.
    """
    folder = folder or paths.production()
    judgement = judge(
        checkpoint, folder, even_if_stopped_early=even_if_worse, replay=replay
    )
    if judgement.comparison.verdict == "regress" and not even_if_worse:
        raise UserError(
            f"{checkpoint} is {judgement.comparison.reason}: train again, look at the "
            f"floors in {paths.settings()}, or add --even-if-worse"
        )
    write_promoted(judgement, folder)
    return judgement


def write_promoted(judgement: Judgement, folder: Path) -> None:
    """Write all that a production model consists of.

    Args:
        judgement: On the new model.
        folder: Gets the weights, the record of what they are, the configuration of
            their training, the golden predictions, the card, and how its trial went.
    """
    write_production(judgement.checkpoint, folder, judgement.new.metrics())
    # That of the model before says nothing about this one.
    (folder / TRIAL_RESULT).unlink(missing_ok=True)
    if judgement.trial is not None:
        judgement.trial.write(load_record(folder).get("sha256", ""), folder)
    write_card(judgement, folder)
