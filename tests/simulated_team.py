"""A simulated team: it replaces the starter files and edits a few managed files."""

import shutil
from pathlib import Path

from tests.helpers import commit

PACKAGE = "forecaster"

# Starter files that this team deletes.
GIVEN = (
    *("README.md", "configs", "models", "notebooks", f"src/{PACKAGE}"),
    *(f"tests/{kind}" for kind in ("code", "data", "model", "training")),
)

OWN = {
    "README.md": "# Forecaster\n\nHow much is asked for in the next hour?\n",
    "configs/forecast.yaml": "hours: 24\n",
    ".github/workflows/deploy.yml": """\
name: Deploy
on: workflow_dispatch
permissions: {}
jobs:
  deploy:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - run: echo done
""",
    f"src/{PACKAGE}/__init__.py": '"""Forecasts demand."""\n',
    f"src/{PACKAGE}/demand.py": '''\
"""Demand by the hour."""

import math

import torch
from torch import Tensor


def load(hours: int = 168) -> tuple[Tensor, Tensor]:
    """Return hours as points on a clock, shape (N, 2), and the demand (N,)."""
    angle = torch.arange(hours) * (2 * math.pi / 24)  # (N,)
    return torch.stack([angle.sin(), angle.cos()], dim=1), 2 + angle.sin()
''',
    f"src/{PACKAGE}/forecast.py": '''\
"""The forecast: a linear model."""

import torch
from torch import Tensor, nn


def fit(x: Tensor, y: Tensor, steps: int = 300) -> nn.Module:
    """Fit hours (N, 2) to their demand (N,)."""
    torch.manual_seed(0)
    net = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    for _ in range(steps):
        loss = (net(x)[:, 0] - y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net
''',
    "tests/data/test_demand.py": f'''\
"""Is demand what we take it for?"""

import great_expectations.expectations as gxe
import pandas as pd

from {PACKAGE}.demand import load
from tests.helpers.expectations import failures


def test_demand_is_expected() -> None:
    """From zero to four, never less."""
    _, demand = load()
    table = pd.DataFrame({{"demand": demand.numpy()}})
    between = gxe.ExpectColumnValuesToBeBetween(
        column="demand", min_value=0, max_value=4
    )
    assert failures(table, [between]) == []
''',
    "tests/training/test_forecast.py": f'''\
"""Does the model learn, at the cost that it should have?"""

from {PACKAGE}.demand import load
from {PACKAGE}.forecast import fit
from tests.helpers.cost import measure


def test_day_is_learnt() -> None:
    """To a tenth."""
    x, y = load(24)
    assert (fit(x, y)(x)[:, 0] - y).abs().max() < 0.1


def test_step_is_cheap() -> None:
    """A few dozen operators."""
    x, y = load()
    assert 10 < measure(lambda: fit(x, y, steps=1)).operators < 200
''',
}

# Edits of managed files: the line before the insertion, and the inserted text.
EDITS = {
    ".gitignore": (".venv/\n", "\n# Demand of customers\ndata/raw/\n"),
    ".flake8": ("per-file-ignores =\n", "    src/forecaster/demand.py: D205\n"),
    ".pre-commit-config.yaml": (
        "repos:\n",
        """\
  - repo: local
    hooks:
      - id: no-raw-data
        name: no raw data
        entry: demand of customers stays where it is
        language: fail
        files: ^data/raw/
""",
    ),
    "conftest.py": (
        "import pytest\n",
        """
OUR_HOURS = 24


@pytest.fixture
def hours() -> int:
    \"\"\"A day.\"\"\"
    return OUR_HOURS

""",
    ),
    "noxfile.py": (
        'nox.options.default_venv_backend = "none"\n',
        """

@nox.session
def forecast(session: nox.Session) -> None:
    \"\"\"Say what the next hour asks for.\"\"\"
    _python(session, "forecaster.forecast")


""",
    ),
    "pyproject.toml": (
        '    "pillow>=11",\n',
        '    "tqdm>=4.66", # a bar for the eye\n',
    ),
}


def work(project: Path) -> None:
    """Apply the team's changes to a new project and commit them."""
    for name in GIVEN:
        path = project / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, content in OWN.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    for name, (line, added) in EDITS.items():
        path = project / name
        before, found, after = path.read_text("utf-8").partition(line)
        assert found, f"{line!r} is not in {name}"
        path.write_text(before + line + added + after, "utf-8")
    commit(project, "Forecast demand")
