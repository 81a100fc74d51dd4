"""A repository that was there before takes what it likes, and loses nothing."""

from pathlib import Path

import pytest

from tests import lab
from tests.helpers import ANSWERS_FILE, ROOT, commit, git, update, write_answer
from tests.reader import Reader


@pytest.mark.environment
def test_existing_repository_keeps_what_it_has(reader: Reader, tmp_path: Path) -> None:
    """Level by level; and updates keep up what was taken, and bring nothing else."""
    # Installed for real: what was taken must not need what the page does not name.
    reader.environ["INSTALL"] = "create"
    lab.settle(reader.folder)
    reader.follow(ROOT / "docs" / "existing-repository.md")
    folder = reader.folder
    for name, content in lab.FILES.items():
        text = (folder / name).read_text("utf-8")
        if name not in lab.MENDED:
            assert text == content, name
    assert "def build(size: int) -> nn.Module:" in (folder / lab.MENDED[0]).read_text()
    assert not list(folder.glob("models")) + list(folder.glob("configs"))
    source = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(reader.template), str(source))
    for name in ("noxfile.py", "README.md.jinja", "models/production/card.md"):
        with (source / "template" / name).open("a") as file:
            file.write("# From the next release.\n")
    commit(source, "Next release", "v999.1.0")
    write_answer(folder, "_src_path", str(source))
    git(folder, "commit", "--quiet", "--all", "--message=The template has moved")
    update(folder)
    changed = git(folder, "status", "--porcelain").split()
    assert changed == ["M", ANSWERS_FILE, "M", "noxfile.py"]
