"""Commands for error analysis."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import interface, paths
from ..cli import PROGRAM, Command, checkpoint_parser
from ..errors import UserError
from ..evaluation import Suite, load_checkpoint, load_production
from ..figures import save_figure
from ..interface import optional, task
from .hard_examples import collect_hard_examples, draw_hard_examples, extend_suite
from .label_review import load_review, write_review
from .slices import draw_slices, find_slices, write_slice

MAX_SLICES = 5


def _review_errors(arguments: Sequence[str]) -> None:
    parser = checkpoint_parser("review-errors", "the production model")
    parser.add_argument(
        "--count",
        type=int,
        default=25,
        help="number of examples to review (default: 25)",
    )
    options = parser.parse_args(arguments)
    if options.count < 1:
        raise UserError(f"--count is at least 1, not {options.count}")

    reviewed = load_review()
    net = _network(options.ckpt_path)
    data = interface.splits()["val"]
    evaluation = task.evaluate(net, data)
    examples = collect_hard_examples(evaluation, data, reviewed, options.count)
    # The work of a person is kept: the example may come back.
    present = {*data.digests()}
    gone = [one for one in reviewed if one.wrong and one.digest not in present]
    write_review([*examples, *gone])
    if gone:
        print(f"kept     {len(gone)} reviews of examples that the data have no more")
    waiting = [example for example in examples if not example.wrong]
    print(f"picture  {draw_hard_examples(examples, evaluation, data)}")
    print(
        f"review   {paths.review()}: {len(waiting)} of {len(examples)} are not reviewed"
    )
    if waiting:
        marked = [example.suspect for example in waiting]
        unknown = marked.count(None)
        also = f"; of {unknown} it is unknown" if unknown else ""
        print(f"         {marked.count(True)} of these may have a wrong label{also}")
        print(
            '\nWrite "model" or "data" after "wrong" in each line: which of the two is'
        )
        print("wrong? Then run this again.")
        return
    suite = extend_suite(examples, evaluation, data)
    for example in examples:
        if example.wrong == "data":
            print(f"relabel  {example.digest}, whose label is {example.label}")
    _report(suite)


def _slices(arguments: Sequence[str]) -> None:
    parser = checkpoint_parser("slices", "the production model")
    parser.add_argument(
        "--suite",
        nargs=2,
        metavar=("NUMBER", "NAME"),
        help="make a suite of this name of the slice with this number",
    )
    options = parser.parse_args(arguments)
    net = _network(options.ckpt_path)
    data = interface.splits()["val"]
    evaluation = task.evaluate(net, data)
    columns = task.attributes(data.raw)
    found = find_slices(task.embed(net, data), evaluation, columns)[:MAX_SLICES]
    if options.suite:
        number, name = options.suite
        if number not in map(str, range(1, len(found) + 1)):
            raise UserError(f"there is no slice {number}, only {len(found)}")
        suite = write_slice(found[int(number) - 1], name, evaluation, data)
        _report(suite)
        return
    if not found:
        wrong = len(evaluation.correct) - int(evaluation.correct.sum())
        known = "" if optional("CLASSES") else " in their embeddings alone"
        facts = f"{wrong} of {len(data)} are wrong"
        print(f"no slices: {facts}, with nothing in common{known}")
        return
    for number, each in enumerate(found, start=1):
        print(f"slice {number}  {each}")
    picture = draw_slices(found, evaluation, data)
    print(f"\npicture  {save_figure(picture, paths.build('slices.png'))}")
    print(f"\nTo make one a suite: {PROGRAM} slices --suite NUMBER NAME")


def _report(suite: Suite) -> None:
    path = paths.suites() / f"{suite.name}.jsonl"
    count, minimum = len(suite.examples), suite.min_accuracy
    print(f"suite    {path}: {count} examples, min_accuracy {minimum:.2f}")


def _network(checkpoint: Path | None) -> Any:
    return load_checkpoint(checkpoint)[0] if checkpoint else load_production()


COMMANDS: dict[str, Command] = {
    "review-errors": _review_errors,
    "slices": _slices,
}
