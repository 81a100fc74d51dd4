"""Settings of the comparison of models, in `configs/comparison.yaml`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jsonargparse.typing import ClosedUnitInterval as Fraction

from .. import paths
from ..run_records import read_settings
from .significance import Criterion


@dataclass(frozen=True)
class Settings:
    """How models are compared.

    Attributes:
        mode: `report` blocks nothing; `enforce` makes a regression an error.
        alpha: Significance level: the highest probability that an equally good model
            is called worse, over all suites together.
        min_accuracy: The least fraction of correct predictions, by suite.
        decides: What is compared: `correct`, the share of correct predictions, or
            `error`, how wrong they are. The other is shown, too.
    """

    mode: Literal["report", "enforce"] = "report"
    alpha: Fraction = 0.05
    min_accuracy: dict[str, Fraction] = field(default_factory=dict)
    decides: Criterion = "correct"


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings; by default, from `configs/comparison.yaml`."""
    return read_settings(Settings, path or paths.settings())
