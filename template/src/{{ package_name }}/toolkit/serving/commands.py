"""Commands for the production model and its users."""

import inspect
import re
import sys
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from .. import paths
from ..cli import PROGRAM, Command, Parser
from ..errors import UserError
from ..evaluation import load_checkpoint, load_production, load_record, out_of_range
from ..figures import save_figure
from ..interface import task
from .labelling import (
    draw_label_requests,
    feedback_summary,
    load_label_requests,
    sample_requests,
    to_examples,
    write_label_requests,
)
from .prediction_log import load_predictions, log_predictions


def _predict(arguments: Sequence[str]) -> None:
    parser = Parser(f"{PROGRAM} predict")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument(
        "--ckpt_path", type=Path, help="a checkpoint instead of the production model"
    )
    parser.add_argument(
        "--log", type=Path, help="add requests and predictions to a file, for feedback"
    )
    names = _add_options(parser, task.read_examples)
    options = parser.parse_args(arguments)
    given = {name: getattr(options, name) for name in names}
    files = [(path, task.read_examples(path, **given)) for path in options.files]
    if options.ckpt_path:
        net, _ = load_checkpoint(options.ckpt_path)
        model = str(options.ckpt_path)
    else:
        net = load_production()
        model = f"production {load_record()['sha256'][:12]}"
    for path, raw in files:
        predictions = task.predict(net, raw)
        warnings = out_of_range(task.attributes(raw), task.RANGES)
        rows = zip(predictions, warnings, strict=True)
        for number, (prediction, sentences) in enumerate(rows, start=1):
            name = str(path) if len(raw) == 1 else f"{path} #{number}"
            print(f"{name}: {prediction}")
            for sentence in sentences:
                print(f"warning: {name}: {sentence}", file=sys.stderr)
        if options.log:
            log_predictions(options.log, path, model, raw, predictions, warnings)


def _add_options(parser: Parser, read: Callable[..., Any]) -> list[str]:
    """Add an option for each one that reading a file has, and return their names.

    These are its keyword-only arguments; one that is False by default is a switch.
    """
    texts = dict(re.findall(r"^ +(\w+): (.+)$", read.__doc__ or "", re.MULTILINE))
    names = []
    for name, parameter in inspect.signature(read).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        names.append(name)
        text = texts.get(name)
        if parameter.default is False:
            parser.add_argument(f"--{name}", action="store_true", help=text)
        else:
            kind = type(parameter.default)
            parser.add_argument(
                f"--{name}", type=kind, default=parameter.default, help=text
            )
    return names


def _feedback(arguments: Sequence[str]) -> None:
    parser = Parser(f"{PROGRAM} feedback")
    parser.add_argument(
        "logs", nargs="+", type=Path, metavar="LOG", help="a file of predict --log"
    )
    parser.add_argument(
        "--count",
        type=int,
        default=20,
        help="number of requests to label (default: 20)",
    )
    options = parser.parse_args(arguments)
    if options.count < 1:
        raise UserError(f"--count is at least 1, not {options.count}")

    logs = {log: load_predictions([log]) for log in options.logs}
    for log, found in logs.items():  # before any is sampled
        to_examples([one.raw for one in found], log)
    predictions = sorted(chain(*logs.values()), key=lambda one: one.when)
    requests = load_label_requests()
    if all(request.label for request in requests):
        requests += sample_requests(predictions, requests, options.count)
    print(feedback_summary(predictions, requests))
    waiting = sum(not request.label for request in requests)
    if not waiting:
        print("waiting   no new requests")
        return
    picture = save_figure(draw_label_requests(requests), paths.build("feedback.png"))
    print(f"picture   {picture}")
    write_label_requests(requests)
    print(f"waiting   {waiting} lines of {paths.feedback()}")
    print('\nWrite the true label after "label" in each line that has none, or "?" if')
    print("you cannot tell. Then run this again.")


COMMANDS: dict[str, Command] = {
    "predict": _predict,
    "feedback": _feedback,
}
