"""The overhead of the trainer, compared with the recorded one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .. import paths
from ..errors import UserError
from ..run_records import fit_in_subprocess, fit_options

RECIPE = "benchmark"
OVERHEAD = "overhead.json"
BATCH_SIZES = (64, 512)
# Of the recorded ratio: two runs differ by up to 0.03.
ALLOWED = 0.1


def measure_overhead(batch_size: int, options: Sequence[str]) -> dict[str, Any]:
    """Measure the overhead of the trainer, in a process of its own.

    Args:
        batch_size: Of the training.
        options: Of the command `fit`.

    Returns:
        What `TrainerOverhead` wrote.

    Raises:
        UserError: Training failed.
    """
    size = f"--data.batch_size={batch_size}"
    facts, output = fit_in_subprocess(fit_options([RECIPE], [size, *options]), OVERHEAD)
    if facts is None:
        print(output)
        raise UserError(f"training in batches of {batch_size} failed, see above")
    return facts


def describe_overhead(facts: Mapping[str, Any]) -> str:
    """Return the result in a line."""
    speed = facts["fit"]["examples_per_second"]
    return (
        f"batches of {facts['batch_size']}: {speed:,.0f} examples a second, "
        f"{facts['ratio']:.2f} x a plain PyTorch loop; {facts['waiting']:.0%} of "
        "the time waiting for data"
    )


def overhead_table(results: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the results as a table, two lines for each batch size."""
    titles = ["examples a second", "ms an epoch", "waiting for data", "peak MiB"]
    table = [["", *titles]]
    for result in results:
        size, waiting = result["batch_size"], f"{result['waiting']:.0%}"
        for name, of_it in ((f"fit, batches of {size}", waiting), ("loop", "")):
            facts = result[name.partition(",")[0]]
            speed = f"{facts['examples_per_second']:,.0f}"
            memory = f"{facts['peak_bytes'] / 2**20:,.2f}"
            table.append(
                [name, speed, f"{1000 * facts['seconds']:,.1f}", of_it, memory]
            )
    return table


def describe_ratios(
    results: Sequence[Mapping[str, Any]], recorded: Mapping[str, float]
) -> list[str]:
    """Compare the speed of training with the recorded one.

    Args:
        results: Of `measure_overhead`.
        recorded: Ratios by batch size.

    Returns:
        A line for each.

    Examples:
        >>> describe_ratios([{"batch_size": 64, "ratio": 0.6}], {"64": 0.8, "512": 0.9})
        ['batches of 64: 0.60 x the loop, recorded 0.80 x']
        >>> describe_ratios([{"batch_size": 64, "ratio": 1.1}], {"64": 0.8})
        ['batches of 64: 1.10 x the loop, recorded 0.80 x; a busy machine?']
    """
    lines = []
    for result in results:
        size = result["batch_size"]
        before = recorded.get(str(size))
        was = f"{before:.2f} x" if before else "nothing yet"
        # The trainer does what the loop does, and more.
        noisy = "; a busy machine?" if result["ratio"] > 1 else ""
        ratio = f"{result['ratio']:.2f} x the loop"
        lines.append(f"batches of {size}: {ratio}, recorded {was}{noisy}")
    return lines


def load_speed() -> dict[str, dict[str, float]]:
    """Return the recorded ratios: by accelerator, and in there by batch size."""
    path = paths.speed()
    if not path.is_file():
        return {}
    recorded: dict[str, dict[str, float]] = json.loads(path.read_text("utf-8"))
    return recorded


def record_speed(results: Sequence[Mapping[str, Any]]) -> None:
    """Record results as those to compare with."""
    recorded = load_speed()
    for result in results:
        of_accelerator = recorded.setdefault(result["accelerator"], {})
        of_accelerator[str(result["batch_size"])] = round(result["ratio"], 2)
    text = json.dumps(recorded, indent=2, sort_keys=True)
    paths.speed().write_text(f"{text}\n")


def is_slower(result: Mapping[str, Any], recorded: Mapping[str, float]) -> bool:
    """Return whether training is slower than recorded, if a speed is recorded.

    Args:
        result: Of `measure_overhead`.
        recorded: Ratios by batch size.

    Returns:
        Whether it is slower by more than the allowed fraction.

    Examples:
        >>> is_slower({"batch_size": 64, "ratio": 0.6}, {"64": 0.8, "512": 0.9})
        True
        >>> is_slower({"batch_size": 64, "ratio": 0.75}, {"64": 0.8})
        False
    """
    before = recorded.get(str(result["batch_size"]), 0)
    return result["ratio"] < (1 - ALLOWED) * before
