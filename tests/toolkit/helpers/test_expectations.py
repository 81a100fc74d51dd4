"""Do violated expectations say what was found?"""

from pathlib import Path

import great_expectations.expectations as gxe
import pandas as pd
import pytest

from tests.helpers.expectations import failures

TABLE = pd.DataFrame({"size": [1, 2, 3], "name": ["x", "y", None]})
COLUMNS = "size, name"


@pytest.mark.parametrize(
    ("expectation", "reason"),
    [
        (
            gxe.ExpectColumnValuesToBeUnique(column="weight"),
            f"there is no column weight: {COLUMNS}",
        ),
        (
            gxe.ExpectColumnToExist(column="weight"),
            f"there is no column weight: {COLUMNS}",
        ),
        (
            gxe.ExpectColumnPairValuesToBeEqual(column_A="size", column_B="weight"),
            f"there is no column weight: {COLUMNS}",
        ),
        (
            gxe.ExpectCompoundColumnsToBeUnique(column_list=["weight", "age"]),
            f"there is no column weight, age: {COLUMNS}",
        ),
        (
            gxe.ExpectColumnMeanToBeBetween(column="name", min_value=0),
            "Cannot perform reduction 'mean' with string dtype",
        ),
        (
            gxe.ExpectColumnMaxToBeBetween(column="size", max_value=0),
            "{'observed_value': 3}",
        ),
        (
            gxe.ExpectColumnMinToBeBetween(column="size", max_value=0.5),
            "{'observed_value': 1}",
        ),
        (
            gxe.ExpectColumnValuesToBeInSet(column="name", value_set=["x"]),
            "{'partial_unexpected_list': ['y'], 'unexpected_percent': 50.0}",
        ),
        (
            gxe.ExpectColumnUniqueValueCountToBeBetween(column="size", max_value=2),
            "{'observed_value': 3}",
        ),
    ],
)
def test_reason_is_given(expectation: gxe.Expectation, reason: str) -> None:
    """A violated expectation names the missing column, the error or the value."""
    (line,) = failures(TABLE, [expectation])
    _, _, said = line.partition(", but ")
    assert said.replace("np.int64(3)", "3").replace("np.int64(1)", "1") == reason


def test_zero_is_a_value() -> None:
    """An observed value of zero is shown."""
    table = pd.DataFrame({"size": [0]})
    expectation = gxe.ExpectColumnMaxToBeBetween(column="size", min_value=1)
    (line,) = failures(table, [expectation])
    assert "'observed_value': " in line


def test_values_that_are_missing_are_no_value() -> None:
    """The mean of a column without values is said to be none."""
    table = pd.DataFrame({"size": [float("nan")] * 3})
    expectation = gxe.ExpectColumnMeanToBeBetween(column="size", min_value=1)
    (line,) = failures(table, [expectation])
    assert line.endswith("but there is no value")


@pytest.mark.parametrize("names", [["size", "size"], [0, 1], [("a", "b"), ("a", "c")]])
def test_names_of_columns_must_be_texts(names: list[object]) -> None:
    """A name that is a number, or that two columns have, is an error."""
    table = pd.DataFrame([[1, 1], [2, 1]], columns=names)
    expectation = gxe.ExpectColumnValuesToBeUnique(column="size")
    (line,) = failures(table, [expectation])
    assert line.startswith("table: names of columns must be texts, each once, not [")


def test_pages_are_written(tmp_path: Path) -> None:
    """The data docs have a page of the violated expectation."""
    expectation = gxe.ExpectColumnMaxToBeBetween(column="size", max_value=0)
    assert len(failures(TABLE, [expectation], tmp_path)) == 1
    assert (tmp_path / "index.html").is_file()


def test_booleans_of_numpy_are_no_obstacle() -> None:
    """An expectation about quantiles ends in a line, too."""
    ranges = {"quantiles": [0.5], "value_ranges": [[5, 6]]}
    expectation = gxe.ExpectColumnQuantileValuesToBeBetween(
        column="size", quantile_ranges=ranges
    )
    (line,) = failures(TABLE, [expectation])
    assert "'values': [2]" in line
