"""Settings of the comparison of models, in `configs/comparison.yaml`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jsonargparse.typing import ClosedUnitInterval as Share

from .. import paths
from ..run_records import read_settings


@dataclass(frozen=True)
class Settings:
    """How models are compared.

    Attributes:
        mode: `report` blocks nothing; `enforce` makes a regression an error.
        chance: The highest probability that an equally good model is called worse.
        floors: The least share of examples that must be right, by suite.
    """

    mode: Literal["report", "enforce"] = "report"
    chance: Share = 0.05
    floors: dict[str, Share] = field(default_factory=dict)


def load_settings(path: Path | None = None) -> Settings:
    """Read how models are compared; by default, from where the project says it."""
    return read_settings(Settings, path or paths.settings())
