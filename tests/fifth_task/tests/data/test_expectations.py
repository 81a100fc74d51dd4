"""Expectation tests: do the data meet the assumptions of training and evaluation?

Ranges are in `data.py`, as `predict` checks its inputs against them, too.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import torch

from digit_recognizer.data import MAX_INK, RANGES, SPLITS, attributes, load_splits
from digit_recognizer.evaluation import label_name
from tests.helpers.expectations import failures

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

COLUMNS = ["digest", "split", "label", *RANGES]


def expectations() -> list["Expectation"]:
    """Return new expectations, as each can belong to only one validation."""
    # Imported here: it takes two seconds, which other tests do not need to spend.
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectTableColumnsToMatchSet(column_set=COLUMNS),
        gxe.ExpectTableRowCountToBeBetween(min_value=1000, max_value=10_000),
        *(gxe.ExpectColumnValuesToNotBeNull(column=column) for column in COLUMNS),
        gxe.ExpectColumnValuesToBeUnique(column="digest"),
        gxe.ExpectColumnDistinctValuesToEqualSet(
            column="split", value_set=list(SPLITS)
        ),
        gxe.ExpectColumnValuesToMatchRegex(column="label", regex=r"^\d([+]\d)*$"),
        *(
            gxe.ExpectColumnValuesToBeBetween(
                column=column, min_value=low, max_value=high, mostly=mostly
            )
            for column, (low, high, mostly) in RANGES.items()
        ),
    ]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """All splits as a table with one row per example."""
    parts = []
    for name, data in load_splits().items():
        names = [*map(label_name, data.labels)]
        columns = {"digest": data.digests(), "split": name, "label": names}
        found = attributes(data.raw)
        numbers = {column: values.numpy() for column, values in found.items()}
        parts.append(pd.DataFrame(columns | numbers))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.ml_test_score("data.7")
def test_attributes_by_hand() -> None:
    """Attributes of two simple strips equal those computed by hand."""
    raw = [torch.zeros(8, 16), torch.full((8, 24), 4)]
    raw[0][0, 0] = MAX_INK
    assert {name: values.tolist() for name, values in attributes(raw).items()} == {
        "length": [2, 3],
        "ink_max": [MAX_INK, 4],
        "ink_mean": [MAX_INK / 128, 4],
    }


@pytest.mark.ml_test_score("data.1")
def test_data_meets_expectations(table: pd.DataFrame, data_docs: Path | None) -> None:
    """The current data meet all expectations."""
    assert failures(table, expectations(), docs=data_docs) == []


def leak(table: pd.DataFrame) -> pd.DataFrame:
    """Copy a training example into the test split."""
    copy = table[table.split == "train"].head(1).assign(split="test")
    return pd.concat([table, copy])


@pytest.mark.ml_test_score("data.1")
@pytest.mark.parametrize(
    ("spoil", "alarm"),
    [
        (lambda table: table.drop(columns="ink_mean"), "columns_to_match_set"),
        (lambda table: table.head(900), "row_count"),
        (lambda table: table.assign(label="none"), "label"),
        (leak, "digest: expect_column_values_to_be_unique"),
        (lambda table: table.assign(ink_max=table.ink_max * 16.0), "ink_max"),
        (lambda table: table.assign(length=1), "length"),
    ],
    ids=["column", "rows", "no digits", "leak", "scale", "short strips"],
)
def test_bad_data_raises_the_alarm(
    table: pd.DataFrame, spoil: Callable[[pd.DataFrame], pd.DataFrame], alarm: str
) -> None:
    """Each kind of corrupted data violates the expectation that covers it."""
    assert alarm in "\n".join(failures(spoil(table), expectations()))
