"""Commands that measure what a training costs."""

from collections.abc import Sequence

from .. import paths
from ..cli import PROGRAM, Command, Parser
from ..figures import as_text, save
from ..run_records import fit_options
from . import benchmark, resource_table
from .benchmark import (
    BATCH_SIZES,
    accept,
    is_slower,
    load_speed,
    measure_overhead,
    ratios,
)
from .resource_table import PLAIN, saving


def _costs(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} costs", "further options are those of fit")
    parser.add_argument("recipes", nargs="*", help="default: those that save memory")
    asked, options = parser.parse_known_args(arguments)
    recipes = asked.recipes or saving()
    fit_options(recipes, options)  # a mistake is found before anything is trained
    costs = {PLAIN: resource_table.measure([], options)}
    costs |= {recipe: resource_table.measure([recipe], options) for recipe in recipes}
    print("\n" + as_text(resource_table.rows(costs)))
    print(f"\npicture  {save(resource_table.draw(costs), paths.build('costs.png'))}")
    return 0 if all(costs.values()) else 1


def _benchmark(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} benchmark", "further options are those of fit")
    parser.add_argument(
        "--accept", action="store_true", help="make it what to compare with"
    )
    asked, options = parser.parse_known_args(arguments)
    races = [measure_overhead(size, options) for size in BATCH_SIZES]
    recorded = load_speed().get(races[0]["accelerator"], {})
    print(as_text(benchmark.rows(races)), "", *ratios(races, recorded), sep="\n")
    if asked.accept:
        accept(races)
        print(f"recorded in {paths.speed()}: look at it with git diff, then commit it")
        return 0
    return 1 if any(is_slower(race, recorded) for race in races) else 0


COMMANDS: dict[str, Command] = {
    "benchmark": _benchmark,
    "costs": _costs,
}
