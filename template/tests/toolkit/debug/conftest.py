"""What the tests of the recipes' callbacks share."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a training leave its files in an empty folder."""
    monkeypatch.chdir(tmp_path)
