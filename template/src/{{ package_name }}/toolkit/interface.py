"""The task interface: what the toolkit calls in `task.py`.

That file is the team's, and may be older than a tool. So names are looked up when they
are needed: without one, what needs it says so, and all else works.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

from .errors import UserError
from .paths import PACKAGE

if TYPE_CHECKING:  # some commands do without
    from pathlib import Path

    from matplotlib.axes import Axes
    from torch import Tensor

    from .splits import SplitRule


class Values(Protocol):
    """N values, one for each example: a tensor (N, ...), a list, or the like."""

    def __len__(self) -> int:
        """Return their number."""

    def __getitem__(self, row: int, /) -> Any:
        """Return one of them."""

    def __iter__(self) -> Iterator[Any]:
        """Yield them in their order."""


class Examples(Protocol):
    """N labelled examples in a fixed order; it may have fields besides these."""

    def __len__(self) -> int:
        """Return the number of examples."""

    @property
    def raw(self) -> Values:
        """Return the examples as they were loaded: a tensor (N, ...), or a list.

        A list is for examples of different sizes: each may have a shape of its own.
        """

    @property
    def labels(self) -> Values:
        """Return the true labels: a tensor (N,), or a list of texts, sets, ..."""

    def select(self, rows: list[int]) -> Self:
        """Return the examples in M rows, in this order; a row may be there twice."""

    def with_labels(self, labels: Values) -> Self:
        """Return the same examples with N other labels, such as permuted ones."""

    def batch(self, rows: list[int]) -> tuple[Any, Any]:
        """Return B examples as the trainer gets them: inputs of the network, labels.

        Both are tensors, or tuples and the like of tensors, whose first axis is that of
        the examples: texts or sets are encoded here.
        """

    def digests(self) -> list[str]:
        """Return a short hash of each example's content; labels do not count."""

    def fingerprint(self) -> str:
        """Return a hash of all examples and labels: other data, another hash."""


class Evaluation(Protocol):
    """What a model predicts for N examples, in their order.

    With an attribute `confidences`, from 0 to 1, shape (N,), of the predicted classes,
    error analysis uses it. With `errors`, how wrong each prediction is, shape (N,),
    such as a distance in the unit of the labels, models are compared by them, too.
    """

    @property
    def labels(self) -> Values:
        """Return the true labels, as `Examples` has them."""

    @property
    def predictions(self) -> Values:
        """Return the predictions, of the type of the labels."""

    @property
    def losses(self) -> Tensor:
        """Return the loss of each example, in the unit of training, shape (N,)."""

    @property
    def correct(self) -> Tensor:
        """Return whether each prediction is correct, bool, shape (N,)."""

    def metrics(self) -> dict[str, float]:
        """Return the metrics of all examples by name, such as accuracy and loss."""

    def describe_example(self, row: int) -> dict[str, str]:
        """Return what to report of the example in a row, as text by column name."""


class Task(Protocol):
    """The names of `task.py`, the only ones by which the toolkit knows the task."""

    def label_name(self, label: Any, /) -> str:
        """Return a label or a prediction in a few letters: other labels, others."""

    def parse_label(self, text: str, /) -> Any:
        """Return the label that `label_name` names so, also if no example has it.

        A text that names none is a `UserError`, which says what would.
        """

    def load_splits(self) -> Mapping[str, Any]:
        """Load all data.

        Returns:
            `Examples` by the name of the split: `train`, `val` and `test` at least.
        """

    def make_examples(self, raw: Values, labels: Values, /) -> Any:
        """Make examples of the requests of users.

        Args:
            raw: N examples, as `example_from_json` returns them.
            labels: N labels.

        Returns:
            `Examples`, as those of a split.
        """

    def example_to_json(self, example: Any, /) -> Any:
        """Return what a log keeps of an example: lists, numbers, texts and the like."""

    def example_from_json(self, value: Any, /) -> Any:
        """Return the example of a log, as it was; any other value is a `UserError`."""

    def read_examples(self, path: Path, /, **options: Any) -> Values:
        """Read examples from a file of a user.

        Args:
            path: Of the file.
            **options: Keyword-only arguments, which become options of `predict`; the
                docstring has a line on each.

        Returns:
            N examples, as `raw` of `Examples` has them. A file that cannot be read is
            a `UserError`.
        """

    def attributes(self, raw: Values, /) -> Mapping[str, Tensor]:
        """Describe examples in numbers.

        Args:
            raw: N examples as they were loaded.

        Returns:
            Numbers of any unit, shape (N,), by the name of the attribute.
        """

    @property
    def RANGES(self) -> Mapping[str, Any]:
        """Return a `Range` of toolkit/evaluation for some attributes, by name."""

    def draw_example(self, axes: Axes, data: Any, row: int, /) -> None:
        """Draw the example in a row of a split."""

    def suites(self, data: Any, /) -> Mapping[str, list[int]]:
        """Return subsets of a split that are evaluated by themselves: rows by name."""

    def predict(self, net: Any, raw: Values, /) -> Sequence[object]:
        """Predict, for people.

        Args:
            net: What `Network` builds.
            raw: N examples as they were loaded.

        Returns:
            N predictions, which `str` makes readable.
        """

    def evaluate(self, net: Any, data: Any, /) -> Evaluation:
        """Evaluate a network, as `Network` builds it, on a split."""

    def embed(self, net: Any, data: Any, /) -> Tensor:
        """Return the embedding of each example of a split, shape (N, D)."""

    @property
    def Network(self) -> Callable[..., Any]:
        """Return what builds the network of its hyperparameters, plain numbers."""


class MoreOfTask(Protocol):
    """Names that `task.py` may have besides, and may leave out."""

    @property
    def CLASSES(self) -> Sequence[str]:
        """Return the names of the C classes; of labels that are numbers, ranges.

        A task whose labels have none leaves this and `class_index` out.
        """

    def class_index(self, labels: Values, /) -> Tensor:
        """Return the class of each label or prediction.

        Args:
            labels: N labels, or N predictions of any value.

        Returns:
            Positions in `CLASSES`, int64, shape (N,).
        """

    @property
    def SPLIT_RULE(self) -> SplitRule:
        """Return what decides the split of an example."""

    def groups(self, data: Any, /) -> Sequence[str]:
        """Return what each example of a split belongs to, such as a patient: N names.

        Examples of a group stay in one split.
        """

    def suspected_label_errors(self, evaluation: Any, /) -> Sequence[bool | None]:
        """Return which examples may have a wrong label; None where it is unknown.

        Without it, the confidences of correct predictions are compared, or the losses.
        """

    def sources(self, data: Any, /) -> Sequence[Collection[str]]:
        """Return what each example of a split is made of: names for each of N.

        No two splits have one in common, such as a recording that many examples cut.
        """


NAMES = tuple(name for name in vars(Task) if not name.startswith("_"))
TASK = f"{PACKAGE}.task"
_loaded: dict[Callable[[], Any], Mapping[str, Any]] = {}
_digests: dict[int, list[str]] = {}


class _Lookup:
    """Looks each name up in `task.py` when it is needed."""

    def __getattr__(self, name: str) -> Any:
        if name not in NAMES:
            raise AttributeError(f"{name!r} is no part of the task interface")
        module = _task()
        if not hasattr(module, name):
            raise UserError(
                f"this needs {name} in src/{PACKAGE}/task.py: CONTRIBUTING.md says how "
                "to get it"
            )
        return getattr(module, name)


task: Task = cast("Task", _Lookup())


def optional(name: str) -> Any:
    """Return what `task.py` has under a name of `MoreOfTask`, or None."""
    if not hasattr(MoreOfTask, name):
        raise AttributeError(f"{name!r} is no part of the task interface")
    return getattr(_task(), name, None)


def groups(data: Any) -> list[str] | None:
    """Return the name of the group of each example, or None if there are no groups.

    Args:
        data: N examples, as `task.load_splits` gives them.

    Returns:
        N names as text.
    """
    from .splits import group_names  # some commands do without

    found = optional("groups")
    return None if found is None else group_names(found(data))


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
        raise UserError(f"this needs a class {name} in src/{PACKAGE}/{module}.py")
    return found


def splits() -> Mapping[str, Any]:
    """Load all data once per process: large data take their time.

    Returns:
        What `load_splits` of `task.py` returns.
    """
    load = task.load_splits
    if load not in _loaded:
        _loaded.clear()  # of another function, such as that of a test
        _digests.clear()
        # Read-only: a change would change the evaluation of all models.
        _loaded[load] = MappingProxyType(load())
    return _loaded[load]


def digests(data: Any) -> list[str]:
    """Return the digests of examples; those of the splits are computed once.

    Args:
        data: Examples, as `task.load_splits` gives them.

    Returns:
        What its method `digests` returns.
    """
    loaded = [split for splits in _loaded.values() for split in splits.values()]
    if not any(data is split for split in loaded):
        return list(data.digests())
    if id(data) not in _digests:
        _digests[id(data)] = list(data.digests())
    return _digests[id(data)]


def select(data: Any, rows: Sequence[int]) -> Any:
    """Return some of the examples.

    Args:
        data: Examples, as `task.load_splits` gives them.
        rows: M of their rows.

    Returns:
        What the method `select` of the data returns.

    Raises:
        UserError: There is no such method.
    """
    if not hasattr(data, "select"):
        raise UserError(
            f"this needs a method select of {type(data).__name__}: Examples in "
            f"src/{PACKAGE}/toolkit/interface.py says what it returns"
        )
    return data.select([*rows])


def classes(labels: Values) -> Tensor | None:
    """Return the position in `CLASSES` of each label, or None if there are no classes.

    Args:
        labels: N labels, or N predictions.

    Returns:
        Positions, int64, shape (N,).

    Raises:
        UserError: The task has one of `CLASSES` and `class_index`, but not both.
    """
    found = {name: optional(name) for name in ("CLASSES", "class_index")}
    missing = [name for name, value in found.items() if value is None]
    if len(missing) == 1:
        raise UserError(f"this needs {missing[0]} in src/{PACKAGE}/task.py, too")
    return None if missing else found["class_index"](labels)


def missing() -> list[str]:
    """Return the names that `task.py` does not have."""
    module = _task()
    return [name for name in NAMES if not hasattr(module, name)]


def _task() -> ModuleType | None:
    try:
        return import_module(TASK)
    except ModuleNotFoundError as error:
        if error.name != TASK:
            raise
        return None
