"""Run programs under test, and kill each with all processes that it started.

No limit here is in wall-clock time, which depends on the load of the machine. A hanging
program uses no CPU time; a program in an endless loop exceeds its CPU limit.
"""

import itertools
import os
import resource
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

# A variable that child processes inherit, even those that leave the session or outlive
# their parent.
MARK = "COPIER_ML_TEST"

# CPU seconds of one program: the longest takes less than 100.
MAX_CPU_SECONDS = 1000
# Checks in a row, one a second, without CPU time: downloads wait for half a minute.
MAX_IDLE_LOOKS = 300

_numbers = itertools.count(1)


class Hangs(AssertionError):
    """A program neither ends nor uses CPU time."""


def mark_this_run() -> None:
    """Mark all processes started from here on as part of this test run."""
    os.environ.setdefault(MARK, uuid.uuid4().hex)


def run(
    arguments: Sequence[str],
    folder: Path,
    environ: Mapping[str, str] = os.environ,
    *,
    split: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a program until it ends.

    Args:
        arguments: The program and its arguments.
        folder: Working directory.
        environ: Environment variables.
        split: Capture `stderr` separately.

    Returns:
        Exit status and output.

    Raises:
        Hangs: It neither ended nor used CPU time.
    """
    # Files, not pipes: a pipe stays open while any leftover process holds it.
    with tempfile.TemporaryFile("w+b") as output, tempfile.TemporaryFile("w+b") as rest:
        errors = rest if split else subprocess.STDOUT
        with start(arguments, folder, environ, stdout=output, stderr=errors) as process:
            try:
                wait(process)
            except Hangs as error:
                raise Hangs(f"{error}\n{_read(output)[-6000:]}") from None
        return subprocess.CompletedProcess(
            [*arguments], process.returncode, _read(output), _read(rest)
        )


def run_bash(
    command: str, folder: Path, environ: Mapping[str, str] = os.environ
) -> subprocess.CompletedProcess[str]:
    """Run a shell command; stop at its first failure."""
    return run(["bash", "-euo", "pipefail", "-c", command], folder, environ)


@contextmanager
def start(
    arguments: Sequence[str],
    folder: Path,
    environ: Mapping[str, str] = os.environ,
    **streams: Any,
) -> Iterator[subprocess.Popen[Any]]:
    """Start a program; kill it and all its descendants on exit."""
    mark = f"{os.environ[MARK]}/{os.getpid()}/{next(_numbers)}"
    process = subprocess.Popen(
        arguments,
        cwd=folder,
        env={**environ, MARK: mark},
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # no terminal, whether or not the tests have one
        preexec_fn=_prepare,
        **streams,
    )
    try:
        yield process
    finally:
        end(mark)
        process.kill()  # a new process has no environment for a moment
        process.wait()


def wait(process: subprocess.Popen[Any]) -> None:
    """Wait for a program while it or a descendant uses CPU time.

    Args:
        process: A process from `start`.

    Raises:
        Hangs: None of them uses CPU time.
    """
    used, idle = 0.0, 0
    while True:
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            now = _cpu_seconds(process.pid)
            used, idle = now, 0 if now != used else idle + 1
            if idle >= MAX_IDLE_LOOKS:
                raise Hangs(f"hangs: {process.args!r}") from None
        else:
            return


def end(mark: str) -> list[str]:
    """Kill all processes with a mark.

    Args:
        mark: Mark of one program and its descendants, or of this test run.

    Returns:
        Their command lines.
    """
    ended = {}
    # Repeat until none is left: a process may start another before it is killed.
    while found := [
        process for process in psutil.process_iter() if _has(process, mark)
    ]:
        for process in found:
            try:
                ended[process.pid] = " ".join(process.cmdline())
                process.kill()
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.01)
    return [*ended.values()]


def _prepare() -> None:
    """Restore Ctrl-C, which shells disable for background jobs, and limit CPU time."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS + 10))


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        found = _environ(process).get(MARK, "")
    except psutil.Error:  # of another user, or already ended
        return False
    return f"{found}/".startswith(f"{mark}/") and process.pid != os.getpid()


def _environ(process: psutil.Process) -> dict[str, str]:
    """Return the environment, which a process does not have while it runs `exec`."""
    while True:
        before = process.cmdline()  # is empty or changes then; kernel threads have none
        found = process.environ()
        if found or not process.exe() or (before and before == process.cmdline()):
            return found


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its descendants."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return time.monotonic()  # it has just ended
    total = 0.0
    for member in family:
        try:
            times = member.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def _read(file: Any) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
