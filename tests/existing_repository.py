"""A repository that existed before the template was applied."""

from pathlib import Path

from tests.helpers import commit, git

FILES = {
    ".gitignore": "data/\n.venv/\nbuild/\n*.egg-info/\n__pycache__/\n",
    ".github/workflows/ci.yml": """\
name: ours
on: push
permissions: {}
jobs:
  test:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - run: echo tested
""",
    "LICENSE": "Ours, and nobody else's.\n",
    "README.md": "# Lab\n\nWe were here first.\n",
    "pyproject.toml": """\
[build-system]
requires = ["setuptools>=70"]
build-backend = "setuptools.build_meta"

[project]
name = "lab"
version = "3.1"
requires-python = ">=3.11"
dependencies = ["torch>=2.10", "numpy>=2"]
""",
    "src/lab/__init__.py": '"""The lab."""\n',
    "src/lab/model.py": '''\
"""Our model."""

import torch
from torch import Tensor, nn


def build( size:int )->nn.Module:
    """Build it; we do not care for white space."""
    return nn.Linear(size,1)


def predict(net: nn.Module, x: Tensor) -> Tensor:
    """Return one number for each row."""
    with torch.no_grad():
        y: Tensor = net(x)[:, 0]
    return y
''',
    "tests/unit/test_model.py": '''\
"""Does our model answer?"""

import torch

from lab.model import build, predict


def test_one_number_for_each_row() -> None:
    """Whatever it is."""
    assert predict(build(3), torch.ones(5, 3)).shape == (5,)
''',
}
# The hooks fix white space, and settings are appended.
MENDED = ("src/lab/model.py", "pyproject.toml")


def settle(folder: Path) -> None:
    """Write the files of the repository and commit them."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "Three years of work")
