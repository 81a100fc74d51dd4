"""Are the files of the repository found from every folder?"""

import subprocess
import sys
from pathlib import Path

import pytest

from digit_recognizer.toolkit import paths
from digit_recognizer.toolkit.errors import UserError
from tests.helpers.training import ROOT, enter


def test_paths_are_relative_in_the_repository_root(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Relative paths keep folders of a machine out of output and metadata."""
    monkeypatch.delenv(paths.VARIABLE, raising=False)
    monkeypatch.chdir(ROOT)
    assert paths.runs() == Path("runs")
    assert paths.settings() == Path("configs", "comparison.yaml")


def test_paths_are_absolute_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another folder, paths are absolute and point into the repository."""
    monkeypatch.delenv(paths.VARIABLE, raising=False)
    for folder in (tmp_path, ROOT / "tests"):
        monkeypatch.chdir(folder)
        assert paths.settings() == ROOT.resolve() / "configs" / "comparison.yaml"
        assert paths.suites() == ROOT.resolve() / "tests" / "model" / "suites"


def test_second_worktree_needs_its_own_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package installed from another worktree is an error."""
    (tmp_path / "src" / paths.PACKAGE / "toolkit").mkdir(parents=True)
    monkeypatch.delenv(paths.VARIABLE, raising=False)
    for folder in (tmp_path, tmp_path / "src"):
        monkeypatch.chdir(folder)
        with pytest.raises(UserError, match=f"this is {tmp_path}, but the package"):
            paths.root()
    monkeypatch.setenv(paths.VARIABLE, str(tmp_path))
    assert paths.root() == tmp_path.resolve()


def test_root_can_be_set_by_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that does not exist is an error."""
    enter(tmp_path, monkeypatch)
    assert paths.root() == Path()
    monkeypatch.chdir(ROOT)
    assert paths.root() == tmp_path.resolve()
    monkeypatch.setenv(paths.VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=f"{paths.VARIABLE} names no folder: "):
        paths.root()


def test_installed_package_uses_the_current_folder(tmp_path: Path) -> None:
    """A package in site-packages has no repository, as in a container image."""
    package = tmp_path / "lib" / "site-packages" / paths.PACKAGE
    (package / "toolkit").mkdir(parents=True)
    for name in ("__init__.py", "toolkit/__init__.py", "toolkit/errors.py"):
        (package / name).touch()
    source = Path(paths.__file__).read_text("utf-8")
    (package / "toolkit" / "errors.py").write_text("class UserError(Exception): ...")
    (package / "toolkit" / "paths.py").write_text(source)
    code = f"from {paths.PACKAGE}.toolkit import paths; print(repr(str(paths.runs())))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(package.parent)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "'runs'\n"


def test_path_is_resolved_in_folder_then_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path is looked up in the current folder first, then in the repository."""
    (tmp_path / "models").mkdir()
    monkeypatch.setenv(paths.VARIABLE, str(tmp_path))
    monkeypatch.chdir(ROOT / "tests")
    assert paths.found(Path("models")) == tmp_path.resolve() / "models"
    assert paths.found(Path("helpers")) == Path("helpers")
