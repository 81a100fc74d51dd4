"""All tasks of the template are nox sessions; `python3 start.py -l` lists them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

from tests import environment

ROOT = Path(__file__).resolve().parent
DEMO = ROOT / "demo"
STARTERS = ("images", "table", "number", "lines")
CONSTRAINTS = ROOT / "constraints.txt"
RELEASES = ROOT / "releases.toml"
OTHER_VERSIONS = ("3.12", "3.13")  # the newest last
# Sessions that run only at night; see CONTRIBUTING.md.
NIGHT = ("night-tests", "versions", "newest", "lowest")
NO_TESTS = 5  # exit status of pytest

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "tests"]


@nox.session
def demo(session: nox.Session) -> None:
    """Generate a project in demo/, train it, and show the results."""
    if DEMO.exists() and _changes(DEMO):
        session.error("demo/ has changes of yours: commit, move or delete them first")
    _project(session, DEMO)
    session.log("installing PyTorch and the rest, about a minute the first time")
    programs = environment.create(DEMO)
    session.chdir(DEMO)
    session.run(str(programs / "nox"), "-s", "train")
    session.log(f"the pictures are in {DEMO / 'runs'}")
    session.log("next: cd demo && source .venv/bin/activate && nox -l")


@nox.session
def lint(session: nox.Session) -> None:
    """Run all hooks of the template on all files."""
    _python(session, "pre_commit", "run", "--all-files", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests of the template except the night tests, as on each push."""
    _pytest(session, sys.executable, *session.posargs)
    _on_other_versions(session, OTHER_VERSIONS[-1:])


@nox.session
def night(session: nox.Session) -> None:
    """Run all night sessions one after the other, and name the failed ones."""
    for part in NIGHT:
        session.notify(part, [])


@nox.session(name="night-tests")
def night_tests(session: nox.Session) -> None:
    """Run the tests that are left out on a push."""
    # A single file may have no night tests.
    some = bool(session.posargs)
    _pytest(session, sys.executable, "--night", *session.posargs, may_be_none=some)


@nox.session
def versions(session: nox.Session) -> None:
    """Run the tests that need no PyTorch on the other versions of Python."""
    _on_other_versions(session, OTHER_VERSIONS)


@nox.session
def newest(session: nox.Session) -> None:
    """Check a new project with the newest versions of all packages."""
    _check_with(session, "highest")


@nox.session
def lowest(session: nox.Session) -> None:
    """Check a new project with the lowest versions that it allows."""
    _check_with(session, "lowest-direct")


@nox.session
def release(session: nox.Session) -> None:
    """Test updates to the last commit and tag it as a version: -- X.Y.Z."""
    if len(session.posargs) != 1 or not re.fullmatch(
        r"\d+\.\d+\.\d+", session.posargs[0]
    ):
        session.error("give the version, such as: python3 start.py release -- 0.2.0")
    (version,) = session.posargs
    if _changes(ROOT):
        session.error("commit everything first: a version is a commit")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    if f"\n## {version}\n" not in changelog or "\n## Unreleased\n" in changelog:
        session.error(
            f'in CHANGELOG.md, "Unreleased" becomes {version}: commit that first'
        )
    commit = _git("rev-parse", "HEAD")
    text = RELEASES.read_text("utf-8")
    if tuple(map(int, version.split("."))) <= _newest_release(text):
        session.error(f"{version} is not above the versions in {RELEASES.name}")
    entry = f'\n[[release]]\nversion = "{version}"\ncommit = "{commit}"\n'
    RELEASES.write_text(text + entry, "utf-8")
    try:
        files = [f"tests/test_{name}.py" for name in ("checks", "releases", "updates")]
        _pytest(session, sys.executable, *files)
        _pytest(session, sys.executable, "--night", *files, may_be_none=True)
    except BaseException:
        RELEASES.write_text(text, "utf-8")
        raise
    _git("tag", "--annotate", f"--message={version}", f"v{version}", commit)
    _git("commit", "--quiet", f"--message=Release {version}", RELEASES.name)
    session.log(f"next: git push --atomic origin main v{version}")


@nox.session
def checks(session: nox.Session) -> None:
    """Write the list of checks on a page of new projects from their docstrings."""
    _python(session, "tools.checks_page")


@nox.session
def digests(session: nox.Session) -> None:
    """Write the digests of managed code, with which projects compare theirs."""
    _python(session, "tools.digests")


@nox.session
def reference(session: nox.Session) -> None:
    """Write docs/reference.md from the sources of generated repositories."""
    _python(session, "tools.reference")


@nox.session
def site(session: nox.Session) -> None:
    """Build the site of the documentation in build/site; a warning is an error."""
    # Supported until May 2027; its successor Zensical reads the same settings.
    session.env["NO_MKDOCS_2_WARNING"] = "1"
    mkdocs = ("--with", "mkdocs-material==9.8.2", "mkdocs", "build", "--strict")
    _python(session, "uv", "run", "--quiet", "--no-project", *mkdocs, *session.posargs)


@nox.session
def gallery(session: nox.Session) -> None:
    """Write docs/gallery.md: files, outputs and pictures of all starters."""
    projects = []
    for starter in STARTERS:
        folder = ROOT / "build" / "gallery" / starter
        projects.append(_project(session, folder, f"starter={starter}"))
        environment.create(projects[-1])
    _python(session, "tools.gallery", *map(str, projects))


@nox.session
def fleet(session: nox.Session) -> None:
    """Report version, edits, state and update of many projects: -- [--try] FOLDER..."""
    _python(session, "tools.fleet", *session.posargs)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Measure the waiting times of a new user; -- updates: what updates lose."""
    if session.posargs == ["updates"]:
        _python(session, "benchmarks.updates")
        return
    project = _project(session, ROOT / "build" / "benchmark" / "project")
    environment.create(project)
    _python(session, "benchmarks.project", str(project))


@nox.session
def production(session: nox.Session) -> None:
    """Train what new projects start with, model and curve: -- [STARTER]..."""
    for starter in session.posargs or STARTERS:
        answers = (f"starter={starter}", "practices=all")
        project = _project(session, ROOT / "build" / "production", *answers)
        # Without .git, the record has no commit of this temporary project.
        shutil.rmtree(project / ".git")
        # Without a production model, the model card has no comparison.
        shutil.rmtree(project / "models", ignore_errors=True)
        session.env["GIT_CEILING_DIRECTORIES"] = str(project.parent)
        nox_there = str(environment.create(project) / "nox")
        with session.chdir(project):
            session.run(nox_there, "-s", "update-curve", "promote")
            session.run(nox_there, "-s", "benchmark", "--", "--accept")
        target = ROOT / "template" / f"{{{{{starter}}}}}"
        shutil.copytree(project / "models", target / "models", dirs_exist_ok=True)
        for name in ("curve.json", "speed.json"):
            shutil.copyfile(
                project / "tests" / "training" / name,
                target / "tests" / "training" / name,
            )


@nox.session
def constraints(session: nox.Session) -> None:
    """Raise constraints.txt to the newest versions that fit together."""
    project = _project(session, ROOT / "build" / "constraints")
    torch = project / "torch.txt"
    # Only this version is raised by hand, because measurements depend on it.
    torch.write_text("torch==2.13.0\n")
    groups = [
        f"--group={path}:dev" for path in ("pyproject.toml", project / "pyproject.toml")
    ]
    answer = session.run(
        *("uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"),
        *("--no-sources", "--python-version=3.11", *groups),
        # As in the settings of projects.
        *("--exclude-newer=7 days", "--exclude-newer-package=torch=false"),
        *(str(project / "pyproject.toml"), str(torch)),
        silent=True,
    )
    header = "".join(CONSTRAINTS.read_text().partition("absl-py")[:1])
    CONSTRAINTS.write_text(
        header + re.sub(r"(?m)^(torch==[\d.]+).*", r"\1", str(answer))
    )


def _on_other_versions(session: nox.Session, versions: Sequence[str]) -> None:
    for version in versions:
        session.log(f"again on Python {version}, without PyTorch")
        venv = ROOT / "build" / f"python-{version}"
        interpreter = _interpreter(version)
        _python(
            session, "uv", "venv", "--quiet", "--clear", f"-p{interpreter}", str(venv)
        )
        # Compile now: many short programs would otherwise compile again.
        install = ("uv", "pip", "install", "--quiet", "--compile-bytecode")
        session.run(
            *install,
            "--constraint",
            "constraints.txt",
            "--group",
            "dev",
            "--python",
            str(venv),
        )
        only = ("-m", "not (environment or one_version)")
        _pytest(session, str(venv / "bin" / "python"), *only, *session.posargs)


def _pytest(
    session: nox.Session, python: str, *options: str, may_be_none: bool = False
) -> None:
    """Run tests; an empty selection is an error unless it is allowed."""
    # One worker more than cores, as programs under test sometimes wait. Keep the order
    # of files from tests/conftest.py instead of sorting by their number of tests.
    workers = min(_cores(), 8) + 1
    parallel = (f"-n{workers}", "--dist=loadfile", "--no-loadscope-reorder")
    good = [0, NO_TESTS] if may_be_none else [0]
    session.run(python, "-m", "pytest", *parallel, *options, success_codes=good)


def _cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_with(session: nox.Session, resolution: str) -> None:
    """Run all checks of a new project with versions resolved without constraints."""
    project = _project(session, ROOT / "build" / resolution, "practices=all")
    programs = environment.create(project, resolution=resolution)
    session.chdir(project)
    activated = environment.activated(programs)
    session.run(str(programs / "nox"), env=activated)
    from tests.projects import toolkit_tests  # it imports Copier

    with toolkit_tests(project) as folder:
        session.run(str(programs / "pytest"), folder, env=activated)


def _project(session: nox.Session, path: Path, *answers: str) -> Path:
    """Generate and commit a project from the working tree of the template."""
    shutil.rmtree(path, ignore_errors=True)
    options = ["--quiet", "--defaults", "--vcs-ref=HEAD"]
    options += [f"--data={answer}" for answer in answers]
    _python(session, "copier", "copy", *options, str(ROOT), str(path))
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", "--message=Start from the template"),
    ):
        session.run("git", "-C", str(path), *arguments)
    return path


def _interpreter(version: str) -> str:
    """Return the Python of pyenv, or the version for uv to install."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    return str(found[-1]) if found else version


def _changes(repository: Path) -> str:
    return _git("status", "--porcelain", folder=repository)


def _newest_release(text: str) -> tuple[int, ...]:
    versions = re.findall(r'^version = "([\d.]+)"$', text, re.MULTILINE)
    return tuple(map(int, versions[-1].split(".")))


def _git(*arguments: str, folder: Path = ROOT) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _python(session: nox.Session, *arguments: str) -> None:
    session.run(sys.executable, "-m", *arguments)
