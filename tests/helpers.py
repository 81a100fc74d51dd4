"""Copies of the template and projects made from them.

What the answers can be is read from `copier.yml`: a new choice is tested from the day
it is added.
"""

import functools
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
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

# Above every real release, so that Copier takes this one.
VERSION = "v999.0.0"

ANSWERS_FILE = ".copier-answers.yml"

_CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
SETTINGS = {name: value for name, value in _CONFIG.items() if name.startswith("_")}
QUESTIONS = {name: value for name, value in _CONFIG.items() if name not in SETTINGS}
# Those that a person can answer; the others are worked out from them.
ANSWERABLE = [name for name in QUESTIONS if QUESTIONS[name].get("when") is not False]


def choices(question: str) -> list[Any]:
    """Return the answers to choose from; none if the answer is free."""
    details = QUESTIONS[question]
    if details["type"] == "bool":
        return [True, False]
    offered = details.get("choices", [])
    return list(offered.values()) if isinstance(offered, dict) else list(offered)


CHOSEN = [name for name in ANSWERABLE if choices(name)]
# Each of them changes more than a few words in a project.
SWITCHES = [name for name in CHOSEN if QUESTIONS[name]["type"] == "bool"]
SWITCHES.append("strictness")
# Every file that there can be is in a project with these answers.
EVERYTHING: dict[str, Any] = {name: True for name in SWITCHES if True in choices(name)}


def pairs(questions: list[str]) -> list[dict[str, Any]]:
    """Return few sets of answers in which each two answers meet.

    A fault that takes three certain answers at once is rare, and all products of
    answers are many.
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
    """Name a set of answers in a list of tests."""
    return "-".join(str(answer) for answer in answers.values())


def git(folder: Path, *arguments: str, stdin: str = "", succeeds: bool = True) -> str:
    """Run git as nobody in particular, at no particular time, without hooks."""
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
    """Commit everything there is, ignored or not."""
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--allow-empty", f"--message={message}")
    if tag:
        git(repository, "tag", "--annotate", f"--message={message}", tag)


@functools.cache
def clone_template() -> Path:
    """Clone the template once, with the changes that are not committed yet.

    Copier could take the working tree itself, but would record a commit that exists
    nowhere; and tests have no business in the working tree.
    """
    clone = _lasting_folder() / "template"
    # Without tags, as those of the releases are made, and none of ours is newer.
    git(ROOT, "clone", "--quiet", "--no-tags", str(ROOT), str(clone))
    for release in RELEASES:
        message = f"--message={release.version}"
        git(clone, "tag", "--annotate", message, release.tag, release.commit)
    git(clone, "rm", "-r", "--quiet", "--ignore-unmatch", ".")
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, names.split("\0")):
        if os.path.lexists(ROOT / name):  # else it was deleted and not committed
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name, follow_symlinks=False)
    commit(clone, "The template as it is here", VERSION)
    return clone


def clone_few(folder: Path, keep: Callable[[str], bool]) -> Path:
    """Clone the template with few of its files, for tests that make many projects.

    Args:
        folder: Gets the clone, `template`.
        keep: Tells of a file, by its path in a project whose package is `pkg`, whether
            it stays. The one with the answers always does.

    Returns:
        The clone; its newest version is today's.
    """
    git(folder, "clone", "--quiet", str(clone_template()), "template")
    clone = folder / "template"
    for name in git(clone, "ls-files", "-z", "template").split("\0")[:-1]:
        path = name.removeprefix("template/").removesuffix(".jinja")
        path = path.replace("{{ package_name }}", "pkg")
        if "answers_file" not in path and not keep(path):
            (clone / name).unlink()
    commit(clone, "Leave out most files")
    git(clone, "tag", "--force", "--annotate", "--message=Few files", VERSION)
    return clone


@functools.cache
def few_files() -> Path:
    """Clone the template with a file of each kind, for tests of answers; once."""
    names = ("README.md", "pyproject.toml", "src/pkg/__init__.py", "noxfile.py")
    return clone_few(_lasting_folder(), lambda path: path in names)


def _lasting_folder() -> Path:
    """Make a folder that lasts until the tests end."""
    keeper = tempfile.TemporaryDirectory(prefix="copier-ml-")
    _keepers.append(keeper)
    return Path(keeper.name)


# They delete their folders when the tests end.
_keepers: list[tempfile.TemporaryDirectory[str]] = []
# What was made from the template that all tests share, by version and answers: the
# folder and all answers. Many tests begin with the same project.
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
    """Make a project; what is not answered gets its default.

    Args:
        destination: Where the project goes.
        source: A clone of the template other than the one all tests share.
        version: Its tag; by default the newest.
        pretend: Only answer the questions, and write nothing.
        again: Let Copier do its work, even if it has made the same project before.
        **answers: By name of the question, as with `--data`.

    Returns:
        All answers, also those that were worked out.
    """
    unknown = answers.keys() - QUESTIONS.keys()
    assert not unknown, f"no such question: {unknown}"  # Copier would take any name
    if pretend:
        return _copy(source or few_files(), destination, version, True, answers)
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
    """Run `copier copy`, in which each warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # all of Copier's are
        warnings.simplefilter("error", FutureWarning)
        # In a Jinja string; an error in some later version of Python.
        warnings.filterwarnings("error", "invalid escape sequence")
        warnings.simplefilter("ignore", ShallowCloneWarning)  # of how we were cloned
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
    """Make a project and commit it, as its team will do first.

    Args:
        destination: Where the project goes.
        **options: As of `render`.

    Returns:
        The same place.
    """
    render(destination, **options)
    git(destination, "init", "--quiet", "--initial-branch=main")
    git(destination, "config", "core.excludesFile", os.devnull)
    git(destination, "add", "--all")
    git(destination, "commit", "--quiet", "--message=Start from the template")
    return destination


def run_copier(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Copier as people do, but with few variables set."""
    names = [name for name in os.environ if name.startswith("GIT_CONFIG_")]
    names += ["PATH", "COPIER_SETTINGS_PATH"]
    kept = {name: os.environ[name] for name in names}
    command = [sys.executable, "-m", "copier", *arguments]
    return processes.run(command, folder, {**kept, "HOME": str(folder)}, split=True)


def update(project: Path, *options: str) -> None:
    """Update a project with `copier update`."""
    done = run_copier(project, "update", "--defaults", *options)
    assert done.returncode == 0, done.stderr


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of each file but git's own, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != ".git"
    }


def read_answers(project: Path) -> dict[str, Any]:
    """Return the answers that a project was made from."""
    answers: dict[str, Any] = yaml.safe_load(
        (project / ANSWERS_FILE).read_text("utf-8")
    )
    return answers


def write_answer(project: Path, name: str, value: str) -> None:
    """Edit an answer by hand, as people should not, but for the address."""
    path = project / ANSWERS_FILE
    line = re.compile(rf"^{name}: .*$", re.MULTILINE)
    path.write_text(line.sub(f"{name}: {value}", path.read_text("utf-8")), "utf-8")
