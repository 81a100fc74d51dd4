"""The commands that serve any task; `__main__.py` of the package passes them on."""

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from .command import Command, Parser
from .errors import InputError

PROGRAM = f"python -m {__package__.partition('.')[0]}"
COMPARISON_DIR = Path("build", "comparison")


def run(arguments: Sequence[str]) -> int | None:
    """Run one command and return its exit status.

    Args:
        arguments: The command and what follows it.

    Returns:
        The exit status, or nothing for 0.

    Raises:
        InputError: There is no such command, or it cannot do what was asked.
    """
    command, *rest = arguments
    if command not in COMMANDS:
        raise InputError(f"unknown command {command!r}: see {PROGRAM} --help")
    return COMMANDS[command](rest)


def _retrain(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} retrain", "further options are those of fit")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    count = next((n for n, word in enumerate(arguments) if word[0] == "-"), None)
    files, of_fit = arguments[:count], [] if count is None else arguments[count:]
    wanted = parser.parse_args([*files, *{"-h", "--help"}.intersection(of_fit)]).files

    from .retraining import configurations, retrain
    from .tables import as_text

    trainings = retrain(wanted or configurations(), of_fit)
    rows = [["configuration", "seconds", "examples a second", "outcome"]]
    for facts in trainings:
        names = ("seconds", "examples_per_second")
        figures = [f"{facts.get(name, 0):,}" for name in names]
        outcome = facts["run"] or "did not begin"
        if facts["run"] and not facts["finished"]:
            outcome += "  stopped early"
        rows.append([facts["configuration"], *figures, outcome])
    print("\n" + as_text(rows))
    return 0 if all(facts["finished"] for facts in trainings) else 1


def _compare(arguments: Sequence[str]) -> int:
    options = _parser("compare").parse_args(arguments)

    from .card import write_card
    from .judgement import judge
    from .promotion import write_promoted
    from .runs import newest_checkpoint
    from .settings import SETTINGS, load_settings
    from .tables import as_text

    checkpoint = options.ckpt_path or newest_checkpoint()
    judgement = judge(checkpoint)
    comparison = judgement.comparison
    # What an earlier comparison left must not be taken for this one's.
    shutil.rmtree(COMPARISON_DIR, ignore_errors=True)
    card = write_card(judgement, COMPARISON_DIR)
    facts = {"verdict": comparison.verdict, "reason": comparison.reason}
    (COMPARISON_DIR / "verdict.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(as_text(comparison.rows()))
    print(f"\n{comparison.verdict}: {comparison.reason}")
    print(f"\nmodel  {checkpoint}\ncard   {card}")
    if comparison.verdict == "promote":
        write_promoted(judgement, COMPARISON_DIR / "production")
        print(f"To use it: {PROGRAM} promote --ckpt_path {checkpoint}")
    if comparison.verdict != "regress":
        return 0
    if load_settings().mode == "report":
        print(f"This blocks nothing, as {SETTINGS} says.")
        return 0
    return 1


def _promote(arguments: Sequence[str]) -> None:
    parser = _parser("promote")
    parser.add_argument(
        "--even-if-worse", action="store_true", help="than the model in use"
    )
    options = parser.parse_args(arguments)

    from .. import task
    from .promotion import promote
    from .runs import newest_checkpoint
    from .tables import as_text

    checkpoint = options.ckpt_path or newest_checkpoint()
    judgement = promote(checkpoint, even_if_worse=options.even_if_worse)
    print(as_text(judgement.comparison.rows()))
    print(f"\n{judgement.comparison.verdict}: {judgement.comparison.reason}")
    print(f"\n{checkpoint} is now the production model in {task.PRODUCTION_DIR}.")
    print("Look at the change with git diff, then commit it.")


def _parser(command: str) -> argparse.ArgumentParser:
    parser = Parser(f"{PROGRAM} {command}")
    parser.add_argument("--ckpt_path", type=Path, help="default: of the newest run")
    return parser


COMMANDS: dict[str, Command] = {
    "retrain": _retrain,
    "compare": _compare,
    "promote": _promote,
}
