"""Are preprocessing and batches correct? Tests of the data themselves: tests/data."""

from dataclasses import replace

import pytest
import torch

from digit_recognizer import data as data_module
from digit_recognizer.data import DIGITS, MAX_INK, load_splits, preprocess, targets
from tests.case import CASE
from tests.helpers.data_checks import LoaderChecks, PreprocessingChecks


class TestPreprocessing(PreprocessingChecks):
    """Items and batches agree, and a batch costs a few operators."""

    case = CASE
    module = data_module
    max_operators = 20


class TestDataModule(LoaderChecks):
    """Batches of training are shuffled, and those of evaluation in order."""

    case = CASE


@pytest.mark.ml_test_score("data.7")
def test_preprocessing_by_hand() -> None:
    """Strips are cut into digits, scaled to 0 to 1, and padded with zeros."""
    first, second = torch.full((8, 8), MAX_INK), torch.full((8, 8), MAX_INK // 2)
    x = preprocess([first, torch.cat([second, first], dim=1)])
    assert x.digits.dtype == torch.float32
    assert x.digits.amax(dim=(2, 3)).tolist() == [[1, 0], [0.5, 1]]
    assert x.digits.amin(dim=(2, 3)).tolist() == [[1, 0], [0.5, 1]]
    assert x.lengths.tolist() == [1, 2]
    assert x.there.tolist() == [[True, False], [True, True]]


def test_targets_by_hand() -> None:
    """Targets are 1 for the digits that occur."""
    found = targets([frozenset({0, 9}), frozenset()])
    assert found.tolist() == [[1, *[0] * (DIGITS - 2), 1], [0] * DIGITS]


def test_other_content_has_another_fingerprint() -> None:
    """Other pixels and other labels change the fingerprint."""
    data = load_splits()["train"].select([0, 1])
    changed = replace(data, raw=[data.raw[0], data.raw[1] + 1])
    other = data.with_labels([frozenset(), data.labels[1]])
    assert len({each.fingerprint() for each in (data, changed, other)}) == 3
