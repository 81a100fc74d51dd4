"""Every task has one name, here; `nox -l` lists them.

Sessions run in the environment that nox itself runs in, the project's: there is
one PyTorch to install and one set of versions to think about.
"""

import importlib.util
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # noqa: S405 -- for what pytest wrote

import nox

SOURCE = Path(__file__).parent / "src"
# The package with the toolkit, if there are several; a repository that has adopted
# these sessions alone has no toolkit.
PACKAGE = next(
    path.relative_to(SOURCE).parts[0]
    for pattern in ("toolkit/interface.py", "toolkit", "__init__.py")
    for path in sorted(SOURCE.glob(f"*/{pattern}"))
)
# Not the `__main__` of the package, which the team owns and may have changed.
TOOLKIT = f"{PACKAGE}.toolkit.cli"
COMMANDS = SOURCE / PACKAGE / "toolkit" / "cli"  # tables of them
HOOKS = Path(".pre-commit-config.yaml")
RESULTS = Path("build", "tests.xml")
NO_TESTS = 5  # what pytest ends with
# The folder is yours to delete, and nbmake is not installed everywhere.
HAVE_NOTEBOOKS = Path("notebooks").is_dir() and importlib.util.find_spec("nbmake")
# By the project's Python, whatever the kernel was called where a notebook was saved.
NBMAKE = ("--nbmake", "--nbmake-kernel=python3", "notebooks")
NOTEBOOKS = NBMAKE if HAVE_NOTEBOOKS else ()

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "typecheck", "tests", "notebooks"]


@nox.session
def lint(session: nox.Session) -> None:
    """Run all hooks on all files."""
    command = ("git", "rev-parse", "--show-prefix")
    if str(session.run(*command, silent=True, external=True)).strip():
        # There they would look at other files, or at none, and say that all is well.
        session.error(
            "the hooks are for a whole repository, and this is a folder of one; the "
            "other sessions work here"
        )
    _python(session, "pre_commit", "run", "--all-files", *session.posargs)


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check types with all packages at hand: the hooks see only ours."""
    _python(session, "mypy", "src")
    _python(session, "mypy", "tests")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the fast tests: code, data, training and model."""
    # Tests of a file stay together, as they share its fixtures. Each process imports
    # everything once more, so a few are enough. With options one looks for something:
    # a debugger and prints need a single process.
    parallel = ("--numprocesses=logical", "--maxprocesses=4", "--dist=loadfile")
    _python(session, "pytest", *(session.posargs or parallel))


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests marked slow, which all others leave out."""
    # A project without slow tests is no reason for a red night.
    command = ("pytest", "-m", "slow", *session.posargs)
    session.run(sys.executable, "-m", *command, success_codes=[0, NO_TESTS])


@nox.session
def gpu(session: nox.Session) -> None:
    """Run the tests that need a GPU; without one they fail."""
    _python(session, "pytest", "-m", "gpu", "--need-gpu", *session.posargs)


@nox.session
def notebooks(session: nox.Session) -> None:
    """Run the notebooks from top to bottom."""
    if not NOTEBOOKS:
        missing = "package nbmake" if Path("notebooks").is_dir() else "folder notebooks"
        session.skip(f"there is no {missing}")
    _python(session, "pytest", *NOTEBOOKS, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure what tests and notebooks run, subprocesses included."""
    _python(
        session,
        *("pytest", f"--junit-xml={RESULTS}"),
        *("--cov", "--cov-report=term", "--cov-report=xml:build/coverage.xml"),
        *("src", "tests", *NOTEBOOKS),
        *session.posargs,
    )


@nox.session
def summary(session: nox.Session) -> None:
    """Add the results of `coverage` to a file, as Markdown: -- FILE."""
    if not session.posargs or not RESULTS.exists():
        session.error("run nox -s coverage first, then nox -s summary -- FILE")
    cases = [*ElementTree.parse(RESULTS).iter("testcase")]  # noqa: S314 -- as above
    bad = [case for case in cases if {"error", "failure"} & {part.tag for part in case}]
    lines = [f"## {len(cases)} tests, {len(bad)} failed", ""]
    lines += [f"- `{case.get('classname')}.{case.get('name')}`" for case in bad]
    report = ("coverage", "report", "--format=markdown")
    lines += ["", "## Coverage", "", str(_python(session, *report, silent=True))]
    with Path(session.posargs[0]).open("a") as file:
        file.write("\n".join(lines))


@nox.session
def train(session: nox.Session) -> None:
    """Train, then evaluate the best checkpoint on the test data."""
    _python(session, PACKAGE, "fit", *session.posargs)
    _python(session, PACKAGE, "test")


def _pass_on(name: str, command: dict[str, Any]) -> None:
    """Make a session of a command of the toolkit, or of another module."""

    def session(session: nox.Session) -> None:
        _python(session, *command.get("run", (TOOLKIT, name)), *session.posargs)

    text = command["help"]
    session.__doc__ = f"{text[0].upper()}{text[1:]}: -- {command['session']}"
    nox.session(session, name=name)


# Read as data, because importing the package takes seconds.
commands: dict[str, dict[str, Any]] = {}
for path in sorted(COMMANDS.glob("*.toml")):
    commands |= tomllib.loads(path.read_text("utf-8"))
for name, command in commands.items():
    if "session" in command:
        _pass_on(name, command)


@nox.session
def promote(session: nox.Session) -> None:
    """Train, and make the result the production model unless it is worse."""
    _python(session, PACKAGE, "fit", *session.posargs)
    _python(session, PACKAGE, "promote")


@nox.session(name="data-docs")
def data_docs(session: nox.Session) -> None:
    """Write what is expected of the data, and what it is, as a web page."""
    _python(session, "pytest", "tests/data", "--data-docs=build/data-docs")


@nox.session(name="update-curve")
def update_curve(session: nox.Session) -> None:
    """Show how the training curve has changed, and update the recorded one."""
    test = ("tests/training/test_curve.py", "--update-curve")
    _python(session, "pytest", "-q", *test, *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Look for known vulnerabilities in the locked packages and in the workflows."""
    if not shutil.which("uv"):
        session.error("this needs uv: https://docs.astral.sh/uv/")
    session.run("uv", "audit", external=True)
    # Without GH_TOKEN it asks no more than the hook does.
    pin = re.search(r"zizmor==[\w.]+", HOOKS.read_text())
    if pin and Path(".github").is_dir():
        session.run("uvx", pin[0], "--no-progress", ".", external=True)


@nox.session(name="template-diff")
def template_diff(session: nox.Session) -> None:
    """Show how managed files differ from the template: -- [--check] [FILE ...]."""
    session.run(sys.executable, "scripts/template_diff.py", *session.posargs)


@nox.session(name="update-pins")
def update_pins(session: nox.Session) -> None:
    """Raise each version that the hooks name to the newest release."""
    text = HOOKS.read_text()
    names = sorted(set(re.findall(r"([\w.-]+)==", text)))
    newest = _newest(session, names)
    for name in names:
        text = re.sub(rf"(?<![\w.-]){re.escape(name)}==[\w.]+", newest[name], text)
    HOOKS.write_text(text)
    session.log("look at the change with git diff, then run nox -s lint")


def _newest(session: nox.Session, names: list[str]) -> dict[str, str]:
    """Ask the package index, through uv or pip, and return `name==version` by name."""
    if shutil.which("uv"):
        names_file = Path(session.create_tmp(), "names.txt")
        names_file.write_text("\n".join(names))
        command = ("uv", "pip", "compile", "--no-deps", "--no-annotate", "--no-header")
        answer = session.run(*command, "--quiet", str(names_file), silent=True)
        lines = str(answer).split()
    else:
        command = ("pip", "install", "--dry-run", "--quiet", "--report=-", "--no-deps")
        answer = _python(session, *command, "--ignore-installed", *names, silent=True)
        found = [item["metadata"] for item in json.loads(str(answer))["install"]]
        lines = [f"{item['name']}=={item['version']}" for item in found]
    pins = {_normal(line.partition("==")[0]): line.partition("==")[2] for line in lines}
    return {name: f"{name}=={pins[_normal(name)]}" for name in names}


def _normal(name: str) -> str:
    """Return the one spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _python(session: nox.Session, *arguments: str, silent: bool = False) -> object:
    module = arguments[0].partition(".")[0]
    if importlib.util.find_spec(module) is None and not Path(module).is_dir():
        session.error(
            f"nox runs in {sys.prefix}, which has no {module}: take the environment of "
            "this project, by source .venv/bin/activate, or by uv run nox"
        )
    return session.run(sys.executable, "-m", *arguments, silent=silent)
