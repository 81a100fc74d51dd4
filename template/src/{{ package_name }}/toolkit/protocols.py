"""What the toolkit expects of the examples and evaluations that `task.py` gives it."""

from typing import Protocol, Self

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
