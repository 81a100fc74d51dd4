"""Does somebody hear of new versions of what this project needs?"""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.ml_test_score("monitor.1")
def test_new_versions_do_not_come_unnoticed() -> None:
    """The lock keeps those of today, and a pull request brings those of tomorrow."""
    settings = ROOT / ".github" / "dependabot.yml"
    if not settings.is_file():
        pytest.skip("nobody is told of new versions, without .github/dependabot.yml")
    tracked = ["git", "-C", str(ROOT), "ls-files", "--error-unmatch", "uv.lock"]
    if subprocess.run(tracked, capture_output=True).returncode:
        pytest.skip("no uv.lock is committed, so new versions come with any install")
    watched = re.findall(r"package-ecosystem: (\S+)", settings.read_text("utf-8"))
    assert {"uv", "github-actions"} <= {*watched}
