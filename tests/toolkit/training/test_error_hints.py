"""Do common PyTorch errors have a hint, with the layer that failed?"""

import errno
import linecache
import os
import signal
from collections.abc import Callable

import pytest
import torch
from lightning import Trainer
from torch import Tensor, nn
from torch._utils import ExceptionWrapper
from torch.utils.data import DataLoader, Dataset, RandomSampler

from digit_recognizer.toolkit.training.error_hints import error_hint

BATCH = "batch 3 of epoch 0"


class Deadly(Dataset[Tensor]):
    """Kills the worker that loads it."""

    def __len__(self) -> int:
        """Return the number of examples."""
        return 1

    def __getitem__(self, index: int) -> Tensor:
        """Kill the process, as the system does when memory runs out."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class Greedy(nn.Module):
    """Allocates more memory than any machine has."""

    def forward(self, x: Tensor) -> Tensor:
        """Fail."""
        return torch.empty(10**15)


def _kill_worker() -> None:
    next(iter(DataLoader(Deadly(), num_workers=1)))


def _fail_in_worker() -> None:
    # Simulates a worker: PyTorch waits five seconds for a real one that failed.
    try:
        raise ValueError("part-7.csv has no column x")
    except ValueError:
        ExceptionWrapper(where="in DataLoader worker process 0").reraise()


def _two_outputs(label: int) -> Tensor:
    return nn.functional.cross_entropy(torch.zeros(1, 2), torch.tensor([label]))


def _twice() -> None:
    loss = torch.ones(1, requires_grad=True).exp().sum()
    loss.backward()
    loss.backward()


def _in_place() -> None:
    x = torch.ones(1, requires_grad=True).sigmoid()
    x.sigmoid_()
    x.sum().backward()
    y = torch.ones(1, requires_grad=True).exp()
    z = y * y
    y += 1
    z.sum().backward()


def _full_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _anomaly() -> None:
    with torch.autograd.detect_anomaly(check_nan=True):
        x = torch.zeros(1, requires_grad=True)
        (0 * x.sqrt()).backward()


@pytest.mark.filterwarnings("ignore:Anomaly Detection", "ignore:Error detected in")
@pytest.mark.parametrize(
    ("fail", "expected"),
    [
        (lambda: torch.zeros(2, 3) @ torch.zeros(4, 5), "(2x3 and 4x5) in batch 3"),
        (lambda: torch.zeros(3) + torch.zeros(4), "nox -s debug -- shapes"),
        (lambda: torch.zeros(3).view(4), "nox -s debug -- shapes"),
        (lambda: nn.Conv2d(1, 1, 1)(torch.zeros(1, 2, 3, 3)), "nox -s debug -- shapes"),
        (lambda: nn.Conv2d(1, 1, 1)(torch.zeros(2, 3)), "nox -s debug -- shapes"),
        (lambda: nn.LayerNorm(3)(torch.zeros(2, 4)), "nox -s debug -- shapes"),
        (lambda: torch.cat([torch.zeros(1, 2), torch.zeros(2)]), "debug -- shapes"),
        (lambda: _two_outputs(2), "Target 2 is out of bounds in batch 3 of epoch 0"),
        (lambda: nn.Embedding(2, 1)(torch.tensor([2])), "index is out of range"),
        (lambda: torch.empty(10**15), "out of memory in batch 3 of epoch 0. "),
        (lambda: RandomSampler(range(0)), "no examples"),
        (_kill_worker, "a worker that loads data died in batch 3"),
        (_fail_in_worker, "ValueError: part-7.csv has no column x, in a"),
        (lambda: open("nowhere.csv"), "No such file or directory: nowhere.csv. "),
        (
            lambda: nn.Linear(1, 1)(torch.zeros(1, 1).double()),
            "in batch 3 of epoch 0: inputs and weights need one type, mostly float32",
        ),
        (
            lambda: nn.Conv2d(1, 1, 1)(torch.zeros(1, 1, 1, 1).double()),
            "Input type (double) and bias type (float) should be the same in batch 3",
        ),
        (
            lambda: nn.functional.cross_entropy(torch.zeros(1, 2), torch.zeros(1)),
            "classes and indices are int64 (labels.long())",
        ),
        (
            lambda: nn.functional.cross_entropy(
                torch.zeros(1, 2), torch.zeros(1, 1).long()
            ),
            "(B, 1) becomes that by labels.squeeze(1)",
        ),
        (
            lambda: nn.BatchNorm1d(2)(torch.zeros(1, 2)),
            "in batch 3 of epoch 0: BatchNorm needs several examples. Leave out a last",
        ),
        (
            lambda: torch.zeros(1).sum().backward(),
            "the loss of batch 3 of epoch 0 has no gradient, so nothing can be learnt",
        ),
        (_twice, "the loss of batch 3 of epoch 0 needs a graph that an earlier"),
        (_in_place, "was overwritten in batch 3 of epoch 0: replace += and functions"),
        (
            lambda: nn.Linear(1, 1)(torch.zeros(1, 1, device="meta")),
            "in batch 3 of epoch 0: make new tensors where the others are, as in",
        ),
        (_full_disk, "No space left on device: free some space, or"),
        (
            lambda: Trainer(limit_train_batches=1.5, logger=False),
            "You have passed invalid value 1.5 for limit_train_batches",
        ),
        (_anomaly, "SqrtBackward0' returned nan values in its 0th output in batch 3"),
    ],
)
def test_pytorch_error_has_a_hint(fail: Callable[[], object], expected: str) -> None:
    """The hint is one line with the place of the error and what to do."""
    with pytest.raises(Exception) as caught:  # noqa: B017, PT011 -- each has its own
        fail()
    line = error_hint(caught.value, nn.Identity(), BATCH)
    assert line is not None
    assert expected in line
    assert "\n" not in line


def test_error_without_message_has_a_hint() -> None:
    """A MemoryError of Python has no message."""
    line = error_hint(MemoryError(), nn.Identity(), "")
    assert line == "out of memory. Smaller batches need less: docs/troubleshooting.md"


def test_error_is_traced_to_the_innermost_layer() -> None:
    """The hint has the name of the layer and the shape of its input."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), Greedy()))
    with pytest.raises(RuntimeError) as caught:
        net(torch.zeros(2, 3))
    line = error_hint(caught.value, net, BATCH)
    assert line is not None
    assert "in layer 1.1 (Greedy) given (2, 4), batch 3 of epoch 0." in line


@pytest.mark.parametrize(
    "fail",
    [
        lambda: dict[str, int]()["batch"],
        lambda: [][0],
        lambda: 1 / 0,
        lambda: nn.Linear(1, 2).load_state_dict(nn.Linear(1, 3).state_dict()),
        lambda: torch.zeros(2).item(),
    ],
)
def test_unknown_error_has_no_hint(fail: Callable[[], object]) -> None:
    """An error that is not recognized has no hint, as a wrong one misleads."""
    with pytest.raises(Exception) as caught:  # noqa: B017, PT011 -- each has its own
        fail()
    assert error_hint(caught.value, nn.Identity(), BATCH) is None


def test_error_that_the_team_raises_keeps_its_words() -> None:
    """An error of a line of the package has no hint, whatever its text resembles."""
    code = "def fail():\n    raise ValueError('Target 3 is out of bounds')\n"
    file = "<step>"
    linecache.cache[file] = (len(code), None, code.splitlines(True), file)
    module = {"__name__": "digit_recognizer.training"}
    exec(compile(code, file, "exec"), module)  # noqa: S102 -- the lines above
    with pytest.raises(ValueError, match="Target 3") as caught:
        module["fail"]()  # type: ignore[operator]
    assert error_hint(caught.value, nn.Identity(), BATCH) is None
