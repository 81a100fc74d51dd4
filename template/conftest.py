"""What all tests share. Fixtures of your own go into tests/*/conftest.py."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

# Before anything imports torch. Small models are fastest in one thread, and two
# threads on a busy machine can be ten times slower: the usual cause of tests that
# fail now and then.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
# Great Expectations would report its use over the network.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

# These packages contain no tests, and their imports are slow.
collect_ignore = ["tests/helpers", "tests/mutation", "tests/plugins"]
# Notebooks saved as scripts run when they are imported.
collect_ignore_glob = ["notebooks/*.py"]

# Values in failed assertions, also of checks that test files inherit.
pytest.register_assert_rewrite("tests.helpers")
HERE = Path(__file__).parent
SOURCE = HERE / "src"
Collect = Callable[[], Iterable[pytest.Item | pytest.Collector]]
# What only the size `all` has: rooms of the toolkit, and plugins.
LARGER = {"analysis", "performance", "scaling", "serving"} | {"behaviour", "points"}
MODULE: dict[str, Any] = {"allow_module_level": True}
# Exemptions, and what prints a table after the run.
PLUGINS = [
    "tests.helpers.checks",
    *(f"tests.plugins.{file.stem}" for file in sorted(HERE.glob("tests/plugins/*.py"))),
]


def pytest_addoption(
    parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager
) -> None:
    """Add the options of the sessions `data-docs`, `gpu` and `update-curve`."""
    # Not by `pytest_plugins` and `pythonpath`: pytest from the root of a larger
    # repository accepts the first nowhere else, and does not read the second.
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    import tests

    for module in (tests, sys.modules.get(PLUGINS[0])):
        if module and module.__file__ and HERE not in Path(module.__file__).parents:
            raise pytest.UsageError(
                f"run pytest in {HERE}: other tests have the same names as those"
            )
    for name in PLUGINS:
        pluginmanager.import_plugin(name)
    parser.addoption(
        "--data-docs",
        type=Path,
        metavar="FOLDER",
        help="write the data docs (HTML) of the expectation tests to this folder",
    )
    parser.addoption(
        "--need-gpu",
        action="store_true",
        help="without a GPU, fail the tests marked gpu instead of skipping them",
    )
    parser.addoption(
        "--update-curve",
        action="store_true",
        help="record the current training curve as the reference",
    )


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Let no file that cannot be read or imported hide the tests of the others."""
    if isinstance(collector, pytest.File):
        collect = partial(_collect, collector, collector.collect)
        collector.collect = collect  # type: ignore[method-assign]  # no hook does


def _collect(collector: pytest.File, collect: Collect) -> Iterator[Any]:
    """Skip what cannot run here: a notebook in R, a module without its package."""
    file = collector.path
    if room := _absent_room(file):
        pytest.skip(
            f"{file.name} needs {room}, which comes with practices=all", **MODULE
        )
    if language := file.suffix == ".ipynb" and _other_language(file):
        pytest.skip(f"{file.name} is not run, being in {language}", **MODULE)
    before = {*sys.modules}
    try:
        yield from collect()
    except (Exception, SystemExit) as error:
        for name in {*sys.modules} - before:
            parents = Path(getattr(sys.modules[name], "__file__", None) or "").parents
            if SOURCE in parents or HERE / "tests" in parents:
                del sys.modules[name]  # half of a module, which others would import
        if isinstance(error, SystemExit):
            # A script that reads its arguments when it is imported would end pytest.
            raise collector.CollectError(
                f"{file.name} ends Python when it is imported: put what it does below "
                'if __name__ == "__main__":'
            ) from error
        missing = _missing_package(error) if SOURCE in file.parents else None
        if missing is None or file.parent.parent == SOURCE and file.stem == "__init__":
            raise
        name = str(file.relative_to(HERE))
        pytest.skip(f"{name} is not tried without {missing}", **MODULE)


def _absent_room(file: Path) -> str | None:
    """Return what a file imports of the larger size, if this repository lacks it."""
    answers = HERE / ".copier-answers.yml"
    if answers.is_file() and "practices: all" in answers.read_text("utf-8"):
        return None
    imported = r"^[\s\"]*(?:from|import) (\w+\.toolkit|tests\.plugins)\.(\w+)"
    for parent, name in re.findall(imported, file.read_text("utf-8"), re.MULTILINE):
        folder = (HERE if parent == "tests.plugins" else SOURCE) / parent.replace(
            ".", "/"
        )
        # A folder may be left over, with nothing but compiled files in it.
        there = folder / name / "__init__.py", folder / f"{name}.py"
        if name in LARGER and not any(path.is_file() for path in there):
            return f"{parent}.{name}"
    return None


def _other_language(notebook: Path) -> str | None:
    """Return the language of a notebook, unless it is Python, or cannot be read."""
    try:
        metadata = json.loads(notebook.read_text("utf-8"))["metadata"]
        kernel, info = metadata.get("kernelspec", {}), metadata.get("language_info", {})
        language = str(kernel.get("language") or info.get("name") or "python")
    except (ValueError, KeyError, AttributeError):
        return None  # for nbmake to say
    return None if "python" in language.lower() else language


def _missing_package(error: BaseException | None) -> str | None:
    """Return the package that is not installed, if that is why an import failed."""
    while error and not (isinstance(error, ModuleNotFoundError) and error.name):
        error = error.__cause__
    name = getattr(error, "name", None) or ""
    package = name.partition(".")[0]
    packages = [path.name for path in SOURCE.iterdir()]
    # Our own names, well or wrongly spelt, and parts of what is installed are mistakes.
    ours = {"tests", *(path.stem for path in SOURCE.rglob("*.py"))}
    if package in ours or get_close_matches(package, packages, cutoff=0.8):
        return None
    return name if name and find_spec(package) is None else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give a notebook, which is one test, more time than others."""
    if item.path.suffix == ".ipynb":
        item.add_marker(pytest.mark.timeout(900))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests that need a GPU."""
    if item.get_closest_marker("gpu") is None:
        return
    import torch  # after the variables above are set

    if torch.cuda.is_available():
        return
    if item.config.getoption("--need-gpu"):
        # On a GPU runner with a broken driver, skipped tests would look like success.
        pytest.fail("PyTorch finds no GPU here", pytrace=False)
    pytest.skip("PyTorch finds no GPU here")


@pytest.fixture(scope="session")
def data_docs(request: pytest.FixtureRequest) -> Path | None:
    """Where the data docs are wanted, if they are."""
    folder: Path | None = request.config.getoption("--data-docs")
    return folder


@pytest.fixture(scope="session")
def update_curve(request: pytest.FixtureRequest) -> bool:
    """Whether to record the current training curve as the reference."""
    wanted: bool = request.config.getoption("--update-curve")
    return wanted


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    """Start every test from the same seed, in whatever order they run."""
    # Imported here: after the variables above are set.
    from lightning import seed_everything

    seed_everything(1, verbose=False)
