"""Checks of data: splits, preprocessing and the batches of the data loader."""

from collections.abc import Mapping
from importlib import import_module
from itertools import combinations
from operator import methodcaller
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
MAX_COLUMNS = 1000  # that are correlated with the label


class SplitChecks(Checks):
    """Is the split stable, reproducible and free of leakage?

    Attributes:
        module: Has `load_splits`, `split_indices`, `class_index`, `CLASSES`, and maybe
            `groups`, such as `data.py`.
        max_class_deviation: How far the number of examples of a class in a split may be
            from its share, in standard deviations of a random split.
        max_correlation: Rank correlation of a single input with the label.
    """

    module: Any
    max_class_deviation = 4.5
    max_correlation = 0.95

    @property
    def rules(self) -> Any:
        """What the toolkit knows of splits."""
        # A project that adopts only the helpers has none.
        return import_module(f"{self.module.__package__}.toolkit.splits")

    def split_of(self, data: Any) -> dict[str, str]:
        """Split examples as `load_splits` does; return the splits by digest."""
        rows_of = self.module.split_indices(data.raw.numpy(), data.labels.numpy())
        digests = data.digests()
        return {digests[row]: name for name, rows in rows_of.items() for row in rows}

    def all_examples(self) -> Any:
        """Return all examples before the split, with copies."""
        raise NotImplementedError("return all examples before the split")

    def groups(self, data: Any) -> Any:
        """Return what decides the split of each example: its group, or its content."""
        return getattr(self.module, "groups", methodcaller("digests"))(data)

    @pytest.fixture(scope="class")
    @classmethod
    def splits(cls: type[Self]) -> Splits:
        """All splits, which the checks share."""
        splits: Splits = cls.module.load_splits()
        return splits

    def test_no_example_is_in_two_splits(self, splits: Splits) -> None:
        """No two splits have an example or a group in common, which would be leakage.

        Look first at copies of an example, and at how the split is drawn.
        """
        found = {n: {*d.digests(), *self.groups(d)} for n, d in splits.items()}
        for one, other in combinations(found, 2):
            both = [*found[one] & found[other]]
            assert not both, f"{len(both)} are in {one} and {other}, such as {both[0]}"

    def test_no_example_is_lost(self, splits: Splits) -> None:
        """Every distinct example is in a split.

        Look first at filters, and at how the split is drawn.
        """
        found = {digest for data in splits.values() for digest in data.digests()}
        lost = len({*self.all_examples().digests()} - found)
        assert not lost, f"{lost} examples are in no split"

    @pytest.mark.parametrize("change", ["fewer", "order", "labels", "copies"])
    def test_other_data_move_no_example(self, change: str) -> None:
        """Every example stays in its split when others come, go or get other labels.

        Look first at what depends on the position or the number of examples. It does
        not apply to a split by a fixed list.
        """
        data = self.all_examples()
        rows, labels = torch.arange(len(data)), data.labels.clone()
        before = self.split_of(data)
        if change == "fewer":  # to add them again is to have more
            rows = rows[rows % 20 > 0]
        elif change == "order":
            rows = rows.flip(0)
        elif change == "labels":
            labels[::50] = labels.flip(0)[::50]
        elif change == "copies":
            rows = torch.cat([rows, rows[::20]])
        now = self.split_of(data.replace(raw=data.raw[rows], labels=labels[rows]))
        moved = self.rules.moved(before, now)
        assert not moved, self.rules.describe_moved(moved)

    def test_classes_are_balanced_as_in_all_data(self, splits: Splits) -> None:
        """Class frequencies differ between splits by no more than chance allows.

        Look first at what the examples of a class have in common, and at how the split
        is drawn. It does not apply to a split by time.
        """
        groups = {name: self.groups(data) for name, data in splits.items()}
        classes = {n: self.module.class_index(d.labels) for n, d in splits.items()}
        deviation, place = self.rules.largest_class_deviation(groups, classes)
        assert deviation <= self.max_class_deviation, place

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
        the data. Of large inputs it takes a sample. It does not apply if one input is
        known to decide.
        """
        train = splits["train"]
        inputs = train.raw.flatten(1)  # (N, inputs)
        inputs = inputs[:5000, :: -(-inputs.shape[1] // MAX_COLUMNS)]
        ranks = pd.DataFrame(inputs.numpy()).rank()  # (n, columns)
        label = pd.Series(train.labels[:5000].numpy()).rank()  # (n,)
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
