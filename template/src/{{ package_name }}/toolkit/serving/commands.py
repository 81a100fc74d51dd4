"""Commands for the predictions of the production model in use.

Those that compare, promote and predict are the commands of `evaluation`, with `--log`.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from .. import paths
from ..cli import PROGRAM, Command, Parser
from ..errors import UserError
from ..evaluation.predict import predict
from ..figures import save_figure
from .labelling import (
    draw_label_requests,
    feedback_summary,
    load_label_requests,
    sample_requests,
    to_examples,
    write_label_requests,
)
from .prediction_log import load_predictions, log_predictions
from .shadow import ShadowEvaluation, replay


def _log_parser(action: str, text: str, default: Any) -> ArgumentParser:
    parser = ArgumentParser(add_help=False)
    parser.add_argument("--log", action=action, default=default, type=Path, help=text)
    return parser


def _predict(arguments: Sequence[str]) -> None:
    text = "add requests and predictions to a file, for feedback"
    predict(arguments, [_log_parser("store", text, None)], _log)


def _log(options: Namespace, *request: Any) -> None:
    if options.log:
        log_predictions(options.log, *request)


def _with_replay(name: str, arguments: Sequence[str]) -> int | None:
    # Imported here: prediction does without what it needs.
    from ..evaluation import commands

    text = "a file of predict --log: compare both models on its requests, too"
    command = {"compare": commands.compare, "promote": commands.promote}[name]
    return command(arguments, [_log_parser("append", text, [])], _replay)


def _replay(options: Namespace) -> Callable[..., ShadowEvaluation] | None:
    for log in options.log:  # also where there is no model to compare with
        if not log.is_file():
            raise UserError(f"no file {log}")
    return partial(replay, options.log) if options.log else None


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
    "compare": partial(_with_replay, "compare"),
    "promote": partial(_with_replay, "promote"),
    "feedback": _feedback,
}
