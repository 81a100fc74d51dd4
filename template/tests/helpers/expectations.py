"""Validation of a table by Great Expectations, without its project folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations import Expectation


def failures(
    table: pd.DataFrame, expectations: Sequence["Expectation"], docs: Path | None = None
) -> list[str]:
    """Return a line per violated expectation; `docs` gets HTML pages of all."""
    # Imported here: it takes two seconds, which other tests do not need to spend.
    import great_expectations as gx
    from great_expectations.checkpoint import UpdateDataDocsAction

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = (
        context.data_sources.add_pandas("pandas")
        .add_dataframe_asset("table")
        .add_batch_definition_whole_dataframe("all")
    )
    suite = context.suites.add(gx.ExpectationSuite("data"))
    for expectation in expectations:
        suite.add_expectation(expectation)
    validation = context.validation_definitions.add(
        gx.ValidationDefinition(name="data", data=batch, suite=suite)
    )
    actions = []
    if docs is not None:
        folder = {"base_directory": str(docs.resolve())}
        site = {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", **folder},
        }
        context.add_data_docs_site("local", site)
        actions = [UpdateDataDocsAction(name="docs", site_names=["local"])]
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name="data",
            validation_definitions=[validation],
            actions=actions,
            result_format="BASIC",
        )
    )
    outcome = checkpoint.run(batch_parameters={"dataframe": table})
    (result,) = outcome.run_results.values()
    return [_line(check) for check in result.results if not check.success]


def _line(check: "ExpectationValidationResult") -> str:
    config = check.expectation_config
    settings = {
        name: value
        for name, value in config.kwargs.items()
        if name not in ("batch_id", "column") and value is not None
    }
    observed = {
        name: check.result[name]
        for name in ("observed_value", "partial_unexpected_list")
        if check.result.get(name)
    }
    error = (check.exception_info or {}).get("exception_message")
    return (
        f"{config.kwargs.get('column', 'table')}: {config.type} {settings}, "
        f"but {error or observed}"
    )
