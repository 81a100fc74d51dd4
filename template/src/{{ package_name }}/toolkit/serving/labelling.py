"""Labels by people for a sample of the logged requests.

The sample does not depend on the predictions: the accuracy on complaints alone would
not be the accuracy in production.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import figures, interface, paths
from ..errors import UserError
from ..evaluation import load_production, write_json_lines
from ..interface import task
from .prediction_log import LoggedPrediction, digest, read_timed_lines

if TYPE_CHECKING:  # prediction does without
    from matplotlib.figure import Figure

UNCLEAR = "?"  # the label of a request that people cannot label either
SHOWN = 60  # letters of a request in an error message


@dataclass(frozen=True)
class LabelRequest:
    """A logged request for people to label.

    It does not show the prediction, which would bias them.

    Attributes:
        label: The true label, as `task.label_name` names it; `?` if nobody can tell,
            and empty until somebody has labelled it.
        when: As in `LoggedPrediction`.
        raw: The example, as `task.example_to_json` wrote it.
    """

    label: str
    when: str
    raw: Any


def load_label_requests(path: Path | None = None) -> list[LabelRequest]:
    """Read the requests and their labels; without a file there are none.

    Args:
        path: Written by `write_label_requests`, with labels by people.

    Returns:
        The requests in the order of the file.
    """
    path = path or paths.feedback()
    if not path.is_file():
        return []
    kinds = {**dict.fromkeys(("label", "when"), str), "raw": object}
    return [LabelRequest(**line) for line in read_timed_lines(path, kinds)]


def write_label_requests(
    requests: Sequence[LabelRequest], path: Path | None = None
) -> None:
    """Write requests for people to label, one a line."""
    write_json_lines(
        path or paths.feedback(), [asdict(request) for request in requests]
    )


def sample_requests(
    predictions: Iterable[LoggedPrediction], asked: Sequence[LabelRequest], count: int
) -> list[LabelRequest]:
    """Choose the logged requests that people label next.

    It takes those with the smallest digests: as good as at random, but the same for
    everybody, and the choices of several months are one sample of all requests.

    Args:
        predictions: That were logged.
        asked: The requests of earlier samples.
        count: How many to choose.

    Returns:
        Requests of no earlier sample, at most so many.
    """
    known = {digest(request.raw) for request in asked}
    new = {
        key: LabelRequest("", prediction.when, prediction.raw)
        for prediction in predictions
        if (key := digest(prediction.raw)) not in known
    }
    return [request for _, request in sorted(new.items())[:count]]


def labelled_examples(
    requests: Iterable[LabelRequest], newest: timedelta | None = None
) -> Any:
    """Return the labelled requests as examples.

    Args:
        requests: Some with labels.
        newest: The greatest age of a request; by default, any.

    Returns:
        Examples, as those of a split.
    """
    since = datetime.now(UTC) - newest if newest else datetime.min.replace(tzinfo=UTC)
    labelled = [
        (number, request)
        for number, request in enumerate(requests, start=1)
        if request.label not in ("", UNCLEAR)
        and datetime.fromisoformat(request.when) >= since
    ]
    labels = [_label(request.label, number) for number, request in labelled]
    return to_examples([one.raw for _, one in labelled], paths.feedback(), labels)


def feedback_summary(
    predictions: Sequence[LoggedPrediction], requests: Iterable[LabelRequest]
) -> str:
    """Summarize the log, and the accuracy on labelled requests.

    Args:
        predictions: That were logged.
        requests: Some with labels.

    Returns:
        A line on each. The accuracy is that of today's production model.
    """
    lines = ["logged    no predictions yet"]
    if predictions:
        count = len(predictions)
        warned = sum(bool(each.warnings) for each in predictions) / count
        since = f"since {predictions[0].when[:10]}"
        lines = [
            f"logged    {count:,} predictions {since}, {warned:.0%} with a warning"
        ]
    labelled = labelled_examples(requests)
    if len(labelled):
        correct = task.evaluate(load_production(), labelled).correct  # (N,)
        # Imported here: it takes half a second, and at first there are no labels.
        from scipy.stats import binomtest

        test = binomtest(int(correct.sum()), len(labelled))
        interval = test.proportion_ci(method="wilson")  # at 95 %
        found = f"{interval.low:.0%} to {interval.high:.0%}"
        accuracy = correct.double().mean().item()
        likely = f"of all requests, likely {found}"
        lines += [f"labelled  {len(labelled)}, {accuracy:.0%} correct; {likely}"]
    return "\n".join(lines)


def draw_label_requests(requests: Sequence[LabelRequest]) -> "Figure":
    """Draw the requests without a label, each with its line in the file."""
    waiting = [(n, one.raw) for n, one in enumerate(requests, start=1) if not one.label]
    shown = to_examples([raw for _, raw in waiting], paths.feedback())
    titles = {row: f"line {number}" for row, (number, _) in enumerate(waiting)}
    return figures.draw_with_titles(shown, titles)


def to_examples(
    raw: Sequence[Any], source: Path, labels: Sequence[Any] | None = None
) -> Any:
    """Return requests as examples like those of the data.

    Args:
        raw: N examples, as a log keeps them.
        source: The file that they came from.
        labels: N true labels; by default any, as nobody knows them.

    Returns:
        Examples, as those of a split.

    Raises:
        UserError: One is no example of this task.
    """
    examples = []
    for value in raw:
        try:
            examples.append(task.example_from_json(value))
        except UserError as error:
            raise UserError(
                f"{source} has a request that is no example of this task: {error}; "
                f"take it out: {json.dumps(value)[:SHOWN]}"
            ) from None
    if labels is None:
        labels = [interface.splits()["train"].labels[0]] * len(raw)
    return task.make_examples(examples, labels)


def _label(text: str, line: int) -> Any:
    try:
        return task.parse_label(text)
    except UserError as error:
        raise UserError(f"{paths.feedback()}, line {line}: {error}") from None
