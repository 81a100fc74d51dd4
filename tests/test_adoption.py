"""An existing repository can adopt parts of the template without losing files."""

from pathlib import Path

import pytest

from tests import existing_repository
from tests.helpers import ANSWERS_FILE, ROOT, commit, git, update, write_answer
from tests.doc_runner import DocRunner


@pytest.mark.night
@pytest.mark.environment
def test_existing_repository_keeps_its_files(
    doc_runner: DocRunner, tmp_path: Path
) -> None:
    """Adopting the template keeps existing files; updates change adopted files only."""
    # A real installation: adopted files may only need packages that the page names.
    doc_runner.environ["INSTALL"] = "create"
    existing_repository.settle(doc_runner.folder)
    doc_runner.follow(ROOT / "docs" / "existing-repository.md")
    folder = doc_runner.folder
    for name, content in existing_repository.FILES.items():
        text = (folder / name).read_text("utf-8")
        if name not in existing_repository.MENDED:
            assert text == content, name
    assert (
        "def build(size: int) -> nn.Module:"
        in (folder / existing_repository.MENDED[0]).read_text()
    )
    assert not list(folder.glob("models")) + list(folder.glob("configs"))
    source = tmp_path / "template"
    git(tmp_path, "clone", "--quiet", str(doc_runner.template), str(source))
    for name in (
        "noxfile.py",
        "README.md.jinja",
        "{{images}}/models/production/card.md",
    ):
        with (source / "template" / name).open("a") as file:
            file.write("# From the next release.\n")
    commit(source, "Next release", "v999.1.0")
    write_answer(folder, "_src_path", str(source))
    git(folder, "commit", "--quiet", "--all", "--message=The template has moved")
    update(folder)
    changed = git(folder, "status", "--porcelain").split()
    assert changed == ["M", ANSWERS_FILE, "M", "noxfile.py"]
