"""Do checks of splits find what two splits have in common?"""

from collections.abc import Mapping
from typing import Any

import pytest

from digit_recognizer.toolkit.interface import TASK, task
from tests.helpers.data_checks import SplitChecks


class Checks(SplitChecks):
    """The checks, as of a task without names of its own in `data.py`."""

    module: Any = None


def made_of(names: Mapping[str, str]) -> Any:
    """Return a function for the source of each example, by the first of its split."""

    def sources(data: Any) -> list[list[str]]:
        return [[names[data.digests()[0]]]] * len(data)

    return sources


@pytest.mark.task_interface("load_splits")
def test_shared_source_is_leakage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two splits may share no source, and each example has an entry."""
    splits = task.load_splits()
    first = {data.digests()[0]: name for name, data in splits.items()}
    check = Checks().test_no_example_is_in_two_splits
    monkeypatch.setattr(f"{TASK}.sources", made_of(first), raising=False)
    check(splits)
    shared = dict.fromkeys(first, "the same recording")
    monkeypatch.setattr(f"{TASK}.sources", made_of(shared))
    with pytest.raises(
        AssertionError, match="1 are in train and val, such as the same"
    ):
        check(splits)
    monkeypatch.setattr(f"{TASK}.sources", lambda data: [])
    with pytest.raises(AssertionError, match="an example of train has no sources"):
        check(splits)
