"""Clones of the template and projects generated from them.

The possible answers are read from `copier.yml`, so new choices are tested at once.
"""

import functools
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import copier
import yaml
from copier.errors import ShallowCloneWarning

from tests import processes
from tests.releases import RELEASES

ROOT = Path(__file__).resolve().parents[1]

# Above every real release, so that Copier uses this one.
VERSION = "v999.0.0"

ANSWERS_FILE = ".copier-answers.yml"

_CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
SETTINGS = {name: value for name, value in _CONFIG.items() if name.startswith("_")}
QUESTIONS = {name: value for name, value in _CONFIG.items() if name not in SETTINGS}
# Questions that a person can answer; Copier computes the others from them.
ANSWERABLE = [name for name in QUESTIONS if QUESTIONS[name].get("when") is not False]


def choices(question: str) -> list[Any]:
    """Return the choices of a question; none if the answer is free text."""
    details = QUESTIONS[question]
    if details["type"] == "bool":
        return [True, False]
    offered = details.get("choices", [])
    return list(offered.values()) if isinstance(offered, dict) else list(offered)


CHOSEN = [name for name in ANSWERABLE if choices(name)]
# Each of these questions changes more than a few words in a project.
SWITCHES = [name for name in CHOSEN if QUESTIONS[name]["type"] == "bool"]
SWITCHES += ["strictness", "practices"]
STARTERS = choices("starter")
# Folders of the template that one starter brings, or several.
STARTER_FOLDERS = [
    name
    for name, question in QUESTIONS.items()
    if question.get("when") is False and "'.' if starter" in question["default"]
]
# A project with these answers has every file of the template.
EVERYTHING: dict[str, Any] = {
    **{name: True for name in SWITCHES if True in choices(name)},
    "practices": "all",
}


def pairs(questions: list[str]) -> list[dict[str, Any]]:
    """Return few sets of answers that cover each pair of answers.

    Faults that need three specific answers are rare, and the full product is large.
    """
    rows = [
        dict(zip(questions, row, strict=True))
        for row in itertools.product(*map(choices, questions))
    ]
    met = [set(itertools.combinations(row.items(), 2)) for row in rows]
    missing = set[Any]().union(*met)
    chosen = []
    while missing:
        best = max(range(len(rows)), key=lambda number: len(met[number] & missing))
        chosen.append(rows[best])
        missing -= met[best]
    return chosen


def label(answers: dict[str, Any]) -> str:
    """Return the test id of a set of answers."""
    return "-".join(str(answer) for answer in answers.values())


def git(folder: Path, *arguments: str, stdin: str = "", succeeds: bool = True) -> str:
    """Run git with a fixed author and date, without hooks."""
    environ = dict(os.environ)
    for role in ("AUTHOR", "COMMITTER"):
        environ[f"GIT_{role}_NAME"] = "Tester"
        environ[f"GIT_{role}_EMAIL"] = "tester@example.org"
        environ[f"GIT_{role}_DATE"] = "2001-01-01T00:00:00Z"
    settings = (f"core.hooksPath={os.devnull}", "commit.gpgSign=no", "tag.gpgSign=no")
    options = [word for setting in settings for word in ("-c", setting)]
    done = subprocess.run(
        ["git", *options, *arguments],
        cwd=folder,
        env=environ,
        input=stdin,
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == succeeds, f"git {arguments}\n{done.stderr}"
    return done.stdout


def commit(repository: Path, message: str, tag: str = "") -> None:
    """Commit all files, including ignored ones."""
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--allow-empty", f"--message={message}")
    if tag:
        git(repository, "tag", "--annotate", f"--message={message}", tag)


@functools.cache
def clone_template() -> Path:
    """Clone the template once, with uncommitted changes.

    Copier could copy the working tree itself, but would record a commit that does not
    exist; and tests must not touch the working tree.
    """
    clone = _lasting_folder() / "template"
    # Without tags: those of the releases are created below.
    git(ROOT, "clone", "--quiet", "--no-tags", str(ROOT), str(clone))
    for release in RELEASES:
        message = f"--message={release.version}"
        git(clone, "tag", "--annotate", message, release.tag, release.commit)
    git(clone, "rm", "-r", "--quiet", "--ignore-unmatch", ".")
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, names.split("\0")):
        if os.path.lexists(ROOT / name):  # not if it was deleted without a commit
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name, follow_symlinks=False)
    commit(clone, "The template as it is here", VERSION)
    return clone


def clone_few(folder: Path, keep: Callable[[str], bool]) -> Path:
    """Clone the template with few files, for tests that generate many projects.

    Args:
        folder: The clone, `template`, is created here.
        keep: Returns whether a file stays, given its path in a project whose package
            is `pkg`. The file with the answers always stays.

    Returns:
        The clone; its newest version is the current one.
    """
    git(folder, "clone", "--quiet", str(clone_template()), "template")
    clone = folder / "template"
    for name in git(clone, "ls-files", "-z", "template").split("\0")[:-1]:
        path = name.removeprefix("template/").removesuffix(".jinja")
        path = path.replace("{{ package_name }}", "pkg")
        path = re.sub(r"^\{\{\w+\}\}/", "", path)  # the folder of a starter
        if "answers_file" not in path and not keep(path):
            (clone / name).unlink()
    commit(clone, "Leave out most files")
    git(clone, "tag", "--force", "--annotate", "--message=Few files", VERSION)
    return clone


@functools.cache
def few_files() -> Path:
    """Clone the template once with a file of each kind, for tests of answers."""
    names = ("README.md", "pyproject.toml", "src/pkg/__init__.py", "noxfile.py")
    return clone_few(_lasting_folder(), lambda path: path in names)


def _lasting_folder() -> Path:
    """Create a temporary folder that exists until the tests end."""
    keeper = tempfile.TemporaryDirectory(prefix="copier-ml-")
    _keepers.append(keeper)
    return Path(keeper.name)


# These objects delete their folders when the tests end.
_keepers: list[tempfile.TemporaryDirectory[str]] = []
# Cache of generated projects by version and answers: the folder and all answers. Many
# tests start with the same project.
_rendered: dict[str, tuple[Path, dict[str, Any]]] = {}


def render(
    destination: Path,
    *,
    source: Path | None = None,
    version: str | None = None,
    pretend: bool = False,
    again: bool = False,
    **answers: Any,
) -> dict[str, Any]:
    """Generate a project; unanswered questions get their defaults, but `practices`.

    Tests look at all practices, unless they say `practices="core"`.

    Args:
        destination: Folder of the project.
        source: A clone of the template other than the one all tests share.
        version: Tag of the version; by default the newest.
        pretend: Only answer the questions, and write nothing.
        again: Run Copier even if the same project is in the cache.
        **answers: By name of the question, as with `--data`.

    Returns:
        All answers, including the computed ones.
    """
    unknown = answers.keys() - QUESTIONS.keys()
    assert not unknown, f"no such question: {unknown}"  # Copier would take any name
    if pretend:
        return _copy(source or few_files(), destination, version, True, answers)
    answers = {"practices": "all", **answers}
    used = destination.exists() and any(destination.iterdir())
    if source or again or used:
        source = source or clone_template()
        return _copy(source, destination, version, False, answers)
    name = repr((version, sorted(answers.items())))
    if name not in _rendered:
        project = _lasting_folder() / "project"
        found = _copy(clone_template(), project, version, False, answers)
        _rendered[name] = project, found
    project, found = _rendered[name]
    shutil.copytree(project, destination, symlinks=True, dirs_exist_ok=True)
    return dict(found)


def _copy(
    source: Path,
    destination: Path,
    version: str | None,
    pretend: bool,
    answers: dict[str, Any],
) -> dict[str, Any]:
    """Run `copier copy` with warnings as errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # those of Copier
        warnings.simplefilter("error", FutureWarning)
        # In a Jinja string; later versions of Python make it an error.
        warnings.filterwarnings("error", "invalid escape sequence")
        warnings.simplefilter("ignore", ShallowCloneWarning)  # depends on our own clone
        worker = copier.run_copy(
            str(source),
            destination,
            data=answers,
            vcs_ref=version,
            defaults=True,
            quiet=True,
            pretend=pretend,
        )
    return dict(worker.answers.combined)


def render_repository(destination: Path, **options: Any) -> Path:
    """Generate a project and commit it, which is a team's first step.

    Args:
        destination: Folder of the project.
        **options: Options of `render`.

    Returns:
        The same folder.
    """
    render(destination, **options)
    git(destination, "init", "--quiet", "--initial-branch=main")
    git(destination, "config", "core.excludesFile", os.devnull)
    git(destination, "add", "--all")
    git(destination, "commit", "--quiet", "--message=Start from the template")
    return destination


def run_copier(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Copier's command line with few environment variables."""
    names = [name for name in os.environ if name.startswith("GIT_CONFIG_")]
    names += ["PATH", "COPIER_SETTINGS_PATH"]
    kept = {name: os.environ[name] for name in names}
    command = [sys.executable, "-m", "copier", *arguments]
    return processes.run(command, folder, {**kept, "HOME": str(folder)}, split=True)


def update(project: Path, *options: str) -> None:
    """Update a project with `copier update`."""
    done = run_copier(project, "update", "--defaults", *options)
    assert done.returncode == 0, done.stderr


def read_commands(project: Path) -> dict[str, dict[str, Any]]:
    """Return the commands and sessions of a project, from its tables of commands."""
    commands: dict[str, dict[str, Any]] = {}
    for path in sorted(project.glob("src/*/toolkit/cli/*.toml")):
        commands |= tomllib.loads(path.read_text("utf-8"))
    return commands


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of each file by path, without the folder `.git`."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != ".git"
    }


def read_answers(project: Path) -> dict[str, Any]:
    """Return the recorded answers of a project."""
    answers: dict[str, Any] = yaml.safe_load(
        (project / ANSWERS_FILE).read_text("utf-8")
    )
    return answers


def write_answer(project: Path, name: str, value: str) -> None:
    """Edit an answer in the file; users should do so only for the address."""
    path = project / ANSWERS_FILE
    line = re.compile(rf"^{name}: .*$", re.MULTILINE)
    path.write_text(line.sub(f"{name}: {value}", path.read_text("utf-8")), "utf-8")
