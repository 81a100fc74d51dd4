"""Fixtures of the tests of the toolkit."""

from pathlib import Path

import pytest

from tests.helpers.training import enter


@pytest.fixture
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test in an empty folder."""
    enter(tmp_path, monkeypatch)
