"""Commit hooks: each refuses what it is there for, and nothing that is healthy.

The environments of the hooks are installed once per machine, in pre-commit's cache.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import processes
from tests.helpers import ROOT, git, render_repository

STRICTNESS = ["starter", "strict"]

# Put together here, so that our own hooks do not find them.
PRIVATE_KEY = "-----BEGIN " + "RSA PRIVATE KEY-----\n"
CONFLICT = "<" * 7 + " before updating\nmine\n" + "=" * 7 + "\ntheirs\n" + ">" * 7
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": 1,
            "id": "0",
            "metadata": {},
            "outputs": [
                {"name": "stdout", "output_type": "stream", "text": ["secret"]}
            ],
            "source": ["print('secret')"],
        }
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}

WORKFLOW = """\
name: Bad
on: push
permissions: {}
jobs:
  a:
    runs-on: x
    steps:
      - run: date
"""

BAD_FILES = {
    "badly formatted": ("src/pkg/bad.py", '"""Bad."""\n\nx = {  "a":1 }\n', "black"),
    "unused import": ("src/pkg/bad.py", '"""Bad."""\n\nimport os\n', "flake8"),
    "mutable default": (
        "src/pkg/bad.py",
        '"""Bad."""\n\n\ndef add(items: list[int] = []) -> None:\n    """Add."""\n',
        "flake8",
    ),
    "shell injection": (
        "src/pkg/bad.py",
        '"""Bad."""\n\nimport subprocess\n\n\ndef run(command: str) -> None:\n'
        '    """Run."""\n    subprocess.run(command, shell=True)\n',
        "flake8",
    ),
    "docstring in another style": (
        "src/pkg/bad.py",
        '"""Bad."""\n\n\ndef run() -> None:\n    """run it"""\n',
        "flake8",
    ),
    "type error in the package": (
        "src/pkg/bad.py",
        '"""Bad."""\n\nCOUNT: int = "three"\n',
        "mypy-package",
    ),
    "type error in a test": (
        "tests/code/test_bad.py",
        '"""Bad."""\n\nCOUNT: int = "three"\n',
        "mypy-tests",
    ),
    "unquoted variable": ("scripts/bad.sh", "#!/bin/sh\nrm $1\n", "shellcheck"),
    "private key": ("notes.txt", PRIVATE_KEY, "detect-private-key"),
    "merge markers": ("notes.txt", CONFLICT + "\n", "check-merge-conflict"),
    "rejected update": ("noxfile.py.rej", "--- a\n+++ b\n", "no-rejects"),
    "large file": ("notes.txt", "weights\n" * 80_000, "check-added-large-files"),
    "white space at the end": ("notes.txt", "text \n", "trailing-whitespace"),
    "no newline at the end": ("notes.txt", "text", "end-of-file-fixer"),
    "broken YAML": ("configs/bad.yaml", "a: [1\n", "check-yaml"),
    "broken TOML": ("bad.toml", "a = [1\n", "check-toml"),
    "broken JSON": ("bad.json", "[1,]\n", "check-json"),
    "misspelling": ("notes.txt", "rec" + "ieve\n", "codespell"),
    "same name in capitals": ("readme.md", "text\n", "check-case-conflict"),
    "notebook with outputs": (
        "notebooks/bad.ipynb",
        json.dumps(NOTEBOOK, indent=1) + "\n",
        "nbstripout",
    ),
    "misspelt key in a workflow": (
        ".github/workflows/bad.yml",
        WORKFLOW + "    timeout_minute: 3\n    timeout-minutes: 3\n",
        "check-github-workflows",
    ),
    "job without a time limit": (
        ".github/workflows/bad.yml",
        WORKFLOW,
        "check-timeouts",
    ),
    "action that its owner can change": (
        ".github/workflows/bad.yml",
        WORKFLOW.replace("run: date", "uses: actions/cache@v6")
        + "    timeout-minutes: 3\n",
        "zizmor",
    ),
}

# What only the strict rules refuse, and a team that opts in for a folder.
STRICTER = {
    "missing docstring": '"""Bad."""\n\n\ndef run() -> None:\n    print()\n',
    "incomplete docstring": (
        '"""Bad."""\n\n\ndef run(count: int) -> int:\n'
        '    """Run it.\n\n    Args:\n        count: How often.\n    """\n'
        "    return count\n"
    ),
    "missing annotation": (
        '"""Bad."""\n\n\nasync def run(*, count=1):\n    """Run."""\n'
    ),
}


@pytest.fixture(scope="module", params=STRICTNESS)
def repository(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A project, untouched."""
    return _repository(tmp_path_factory.mktemp("hooks"), request.param)


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the rules to start with."""
    return _repository(tmp_path_factory.mktemp("starter"), "starter")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the strict rules."""
    return _repository(tmp_path_factory.mktemp("strict"), "strict")


def _repository(folder: Path, strictness: str) -> Path:
    answers: dict[str, Any] = {
        "package_name": "pkg",
        "strictness": strictness,
        "use_codecov": True,
    }
    return render_repository(folder / "project", **answers)


def _refusing(repository: Path, *options: str) -> set[str]:
    """Run the hooks and return the names of those that refuse."""
    command = [sys.executable, "-m", "pre_commit", "run", "--color=never", *options]
    done = processes.run(command, repository)
    refusing = set(re.findall(r"^- hook id: (\S+)$", done.stdout, re.MULTILINE))
    assert bool(done.returncode) == bool(refusing), done.stdout
    return refusing


def _refusing_file(repository: Path, name: str, content: str) -> set[str]:
    """Stage a file, run the hooks as a commit would, and take the file away."""
    path = repository / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    try:
        git(repository, "add", "--all")
        return _refusing(repository)
    finally:
        git(repository, "reset", "--quiet", "--hard")


def test_hooks_leave_a_new_project_alone(repository: Path) -> None:
    """Nobody's first commit is refused or changed."""
    assert _refusing(repository, "--all-files") == set()
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.one_version
@pytest.mark.parametrize("fault", BAD_FILES)
def test_bad_file_is_refused(repository: Path, fault: str) -> None:
    """By the hook that is there for it, and by no other."""
    name, content, hooks = BAD_FILES[fault]
    assert _refusing_file(repository, name, content) == set(hooks.split())


@pytest.mark.one_version
@pytest.mark.parametrize("fault", STRICTER)
def test_strict_rules_ask_for_more(starter: Path, strict: Path, fault: str) -> None:
    """What a starter may leave for later, a strict project may not."""
    name = "src/pkg/bad.py"
    assert "flake8" not in _refusing_file(starter, name, STRICTER[fault])
    assert "flake8" in _refusing_file(strict, name, STRICTER[fault])


@pytest.mark.one_version
@pytest.mark.parametrize("fault", STRICTER)
def test_team_can_opt_in_by_folder(starter: Path, fault: str) -> None:
    """Without the line of the folder in `.flake8`, it is checked like a strict one."""
    rules = starter / ".flake8"
    line = "    src/*: D1, DOC, ANN\n"
    healthy = rules.read_text()
    assert line in healthy
    bad = starter / "src" / "pkg" / "bad.py"
    try:
        rules.write_text(healthy.replace(line, ""))
        bad.write_text(STRICTER[fault])
        git(starter, "add", "--all")
        assert "flake8" in _refusing(starter, "flake8", "--all-files")
        bad.rename(starter / "tests" / "code" / "bad.py")
        git(starter, "add", "--all")
        command = ("flake8", "--files", "tests/code/bad.py")
        assert _refusing(starter, *command) == set()
    finally:
        git(starter, "reset", "--quiet", "--hard")


def test_strict_rules_know_pytorch(strict: Path) -> None:
    """Loading a file must not run what is in it."""
    code = '"""Bad."""\n\nimport torch\n\nSTATE = torch.load("model.pt")\n'
    assert _refusing_file(strict, "src/pkg/bad.py", code) == {"flake8"}


def test_every_hook_is_pinned_and_explained(repository: Path) -> None:
    """The same commit gets the same answer next year, and newcomers learn why."""
    path = repository / ".pre-commit-config.yaml"
    (source,) = yaml.safe_load(path.read_text())["repos"]
    assert source["repo"] == "local"
    for hook in source["hooks"]:
        if hook["language"] != "fail":
            assert hook["additional_dependencies"], hook["id"]
        for requirement in hook.get("additional_dependencies", []):
            assert re.fullmatch(r"[\w.-]+==\d[\w.]*", requirement), requirement
    groups = path.read_text().partition("    hooks:\n")[2].split("\n\n")
    assert len(groups) > 10
    for group in groups:
        assert group.lstrip().startswith("# "), group


def test_template_uses_the_versions_it_hands_out() -> None:
    """What we would not use ourselves, we should not recommend."""
    pins = [
        set(re.findall(r"[\w.-]+==\d[\w.]*", path.read_text()))
        for path in (
            ROOT / ".pre-commit-config.yaml",
            ROOT / "template" / ".pre-commit-config.yaml.jinja",
        )
    ]
    ours, theirs = (dict(pin.split("==") for pin in found) for found in pins)
    shared = ours.keys() & theirs.keys()
    assert len(shared) > 5
    assert {name: ours[name] for name in shared} == {n: theirs[n] for n in shared}
