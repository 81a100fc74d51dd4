"""The peak memory of tensors."""

import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ..training import tensors


class PeakMemory(TorchDispatchMode):
    """Counts the bytes of all tensors that are made while it is active.

    On a GPU PyTorch counts itself. Elsewhere nobody does, and what the process takes
    from the system says little about a step: so each storage is counted when a tensor
    first shows it, until it is freed. What an operation needs for itself is left out.

    Attributes:
        peak: The most bytes at one time.

    Examples:
        >>> with PeakMemory() as memory:
        ...     total = torch.ones(1000).sum() + torch.ones(500).sum()
        >>> memory.peak
        4004
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._now = 0
        self._alive: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def count(self, values: Any) -> None:
        """Count tensors, in whatever lists or dictionaries they are."""
        for tensor in tensors(values):
            self._count(tensor.untyped_storage())

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._alive:
            return

        def free(reference: object) -> None:
            if self._alive.pop(key, None) is not None:
                self._now -= size

        self._alive[key] = weakref.ref(storage, free)
        self._now += size
        self.peak = max(self.peak, self._now)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call an operation, and count what it returns."""
        output = func(*args, **(kwargs or {}))
        self.count(output)
        return output
