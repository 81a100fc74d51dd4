"""What all tests share. Fixtures of your own go into tests/*/conftest.py."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

# Before anything imports torch. Small models are fastest in one thread, and two
# threads on a busy machine can be ten times slower: the usual cause of tests that
# fail now and then.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
# Great Expectations would report its use over the network.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

# These packages contain no tests, and their imports are slow.
collect_ignore = ["tests/helpers", "tests/mutation", "tests/scorecard"]

# Values in failed assertions, also of checks that test files inherit.
pytest.register_assert_rewrite("tests.helpers")
# The fixture `checklist`, exemptions, and the tables that are printed after the run.
pytest_plugins = [
    "tests.helpers.behaviour",
    "tests.helpers.checks",
    "tests.scorecard.plugin",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the sessions `data-docs`, `gpu` and `update-curve`."""
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
    """Skip the examples of a module whose optional package is missing."""
    source = Path(__file__).parent / "src"
    if not isinstance(collector, pytest.File) or source not in collector.path.parents:
        return
    ours = {path.stem for path in source.iterdir()}
    collect = collector.collect

    def collect_or_skip() -> Iterable[pytest.Item | pytest.Collector]:
        try:
            yield from collect()
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in ours:
                raise
            pytest.skip(
                f"{collector.path.name} is not tried without {error.name}",
                allow_module_level=True,
            )
        except SystemExit as error:
            # A script that reads its arguments when it is imported would end pytest.
            raise collector.CollectError(
                f"{collector.path.name} ends Python when it is imported: put what it "
                'does below `if __name__ == "__main__":`'
            ) from error

    collector.collect = collect_or_skip  # type: ignore[method-assign] -- no hook does


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
