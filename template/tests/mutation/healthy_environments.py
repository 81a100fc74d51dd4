"""Healthy changes: with each of them, the tests should pass."""

import locale
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch

from .changes import NOTHING, Run, healthy, replace


@healthy(NOTHING)
def _(run: Run) -> None:
    pass


@healthy("the tests start from other seeds")
def _(run: Run) -> None:
    def make(healthy: Any) -> Any:
        def changed(seed: int, *arguments: Any, **options: Any) -> Any:
            return healthy(seed + 1000, *arguments, **options)

        return changed

    # Only in tests: the CLI imports it under another name, so its seed stays.
    replace(lightning, "seed_everything", make)


@healthy("PyTorch takes two threads")
def _(run: Run) -> None:
    torch.set_num_threads(2)


@healthy("the tests come in reverse order")
def _(run: Run) -> None:
    class Reverse:
        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
            items.reverse()

    run.plugins.append(Reverse())


@healthy("they are started in another folder")
def _(run: Run) -> None:
    # Not below this repository, where a copy of it is refused.
    os.chdir(tempfile.mkdtemp())
    run.tests = [str(run.folder / test) for test in run.tests or ("src", "tests")]


@healthy("they run a second time")
def _(run: Run) -> None:
    command = (sys.executable, "-m", "pytest", "--quiet", *run.tests)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)


@healthy("other language, other time zone")
def _(run: Run) -> None:
    os.environ["TZ"] = "Pacific/Kiritimati"
    time.tzset()
    for name in ("tr_TR.UTF-8", "de_DE.UTF-8", "C"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        os.environ["LC_ALL"] = name
        break


@healthy("there is no network")
def _(run: Run) -> None:
    def make(healthy: Any) -> Any:
        def changed(self: socket.socket, address: Any) -> None:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                raise OSError("there is no network")
            healthy(self, address)

        return changed

    replace(socket.socket, "connect", make)


@healthy("the home folder cannot be written")
def _(run: Run) -> None:
    # The parent is a file, so nobody can create this folder.
    os.environ["HOME"] = str(Path(__file__).resolve() / "home")


@healthy("the machine is busy")
def _(run: Run) -> None:
    # Each ends when this process has ended, also after a crash.
    program = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
    for _ in range(os.cpu_count() or 1):
        subprocess.Popen([sys.executable, "-c", program])
