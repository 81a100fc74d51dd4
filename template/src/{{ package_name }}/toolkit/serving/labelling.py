"""Labels by people for a sample of the logged requests.

The sample does not depend on the predictions: the accuracy on complaints alone would
not be the accuracy in production.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .. import figures, interface, paths
from ..errors import UserError
from ..evaluation import load_production, write_json_lines
from ..interface import task
from .prediction_log import LoggedPrediction, digest, read_timed_lines

if TYPE_CHECKING:  # prediction does without
    from matplotlib.figure import Figure

UNCLEAR = "?"  # the label of a request that people cannot label either
SHOWN = 12  # labels in an error message


@dataclass(frozen=True)
class LabelRequest:
    """A logged request for people to label.

    It does not show the prediction, which would bias them.

    Attributes:
        label: The true label, as `task.label_name` names it; `?` if nobody can tell,
            and empty until somebody has labelled it.
        when: As in `LoggedPrediction`.
        raw: The example.
    """

    label: str
    when: str
    raw: list[Any]


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
    kinds = {**dict.fromkeys(("label", "when"), str), "raw": list}
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
    splits = interface.splits()
    data = splits["train"]
    names = {
        task.label_name(label): label
        for split in splits.values()
        for label in split.labels.unique()
    }
    labels = [_label(request.label, names, number) for number, request in labelled]
    raw = [request.raw for _, request in labelled]
    given = torch.stack(labels) if labels else data.labels[:0]
    return to_examples(raw, data, paths.feedback(), given)


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
    data = interface.splits()["train"]
    shown = to_examples([raw for _, raw in waiting], data, paths.feedback())
    titles = {row: f"line {number}" for row, (number, _) in enumerate(waiting)}
    return figures.draw_with_titles(shown, titles)


def to_examples(
    raw: Sequence[Any], data: Any, source: Path, labels: Tensor | None = None
) -> Any:
    """Return requests as examples like those of the data.

    Args:
        raw: N examples, as lists of numbers.
        data: Any split.
        source: The file that they came from.
        labels: True labels, shape (N,); by default any, as nobody knows them.

    Returns:
        Examples, as those of the split.

    Raises:
        UserError: They are of another shape than the data.
    """
    shape = data.raw.shape[1:]
    found = data.raw.new_empty((0, *shape))
    with suppress(RuntimeError, TypeError, ValueError):  # such as of different lengths
        if raw:
            found = found.new_tensor(raw)  # (N, ...)
    if found.shape != (len(raw), *shape):
        raise UserError(
            f"{source} has examples of another shape than the data: take them out"
        )
    if labels is None:
        labels = data.labels[:1].expand(len(raw))
    return interface.replace(data, raw=found, labels=labels)


def _label(text: str, names: Mapping[str, Tensor], line: int) -> Tensor:
    """Return the label of this name; where labels are numbers, any number is one."""
    if text in names:
        return names[text]
    like = next(iter(names.values()))
    if like.is_floating_point():
        with suppress(ValueError):
            return torch.tensor(float(text), dtype=like.dtype)
    known = ", ".join(sorted(names)[:SHOWN])
    where = f"{paths.feedback()}, line {line}"
    raise UserError(f"{where}: {text!r} is no label: they are {known}")
