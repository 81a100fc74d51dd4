"""A training curve in git: the losses of the first steps and the final metrics.

A change of training shows here first, even if the model still learns the task. The
file has one curve per kind of accelerator, as the numbers depend on it.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer

from .observer import Observer

FILE = "curve.json"  # in the folder of the run, and next to the test

# Loss of each step, and the metrics logged at the end.
Curve = dict[str, Any]


class CurveWriter(Observer):
    """Writes the training curve into the folder of the run."""

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the curve with the precision of float32."""
        logged = sorted(trainer.callback_metrics.items())
        curve = {
            "losses": [_round(loss) for loss in self.losses],
            "metrics": {name: _round(float(value)) for name, value in logged},
        }
        path = Path(trainer.default_root_dir, FILE)
        path.write_text(json.dumps(curve))


@dataclass(frozen=True)
class Tolerance:
    """How much two curves may differ, relative to the value.

    On all machines, the first steps are equal up to rounding. Rounding errors grow with
    each step, so later steps need a larger tolerance.

    Attributes:
        steps: Number of first losses with the small tolerance.
        close: Tolerance of each of these.
        rough: Tolerance of later losses and of the metrics logged at the end.
    """

    steps: int
    close: float
    rough: float


def difference(recorded: Curve, found: Curve, tolerance: Tolerance) -> str:
    """Compare two curves, step by step.

    Args:
        recorded: The reference.
        found: The new curve.
        tolerance: Of the differences.

    Returns:
        A table of the values that differ too much, shortened if there are many;
        empty if there are none.
    """
    lines = [
        f"{name:<16} {_text(before):>10} {_text(now):>10} {apart:>9.2g} {allowed:>9.2g}"
        for name, before, now, allowed in _pairs(recorded, found, tolerance)
        if not (apart := _relative_difference(before, now)) <= allowed
    ]
    if not lines:
        return ""
    shown = lines[:8]
    if len(lines) > len(shown):
        shown.append(f"and {len(lines) - len(shown)} more")
    head = f"{'':<16} {'recorded':>10} {'found':>10} {'differs':>9} {'allowed':>9}"
    return "\n".join([head, *shown])


def require_finite(curve: Curve) -> None:
    """Reject a curve that is empty or has a value that is NaN or infinite.

    Args:
        curve: The training curve.

    Raises:
        ValueError: The curve cannot serve as a reference.
    """
    if not curve["losses"]:
        raise ValueError("the training took no step")
    for name, value in _values(curve):
        if not math.isfinite(value):
            raise ValueError(f"{name} is {value}")


def accept(path: Path, kind: str, curve: Curve) -> None:
    """Record a curve as the reference for later trainings.

    Args:
        path: File with a curve for each kind of accelerator.
        kind: Kind of accelerator, such as `cpu`.
        curve: Replaces the recorded one of this kind, if any.
    """
    require_finite(curve)
    curves = json.loads(path.read_text()) if path.exists() else {}
    curves[kind] = curve
    path.write_text(json.dumps(curves, indent=2, sort_keys=True) + "\n")


def _pairs(
    recorded: Curve, found: Curve, tolerance: Tolerance
) -> Iterator[tuple[str, float | None, float | None, float]]:
    before, now = dict(_values(recorded)), dict(_values(found))
    for name in [*before, *(name for name in now if name not in before)]:
        place, _, number = name.partition(" ")
        first = place == "step" and int(number) <= tolerance.steps
        allowed = tolerance.close if first else tolerance.rough
        yield name, before.get(name), now.get(name), allowed


def _values(curve: Curve) -> Iterator[tuple[str, float]]:
    for step, loss in enumerate(curve["losses"], start=1):
        yield f"step {step}", loss
    yield from curve["metrics"].items()


def _relative_difference(before: float | None, now: float | None) -> float:
    if before is None or now is None:
        return math.inf
    # The result for NaN is NaN: callers must not treat it as close.
    return abs(now - before) / max(abs(before), 1e-12)


def _text(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def _round(value: float) -> float:
    return float(f"{value:.8g}")
