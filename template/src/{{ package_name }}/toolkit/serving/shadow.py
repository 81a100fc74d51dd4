"""Shadow evaluation: a new model predicts for the logged requests.

It needs no labels: people look at the predictions that would change.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import figures
from ..errors import UserError
from ..evaluation import SHADOW_PICTURE, SHADOW_RESULT
from ..interface import task
from .labelling import to_examples
from .prediction_log import digest, load_predictions

if TYPE_CHECKING:  # prediction does without
    from matplotlib.figure import Figure

MAX_PICTURES = 20


@dataclass(frozen=True)
class ShadowEvaluation:
    """The predictions of two models for the same requests.

    Attributes:
        requests: The examples, each once.
        before: Predictions of the production model, as `task.label_name` names them.
        after: Predictions of the new one.
    """

    requests: Any
    before: list[str]
    after: list[str]

    @property
    def changed(self) -> list[int]:
        """The rows of the requests for which the prediction changes."""
        pairs = enumerate(zip(self.before, self.after, strict=True))
        return [row for row, (before, after) in pairs if before != after]

    def section(self, folder: Path) -> list[str]:
        """Return parts of a model card; a picture goes into the folder.

        Args:
            folder: Of the card.

        Returns:
            Markdown.
        """
        parts = ["## Shadow evaluation on logged requests", f"{self}."]
        if self.changed:
            figures.save_figure(draw_changed(self), folder / SHADOW_PICTURE)
            parts.append(f"![Requests with both predictions]({SHADOW_PICTURE})")
        return parts

    def write(self, sha256: str, folder: Path) -> None:
        """Write the numbers into the folder of the new model.

        Args:
            sha256: Of the weights of the new model.
            folder: Of the model; gets the numbers.
        """
        count, changed = len(self.before), len(self.changed)
        facts = {"sha256": sha256, "requests": count, "changed": changed}
        (folder / SHADOW_RESULT).write_text(json.dumps(facts, indent=2) + "\n")

    def __str__(self) -> str:
        """Return the numbers in a line."""
        count, changed = len(self.before), len(self.changed)
        fraction = changed / max(1, count)
        return f"{changed:,} of {count:,} predictions change ({fraction:.1%})"


def replay(logs: Sequence[Path], before: Any, after: Any) -> ShadowEvaluation:
    """Predict for logged requests with two models.

    Args:
        logs: Files that `predict --log` wrote.
        before: The production network.
        after: The new one.

    Returns:
        The predictions of both.

    Raises:
        UserError: The logs are empty, or a loss of the new model is not finite.
    """
    raw = {digest(logged.raw): logged.raw for logged in load_predictions(logs)}
    if not raw:
        raise UserError(f"there are no predictions in {logs[0]}")
    requests = to_examples([*raw.values()], logs[0])
    evaluations = [task.evaluate(net, requests) for net in (before, after)]
    if not evaluations[1].losses.isfinite().all():
        raise UserError(f"the new model predicts nan for a request in {logs[0]}")
    names = [[*map(task.label_name, each.predictions)] for each in evaluations]
    return ShadowEvaluation(requests, *names)


def draw_changed(shadow: ShadowEvaluation) -> "Figure":
    """Draw requests for which the prediction changes, with both predictions."""
    titles = {
        row: f"{shadow.before[row]}, now {shadow.after[row]}"
        for row in shadow.changed[:MAX_PICTURES]
    }
    return figures.draw_with_titles(shadow.requests, titles)
