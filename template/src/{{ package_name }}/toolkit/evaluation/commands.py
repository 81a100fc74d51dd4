"""Commands that compare and promote models.

A room above may add options to a command: as parents of its parser, with a function
that takes the options that were given.
"""

import json
import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from .. import interface, paths
from ..cli import PROGRAM, Command, Parser, checkpoint_parser
from ..figures import as_text
from ..run_records import newest_checkpoint
from ..splits import describe_moved, moved, places
from . import promotion
from .example_records import ExampleRecords
from .model_card import write_model_card
from .model_comparison import ModelComparison, Replay, compare_models
from .model_store import NoModel, load_example_records
from .promotion import write_promoted
from .significance import load_settings

MAX_SIZE = 500_000  # bytes of a file in git


def _nothing(*_: object) -> None:
    """Do nothing with further options, where there are none."""


def _splits(arguments: Sequence[str]) -> None:
    Parser(f"{PROGRAM} splits").parse_args(arguments)
    splits = interface.splits()
    total = sum(len(data) for data in splits.values())
    table = [["split", "examples", "", "smallest class", "examples"]]
    for name, data in splits.items():
        size = f"{len(data):,}", f"{len(data) / total:.1%}"
        classes = interface.classes(data.labels)  # (N,)
        smallest = "", ""
        if classes is not None:
            names = interface.optional("CLASSES")
            counts = classes.bincount(minlength=len(names))  # (C,)
            few = int(counts.argmin())
            smallest = str(names[few]), f"{int(counts[few]):,}"
        table.append([name, *size, *smallest])
    if not any(row[-1] for row in table[1:]):
        table = [row[:3] for row in table]
    print(as_text(table))
    try:
        records = load_example_records()
    except NoModel:
        records = ExampleRecords()
    if not records.splits:
        print("\nNo model was promoted that records the examples of its splits.")
        return
    known, now = records.splits, places(splits)
    found = moved(known, now)
    facts = [
        f"{sum(map(len, found.values())):,} moved",
        f"{len(known.keys() - now.keys()):,} gone",
    ]
    large = [name for name in splits if not records.is_complete(name)]
    if large:
        facts.append(f"{', '.join(large)} not compared as a whole: too large to record")
    else:
        facts.append(f"{len(now.keys() - known.keys()):,} new")
    print(f"\nSince the last promotion: {', '.join(facts)}.")
    if found:
        print(describe_moved(found))


def compare(
    arguments: Sequence[str],
    parents: Sequence[ArgumentParser] = (),  # of further options
    replay: Callable[[Namespace], Replay | None] = _nothing,  # takes the options
) -> int:
    """Compare a model with the production model, and write the model card.

    Return 1 if the model is worse and `configs/comparison.yaml` enforces it.
    """
    parser = checkpoint_parser("compare", parents=parents)
    options = parser.parse_args(arguments)
    checkpoint = options.ckpt_path or newest_checkpoint()
    comparison = compare_models(checkpoint, replay=replay(options))
    result = comparison.result
    # What an earlier comparison left must not be taken for this one's.
    folder = paths.build("comparison")
    shutil.rmtree(folder, ignore_errors=True)
    card = write_model_card(comparison, folder)
    facts = {"verdict": result.verdict, "reason": result.reason}
    (folder / "verdict.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(as_text(result.rows()))
    print(f"\n{result.verdict}: {result.reason}")
    _print_notes(comparison)
    print(f"\nmodel  {checkpoint}\ncard   {card}")
    if result.verdict == "promote":
        write_promoted(comparison, folder / "production")
        print(f"To use it: {PROGRAM} promote --ckpt_path {checkpoint}")
    if result.verdict != "regress":
        return 0
    if load_settings().mode == "report":
        print(f"Nothing is blocked: {paths.settings()} says mode: report.")
        return 0
    return 1


def promote(
    arguments: Sequence[str],
    parents: Sequence[ArgumentParser] = (),
    replay: Callable[[Namespace], Replay | None] = _nothing,
) -> None:
    """Make a model the production model, unless it is worse."""
    parser = checkpoint_parser("promote", parents=parents)
    parser.add_argument(
        "--even-if-worse",
        action="store_true",
        help="promote a model that is worse than the production model, too",
    )
    options = parser.parse_args(arguments)
    checkpoint = options.ckpt_path or newest_checkpoint()
    comparison = promotion.promote(
        checkpoint, even_if_worse=options.even_if_worse, replay=replay(options)
    )
    print(as_text(comparison.result.rows()))
    print(f"\n{comparison.result.verdict}: {comparison.result.reason}")
    _print_notes(comparison)
    print(f"\n{checkpoint} is now the production model in {paths.production()}.")
    size = (paths.production() / "model.safetensors").stat().st_size
    if size > MAX_SIZE:
        print(f"It has {size / 1e6:.1f} MB: keep it in Git LFS, see docs/testing.md.")
    print("Look at the change with git diff, then commit it.")


def _print_notes(comparison: ModelComparison) -> None:
    for note in comparison.notes:
        print(f"note: {note}")
    if comparison.shadow:
        print(f"\nshadow evaluation: {comparison.shadow}")


COMMANDS: dict[str, Command] = {
    "splits": _splits,
    "compare": compare,
    "promote": promote,
}
