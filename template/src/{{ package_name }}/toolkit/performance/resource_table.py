"""Memory and speed of a training with each of several recipes."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from .. import paths
from ..run_records import fit_in_subprocess, fit_options

STEP_COST = "step_cost.json"
PLAIN = "unchanged"


def measure_recipe(
    recipes: Sequence[str], options: Sequence[str]
) -> dict[str, Any] | None:
    """Measure some steps of a training, in a process of its own.

    Args:
        recipes: That change the training.
        options: Of the command `fit`.

    Returns:
        What `StepCost` wrote; nothing if training failed.
    """
    print(f"{' '.join(recipes) or PLAIN}: ", end="", flush=True)
    # It removes callbacks that would disturb, so the others come after it.
    cost, output = fit_in_subprocess(
        fit_options(["step-cost", *recipes], options), STEP_COST
    )
    if cost is None:
        print(f"failed\n{output}")
        return None
    print(describe_resources(cost))
    return cost


def describe_resources(facts: dict[str, Any]) -> str:
    """Return the measurement in a line."""
    size, speed = facts["peak_bytes"] / 2**20, facts["examples_per_second"]
    return f"{size:,.2f} MiB peak memory, {speed:,.0f} examples a second"


def memory_saving_recipes() -> list[str]:
    """Return the names of the recipes that save memory."""
    names = ("precision-16", "accumulate", "batch-size", "checkpointing")
    return [name for name in names if (paths.recipes() / f"{name}.yaml").is_file()]


def resource_rows(measured: dict[str, dict[str, Any] | None]) -> list[list[str]]:
    """Return measurements as a table.

    Args:
        measured: By the name of the recipe, the unchanged training first.

    Returns:
        Rows of cells; memory and speed also as a multiple of the first row's.

    Examples:
        >>> plain = {"batch_size": 8, "peak_bytes": 2**21, "examples_per_second": 50.0}
        >>> half = plain | {"peak_bytes": 2**20}
        >>> resource_rows({"unchanged": plain, "other": half})[2]
        ['other', '8', '1.00', '0.50 x', '50', '1.00 x']
    """
    table = [["recipe", "batch", "peak MiB", "", "examples a second", ""]]
    first = next(iter(measured.values()))
    for name, cost in measured.items():
        if cost is None:
            table.append([name, "", "failed", "", "", ""])
            continue
        peak, speed = cost["peak_bytes"], cost["examples_per_second"]
        ratios = ["", ""]
        if first:
            ratios = [
                f"{peak / first['peak_bytes']:.2f} x",
                f"{speed / first['examples_per_second']:.2f} x",
            ]
        size = f"{peak / 2**20:,.2f}"
        cells = [
            name,
            str(cost["batch_size"]),
            size,
            ratios[0],
            f"{speed:,.0f}",
            ratios[1],
        ]
        table.append(cells)
    return table


def draw_resources(measured: dict[str, dict[str, Any] | None]) -> Figure:
    """Draw memory on the left, speed on the right, a bar for each recipe."""
    known = {name: cost for name, cost in measured.items() if cost}
    figure = Figure(figsize=(9, 1 + 0.4 * len(known)), layout="constrained")
    memory, speed = figure.subplots(1, 2, sharey=True)
    memory.barh([*known], [cost["peak_bytes"] / 2**20 for cost in known.values()])
    memory.set(xlabel="peak memory, MiB (shorter is better)")
    memory.invert_yaxis()
    rates = [cost["examples_per_second"] for cost in known.values()]
    speed.barh([*known], rates, color="tab:orange")
    speed.set(xlabel="examples a second (longer is better)")
    return figure
