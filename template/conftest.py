"""Options and fixtures of all tests. Put your own fixtures into tests/*/conftest.py."""

import os
from pathlib import Path

import pytest

# Set before torch is imported. Small models run fastest in one thread. On a busy
# machine, two threads can be ten times slower, which is the usual cause of flaky
# tests.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
# Without it, Great Expectations sends usage statistics over the network.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

# This package contains no tests, and its imports are slow.
collect_ignore = ["tests/mutation"]

# The fixture `checklist`, and the tables that are printed after the run.
pytest_plugins = ["tests.helpers.behaviour", "tests.helpers.scorecard"]


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
    """Skip tests that need a GPU or a function of `task.py` that is missing."""
    if item.get_closest_marker("task_interface"):
        from tests.helpers.task_interface import skip_without_task

        skip_without_task()
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
    """Folder for the data docs, or None to write none."""
    folder: Path | None = request.config.getoption("--data-docs")
    return folder


@pytest.fixture(scope="session")
def update_curve(request: pytest.FixtureRequest) -> bool:
    """Whether to record the current training curve as the reference."""
    wanted: bool = request.config.getoption("--update-curve")
    return wanted


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    """Set the same seed before each test, so their order does not matter."""
    # Imported here: after the variables above are set.
    from lightning import seed_everything

    seed_everything(1, verbose=False)
