"""The task interface: what the toolkit knows of the task, by the names of `task.py`.

That file is the team's, and may be older than a tool. So names are looked up when they
are needed: without one, what needs it says so, and all else works.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import get_annotations
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol, Self

from .errors import InputError
from .paths import PACKAGE

if TYPE_CHECKING:  # some commands do without
    from matplotlib.axes import Axes
    from torch import Tensor


class Examples(Protocol):
    """N labelled examples in a fixed order."""

    def __len__(self) -> int:
        """Return the number of examples."""

    @property
    def raw(self) -> Tensor:
        """Return the examples as they were loaded, shape (N, ...)."""

    @property
    def labels(self) -> Tensor:
        """Return the true labels, shape (N,)."""

    def replace(self, *, raw: Tensor, labels: Tensor) -> Self:
        """Return other examples of the same kind, such as a part of these.

        Args:
            raw: M examples as they were loaded, shape (M, ...).
            labels: Their labels, shape (M,).

        Returns:
            These, in this order.
        """

    def batch(self, indices: list[int]) -> tuple[Any, Any]:
        """Return what the network reads of some examples, (B, ...), and labels (B,)."""

    def digests(self) -> list[str]:
        """Return a short content hash per example."""

    def fingerprint(self) -> str:
        """Return a hash of all examples and labels: other data, another hash."""


class Evaluation(Protocol):
    """What a model said about N examples, in their order."""

    @property
    def labels(self) -> Tensor:
        """Return the true labels, shape (N,)."""

    @property
    def predictions(self) -> Tensor:
        """Return what was predicted, shape (N,)."""

    @property
    def losses(self) -> Tensor:
        """Return the loss of each example, shape (N,)."""

    @property
    def right(self) -> Tensor:
        """Return whether each example is predicted right, shape (N,)."""

    def metrics(self) -> dict[str, float]:
        """Return the averages by name."""

    def describe(self, row: int) -> dict[str, str]:
        """Return what there is to say about one example, for people, by name."""


# What there are: of labels that are numbers, ranges.
CLASSES: Sequence[str]
# The classes of labels or predictions (N,), as positions in CLASSES, int64 (N,).
class_of: Callable[[Tensor], Tensor]
# A label or a prediction () in a few letters.
describe_label: Callable[[Tensor], str]

# The examples of each split, by its name; one is "train", "val" or "test".
load_splits: Callable[[], Mapping[str, Any]]
# Reads the examples (N, ...) of a file as they would be loaded; its keyword-only
# arguments are options of `predict`.
read_examples: Callable[..., Tensor]
# What describes examples (N, ...) as they were loaded: numbers (N,) by name.
attributes: Callable[[Tensor], Mapping[str, Tensor]]
# Where values of attributes are expected, by name: `Range` of toolkit/evaluation.
RANGES: Mapping[str, Any]
# Draws the example in a row of a split.
draw_example: Callable[[Axes, Examples, int], None]
# The rows of a split that are judged apart, by a name for them.
suites: Callable[[Examples], Mapping[str, list[int]]]

# What people are told about each of some examples (N, ...) by a network: N answers,
# which `str` makes readable.
predict: Callable[[Any, Tensor], Sequence[object]]
# What a network says about each example of a split.
evaluate: Callable[[Any, Any], Evaluation]
# What it makes of each, shape (N, D).
embed: Callable[[Any, Any], Tensor]

# Builds a network of its hyperparameters, which are plain numbers.
Network: Callable[..., Any]

NAMES = tuple(get_annotations(sys.modules[__name__]))
TASK = f"{PACKAGE}.task"
_loaded: dict[Callable[[], Any], Mapping[str, Any]] = {}


def __getattr__(name: str) -> Any:
    """Look a name up in `task.py`.

    Args:
        name: One of those above.

    Returns:
        What it is there.

    Raises:
        AttributeError: It is none of the interface. What `task.py` does not have is an
            `InputError`.
    """
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _task_name(name)


def _task_name(name: str) -> Any:
    task = _task()
    if not hasattr(task, name):
        raise InputError(
            f"this needs {name} in src/{PACKAGE}/task.py: CONTRIBUTING.md says how to "
            "get it"
        )
    return getattr(task, name)


def training_module() -> Any:
    """Return the class `TrainingModule` of `training.py`, a LightningModule."""
    return _class("training", "TrainingModule")


def data_module() -> Any:
    """Return the class `DataModule` of `datamodule.py`, a LightningDataModule."""
    return _class("datamodule", "DataModule")


def _class(module: str, name: str) -> Any:
    # Not names of `task.py`: prediction does without the training framework.
    try:
        found = getattr(import_module(f"{PACKAGE}.{module}"), name, None)
    except ModuleNotFoundError as error:
        if error.name != f"{PACKAGE}.{module}":
            raise
        found = None
    if found is None:
        raise InputError(f"this needs a class {name} in src/{PACKAGE}/{module}.py")
    return found


def splits() -> Mapping[str, Any]:
    """Load all data once per process: large data take their time.

    Returns:
        What `load_splits` of `task.py` returns.
    """
    load = _task_name("load_splits")
    if load not in _loaded:
        _loaded.clear()  # of another function, such as that of a test
        # Who changes what all see changes what models are judged on.
        _loaded[load] = MappingProxyType(load())
    return _loaded[load]


def replace(data: Any, *, raw: Tensor, labels: Tensor) -> Any:
    """Return other examples of the same kind as some data.

    Args:
        data: Examples, as `task.load_splits` gives them.
        raw: M examples as they were loaded, shape (M, ...).
        labels: Their labels, shape (M,).

    Returns:
        What the method `replace` of the data returns.

    Raises:
        InputError: There is no such method.
    """
    if not hasattr(data, "replace"):
        raise InputError(
            f"this needs a method replace of {type(data).__name__}: Examples in "
            f"src/{PACKAGE}/toolkit/interface.py says what it returns"
        )
    return data.replace(raw=raw, labels=labels)


def missing() -> list[str]:
    """Return the names that `task.py` does not have."""
    task = _task()
    return [name for name in NAMES if not hasattr(task, name)]


def _task() -> ModuleType | None:
    try:
        return import_module(TASK)
    except ModuleNotFoundError as error:
        if error.name != TASK:
            raise
        return None
