"""Commands that judge a new model."""

import json
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from .. import paths
from ..cli import PROGRAM, Command, Parser, checkpoint_parser
from ..figures import as_text
from ..run_records import newest_checkpoint
from .model_card import write_card
from .model_comparison import Replay, judge
from .promotion import promote, write_promoted
from .settings import load_settings


def _compare(arguments: Sequence[str]) -> int:
    parser = checkpoint_parser("compare")
    _add_log(parser)
    options = parser.parse_args(arguments)
    checkpoint = options.ckpt_path or newest_checkpoint()
    judgement = judge(checkpoint, replay=_replay(options.log))
    comparison = judgement.comparison
    # What an earlier comparison left must not be taken for this one's.
    folder = paths.build("comparison")
    shutil.rmtree(folder, ignore_errors=True)
    card = write_card(judgement, folder)
    facts = {"verdict": comparison.verdict, "reason": comparison.reason}
    (folder / "verdict.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(as_text(comparison.rows()))
    print(f"\n{comparison.verdict}: {comparison.reason}")
    if judgement.trial:
        print(f"\ntrial  {judgement.trial}")
    print(f"\nmodel  {checkpoint}\ncard   {card}")
    if comparison.verdict == "promote":
        write_promoted(judgement, folder / "production")
        print(f"To use it: {PROGRAM} promote --ckpt_path {checkpoint}")
    if comparison.verdict != "regress":
        return 0
    if load_settings().mode == "report":
        print(f"This blocks nothing, as {paths.settings()} says.")
        return 0
    return 1


def _promote(arguments: Sequence[str]) -> None:
    parser = checkpoint_parser("promote")
    parser.add_argument(
        "--even-if-worse", action="store_true", help="than the model in use"
    )
    _add_log(parser)
    options = parser.parse_args(arguments)
    checkpoint = options.ckpt_path or newest_checkpoint()
    judgement = promote(
        checkpoint, even_if_worse=options.even_if_worse, replay=_replay(options.log)
    )
    print(as_text(judgement.comparison.rows()))
    print(f"\n{judgement.comparison.verdict}: {judgement.comparison.reason}")
    if judgement.trial:
        print(f"\ntrial: {judgement.trial}")
    print(f"\n{checkpoint} is now the production model in {paths.production()}.")
    print("Look at the change with git diff, then commit it.")


def _add_log(parser: Parser) -> None:
    parser.add_argument(
        "--log",
        action="append",
        default=[],
        type=Path,
        help="what predict --log kept: try the new model on what users asked",
    )


def _replay(logs: Sequence[Path]) -> Replay | None:
    if not logs:
        return None
    from ..serving import try_on

    return partial(try_on, logs)


COMMANDS: dict[str, Command] = {
    "compare": _compare,
    "promote": _promote,
}
