"""Commands that look into errors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import interface, paths
from ..cli import PROGRAM, Command, checkpoint_parser
from ..errors import UserError
from ..evaluation import load_checkpoint, load_production
from ..figures import save
from ..interface import task
from . import hard_examples, slices
from .hard_examples import collect, extend_suite
from .label_review import load_review, write_review
from .slices import find_slices, write_slice

MAX_SLICES = 5


def _hard(arguments: Sequence[str]) -> None:
    parser = checkpoint_parser("hard", "the production model")
    parser.add_argument(
        "--count", type=int, default=25, help="of the highest losses (default: 25)"
    )
    options = parser.parse_args(arguments)
    if options.count < 1:
        raise UserError(f"--count is at least 1, not {options.count}")

    reviewed = load_review()
    net = _network(options.ckpt_path)
    data = interface.splits()["val"]
    evaluation = task.evaluate(net, data)
    cases = collect(evaluation, data, reviewed, options.count)
    write_review(cases)
    waiting = [case for case in cases if not case.wrong]
    print(f"picture  {hard_examples.draw(cases, evaluation, data)}")
    print(
        f"review   {paths.review()}: {len(waiting)} of {len(cases)} wait for an answer"
    )
    if waiting:
        suspect = sum(case.suspect for case in waiting)
        print(f"         {suspect} of these look like a wrong label")
        print(
            '\nWho is wrong, "model" or "data"? Write it behind "wrong" in each line,'
        )
        print("then run this again.")
        return
    suite = extend_suite(cases, evaluation, data)
    for case in cases:
        if case.wrong == "data":
            print(f"correct  the label of {case.digest}, which is {case.label}")
    path = paths.suites() / f"{suite.name}.jsonl"
    print(f"suite    {path}: {len(suite.members)} examples, floor {suite.floor:.0%}")


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
        path = paths.suites() / f"{name}.jsonl"
        print(
            f"suite    {path}: {len(suite.members)} examples, floor {suite.floor:.0%}"
        )
        return
    if not found:
        wrong = len(evaluation.correct) - int(evaluation.correct.sum())
        print(
            f"no slices: {wrong} of {len(data)} are wrong, and nowhere do they gather"
        )
        return
    for number, each in enumerate(found, start=1):
        print(f"slice {number}  {each}")
    picture = slices.draw(found, evaluation, data)
    print(f"\npicture  {save(picture, paths.build('slices.png'))}")
    print(f"\nTo judge later models on one: {PROGRAM} slices --suite NUMBER NAME")


def _network(checkpoint: Path | None) -> Any:
    return load_checkpoint(checkpoint)[0] if checkpoint else load_production()


COMMANDS: dict[str, Command] = {
    "hard": _hard,
    "slices": _slices,
}
