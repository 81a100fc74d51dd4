"""Scaling studies: how the loss falls with more data, or with a larger model."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from jsonargparse.typing import PositiveInt
from matplotlib.figure import Figure

from .. import paths
from ..errors import UserError, require
from ..run_records import fit_in_subprocess, fit_options

RECIPE = "fraction"
RESULT = "scaling.json"  # in the folder of a run
SIZES = {"data": "examples", "model": "weights"}
MIN_SIZES = 3  # to fit a line
LAST = 4  # sizes that the line is fitted to: the largest predict the next one best


@dataclass(frozen=True)
class ScalingStudies:
    """The sizes to train.

    Attributes:
        seeds: Trainings of each size, as a single one is not reliable.
        fractions: Of the training split, for `scale-data`.
        models: Options of `fit`, for `scale-model`: a line for each size.
    """

    seeds: PositiveInt = 3
    fractions: list[float] = field(
        default_factory=lambda: [0.0625, 0.125, 0.25, 0.5, 1]
    )
    models: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Raise a `UserError` before anything is trained."""
        for fraction in self.fractions:
            require(
                0 < fraction <= 1,
                f"{paths.studies()}: a fraction is above 0 and up to 1, not {fraction}",
            )


@dataclass(frozen=True)
class PowerLaw:
    """How the loss falls with the size.

    Attributes:
        factor: The loss at twice the size, as a multiple of the loss now.
        low: Lower end of its 95 % confidence interval.
        high: Upper end.
    """

    factor: float
    low: float
    high: float

    def __str__(self) -> str:
        """Write it for people."""
        return f"{self.factor:.2f} x the loss ({self.low:.2f} to {self.high:.2f})"

    @property
    def helps(self) -> bool:
        """Whether the loss falls significantly."""
        return self.high < 1


def size_options(study: str, studies: ScalingStudies) -> list[list[str]]:
    """Return options of `fit` for each size.

    Args:
        study: `data` or `model`.
        studies: The sizes to train.

    Returns:
        The options, smallest size first.

    Raises:
        UserError: There are too few sizes for a line.
    """
    if study == "data":
        found = [
            [f"--trainer.callbacks.fraction={fraction}"]
            for fraction in sorted(studies.fractions)
        ]
    else:
        found = [line.split() for line in studies.models]
    if len(found) < MIN_SIZES:
        name = "fractions" if study == "data" else "models"
        raise UserError(f"{paths.studies()}: {name} needs {MIN_SIZES} sizes or more")
    return found


def train_sizes(
    sizes: Sequence[Sequence[str]], seeds: int, options: Sequence[str]
) -> list[dict[str, float]]:
    """Train each size with each seed.

    Args:
        sizes: Options of `fit` for each.
        seeds: Trainings of each.
        options: Of `fit`, for all.

    Returns:
        What `TrainOnFraction` recorded of each.

    Raises:
        UserError: A training failed.
    """
    points = []
    for size in sizes:
        for seed in range(1, seeds + 1):
            wanted = [*size, f"--seed_everything={seed}", *options]
            facts, output = fit_in_subprocess(fit_options([RECIPE], wanted), RESULT)
            if facts is None or not math.isfinite(facts["loss"]):
                print(output)
                raise UserError(f"training with {' '.join(wanted)} failed, see above")
            print(
                f"{describe_size(facts)}, seed {seed}: loss {facts['loss']:.4f}",
                flush=True,
            )
            points.append(facts)
    return points


def describe_size(facts: Mapping[str, float]) -> str:
    """Return the size of a training in words."""
    return f"{facts['examples']:,} examples, {facts['weights']:,} weights"


def fit_power_law(sizes: Sequence[float], losses: Sequence[float]) -> PowerLaw:
    """Fit a power law to the last sizes: a line in logarithms.

    Losses follow one over many sizes of data and model: Hestness and others, 2017,
    "Deep Learning Scaling is Predictable, Empirically".

    Args:
        sizes: Of data or model, N of them.
        losses: Lowest loss of each training, N of them.

    Returns:
        The power law.

    Raises:
        UserError: A loss is not positive, and has no logarithm.

    Examples:
        >>> print(fit_power_law([1, 2, 4, 8], [8, 4, 2, 1]))
        0.50 x the loss (0.50 to 0.50)
    """
    from scipy.stats import linregress, t

    if min(losses) <= 0:
        raise UserError(
            f"a loss is {min(losses):.3g}, but a power law needs positive ones: name "
            "another metric, --trainer.callbacks.monitor=NAME"
        )
    last = sorted(set(sizes))[-LAST:]
    pairs = [
        (math.log2(size), math.log2(loss))
        for size, loss in zip(sizes, losses, strict=True)
        if size in last
    ]
    line = linregress(*zip(*pairs, strict=True))
    about = t.ppf(0.975, len(pairs) - 2) * line.stderr
    slopes = (line.slope, line.slope - about, line.slope + about)
    return PowerLaw(*(float(2**slope) for slope in slopes))


def scaling_advice(trends: Mapping[str, PowerLaw]) -> str:
    """Say which to scale next.

    Args:
        trends: Power laws of the studies, by their names.

    Returns:
        A sentence.

    Examples:
        >>> data, model = PowerLaw(0.8, 0.7, 0.9), PowerLaw(0.99, 0.9, 1.1)
        >>> scaling_advice({"data": data, "model": model})
        'scale the data: twice as much has 0.80 x the loss, twice the model 0.99 x'
        >>> scaling_advice({"model": model})
        'not the model: twice the size is not significantly better'
    """
    if len(trends) == 1:
        ((study, found),) = trends.items()
        if not found.helps:
            return f"not the {study}: twice the size is not significantly better"
        return f"scale the {study}: twice the size has {found.factor:.2f} x the loss"
    data, model = trends["data"], trends["model"]
    both = f"{data.factor:.2f} x the loss, twice the model {model.factor:.2f} x"
    if not data.helps and not model.helps:
        return f"neither: twice as much data has {both}. Look at the errors"
    if data.helps and model.helps and data.low <= model.high and model.low <= data.high:
        return f"the cheaper of the two: twice as much data has {both}"
    if model.helps and (not data.helps or model.factor < data.factor):
        return f"scale the model: twice as much data has {both}"
    return f"scale the data: twice as much has {both}"


def save_study(
    study: str, points: Sequence[Mapping[str, float]]
) -> dict[str, PowerLaw]:
    """Save a study, and load the others.

    Args:
        study: `data` or `model`.
        points: Size and loss of each training.

    Returns:
        The power laws of all studies.
    """
    found = fit_power_law(
        [p[SIZES[study]] for p in points], [p["loss"] for p in points]
    )
    path = _kept(study)
    path.parent.mkdir(exist_ok=True)
    facts = {"power_law": asdict(found), "points": [*points]}
    path.write_text(json.dumps(facts, indent=2) + "\n")
    return {
        name: PowerLaw(**json.loads(_kept(name).read_text())["power_law"])
        for name in SIZES
        if _kept(name).is_file()
    }


def _kept(study: str) -> Path:
    return paths.build(f"scale-{study}.json")


def draw_study(
    study: str, points: Sequence[Mapping[str, float]], found: PowerLaw
) -> Figure:
    """Draw each training, and the power law up to twice the largest size.

    Args:
        study: `data` or `model`.
        points: Size and loss of each training.
        found: Their power law.

    Returns:
        The picture.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    measured = np.array([[p[SIZES[study]], p["loss"]] for p in points])  # (N, 2)
    axes.loglog(*measured.T, "o", alpha=0.6, label="a training")
    last = np.unique(measured[:, 0])[-LAST:]
    inside = measured[np.isin(measured[:, 0], last)]  # (M, 2)
    logs = np.log2(inside)
    middle = logs.mean(axis=0)  # the line goes through it
    x = np.linspace(logs[:, 0].min(), logs[:, 0].max() + 1, 50)
    y = middle[1] + math.log2(found.factor) * (x - middle[0])
    # The confidence band, from the errors of height and slope.
    width = math.log2(found.high / found.factor) * np.sqrt(
        (x - middle[0]) ** 2 + logs[:, 0].var()
    )
    axes.plot(2**x, 2**y, label=f"twice the size: {found}")
    axes.fill_between(2**x, 2 ** (y - width), 2 ** (y + width), alpha=0.2)
    axes.axvline(last[-1], color="gray", linewidth=0.5)
    axes.set(xlabel=SIZES[study], ylabel="loss on the validation data")
    axes.legend()
    return figure
