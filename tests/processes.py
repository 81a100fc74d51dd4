"""Programs under test: each is watched, and is ended with everything it started.

No limit here is in seconds of a clock, which a busy machine stretches at will. What
hangs uses no processor at all; what runs in circles uses it up.
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

# In the environment of each program, and so of each that it starts itself, even of
# those that leave its session or outlive it.
MARK = "COPIER_ML_TEST"

# Of one program, in seconds of the processor: the longest takes less than 100.
MAX_CPU_SECONDS = 1000
# How many looks, one a second, find no work done: downloads wait for half a minute.
MAX_IDLE_LOOKS = 300

_numbers = itertools.count(1)


class Hangs(AssertionError):
    """A program that neither ends nor works."""


def mark_this_run() -> None:
    """Give what is started from here on the mark of this run of the tests."""
    os.environ.setdefault(MARK, uuid.uuid4().hex)


def run(
    arguments: Sequence[str],
    folder: Path,
    environ: Mapping[str, str] = os.environ,
    *,
    split: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end.

    Args:
        arguments: The program and its arguments.
        folder: Where it runs.
        environ: The variables it sees.
        split: Keep what it prints as errors apart, in `stderr`.

    Returns:
        Its exit status and what it printed.

    Raises:
        Hangs: It neither ended nor worked.
    """
    # Files, not pipes: a pipe is open for as long as any leftover holds it.
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
    """Run a command as a person types it, up to its first failure."""
    return run(["bash", "-euo", "pipefail", "-c", command], folder, environ)


@contextmanager
def start(
    arguments: Sequence[str],
    folder: Path,
    environ: Mapping[str, str] = os.environ,
    **streams: Any,
) -> Iterator[subprocess.Popen[Any]]:
    """Start a program, and end it and all its descendants on the way out."""
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
        process.kill()  # one that has just begun has no environment for a moment
        process.wait()


def wait(process: subprocess.Popen[Any]) -> None:
    """Wait for a program's end for as long as it or a descendant works.

    Args:
        process: It was started with `start`.

    Raises:
        Hangs: They do not.
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
    """End all programs with a mark.

    Args:
        mark: Of one program with its descendants, or of this run of the tests.

    Returns:
        Their command lines.
    """
    ended = {}
    # Again, until none is left: one that is being ended may start another.
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
    """Undo in a new process what shells do to those in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS + 10))


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        found = process.environ().get(MARK, "")
    except psutil.Error:  # of somebody else, or gone
        return False
    return f"{found}/".startswith(f"{mark}/") and process.pid != os.getpid()


def _cpu_seconds(pid: int) -> float:
    """Return how long a process and its descendants have kept the processor busy."""
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
