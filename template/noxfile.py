"""Every task has one name, here; `nox -l` lists them.

Sessions run in the environment that nox itself runs in, the project's: there is
one PyTorch to install and one set of versions to think about.
"""

import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree  # noqa: S405 -- for what pytest wrote

import nox

# That of the project has a toolkit, and others may lie beside it; who has taken these
# sessions alone has none.
PACKAGE = next(
    path.parent.name
    for pattern in ("toolkit", "__init__.py")
    for path in Path(__file__).parent.glob(f"src/*/{pattern}")
)
# Not through the package's own commands, which may be older than these.
TOOLKIT = f"{PACKAGE}.toolkit.cli"
HOOKS = Path(".pre-commit-config.yaml")
RESULTS = Path("build", "tests.xml")
NO_TESTS = 5  # what pytest ends with
# The folder is yours to delete, and nbmake is not installed everywhere.
HAVE_NOTEBOOKS = Path("notebooks").is_dir() and importlib.util.find_spec("nbmake")
NOTEBOOKS = ("--nbmake", "notebooks") if HAVE_NOTEBOOKS else ()

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
        session.skip("this project has no notebooks")
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


@nox.session
def debug(session: nox.Session) -> None:
    """Train with a recipe of configs/debug/: -- NAME [OPTION]; or list all."""
    _python(session, TOOLKIT, "debug", *session.posargs)


@nox.session
def costs(session: nox.Session) -> None:
    """Compare memory and speed of training with recipes: [-- RECIPE ... OPTION ...]."""
    _python(session, TOOLKIT, "costs", *session.posargs)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Compare the speed of training with a loop by hand: [-- --accept] [OPTION ...]."""
    _python(session, TOOLKIT, "benchmark", *session.posargs)


@nox.session
def retrain(session: nox.Session) -> None:
    """Train each file in configs/ that says `retrain: true`; or -- FILE [OPTION]."""
    _python(session, TOOLKIT, "retrain", *session.posargs)


@nox.session
def compare(session: nox.Session) -> None:
    """Judge the newest run beside the production model, suite by suite."""
    _python(session, TOOLKIT, "compare", *session.posargs)


@nox.session
def promote(session: nox.Session) -> None:
    """Train, and make the result the production model."""
    _python(session, PACKAGE, "fit", *session.posargs)
    _python(session, PACKAGE, "promote")


@nox.session
def hard(session: nox.Session) -> None:
    """Collect the hardest examples for review, and make a suite of those reviewed."""
    _python(session, TOOLKIT, "hard", *session.posargs)


@nox.session
def feedback(session: nox.Session) -> None:
    """Ask people about answers of the model in use, and count what is right: -- LOG."""
    _python(session, TOOLKIT, "feedback", *session.posargs)


@nox.session
def slices(session: nox.Session) -> None:
    """Find groups of validation examples on which the model is often wrong."""
    _python(session, TOOLKIT, "slices", *session.posargs)


@nox.session(name="scale-data")
def scale_data(session: nox.Session) -> None:
    """Train with more and more data, and say what twice as much would bring."""
    _python(session, TOOLKIT, "scale-data", *session.posargs)


@nox.session(name="scale-model")
def scale_model(session: nox.Session) -> None:
    """Train larger and larger models, and say what twice the size would bring."""
    _python(session, TOOLKIT, "scale-model", *session.posargs)


@nox.session(name="data-docs")
def data_docs(session: nox.Session) -> None:
    """Write what is expected of the data, and what it is, as a web page."""
    _python(session, "pytest", "tests/data", "--data-docs=build/data-docs")


@nox.session
def scorecard(session: nox.Session) -> None:
    """Run all tests, slow ones too, and count the points of the ML Test Score."""
    everything = ("-m", "slow or not slow", "--scorecard=build")
    _python(session, "pytest", *everything, *session.posargs)


@nox.session
def alarms(session: nox.Session) -> None:
    """Break the project in many ways, and count what the fast tests hear."""
    _python(session, "tests.alarms", *session.posargs)


@nox.session(name="accept-curve")
def accept_curve(session: nox.Session) -> None:
    """Show how the training curve changed, and compare with the new one from now."""
    test = ("tests/training/test_curve.py", "--accept-curve")
    _python(session, "pytest", "-q", *test, *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Ask for known holes in the locked packages and in the workflows."""
    if not shutil.which("uv"):
        session.error("this needs uv: https://docs.astral.sh/uv/")
    session.run("uv", "audit", external=True)
    # Without GH_TOKEN it asks no more than the hook does.
    pin = re.search(r"zizmor==[\w.]+", HOOKS.read_text())
    if pin and Path(".github").is_dir():
        session.run("uvx", pin[0], "--no-progress", ".", external=True)


@nox.session
def drift(session: nox.Session) -> None:
    """Show which files that updates refresh were changed here, and how: -- [FILE]."""
    session.run(sys.executable, "scripts/drift.py", *session.posargs)


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
    return session.run(sys.executable, "-m", *arguments, silent=silent)
