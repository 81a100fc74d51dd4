"""What recipes save: memory and speed of a training with each, side by side."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from .. import paths
from ..run_records import fit_and_read, fit_options

COST = "cost.json"
PLAIN = "as it is"


def measure(recipes: Sequence[str], options: Sequence[str]) -> dict[str, Any] | None:
    """Measure some steps of a training, in a process of its own.

    Args:
        recipes: What to change, if anything.
        options: Of the command `fit`.

    Returns:
        What `StepCost` wrote; nothing if training failed.
    """
    print(f"{' '.join(recipes) or PLAIN}: ", end="", flush=True)
    # It takes away callbacks that would disturb, so the others come after it.
    cost, output = fit_and_read(fit_options(["cost", *recipes], options), COST)
    if cost is None:
        print(f"failed\n{output}")
        return None
    print(describe(cost))
    return cost


def describe(facts: dict[str, Any]) -> str:
    """Say in words what was measured."""
    size, speed = facts["peak_bytes"] / 2**20, facts["examples_per_second"]
    return f"{size:,.2f} MiB at most, {speed:,.0f} examples a second"


def saving() -> list[str]:
    """Name those recipes that are there and change what a step costs."""
    names = ("precision-16", "accumulate", "batch-size", "checkpointing")
    return [name for name in names if (paths.recipes() / f"{name}.yaml").is_file()]


def rows(costs: dict[str, dict[str, Any] | None]) -> list[list[str]]:
    """Lay out the costs as a table.

    Args:
        costs: What `measure` returned, by the name of the recipe, the training as it is
            first.

    Returns:
        Rows of cells; memory and speed also as a multiple of the first row's.

    Examples:
        >>> plain = {"batch_size": 8, "peak_bytes": 2**21, "examples_per_second": 50.0}
        >>> rows({"as it is": plain, "other": plain | {"peak_bytes": 2**20}})[2]
        ['other', '8', '1.00', '0.50 x', '50', '1.00 x']
    """
    table = [["recipe", "batch", "peak MiB", "", "examples a second", ""]]
    first = next(iter(costs.values()))
    for name, cost in costs.items():
        if cost is None:
            table.append([name, "", "failed", "", "", ""])
            continue
        peak, speed = cost["peak_bytes"], cost["examples_per_second"]
        shares = ["", ""]
        if first:
            shares = [
                f"{peak / first['peak_bytes']:.2f} x",
                f"{speed / first['examples_per_second']:.2f} x",
            ]
        size = f"{peak / 2**20:,.2f}"
        cells = [
            name,
            str(cost["batch_size"]),
            size,
            shares[0],
            f"{speed:,.0f}",
            shares[1],
        ]
        table.append(cells)
    return table


def draw(costs: dict[str, dict[str, Any] | None]) -> Figure:
    """Draw the costs: memory on the left, speed on the right, a bar for each recipe."""
    known = {name: cost for name, cost in costs.items() if cost}
    figure = Figure(figsize=(9, 1 + 0.4 * len(known)), layout="constrained")
    memory, speed = figure.subplots(1, 2, sharey=True)
    memory.barh([*known], [cost["peak_bytes"] / 2**20 for cost in known.values()])
    memory.set(xlabel="memory at most, MiB (shorter is better)")
    memory.invert_yaxis()
    rates = [cost["examples_per_second"] for cost in known.values()]
    speed.barh([*known], rates, color="tab:orange")
    speed.set(xlabel="examples a second (longer is better)")
    return figure
