"""Training beside a loop that is written by hand, and beside what was recorded."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .. import paths
from ..errors import UserError
from ..run_records import fit_and_read, fit_options

RECIPE = "benchmark"
RACE = "race.json"
BATCH_SIZES = (64, 512)
# Of the recorded ratio: two runs differ by up to 0.03.
ALLOWED = 0.1


def measure_overhead(batch_size: int, options: Sequence[str]) -> dict[str, Any]:
    """Train beside a loop by hand, in a process of its own.

    Args:
        batch_size: Of both.
        options: Of the command `fit`.

    Returns:
        What `Race` wrote.

    Raises:
        UserError: Training failed.
    """
    size = f"--data.batch_size={batch_size}"
    facts, output = fit_and_read(fit_options([RECIPE], [size, *options]), RACE)
    if facts is None:
        print(output)
        raise UserError(f"training in batches of {batch_size} failed, see above")
    return facts


def describe_overhead(facts: Mapping[str, Any]) -> str:
    """Say in words what was found."""
    speed = facts["fit"]["examples_per_second"]
    return (
        f"batches of {facts['batch_size']}: {speed:,.0f} examples a second, "
        f"{facts['ratio']:.2f} x a loop by hand; {facts['waiting']:.0%} of it waiting "
        "for data"
    )


def rows(races: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Lay out what was found as a table, two lines for each batch size."""
    titles = ["examples a second", "ms an epoch", "waiting for data", "peak MiB"]
    table = [["", *titles]]
    for race in races:
        size, waiting = race["batch_size"], f"{race['waiting']:.0%}"
        for name, of_it in ((f"fit, batches of {size}", waiting), ("loop", "")):
            facts = race[name.partition(",")[0]]
            speed = f"{facts['examples_per_second']:,.0f}"
            memory = f"{facts['peak_bytes'] / 2**20:,.2f}"
            table.append(
                [name, speed, f"{1000 * facts['seconds']:,.1f}", of_it, memory]
            )
    return table


def ratios(
    races: Sequence[Mapping[str, Any]], recorded: Mapping[str, float]
) -> list[str]:
    """Say how fast training is, and how fast it was.

    Args:
        races: What was found.
        recorded: Ratios by batch size.

    Returns:
        A line for each.

    Examples:
        >>> ratios([{"batch_size": 64, "ratio": 0.6}], {"64": 0.8, "512": 0.9})
        ['batches of 64: 0.60 x the loop, recorded 0.80 x']
    """
    lines = []
    for race in races:
        size = race["batch_size"]
        before = recorded.get(str(size))
        was = f"{before:.2f} x" if before else "nothing yet"
        lines.append(
            f"batches of {size}: {race['ratio']:.2f} x the loop, recorded {was}"
        )
    return lines


def load_speed() -> dict[str, dict[str, float]]:
    """Return the recorded ratios: by accelerator, and in there by batch size."""
    path = paths.speed()
    if not path.is_file():
        return {}
    recorded: dict[str, dict[str, float]] = json.loads(path.read_text("utf-8"))
    return recorded


def accept(races: Sequence[Mapping[str, Any]]) -> None:
    """Make what was found what to compare with."""
    recorded = load_speed()
    for race in races:
        of_accelerator = recorded.setdefault(race["accelerator"], {})
        of_accelerator[str(race["batch_size"])] = round(race["ratio"], 2)
    text = json.dumps(recorded, indent=2, sort_keys=True)
    paths.speed().write_text(f"{text}\n")


def is_slower(race: Mapping[str, Any], recorded: Mapping[str, float]) -> bool:
    """Compare with what was recorded, if something was.

    Args:
        race: What was found.
        recorded: Ratios by batch size.

    Returns:
        Whether it is slower by more than is allowed.

    Examples:
        >>> is_slower({"batch_size": 64, "ratio": 0.6}, {"64": 0.8, "512": 0.9})
        True
        >>> is_slower({"batch_size": 64, "ratio": 0.75}, {"64": 0.8})
        False
    """
    before = recorded.get(str(race["batch_size"]), 0)
    return race["ratio"] < (1 - ALLOWED) * before
