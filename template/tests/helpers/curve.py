"""A training curve that is kept in git: the first steps of a training, and its loss.

What a change does to training shows here before anything else, also where every task
is learnt in spite of it. Numbers that depend on the accelerator are kept for each.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer

from .observer import Observer

FILE = "curve.json"  # in the folder of the run, and beside the test

# Loss of each step, and what was logged at the end.
Curve = dict[str, Any]


class CurveWriter(Observer):
    """Writes the curve of a training into the folder of its run."""

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write it, with as many digits as a float32 has."""
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

    The first steps are the same on every machine but for rounding. Each step multiplies
    that, so later ones can only be compared roughly.

    Attributes:
        steps: So many of the first losses must be close.
        close: Of each of these.
        rough: Of each later one, and of what was logged at the end.
    """

    steps: int
    close: float
    rough: float


def difference(recorded: Curve, found: Curve, tolerance: Tolerance) -> str:
    """Compare two curves, step by step.

    Args:
        recorded: The one to compare with.
        found: The one that is compared.
        tolerance: For the difference.

    Returns:
        A table of what differs too much, the first lines of it if there are many;
        empty if nothing does.
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
    """Refuse a curve with a value that is no number, or with none at all.

    Args:
        curve: Of a training.

    Raises:
        ValueError: There is one; it would make every comparison with it worthless.
    """
    if not curve["losses"]:
        raise ValueError("the training took no step")
    for name, value in _values(curve):
        if not math.isfinite(value):
            raise ValueError(f"{name} is {value}")


def accept(path: Path, kind: str, curve: Curve) -> None:
    """Make a curve the one that later trainings are compared with.

    Args:
        path: File with a curve for each kind of accelerator.
        kind: Of accelerator, such as `cpu`.
        curve: Takes the place of the one that is there, if there is one.
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
    # Not a number compares as nothing, so it must not pass for close.
    return abs(now - before) / max(abs(before), 1e-12)


def _text(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def _round(value: float) -> float:
    return float(f"{value:.8g}")
