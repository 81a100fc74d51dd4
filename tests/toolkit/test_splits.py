"""Are splits stable, and are leaks and gaps named?"""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
import torch

from digit_recognizer.toolkit.errors import UserError
from digit_recognizer.toolkit.splits import (
    SplitRule,
    content_digests,
    describe_moved,
    group_names,
    largest_class_deviation,
    moved,
)

RULE = SplitRule("salt", {"train": 0.6, "val": 0.2, "test": 0.2})
TABLE = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


def splits_by_digest(raw: Any, labels: Any, **options: Any) -> dict[str, str]:
    """Return the split of each example by its digest."""
    digests = content_digests(raw)
    classes = ["any"] * len(digests)
    rows_of = RULE.assign(digests, labels, classes, **options)
    return {digests[row]: name for name, rows in rows_of.items() for row in rows}


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.astype(np.float64),
        lambda table: torch.from_numpy(table),
        lambda table: table.tolist(),
        lambda table: table[:, None, :, None],
        lambda table: [np.array(row) for row in table],
        lambda table: np.asfortranarray(table),
        lambda table: torch.tensor(table, requires_grad=True),
        lambda table: [torch.from_numpy(row) for row in table],
    ],
    ids=[
        *("float64", "tensor", "lists", "another shape", "arrays", "memory layout"),
        *("with gradient", "tensors"),
    ],
)
def test_form_of_the_numbers_does_not_change_digests(
    change: Callable[[Any], Any],
) -> None:
    """The same numbers have the same digest in each type, shape and container."""
    assert content_digests(change(TABLE)) == content_digests(TABLE)


def test_pictures_are_read_row_by_row() -> None:
    """Pictures have the same digests in an array, one by one and in nested lists."""
    pictures = np.arange(12).reshape(3, 2, 2) * 1000
    expected = content_digests(pictures)
    assert content_digests([*pictures]) == expected
    assert content_digests(pictures.tolist()) == expected


def test_whole_numbers_are_exact() -> None:
    """Integers have the digests of equal floats, and large neighbours differ."""
    raw = np.array([[0, 255], [2**24, 1]], np.int64)
    assert content_digests(raw) == content_digests(raw.astype(np.float32))
    assert content_digests(raw[:1].astype(np.uint8)) == content_digests(raw)[:1]
    for large in (2**24, 2**60):
        assert len({*content_digests(np.array([[large], [large + 1]]))}) == 2
    times = np.array([[1], [2]]).astype("datetime64[ns]")
    assert len({*content_digests(times)}) == 2
    days = np.array([["2022-02-01"]], "datetime64[D]")
    assert content_digests(days) == content_digests(days.astype("datetime64[s]"))


@pytest.mark.parametrize("numbers", [[0.0, 16, 255], [0, 256, 3], [1e-40, 1e20, -1]])
def test_small_integers_are_like_all_others(numbers: list[float]) -> None:
    """Numbers that fit into a byte have the same digest in each type and batch."""
    expected = content_digests(np.array([numbers]))
    if max(numbers) < 256 and min(numbers) == 0:
        assert content_digests(np.array([numbers], np.uint8)) == expected
    assert content_digests(np.array([numbers, [0.5] * 3]))[:1] == expected
    bf16 = torch.tensor([[0, 16, 255]], dtype=torch.bfloat16)
    assert content_digests(bf16) == content_digests([[0, 16, 255]])


def test_missing_and_negative_zeros_are_equal() -> None:
    """All values that are no numbers are equal, and so are both zeros."""
    negative = np.array([[-np.nan, -0.0]])
    assert content_digests(negative) == content_digests(np.array([[np.nan, 0]]))


def test_order_of_columns_does_not_matter() -> None:
    """Columns by name, or rows as dictionaries, have the same digest in each order."""
    names = ["hue", "ash", "proline"]
    turned = content_digests(TABLE[:, [2, 0, 1]], ["proline", "hue", "ash"])
    assert turned == content_digests(TABLE, names)
    rows: list[dict[str, Any]] = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert content_digests([dict(reversed(row.items())) for row in rows]) == (
        content_digests(rows)
    )


def test_other_content_has_another_digest() -> None:
    """Text, bytes, lengths and orders have different digests."""
    examples = [
        *("a", "b", b"a", "", None, "none", [], ["a", "b"], ["b", "a"], [["a"], "b"]),
        *([1, 2], [2, 1], [1, 2, 0], {"a": 1}, {"b": 1}, {"a": [1, 2]}, ["ab"]),
        *([np.ones(2), "a"], [np.ones(3), "a"], [[1, 2], [3]], [[1], [2, 3]]),
        *(date(2022, 2, 1), date(2022, 2, 2), [date(2022, 2, 1)], {"day": None}),
        *({1, 2}, {1, 3}, {"a", "b"}, frozenset()),
    ]
    digests = content_digests(examples)
    assert len({*digests}) == len(examples)
    with pytest.raises(TypeError, match="content of object has no digest"):
        content_digests([object()])
    assert content_digests([{1, 2}]) == content_digests([frozenset([2, 1])])


def test_many_examples_are_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of a block does not change digests."""
    expected = content_digests(TABLE)
    monkeypatch.setattr("digit_recognizer.toolkit.splits._BLOCK", 6)
    assert content_digests(TABLE) == expected


def test_fractions_are_those_of_the_rule() -> None:
    """Of many examples, each split gets its fraction; another salt draws anew."""
    keys = [str(number) for number in range(10_000)]
    found = [RULE.split_of(key) for key in keys]
    for name, fraction in RULE.fractions.items():
        assert found.count(name) / len(keys) == pytest.approx(fraction, abs=0.02)
    other = SplitRule("other", RULE.fractions)
    assert sum(other.split_of(key) == old for key, old in zip(keys, found)) < 5_000


def test_test_split_keeps_its_examples_if_others_change() -> None:
    """More validation data come from the training data alone."""
    other = SplitRule("salt", {"train": 0.5, "val": 0.3, "test": 0.2})
    changes = {
        (RULE.split_of(key), other.split_of(key)) for key in map(str, range(1000))
    }
    assert changes == {(name, name) for name in RULE.fractions} | {("train", "val")}


def test_groups_stay_together() -> None:
    """All examples of a group are in its split."""
    raw = np.arange(400)[:, None]
    groups = [f"patient {row % 40}" for row in range(400)]
    found = splits_by_digest(raw, np.zeros(400), groups=groups)
    for digest, group in zip(content_digests(raw), groups, strict=True):
        assert found[digest] == RULE.split_of(group)


def test_names_of_groups_do_not_depend_on_their_type() -> None:
    """A column of ids that became floats has the same groups; none may be missing."""
    assert group_names([3, 3.0, np.float64(3), "3", 2.5]) == ["3", "3", "3", "3", "2.5"]
    for missing in (None, float("nan")):
        with pytest.raises(UserError, match="example 1 has no group"):
            group_names(["a", missing])
    with pytest.raises(UserError, match="there are 2 groups of 1 examples"):
        RULE.assign(["0"], [0], ["any"], ["a", "b"])


def test_equal_content_in_two_splits_is_an_error() -> None:
    """Copies under two ids are named, with both ids and a remedy."""
    ids = [str(number) for number in range(40)]
    first = next(key for key in ids if RULE.split_of(key) == "train")
    second = next(key for key in ids if RULE.split_of(key) == "test")
    raw = np.arange(40)[:, None]
    raw[int(second)] = raw[int(first)]
    with pytest.raises(UserError, match="of equal content .*give them one group"):
        splits_by_digest(raw, np.zeros(40), groups=ids)


def test_copies_are_kept_once_and_label_noise_is_named() -> None:
    """A copy is dropped; one with another label is named in a warning."""
    raw = np.arange(100)[:, None]
    labels = np.arange(100) % 2
    expected = splits_by_digest(raw, labels)
    copies, their_labels = np.concatenate([raw, raw[:2]]), np.append(labels, [0, 1])
    assert splits_by_digest(copies, their_labels) == expected
    with pytest.warns(UserWarning, match="1 examples are there twice") as caught:
        assert splits_by_digest(copies, np.append(labels, [0, 0])) == expected
    assert content_digests(raw)[1] in str(caught[0].message)


@pytest.mark.parametrize(
    "labels",
    [np.full(40, np.nan), ["text"] * 40, [[1, 2]] * 20 + [[3]] * 20, [None] * 40],
    ids=["nan", "text", "boxes", "none"],
)
def test_equal_labels_of_any_kind_are_no_noise(
    labels: Any, recwarn: pytest.WarningsRecorder
) -> None:
    """Copies with equal labels raise no warning, whatever the labels are."""
    raw = np.arange(20).repeat(2)[:, None]
    splits_by_digest(raw, labels)
    assert not recwarn.list


def test_giant_group_is_no_deviation_of_its_classes() -> None:
    """A group that is as large as a split shifts no class beyond what chance allows."""
    rng = np.random.default_rng(0)
    sizes = [20_000, *rng.lognormal(3, 1, 200).astype(int)]
    names = np.repeat([f"patient {n}" for n in range(len(sizes))], sizes)
    index = np.repeat(rng.integers(0, 3, len(sizes)), sizes)
    where = np.array([RULE.split_of(name) for name in names])
    splits = [*RULE.fractions]
    deviation, _ = largest_class_deviation(
        {split: names[where == split] for split in splits},
        {split: torch.from_numpy(index[where == split]) for split in splits},
        RULE,
    )
    assert deviation < 4


@pytest.mark.parametrize(
    ("count", "classes", "message"),
    [
        (0, [], "there are no examples"),
        (2, ["a", "a"], "there are no examples in the split "),
        (100, ["a"] * 99 + ["b"], "no examples of class b in the split .*fixed list"),
    ],
)
def test_gaps_are_named(count: int, classes: list[str], message: str) -> None:
    """No examples, an empty split and a class without examples are errors."""
    digests = content_digests(np.arange(count)[:, None])
    with pytest.raises(UserError, match=message):
        RULE.assign(digests, np.zeros(count), classes)


@pytest.mark.parametrize("train", [1.0, 0.7, 0.0])
def test_impossible_fractions_are_refused(train: float) -> None:
    """Fractions that are not above 0 with a sum of 1 are an error."""
    with pytest.raises(UserError, match="the fractions of the splits are"):
        SplitRule("salt", {"train": train, "test": 0.2})


def test_moved_examples_are_counted() -> None:
    """Moves are counted by their splits; new and lost examples do not count."""
    before = {"a": "train", "b": "train", "c": "test", "gone": "test"}
    now = {"a": "test", "b": "test", "c": "test", "new": "train"}
    found = moved(before, now)
    assert found == {("train", "test"): ["a", "b"]}
    assert describe_moved(found) == "2 from train to test (such as a)"
