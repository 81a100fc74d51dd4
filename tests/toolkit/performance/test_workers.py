"""Is the smallest number of workers found that loads fast enough?"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel
from torch import Tensor

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.performance.workers import LoadingSpeed, measure_loading
from tests.toolkit.fakes import Clock
from tests.helpers.training import fit

pytestmark = pytest.mark.usefixtures("_in_a_folder")

PACKAGE = "digit_recognizer"


class Loader:
    """Loads three batches of four; the very first one takes five seconds."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.begun = False

    def __iter__(self) -> Iterator[Tensor]:
        """Return the batches."""
        for _ in range(3):
            self.clock.now += self.seconds if self.begun else 5
            self.begun = True
            yield torch.zeros(4, 32)


class Data(BoringDataModule):
    """Loads twice as fast with each worker, up to two."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.num_workers = 7

    def train_dataloader(self) -> Loader:  # type: ignore[override]
        """Return a fake loader, which starts no process."""
        return Loader(self.clock, 4 / 2 ** min(self.num_workers, 2))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A fake clock for the measurement."""
    clock = Clock()
    monkeypatch.setattr(f"{PACKAGE}.toolkit.performance.workers.time", clock)
    return clock


def test_startup_is_timed_apart_from_batches(clock: Clock) -> None:
    """The first batch includes the start of the workers."""
    assert measure_loading(lambda: Loader(clock, 2), seconds=9) == (5, 2)
    assert clock.now == 5 + 10


def test_fewest_fast_workers_are_advised(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """The data module has its own number of workers again afterwards."""
    data, callback = Data(clock), LoadingSpeed([0, 1, 2, 3], seconds=9)
    fit(BoringModel(), data, 1, callbacks=[callback])
    assert callback.speeds == {0: 1, 1: 2, 2: 4, 3: 4}
    output = capsys.readouterr().out
    assert "take     --data.num_workers=2\n" in output
    assert Path("workers.png").stat().st_size > 1000
    assert data.num_workers == 7


def test_default_worker_counts_increase() -> None:
    """The default counts start with 0 and 1."""
    counts = LoadingSpeed().counts
    assert counts[:2] == [0, 1]
    assert counts == sorted({*counts})


def test_counts_end_with_the_cores_of_the_container(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cores of the host that a container may not use have no workers."""
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    cores = [*range(3)]
    monkeypatch.setattr("os.sched_getaffinity", lambda _: cores, raising=False)
    monkeypatch.setattr("os.process_cpu_count", lambda: len(cores), raising=False)
    assert LoadingSpeed().counts == [0, 1, 2]


def test_data_module_without_workers_is_an_error() -> None:
    """Each measurement would be the same without `num_workers`."""
    with pytest.raises(UserError, match="no attribute num_workers"):
        fit(BoringModel(), BoringDataModule(), 1, callbacks=[LoadingSpeed()])
