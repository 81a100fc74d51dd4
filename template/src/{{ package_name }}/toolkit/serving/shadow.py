"""Trial: what a new model says to questions that the one in use was asked.

It needs no labels: people look at what would be answered otherwise, before it is.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any


from .. import figures
from ..errors import UserError
from ..evaluation import TRIAL_PICTURE, TRIAL_RESULT
from ..interface import task
from .labelling import as_examples
from .prediction_log import digest, load_answers

if TYPE_CHECKING:  # prediction does without
    from matplotlib.figure import Figure

MAX_PICTURES = 20


@dataclass(frozen=True)
class Trial:
    """What came of it.

    Attributes:
        questions: The examples that were asked, each once.
        before: What the model in use says, in a few letters.
        after: What the new one says.
    """

    questions: Any
    before: list[str]
    after: list[str]

    @property
    def otherwise(self) -> list[int]:
        """Which questions get another answer."""
        pairs = enumerate(zip(self.before, self.after, strict=True))
        return [row for row, (before, after) in pairs if before != after]

    def section(self, folder: Path) -> list[str]:
        """Return parts of a model card; a picture goes into the folder.

        Args:
            folder: Of the card.

        Returns:
            Markdown.
        """
        parts = ["## Tried on what users asked", f"{self}."]
        if self.otherwise:
            figures.save(draw(self), folder / TRIAL_PICTURE)
            parts.append(f"![Questions with both answers]({TRIAL_PICTURE})")
        return parts

    def write(self, sha256: str, folder: Path) -> None:
        """Write how the trial of a new model went.

        Args:
            sha256: Of the weights of the new model.
            folder: Of the model; gets the numbers.
        """
        count, otherwise = len(self.before), len(self.otherwise)
        facts = {"sha256": sha256, "questions": count, "otherwise": otherwise}
        (folder / TRIAL_RESULT).write_text(json.dumps(facts, indent=2) + "\n")

    def __str__(self) -> str:
        """Say it in a line."""
        count, otherwise = len(self.before), len(self.otherwise)
        share = otherwise / max(1, count)
        return f"{otherwise:,} of {count:,} questions get another answer ({share:.1%})"


def try_on(logs: Sequence[Path], data: Any, before: Any, after: Any) -> Trial:
    """Ask two models what was asked.

    Args:
        logs: Files that `predict --log` wrote.
        data: Any split, as `task.load_splits` gives it.
        before: The network in use.
        after: The new one.

    Returns:
        What they say.

    Raises:
        UserError: Nothing was asked, or an answer of the new model is no number.
    """
    asked = {digest(answer.raw): answer.raw for answer in load_answers(logs)}
    if not asked:
        raise UserError(f"there are no questions in {logs[0]}")
    questions = as_examples([*asked.values()], data, logs[0])
    said = [task.evaluate(net, questions) for net in (before, after)]
    if not said[1].losses.isfinite().all():
        raise UserError(f"the new model has no number for a question in {logs[0]}")
    words = [[*map(task.label_name, each.predictions)] for each in said]
    return Trial(questions, *words)


def draw(trial: Trial) -> "Figure":
    """Draw questions that get another answer: the one before, and the new one."""
    titles = {
        row: f"{trial.before[row]}, now {trial.after[row]}"
        for row in trial.otherwise[:MAX_PICTURES]
    }
    return figures.draw_titled(trial.questions, titles)
