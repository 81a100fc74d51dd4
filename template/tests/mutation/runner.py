"""Runs the fast tests for each change in a new process and copy of the repository."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from .changes import Change, Run, all_changes
from .mutants import mutants

FOLDER = Path("build", "mutation")
RESULT, APPLIED = "result.json", "applied"  # in the folder of each change
HANGS = 10  # timeout, as a multiple of the tests' duration without a change


@dataclass(frozen=True)
class Outcome:
    """The result of the tests for a change.

    Attributes:
        change: The tested change.
        applied: Whether it took effect.
        failed_test: The first failed test or another failure; empty if all passed.
        seconds: Duration of the tests.
    """

    change: Change
    applied: bool
    failed_test: str
    seconds: float

    def __str__(self) -> str:
        """Return the outcome in one line."""
        if not self.applied:
            return f"{self.change.name}: not applicable"
        return (
            f"{self.change.name}: {self.failed_test or 'passed'} ({self.seconds:.0f} s)"
        )


class Runner:
    """Runs the tests for each change.

    Args:
        jobs: Number of changes to test in parallel.
        tests: Files and folders of tests to run; all fast tests if empty.
    """

    def __init__(self, jobs: int, tests: Sequence[str] = ()) -> None:
        self.context = multiprocessing.get_context("forkserver")
        # Imports take longer than most tests, so processes share them.
        self.context.set_forkserver_preload([f"{__package__}.preload"])
        self.jobs = jobs
        self.tests = [*tests]
        self.failures: Counter[str] = Counter()
        self.limit = 600.0  # seconds, until the duration of healthy tests is known

    def run(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Yield the outcome of each change, in the order of completion."""
        running: dict[int, tuple[ForkServerProcess, Change, float]] = {}
        try:
            yield from self._run([*changes], running)
        finally:
            # Otherwise they would continue after Ctrl-C.
            for process, *_ in running.values():
                process.kill()

    def _run(
        self,
        waiting: list[Change],
        running: dict[int, tuple[ForkServerProcess, Change, float]],
    ) -> Iterator[Outcome]:
        while waiting or running:
            while waiting and len(running) < self.jobs:
                slot = min({*range(self.jobs)} - {*running})
                change = waiting.pop(0)
                running[slot] = (self._start(slot, change), change, time.monotonic())
            connection.wait([one.sentinel for one, *_ in running.values()], timeout=1)
            for slot, (process, change, start) in [*running.items()]:
                seconds = time.monotonic() - start
                if process.is_alive() and seconds < self.limit:
                    continue
                hung = process.is_alive()
                process.kill()
                process.join()
                del running[slot]
                yield self._outcome(slot, change, seconds, hung=hung)

    def _start(self, slot: int, change: Change) -> ForkServerProcess:
        folder = FOLDER.resolve() / str(slot)
        shutil.rmtree(folder, ignore_errors=True)
        copy = folder / "a copy"  # tests should pass in a path with a space
        command = ("git", "ls-files", "-z", "-co", "--exclude-standard")
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        for path in done.stdout.split("\0"):
            if path and Path(path).is_file():
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copy / path)
        first = [test for test, _ in self.failures.most_common()]
        process = self.context.Process(
            target=_run, args=(folder, change.name, first, self.tests)
        )
        process.start()
        return process

    def _outcome(
        self, slot: int, change: Change, seconds: float, *, hung: bool
    ) -> Outcome:
        folder = FOLDER / str(slot)
        result = folder / RESULT
        applied = (folder / APPLIED).exists()
        if hung or not result.exists():
            what = "the tests hang" if hung else "the process of the tests crashes"
            return Outcome(change, applied, what, seconds)
        facts = json.loads(result.read_text())
        if facts["failed_test"]:
            self.failures[facts["failed_test"]] += 1
        return Outcome(change, applied, facts["failed_test"], facts["seconds"])


class _Plugin:
    """Runs tests that are likely to fail first, and records the first failure.

    Args:
        module: Tests with its name, and its doctests, run first.
        first: Tests that failed for other changes, the most frequent first.
    """

    def __init__(self, module: str, first: list[str]) -> None:
        self.module = module
        files = [test.partition("::")[0] for test in first]
        self.rank = {file: rank for rank, file in reversed([*enumerate(files)])}
        self.failed_test = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Change the order of files, but not of the tests in a file."""

        def rank(item: pytest.Item) -> tuple[bool, int, bool]:
            file = item.nodeid.partition("::")[0]
            name = Path(file).stem.removeprefix("test_")
            return (
                not self.module or name != self.module,
                self.rank.get(file, len(self.rank)),
                # Training tests catch most faults.
                "tests/training" not in file,
            )

        items.sort(key=rank)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the first failure."""
        if report.failed and not self.failed_test:
            self.failed_test = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a collection error as a failure."""
        if report.failed and not self.failed_test:
            self.failed_test = report.nodeid


def _run(folder: Path, name: str, first: list[str], tests: list[str]) -> None:
    """Make the change and run the tests, in a separate process."""
    copy, root = folder / "a copy", os.getcwd()
    with (folder / "log.txt").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy / "src")
    # Without package and tests of the original repository.
    sys.path[:] = [str(copy / "src"), str(copy)] + [
        path for path in sys.path if path not in ("", root, str(Path(root, "src")))
    ]
    change = _find(name)
    for module in [one for one in sys.modules if one.partition(".")[0] == "tests"]:
        del sys.modules[module]
    plugin = _Plugin(change.module, first)
    run = Run(copy, folder / APPLIED, tests, [plugin])
    change.apply(run)
    start = time.monotonic()
    options = ["--exitfirst", "--quiet", "-p", "no:cacheprovider"]
    status = pytest.main([*options, *run.tests], plugins=run.plugins)
    if status and not plugin.failed_test:
        plugin.failed_test = f"pytest ends with status {int(status)}"
    facts = {"failed_test": plugin.failed_test, "seconds": time.monotonic() - start}
    (folder / RESULT).write_text(json.dumps(facts))


def _find(name: str) -> Change:
    known = all_changes()
    return known.get(name) or {one.name: one for one in mutants()}[name]
