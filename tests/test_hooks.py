"""Commit hooks reject faulty files, and neither reject nor change correct ones.

All bad files are staged in one repository and the hooks run once: a table of files
and hooks holds the expected result. The files of a first month, which are right, go
the same way. The environments of the hooks are installed once per machine, in
pre-commit's cache.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests import first_month, processes
from tests.helpers import ROOT, choices, git, render_repository

STRICTNESS = choices("strictness")

# Concatenated here, so that our own hooks do not find them.
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


class Bad(NamedTuple):
    """A file that must not be committed.

    Attributes:
        name: Its path; no other bad file has it.
        content: Content of the file.
        hooks: Hooks that reject it under any rules.
        strict: Hooks that reject it only under the strict rules.
        starter: Hooks that reject it only under the small set of rules.
    """

    name: str
    content: str
    hooks: str
    strict: str = ""
    starter: str = ""


BAD_FILES = {
    "badly formatted": Bad(
        "src/pkg/bad_format.py", '"""Bad."""\n\nx = {  "a":1 }\n', "black"
    ),
    "unused import": Bad(
        "src/pkg/bad_import.py", '"""Bad."""\n\nimport os\n', "flake8"
    ),
    "mutable default": Bad(
        "src/pkg/bad_default.py",
        '"""Bad."""\n\n\ndef add(items: list[int] = []) -> None:\n    """Add."""\n',
        "flake8",
    ),
    "shell injection": Bad(
        "src/pkg/bad_shell.py",
        '"""Bad."""\n\nimport subprocess\n\n\ndef run(command: str) -> None:\n'
        '    """Run."""\n    subprocess.run(command, shell=True)\n',
        "flake8",
    ),
    "docstring in another style": Bad(
        "src/pkg/bad_docstring.py",
        '"""Bad."""\n\n\ndef run() -> None:\n    """run it"""\n',
        "",
        strict="flake8",
    ),
    "type error in the package": Bad(
        "src/pkg/bad_type.py", '"""Bad."""\n\nCOUNT: int = "three"\n', "mypy-package"
    ),
    "type error in a test": Bad(
        "tests/code/test_bad.py", '"""Bad."""\n\nCOUNT: int = "three"\n', "mypy-tests"
    ),
    "wrong call in a function without types": Bad(
        "src/pkg/bad_call.py",
        '"""Bad."""\n\n\ndef add(a, b):\n    """Add."""\n    return add(a, b, 1)\n',
        "",
        strict="flake8 mypy-package",
        starter="mypy-bodies",
    ),
    "unquoted variable": Bad(
        "scripts/bad.sh", "#!/bin/sh\nrm $1\n", "", strict="shellcheck"
    ),
    "script that no shell can run": Bad(
        "scripts/broken.sh", "#!/bin/sh\nif true; then\n  date\n", "shellcheck"
    ),
    "private key": Bad("key.txt", PRIVATE_KEY, "detect-private-key"),
    "merge markers": Bad("markers.txt", CONFLICT + "\n", "check-merge-conflict"),
    "rejected update": Bad("noxfile.py.rej", "--- a\n+++ b\n", "no-rejects"),
    "large file": Bad("large.txt", "weights\n" * 80_000, "check-added-large-files"),
    "white space at the end": Bad("docs/space.md", "text \n", "trailing-whitespace"),
    "no newline at the end": Bad("docs/end.md", "text", "end-of-file-fixer"),
    "broken YAML": Bad("configs/bad.yaml", "a: [1\n", "check-yaml"),
    "key that stands twice": Bad("configs/twice.yaml", "a: 1\na: 2\n", "check-yaml"),
    "broken YAML of a tool": Bad("tool.yaml", "a: [1\n", "check-yaml-syntax"),
    "broken TOML": Bad("bad.toml", "a = [1\n", "check-toml"),
    "broken JSON": Bad("bad.json", "[1,]\n", "check-json"),
    "misspelling": Bad("docs/misspelt.md", "We rec" + "ieve it.\n", "codespell"),
    "same name in capitals": Bad("readme.md", "text\n", "check-case-conflict"),
    "notebook with outputs": Bad(
        "notebooks/bad.ipynb", json.dumps(NOTEBOOK, indent=1) + "\n", "nbstripout"
    ),
    "misspelt key in a workflow": Bad(
        ".github/workflows/bad_key.yml",
        WORKFLOW + "    timeout_minute: 3\n    timeout-minutes: 3\n",
        "check-github-workflows",
    ),
    "job without a time limit": Bad(
        ".github/workflows/bad_limit.yml", WORKFLOW, "check-timeouts"
    ),
    "action that its owner can change": Bad(
        ".github/workflows/bad_action.yml",
        WORKFLOW.replace("run: date", "uses: actions/cache@v6")
        + "    timeout-minutes: 3\n",
        "zizmor",
    ),
    "loading that runs code": Bad(
        "src/pkg/bad_load.py",
        '"""Bad."""\n\nimport torch\n\nSTATE = torch.load("model.pt")\n',
        "flake8",
    ),
    "function that PyTorch has removed": Bad(
        "src/pkg/bad_torch.py",
        '"""Bad."""\n\nimport torch\n\nPAIR = torch.symeig(torch.eye(2))\n',
        "",
        strict="flake8",
    ),
    "missing docstring": Bad(
        "src/pkg/no_docstring.py",
        '"""Bad."""\n\n\ndef run() -> None:\n    print()\n',
        "",
        strict="flake8",
    ),
    "incomplete docstring": Bad(
        "src/pkg/half_docstring.py",
        '"""Bad."""\n\n\ndef run(count: int) -> int:\n'
        '    """Run it.\n\n    Args:\n        count: How often.\n    """\n'
        "    return count\n",
        "",
        strict="flake8",
    ),
    "missing annotation": Bad(
        "src/pkg/no_annotation.py",
        '"""Bad."""\n\n\nasync def run(*, count=1):\n    """Run."""\n',
        "",
        strict="flake8 mypy-package",
    ),
}
# Files that are rejected in strict projects and in folders with strict rules.
STRICTER = ("missing docstring", "incomplete docstring", "missing annotation")
# These hooks print no file names: the files they change are those they reject.
SILENT = {"black": ".py", "nbstripout": ".ipynb"}
BATCH = {bad.name for bad in BAD_FILES.values()}


class Verdict(NamedTuple):
    """The result of one run of the hooks.

    Attributes:
        files: The rejected files by hook.
        mended: The files that hooks have changed.
        output: The whole output.
    """

    files: dict[str, set[str]]
    mended: set[str]
    output: str


def _new_repository(folder: Path, strictness: str) -> Path:
    answers: dict[str, Any] = {
        "package_name": "pkg",
        "strictness": strictness,
        "use_codecov": True,
    }
    return render_repository(folder / "project", **answers)


@pytest.fixture(scope="module", params=STRICTNESS)
def strictness(request: pytest.FixtureRequest) -> str:
    """Each answer about the rules."""
    answer: str = request.param
    return answer


@pytest.fixture(scope="module")
def repository(strictness: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unchanged new project."""
    return _new_repository(tmp_path_factory.mktemp("hooks"), strictness)


@pytest.fixture(scope="module")
def verdict(strictness: str, tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """The result of the hooks when all bad files are staged."""
    assert len(BATCH) == len(BAD_FILES), "two bad files have one name"
    files = {bad.name: bad.content.encode() for bad in BAD_FILES.values()}
    return _verdict(tmp_path_factory.mktemp("bad"), strictness, files)


@pytest.fixture(scope="module")
def first_verdict(strictness: str, tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """The result of the hooks when the files of a first month are staged."""
    folder = tmp_path_factory.mktemp("first")
    return _verdict(folder, strictness, first_month.FILES)


def _verdict(folder: Path, strictness: str, added: Mapping[str, bytes]) -> Verdict:
    """Add files to a new project, and return which ones hooks reject and change."""
    repository = _new_repository(folder, strictness)
    for name, content in added.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    git(repository, "add", "--all")
    output = _run_hooks(repository)
    tracked = git(repository, "ls-files").splitlines()
    assert added.keys() <= {*tracked}
    mended = set(git(repository, "diff", "--name-only").splitlines())
    files = {}
    for hook, said in _refusals(output).items():
        files[hook] = {name for name in tracked if _names(said, name)}
        if hook in SILENT:
            files[hook] |= {name for name in mended if name.endswith(SILENT[hook])}
    return Verdict(files, mended, output)


def _run_hooks(repository: Path, *options: str) -> str:
    """Run the hooks and return their output."""
    command = [sys.executable, "-m", "pre_commit", "run", "--color=never", *options]
    done = processes.run(command, repository)
    assert bool(done.returncode) == bool(_refusals(done.stdout)), done.stdout
    return done.stdout


def _refusals(output: str) -> dict[str, str]:
    """Return the output of each failing hook by its name."""
    parts = re.split(r"^- hook id: (\S+)$", output, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _names(said: str, file: str) -> bool:
    """Return whether a file is named, not only one whose name ends with it."""
    return bool(re.search(rf"(?<![\w/.-]){re.escape(file)}(?![\w/-]|\.\w)", said))


@pytest.mark.one_version
def test_hooks_pass_on_a_new_project(repository: Path) -> None:
    """All hooks pass on a new project and change no file."""
    assert _refusals(_run_hooks(repository, "--all-files")) == {}
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.one_version
@pytest.mark.parametrize(
    "starter",
    [
        "lines",  # has most code of its own; the rest at night, to save a minute
        *(pytest.param(name, marks=pytest.mark.night) for name in ("number", "table")),
    ],
)
def test_hooks_pass_on_another_starter(starter: str, tmp_path: Path) -> None:
    """All hooks of a strict project pass, whatever it begins with."""
    project = render_repository(
        tmp_path / "project", starter=starter, strictness="strict"
    )
    assert _refusals(_run_hooks(project, "--all-files")) == {}
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.one_version
@pytest.mark.parametrize("fault", BAD_FILES)
def test_bad_file_is_refused(verdict: Verdict, strictness: str, fault: str) -> None:
    """Each bad file is rejected by the expected hooks and by no others."""
    bad = BAD_FILES[fault]
    expected = {*bad.hooks.split()}
    expected |= {*(bad.strict if strictness == "strict" else bad.starter).split()}
    refusing = {hook for hook, files in verdict.files.items() if bad.name in files}
    assert refusing == expected, verdict.output


@pytest.mark.one_version
def test_healthy_files_are_accepted(verdict: Verdict) -> None:
    """Hooks reject and change only the bad files."""
    assert [hook for hook, files in verdict.files.items() if not files] == []
    # README.md differs from a bad file only in capitals.
    healthy = set().union(*verdict.files.values()) - BATCH - {"README.md"}
    assert healthy == set(), verdict.output
    assert verdict.mended <= BATCH


@pytest.mark.one_version
@pytest.mark.parametrize("name", first_month.FILES)
def test_right_file_of_a_first_month_passes(
    first_verdict: Verdict, strictness: str, name: str
) -> None:
    """No hook rejects or changes a right file; strict rules ask more of code alone."""
    code = first_month.SOURCES.keys() | first_month.SCRIPTS.keys()
    refusing = {hook for hook, files in first_verdict.files.items() if name in files}
    if strictness == "strict" and name in code:
        assert refusing <= {"flake8", "mypy-package", "mypy-tests", "shellcheck"}
    else:
        assert refusing == set(), first_verdict.output
    assert name not in first_verdict.mended


@pytest.mark.one_version
def test_strict_rules_can_be_enabled_by_folder(tmp_path: Path) -> None:
    """A folder without its line in `.flake8` is checked by the strict rules."""
    repository = _new_repository(tmp_path, "starter")
    rules = repository / ".flake8"
    line = "    *: ANN, B950, D, DOC\n"
    healthy = rules.read_text()
    assert line in healthy
    rules.write_text(healthy.replace(line, line.replace("*", "tests/*")))
    ours = [BAD_FILES[fault].name for fault in STRICTER]
    others = [f"tests/code/{Path(name).name}" for name in ours]
    for names in (ours, others):
        for name, fault in zip(names, STRICTER, strict=True):
            (repository / name).write_text(BAD_FILES[fault].content)
    git(repository, "add", "--all")
    said = _refusals(_run_hooks(repository, "flake8", "--all-files"))["flake8"]
    assert [name for name in ours if not _names(said, name)] == []
    assert [name for name in others if _names(said, name)] == []


def test_every_hook_is_pinned_and_explained(repository: Path) -> None:
    """Each hook has pinned versions, and each group of hooks has a comment."""
    path = repository / ".pre-commit-config.yaml"
    (source,) = yaml.safe_load(path.read_text())["repos"]
    assert source["repo"] == "local"
    for hook in source["hooks"]:
        if hook["language"] not in ("fail", "pygrep"):  # parts of pre-commit itself
            assert hook["additional_dependencies"], hook["id"]
        for requirement in hook.get("additional_dependencies", []):
            assert re.fullmatch(r"[\w.-]+==\d[\w.]*", requirement), requirement
    groups = path.read_text().partition("    hooks:\n")[2].split("\n\n")
    assert len(groups) > 10
    for group in groups:
        assert group.lstrip().startswith("# "), group


def test_template_and_projects_pin_the_same_versions() -> None:
    """The template and its projects pin the same versions of shared hooks."""
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
