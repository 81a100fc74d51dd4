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
    columns = [*table.columns]
    wrong = [x for x in columns if not isinstance(x, str) or columns.count(x) > 1]
    if wrong:
        return [f"table: names of columns must be texts, each once, not {wrong[:20]}"]
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
    suite = gx.ExpectationSuite("data", expectations=[*expectations])
    context.suites.add(suite)
    values = {"dataframe": table}
    # Not by the checkpoint, which can store no result that holds a boolean of NumPy.
    result = batch.get_batch(values).validate(suite, result_format="BASIC")
    if docs is not None:
        folder = {"base_directory": str(docs.resolve())}
        site = {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", **folder},
        }
        context.add_data_docs_site("local", site)
        validation = gx.ValidationDefinition(name="data", data=batch, suite=suite)
        context.validation_definitions.add(validation)
        action = UpdateDataDocsAction(name="docs", site_names=["local"])
        pages = gx.Checkpoint(
            name="data", validation_definitions=[validation], actions=[action]
        )
        context.checkpoints.add(pages).run(batch_parameters=values)
    return [_line(check, columns) for check in result.results if not check.success]


def _line(check: "ExpectationValidationResult", columns: list[str]) -> str:
    config, found = check.expectation_config, check.result
    given = {n: v for n, v in config.kwargs.items() if v is not None}
    given.pop("batch_id", None)
    names = [config.kwargs.get(f"column{end}") for end in ("", "_A", "_B")]
    names += config.kwargs.get("column_list") or []
    missing = [name for name in names if name is not None and name not in columns]
    # One entry, or one per metric that could not be computed.
    errors = [check.exception_info or {}, *(check.exception_info or {}).values()]
    causes = [e.get("exception_message") for e in errors if isinstance(e, dict)]
    keys = ("observed_value", "partial_unexpected_list", "unexpected_percent")
    observed = {key: found[key] for key in keys if found.get(key) is not None}
    reason = next(filter(None, causes), str(observed or "there is no value"))
    if missing:
        more = f" and {len(columns) - 20} more" * (len(columns) > 20)
        known = ", ".join(columns[:20]) + more or "there is none"
        reason = f"there is no column {', '.join(missing)}: {known}"
    place, reason = given.pop("column", "table"), " ".join(reason.split())[:500]
    return f"{place}: {config.type} {given}, but {reason}"
