"""What the tests of the toolkit share."""

from pathlib import Path

import pytest

from tests.helpers.workplace import enter


@pytest.fixture
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a training leave its files in an empty folder."""
    enter(tmp_path, monkeypatch)
