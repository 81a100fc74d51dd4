"""Runs the fast tests for each change in a new process and copy of the repository."""

import json
import multiprocessing
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from .changes import EDIT, Change, Run, all_changes
from .mutants import mutants
from .patches import package

FOLDER = Path("build", "mutation")
RESULT, APPLIED = "result.json", "applied"  # in the folder of each change
HANG = "the tests hang"
HANGS = 10  # timeout, as a multiple of the tests' duration without a change
# Imports take longer than most tests, so the processes share them. Not every project
# uses all of them; the server of the processes passes over those that are missing.
SHARED_IMPORTS = (
    "lightning.pytorch.cli",
    "torch.utils.flop_counter",
    "great_expectations",
    "matplotlib.pyplot",
    "pandas",
    "sklearn.datasets",
    "sklearn.model_selection",
    "tensorboard",
)
RECIPES = ("fast", "overfit", "shapes")
CURVE = ("pytest", "-q", "tests/training/test_curve.py", "--update-curve")


@dataclass(frozen=True)
class Outcome:
    """The result of the tests for a change.

    Attributes:
        change: The tested change.
        applied: Whether it took effect.
        failed_test: The first failed test or another failure; empty if all passed. If
            the change was accepted, that of the tests after it.
        seconds: Duration of the tests.
        before: The first failed test before the change was accepted.
    """

    change: Change
    applied: bool
    failed_test: str
    seconds: float
    before: str = ""

    def __str__(self) -> str:
        """Return the outcome in one line."""
        if not self.applied:
            return f"{self.change.name}: not applicable"
        accepted = f"{self.before}; accepted: " if self.before else ""
        return (
            f"{self.change.name}: {accepted}{self.failed_test or 'passed'} "
            f"({self.seconds:.0f} s)"
        )


class Runner:
    """Runs the tests for each change.

    Args:
        jobs: Number of changes to test in parallel.
        tests: Files and folders of tests to run; all fast tests if empty.
        accept: Whether to accept each change that the tests catch, and test it again.
    """

    def __init__(
        self, jobs: int, tests: Sequence[str] = (), *, accept: bool = False
    ) -> None:
        # Set before PyTorch is imported, as in conftest.py.
        os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([*SHARED_IMPORTS])
        self.jobs = jobs
        self.accept = accept
        self.tests = [*tests]
        self.failures: Counter[str] = Counter()
        # Seconds, until the durations without a change are known.
        self.limit = self.accept_limit = 600.0

    def run(self, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Yield the outcome of each change, in the order of completion."""
        running: dict[int, tuple[ForkServerProcess, Change, float]] = {}
        try:
            yield from self._run([*changes], running)
        finally:
            # Otherwise they would continue after Ctrl-C.
            for process, *_ in running.values():
                _kill(process)

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
                accepts = self.accept or change.level == EDIT
                limit = self.accept_limit if accepts else self.limit
                if process.is_alive() and seconds < limit:
                    continue
                hung = process.is_alive()
                _kill(process)
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
            target=_run, args=(folder, change.name, first, self.tests, self.accept)
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
            what = HANG if hung else "the process of the tests crashes"
            return Outcome(change, applied, what, seconds)
        facts = json.loads(result.read_text())
        if facts["failed_test"]:
            self.failures[facts["failed_test"]] += 1
        return Outcome(change, applied, **facts)


def _kill(process: ForkServerProcess) -> None:
    """End a process and its children."""
    with suppress(ProcessLookupError):  # it has ended, or has not begun
        assert process.pid
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()


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


def _run(
    folder: Path, name: str, first: list[str], tests: list[str], accept: bool
) -> None:
    """Make the change and run the tests, in a separate process."""
    copy, root = folder / "a copy", os.getcwd()
    with (folder / "log.txt").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.chdir(copy)
    # Data loaders start their workers as usual, not as this process was started.
    multiprocessing.set_start_method(None, force=True)
    os.environ["PYTHONPATH"] = str(copy / "src")
    # Without package and tests of the original repository.
    sys.path[:] = [str(copy / "src"), str(copy)] + [
        path for path in sys.path if path not in ("", root, str(Path(root, "src")))
    ]
    os.setsid()  # to be killed with its children
    change = _find(name)
    for module in [one for one in sys.modules if one.partition(".")[0] == "tests"]:
        del sys.modules[module]
    run = Run(copy, folder / APPLIED, tests)
    change.apply(run)
    start = time.monotonic()
    failed, before = _first_failure(run, change, first, folder), ""
    if run.mark.exists() and (change.level == EDIT or (failed and accept)):
        before = failed
        failed = _accept(run, healthy=change.level == EDIT)
        failed = failed or _first_failure(run, change, first, folder)
    facts = {"failed_test": failed, "seconds": time.monotonic() - start}
    (folder / RESULT).write_text(json.dumps(facts | {"before": before}))


def _first_failure(run: Run, change: Change, first: list[str], folder: Path) -> str:
    """Run the tests in a child of this process, and return the first that fails."""
    report = folder / "first-failure.txt"
    report.write_text("")

    def test() -> int:
        plugin = _Plugin(change.module, first)
        options = ["--exitfirst", "--quiet", "-p", "no:cacheprovider"]
        status = pytest.main([*options, *run.tests], plugins=[plugin, *run.plugins])
        report.write_text(plugin.failed_test)
        return int(status)

    status = _in_child(test)
    failed = report.read_text()
    return failed if failed or not status else f"pytest ends with status {status}"


def _accept(run: Run, *, healthy: bool) -> str:
    """Accept the change as a team would, and return the first command that fails."""
    commands = [("fit", *run.options), ("compare",), ("promote",), CURVE]
    if healthy:
        recipes = (f"--config=configs/debug/{name}.yaml" for name in RECIPES)
        commands += [("fit", recipe, *run.options) for recipe in recipes]
    for name, *arguments in commands:
        module = name if name == "pytest" else f"{package()}.toolkit.cli"
        given = [*arguments] if name == "pytest" else [name, *arguments]
        if _in_child(partial(_run_module, module, given)):
            return " ".join([name, *arguments])
    return ""


def _in_child(function: Callable[[], int]) -> int:
    """Call a function in a child, which has the change, and return its result."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        status = function()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _run_module(name: str, arguments: list[str]) -> int:
    """Run a module as `python -m` does."""
    sys.argv = [name, *arguments]
    runpy.run_module(name, run_name="__main__", alter_sys=True)
    return 0


def _find(name: str) -> Change:
    known = all_changes()
    return known.get(name) or {one.name: one for one in mutants()}[name]
