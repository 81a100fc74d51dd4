"""Commands that measure memory and speed of a training."""

from collections.abc import Sequence

from .. import paths
from ..cli import PROGRAM, Command, Parser
from ..figures import as_text, save_figure
from ..run_records import fit_options
from .benchmark import (
    BATCH_SIZES,
    describe_ratios,
    is_slower,
    load_speed,
    measure_overhead,
    overhead_table,
    record_speed,
)
from .resource_table import (
    PLAIN,
    draw_resources,
    measure_recipe,
    memory_saving_recipes,
    resource_rows,
)


def _resources(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} resources", "further options are those of fit")
    parser.add_argument("recipes", nargs="*", help="default: those that save memory")
    asked, options = parser.parse_known_args(arguments)
    recipes = asked.recipes or memory_saving_recipes()
    fit_options(recipes, options)  # a mistake is found before anything is trained
    measured = {PLAIN: measure_recipe([], options)}
    measured |= {recipe: measure_recipe([recipe], options) for recipe in recipes}
    print("\n" + as_text(resource_rows(measured)))
    picture = save_figure(draw_resources(measured), paths.build("resources.png"))
    print(f"\npicture  {picture}")
    return 0 if all(measured.values()) else 1


def _benchmark(arguments: Sequence[str]) -> int:
    parser = Parser(f"{PROGRAM} benchmark", "further options are those of fit")
    parser.add_argument(
        "--accept",
        action="store_true",
        help="record the result as the one to compare with",
    )
    asked, options = parser.parse_known_args(arguments)
    results = [measure_overhead(size, options) for size in BATCH_SIZES]
    recorded = load_speed().get(results[0]["accelerator"], {})
    print(
        as_text(overhead_table(results)),
        "",
        *describe_ratios(results, recorded),
        sep="\n",
    )
    if asked.accept:
        record_speed(results)
        print(f"recorded in {paths.speed()}: look at it with git diff, then commit it")
        return 0
    return 1 if any(is_slower(result, recorded) for result in results) else 0


COMMANDS: dict[str, Command] = {
    "benchmark": _benchmark,
    "resources": _resources,
}
