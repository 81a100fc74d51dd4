"""Programs under test are killed with all children; limits are in CPU time."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import processes

pytestmark = pytest.mark.one_version

ENDLESS_LOOP = [sys.executable, "-c", "while True: pass"]


@pytest.fixture
def in_the_background() -> Iterator[None]:
    """Ignore Ctrl-C in these tests, as a shell does for background jobs."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def _running(text: str) -> bool:
    everything = psutil.process_iter(["cmdline"])
    return any(text in " ".join(p.info["cmdline"] or ()) for p in everything)


@pytest.mark.usefixtures("in_the_background")
def test_programs_receive_ctrl_c(tmp_path: Path) -> None:
    """Programs receive Ctrl-C even if the tests run in the background."""
    program = "import signal; print(signal.getsignal(signal.SIGINT).__name__)"
    done = processes.run([sys.executable, "-c", program], tmp_path)
    assert done.stdout == "default_int_handler\n"


def test_output_is_captured(tmp_path: Path) -> None:
    """Output and errors are captured together, or separately with `split`."""
    command = ["bash", "-c", "echo out; echo err >&2; exit 3"]
    done = processes.run(command, tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("out\nerr\n", "", 3)
    done = processes.run(command, tmp_path, split=True)
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 3)


def test_leftover_processes_are_killed(tmp_path: Path) -> None:
    """A child that has left the session and lost its parent is killed."""
    done = processes.run_bash("setsid sleep 98761 & echo started", tmp_path)
    assert done.stdout == "started\n"
    assert not _running("sleep 98761")


def test_failing_test_kills_its_programs(tmp_path: Path) -> None:
    """An exception in a test kills the programs that the test has started."""
    command = ["sleep", "98762"]
    with pytest.raises(KeyError), processes.start(command, tmp_path) as process:
        # A new process has no command line for a moment.
        while not psutil.Process(process.pid).cmdline():
            time.sleep(0.01)
        assert _running("sleep 98762")
        raise KeyError
    assert not _running("sleep 98762")


def test_hanging_program_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program without CPU time is killed; the error shows its output so far."""
    monkeypatch.setattr(processes, "MAX_IDLE_LOOKS", 2)
    with pytest.raises(processes.Hangs, match=r"sleep 98763(.|\n)*so far"):
        processes.run_bash("echo so far; sleep 98763", tmp_path)
    assert not _running("sleep 98763")


def test_busy_program_is_not_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program is not killed while a descendant uses CPU time."""
    monkeypatch.setattr(processes, "MAX_IDLE_LOOKS", 2)
    program = "import time\nwhile time.process_time() < 4: pass"
    command = ["bash", "-c", '"$@"; true', "bash", sys.executable, "-c", program]
    assert processes.run(command, tmp_path).returncode == 0


def test_endless_loop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in an endless loop is killed at its limit of CPU time."""
    monkeypatch.setattr(processes, "MAX_CPU_SECONDS", 1)
    assert processes.run(ENDLESS_LOOP, tmp_path).returncode == -signal.SIGXCPU


CARELESS = """
import subprocess
from pathlib import Path
from tests import processes

def test_careless():
    subprocess.Popen(["sleep", "98764"], start_new_session=True)

def test_waits():
    processes.run(["sleep", "98765"], Path.cwd())
"""


@pytest.fixture
def careless(tmp_path: Path) -> Path:
    """A folder with tests that leave programs running, and our conftest."""
    (tmp_path / "tests").mkdir()
    ours = Path(__file__).parent
    for helper in set(ours.glob("*.py")) - set(ours.glob("test_*.py")):
        shutil.copy(helper, tmp_path / "tests")
    (tmp_path / "tests" / "test_it.py").write_text(CARELESS)
    return tmp_path


def _pytest(*options: str) -> list[str]:
    return [sys.executable, "-m", "pytest", f"-c{os.devnull}", "--rootdir=.", *options]


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_leftover_programs_fail_the_run(workers: str, careless: Path) -> None:
    """The run lists and kills leftover programs, and fails though its tests passed."""
    done = processes.run(_pytest(workers, "-k", "careless", "tests"), careless)
    assert "1 passed" in done.stdout
    assert "ERROR: a test has left this running: sleep 98764" in done.stdout
    assert done.returncode == 1
    assert not _running("sleep 98764")


def test_timeout_kills_the_program(careless: Path) -> None:
    """A timeout of pytest kills the program under test."""
    options = _pytest("-n1", "--timeout=2", "-k", "waits", "tests")
    done = processes.run(options, careless)
    assert "1 failed" in done.stdout
    assert "Timeout" in done.stdout
    assert "left this running" not in done.stdout
    assert not _running("sleep 98765")


@pytest.mark.parametrize(
    ("sent", "workers"), [(signal.SIGINT, "-n0"), (signal.SIGTERM, "-n1")]
)
def test_interrupted_run_kills_its_programs(
    sent: signal.Signals, workers: str, careless: Path
) -> None:
    """An interrupted test run kills the programs it has started."""
    options = _pytest(workers, "-k", "waits", "tests")
    with processes.start(options, careless) as run:
        while not _running("sleep 98765"):
            assert run.poll() is None
            time.sleep(0.1)
        run.send_signal(sent)
        processes.wait(run)
        assert not _running("sleep 98765")
    assert run.returncode == pytest.ExitCode.INTERRUPTED
