"""Commands that train."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..cli import PROGRAM, Command, Parser
from ..figures import as_text
from .recipes import fit_options, recipes
from .retraining import configurations, fit_command, retrain


def _retrain(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} retrain", "further options are those of fit")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    options = (n for n, word in enumerate(arguments) if word.startswith("-"))
    count = next(options, None)
    files, of_fit = arguments[:count], [] if count is None else arguments[count:]
    wanted = parser.parse_args([*files, *{"-h", "--help"}.intersection(of_fit)]).files

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


def _debug(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} debug", "further options are those of fit")
    parser.add_argument(
        "recipe", nargs="?", help="its name; without one, all are listed"
    )
    asked, options = parser.parse_known_args(arguments)
    if asked.recipe is None:
        print(as_text([["recipe", "the question"], *map(list, recipes().items())]))
        return 0
    return subprocess.run(fit_command(fit_options([asked.recipe], options))).returncode


COMMANDS: dict[str, Command] = {
    "debug": _debug,
    "retrain": _retrain,
}
