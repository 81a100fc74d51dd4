"""Runs the fast tests once for each change, each time in a fresh copy and process."""

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

from .source_faults import source_trials
from .trials import Run, Trial, all_trials

FOLDER = Path("build", "alarms")
RESULT, FIRED = "result.json", "fired"  # in the folder of a trial
HANGS = 10  # times as long as the healthy tests take


@dataclass(frozen=True)
class Outcome:
    """What the tests said to a change.

    Attributes:
        trial: The change.
        fired: Whether it took effect.
        alarm: The first test that failed, or what else went wrong; empty if none did.
        seconds: That the tests took.
    """

    trial: Trial
    fired: bool
    alarm: str
    seconds: float

    def __str__(self) -> str:
        """Return a line about it."""
        if not self.fired:
            return f"{self.trial.name}: not applicable"
        return f"{self.trial.name}: {self.alarm or 'green'} ({self.seconds:.0f} s)"


class Bench:
    """Runs trials.

    Args:
        jobs: Trials at a time.
        tests: Files and folders of tests to run; all that are fast if empty.
    """

    def __init__(self, jobs: int, tests: Sequence[str] = ()) -> None:
        self.context = multiprocessing.get_context("forkserver")
        # Importing takes longer than most tests, and is the same each time.
        self.context.set_forkserver_preload([f"{__package__}.imports"])
        self.jobs = jobs
        self.tests = [*tests]
        self.heard: Counter[str] = Counter()
        self.limit = 600.0  # seconds, until it is known how long healthy tests take

    def run(self, trials: Sequence[Trial]) -> Iterator[Outcome]:
        """Try all, some at a time, in the order in which they end."""
        running: dict[int, tuple[ForkServerProcess, Trial, float]] = {}
        try:
            yield from self._run([*trials], running)
        finally:
            # After Ctrl-C they would go on.
            for process, *_ in running.values():
                process.kill()

    def _run(
        self,
        waiting: list[Trial],
        running: dict[int, tuple[ForkServerProcess, Trial, float]],
    ) -> Iterator[Outcome]:
        while waiting or running:
            while waiting and len(running) < self.jobs:
                slot = min({*range(self.jobs)} - {*running})
                trial = waiting.pop(0)
                running[slot] = (self._start(slot, trial), trial, time.monotonic())
            connection.wait([one.sentinel for one, *_ in running.values()], timeout=1)
            for slot, (process, trial, start) in [*running.items()]:
                seconds = time.monotonic() - start
                if process.is_alive() and seconds < self.limit:
                    continue
                hung = process.is_alive()
                process.kill()
                process.join()
                del running[slot]
                yield self._outcome(slot, trial, seconds, hung=hung)

    def _start(self, slot: int, trial: Trial) -> ForkServerProcess:
        folder = FOLDER.resolve() / str(slot)
        shutil.rmtree(folder, ignore_errors=True)
        copy = folder / "a copy"  # a space in the path must not matter
        command = ("git", "ls-files", "-z", "-co", "--exclude-standard")
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        for path in done.stdout.split("\0"):
            if path and Path(path).is_file():
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copy / path)
        first = [test for test, _ in self.heard.most_common()]
        process = self.context.Process(
            target=_run, args=(folder, trial.name, first, self.tests)
        )
        process.start()
        return process

    def _outcome(
        self, slot: int, trial: Trial, seconds: float, *, hung: bool
    ) -> Outcome:
        folder = FOLDER / str(slot)
        result = folder / RESULT
        fired = (folder / FIRED).exists()
        if hung or not result.exists():
            what = "the tests hang" if hung else "the process of the tests dies"
            return Outcome(trial, fired, what, seconds)
        facts = json.loads(result.read_text())
        if facts["alarm"]:
            self.heard[facts["alarm"]] += 1
        return Outcome(trial, fired, facts["alarm"], facts["seconds"])


class _Plugin:
    """Runs first what is likely to fail, and keeps what does.

    Args:
        module: Tests with its name, and its examples, come first.
        first: Tests that have raised an alarm before, most often first.
    """

    def __init__(self, module: str, first: list[str]) -> None:
        self.module = module
        files = [test.partition("::")[0] for test in first]
        self.rank = {file: rank for rank, file in reversed([*enumerate(files)])}
        self.alarm = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Change the order of files, not that of the tests of a file."""

        def rank(item: pytest.Item) -> tuple[bool, int, bool]:
            file = item.nodeid.partition("::")[0]
            name = Path(file).stem.removeprefix("test_")
            return (
                not self.module or name != self.module,
                self.rank.get(file, len(self.rank)),
                # Tests of training hear most, and soon.
                "tests/training" not in file,
            )

        items.sort(key=rank)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the first."""
        if report.failed and not self.alarm:
            self.alarm = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A test that cannot be read fails too."""
        if report.failed and not self.alarm:
            self.alarm = report.nodeid


def _run(folder: Path, name: str, first: list[str], tests: list[str]) -> None:
    """Make the change and run the tests, in the process that is there for it."""
    copy, root = folder / "a copy", os.getcwd()
    with (folder / "log.txt").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy / "src")
    # Neither the package nor the tests of the original.
    sys.path[:] = [str(copy / "src"), str(copy)] + [
        path for path in sys.path if path not in ("", root, str(Path(root, "src")))
    ]
    trial = _find(name)
    for module in [one for one in sys.modules if one.partition(".")[0] == "tests"]:
        del sys.modules[module]
    plugin = _Plugin(trial.module, first)
    run = Run(copy, folder / FIRED, tests, [plugin])
    trial.prepare(run)
    start = time.monotonic()
    options = ["--exitfirst", "--quiet", "-p", "no:cacheprovider"]
    status = pytest.main([*options, *run.tests], plugins=run.plugins)
    if status and not plugin.alarm:
        plugin.alarm = f"pytest ends with status {int(status)}"
    facts = {"alarm": plugin.alarm, "seconds": time.monotonic() - start}
    (folder / RESULT).write_text(json.dumps(facts))


def _find(name: str) -> Trial:
    known = all_trials()
    return known.get(name) or {one.name: one for one in source_trials()}[name]
