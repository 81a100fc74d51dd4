"""What all tests share. Fixtures of your own go into tests/*/conftest.py."""

import os
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
