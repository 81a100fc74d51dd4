"""Checks of data: splits, preprocessing and the batches of the data loader."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Self

import lightning
import pandas as pd
import pytest
import torch

from tests.helpers.case import TaskCase
from tests.helpers.checks import Checks
from tests.helpers.observer import contents, examples
from tests.helpers.op_counts import measure_cost

Splits = Mapping[str, Any]  # examples by the name of the split


class SplitChecks(Checks):
    """Is the split stratified, reproducible and free of leakage?

    Attributes:
        module: Has `load_splits`, `class_index` and `CLASSES`, such as `data.py`.
        max_class_difference: Examples that a class of a split may have above or below
            its share.
        max_correlation: Rank correlation of a single input with the label.
    """

    module: Any
    max_class_difference = 2
    max_correlation = 0.95

    def all_examples(self) -> Any:
        """Return all examples before the split, with copies."""
        raise NotImplementedError("return all examples before the split")

    @pytest.fixture(scope="class")
    @classmethod
    def splits(cls: type[Self]) -> Splits:
        """All splits, which the checks share."""
        splits: Splits = cls.module.load_splits()
        return splits

    def test_no_example_is_in_two_splits(self, splits: Splits) -> None:
        """No two splits have an example in common, which would be leakage.

        Look first at copies of an example, and at how the split is drawn.
        """
        found = {name: {*data.digests()} for name, data in splits.items()}
        for one, other in combinations(found, 2):
            shared = len(found[one] & found[other])
            assert not shared, f"{shared} examples are in {one} and in {other}"

    def test_no_example_is_lost(self, splits: Splits) -> None:
        """Every distinct example is in a split.

        Look first at filters, and at how the split is drawn.
        """
        found = {digest for data in splits.values() for digest in data.digests()}
        lost = len({*self.all_examples().digests()} - found)
        assert not lost, f"{lost} examples are in no split"

    def test_classes_are_balanced_as_in_all_data(self, splits: Splits) -> None:
        """Class frequencies are the same in each split, up to rounding.

        It does not apply to a split by time or by group.
        """
        size = len(self.module.CLASSES)
        labels = torch.cat([data.labels for data in splits.values()])  # (N,)
        counts = self.module.class_index(labels).bincount(minlength=size)  # (C,)
        expected = counts / counts.sum()  # (C,)
        for name, data in splits.items():
            index = self.module.class_index(data.labels)  # (n,)
            found = index.bincount(minlength=size)  # (C,)
            difference = (found - expected * len(data)).abs().max().item()
            assert difference <= self.max_class_difference, name

    def test_split_is_the_same_every_time(self, splits: Splits) -> None:
        """Loading the data again gives the same splits.

        Look first at random numbers without a fixed seed.
        """
        first = {name: data.fingerprint() for name, data in splits.items()}
        lightning.seed_everything(2, verbose=False)  # each test starts from the same
        splits = self.module.load_splits()
        again = {name: data.fingerprint() for name, data in splits.items()}
        assert again == first

    def test_examples_keep_their_labels(self, splits: Splits) -> None:
        """Each example of a split has its label of the raw data.

        Look first at what sorts, filters or joins examples without their labels.
        """
        raw = self.all_examples()
        known = {*zip(raw.digests(), raw.labels.tolist(), strict=True)}
        for name, data in splits.items():
            found = {*zip(data.digests(), data.labels.tolist(), strict=True)}
            assert not found - known, f"{name} has other labels than the raw data"

    def test_no_input_correlates_with_the_label(self, splits: Splits) -> None:
        """No single input is strongly correlated with the label, a sign of leakage.

        Look first at columns that are known only after the event, and at the order of
        the data. It does not apply if one input is known to decide, or to inputs with
        very many numbers, such as photographs.
        """
        train = splits["train"]
        ranks = pd.DataFrame(train.raw.flatten(1).numpy()).rank()  # (N, inputs)
        label = pd.Series(train.labels.numpy()).rank()  # (N,)
        varied = ranks.loc[:, ranks.nunique() > 1]
        assert varied.corrwith(label).abs().max() < self.max_correlation


class PreprocessingChecks(Checks):
    """Do examples reach the network in the same way, alone and in batches?

    Attributes:
        module: Has `load_splits`, such as `data.py`.
        max_operators: Calls of PyTorch operators for a batch of 256.
    """

    module: Any
    max_operators = 20

    @pytest.mark.ml_test_score("data.7")
    def test_items_and_batches_agree(self) -> None:
        """Single examples and batches give the same inputs and labels.

        Look first at what `batch` and `__getitem__` do differently.
        """
        data = self.module.load_splits()["val"]
        x, labels = data.batch([3, 1])
        for row, position in ((3, 0), (1, 1)):
            item, label = data[row]
            torch.testing.assert_close(x[position], item)
            assert labels[position] == label

    @pytest.mark.ml_test_score("data.3")
    def test_inputs_of_many_examples_cost_a_few_operators(self) -> None:
        """A batch is preprocessed by a few operators, without a loop over examples.

        It does not apply where examples are read from files one by one.
        """
        data = self.module.load_splits()["train"]
        rows = [row % len(data) for row in range(256)]
        assert measure_cost(lambda: data.batch(rows)).operators < self.max_operators


class LoaderChecks(Checks):
    """Does the data module give every example once per epoch?

    Attributes:
        case: The task.
        batch_size: Examples per batch; a size that does not divide the splits shows
            more faults.
    """

    case: TaskCase
    batch_size = 50

    @pytest.mark.parametrize("split", ["val", "test"])
    def test_evaluation_batches_are_the_split_in_order(self, split: str) -> None:
        """Evaluation batches have all examples in the order of the split.

        Look first at `shuffle` and `drop_last`.
        """
        data = self.case.new_data(batch_size=self.batch_size)
        batches = [*getattr(data, f"{split}_dataloader")()]
        expected, expected_labels = examples(data.splits[split])
        torch.testing.assert_close(torch.cat([x for x, _ in batches]), expected)
        labels = torch.cat([labels for _, labels in batches])
        assert labels.tolist() == expected_labels.tolist()

    def test_training_batches_are_shuffled_anew(self) -> None:
        """Training batches have all labels, in a new random order in each epoch.

        Look first at `shuffle`, and at a sampler with a fixed seed. It does not apply
        if training leaves out or repeats examples on purpose.
        """
        data = self.case.new_data(batch_size=self.batch_size)
        loader = data.train_dataloader()
        in_order = data.splits["train"].labels.tolist()
        first, second = (
            torch.cat([labels for _, labels in loader]).tolist() for _ in range(2)
        )
        assert sorted(first) == sorted(in_order)
        assert first != in_order
        assert first != second

    def test_workers_load_the_same_batches(self) -> None:
        """The first batch is the same whether this process loads it or a worker does.

        Look first at what a worker cannot have: open files, the state of a generator.
        """
        data = self.case.new_data(batch_size=self.batch_size)
        parallel = self.case.new_data(batch_size=self.batch_size, num_workers=1)
        parallel.splits = data.splits
        expected = next(iter(data.val_dataloader()))
        found = next(iter(parallel.val_dataloader()))
        assert contents([found]) == contents([expected])
