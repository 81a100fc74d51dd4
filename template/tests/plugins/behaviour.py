"""Behavioural tests: expectations of a model that do not depend on its training data.

They follow CheckList (Ribeiro et al., ACL 2020). A test checks one capability on many
simple cases. `MAX_FAILURE_RATES` at the top of the test module has the fraction of
cases that may fail; without an entry, none may. There are three kinds: *minimum
functionality* expects a known prediction for a simple input, *invariance* expects the
same prediction after a change of the input that does not matter, *directional
expectation* expects a prediction that changes in a known direction.

After the run, a table shows failure rates by capability and kind, followed by the
failed cases.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import pytest

KINDS = ("minimum functionality", "invariance", "directional expectation")
SHOWN = 3  # failed cases per test


@dataclass(frozen=True)
class Result:
    """The result of one test."""

    test: str
    capability: str
    kind: str  # one of KINDS
    asked: int  # cases
    failed: int
    first: list[str]  # a line for each of the first failed cases
    max_failure_rate: float  # from 0 to 1

    @property
    def rate(self) -> float:
        """Return the fraction of cases that failed, from 0 to 1."""
        return self.failed / self.asked

    def __str__(self) -> str:
        """Return a summary in one line."""
        return (
            f"{self.test}: {self.failed} of {self.asked} failed "
            f"({self.rate:.1%}, at most {self.max_failure_rate:.1%} may)"
        )

    def lines(self) -> list[str]:
        """Return a line per failed case, and the number of those not shown."""
        more = self.failed - len(self.first)
        rest = [f"and {more} more"] if more else []
        return [f"  {line}" for line in [*self.first, *rest]]


class Checklist:
    """Compares the failure rate of one test with its maximum.

    Each method takes the capability, what the model must be able to do; a value per
    case; and the names of the cases, for the report.

    Args:
        test: Its name.
        max_failure_rate: The fraction of cases that may fail, from 0 to 1.
        record: Stores the result for the table after the run.
    """

    def __init__(
        self, test: str, max_failure_rate: float, record: Callable[[str, object], None]
    ) -> None:
        self.test = test
        self.max_failure_rate = max_failure_rate
        self.record = record

    def minimum_functionality(
        self,
        capability: str,
        answers: Sequence[object],
        expected: Sequence[object],
        names: Sequence[str] = (),
    ) -> None:
        """Require known predictions: each of the answers is the expected one."""
        pairs = [*zip(answers, expected, strict=True)]
        holds = [answer == right for answer, right in pairs]
        what = [f"{answer} instead of {right}" for answer, right in pairs]
        self.check(capability, KINDS[0], holds, what, names)

    def invariance(
        self,
        capability: str,
        before: Sequence[object],
        after: Sequence[object],
        names: Sequence[str] = (),
    ) -> None:
        """Require predictions that are the same before and after a change of input."""
        pairs = [*zip(before, after, strict=True)]
        holds = [first == second for first, second in pairs]
        what = [f"{first} became {second}" for first, second in pairs]
        self.check(capability, KINDS[1], holds, what, names)

    def directional_expectation(
        self,
        capability: str,
        holds: Sequence[bool],
        what: Sequence[str],
        names: Sequence[str] = (),
    ) -> None:
        """Require predictions that change as expected: `what` describes each change."""
        self.check(capability, KINDS[2], holds, what, names)

    def check(
        self,
        capability: str,
        kind: str,
        holds: Sequence[bool],
        what: Sequence[str],
        names: Sequence[str] = (),
    ) -> None:
        """Fail if fewer cases hold than required; `what` describes each prediction."""
        if not holds:
            pytest.fail(f"{self.test} asks nothing", pytrace=False)
        names = names or [f"question {number}" for number in range(1, len(holds) + 1)]
        failed = [
            f"{name}: {answer}"
            for name, answer, right in zip(names, what, holds, strict=True)
            if not right
        ]
        counts, first = (len(holds), len(failed)), failed[:SHOWN]
        most = self.max_failure_rate
        result = Result(self.test, capability, kind, *counts, first, most)
        self.record("behaviour", json.dumps(asdict(result)))
        if result.rate > result.max_failure_rate:
            pytest.fail("\n".join([str(result), *result.lines()]), pytrace=False)


@pytest.fixture
def checklist(
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> Checklist:
    """Checklist of the test, with its maximum failure rate."""
    rates: dict[str, float] = getattr(request.module, "MAX_FAILURE_RATES", {})
    # The entry of a renamed test would have no effect.
    wrong = [
        f"there is no test {n} here" for n in rates if not hasattr(request.module, n)
    ]
    wrong += [
        f"{n} is a fraction, from 0 to 1" for n in rates if not 0 <= rates[n] <= 1
    ]
    if wrong:
        pytest.fail(f"MAX_FAILURE_RATES: {', '.join(wrong)}", pytrace=False)
    test = request.function.__name__
    return Checklist(test, rates.get(test, 0), record_property)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table of failure rates, if behavioural tests were run."""
    # Reports carry the properties, also those of other processes (pytest-xdist).
    results = [
        Result(**json.loads(value))
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
        for name, value in report.user_properties
        if name == "behaviour"
    ]
    if not results:
        return
    results.sort(key=lambda result: (result.capability, result.test))
    terminalreporter.section("failure rates by capability and kind of test")
    for line in table(results):
        terminalreporter.write_line(line)
    for result in results:
        if result.failed:
            terminalreporter.write_line(f"\n{result}")
            for line in result.lines():
                terminalreporter.write_line(line)


def table(results: Sequence[Result]) -> list[str]:
    """Return failure rates: a header line, and a line per capability."""
    sums = pd.DataFrame(results).groupby(["capability", "kind"]).sum(numeric_only=True)
    rates = (sums.failed / sums.asked).unstack().reindex(columns=list(KINDS))
    cells = rates.map(lambda rate: f"{rate:.1%}" if rate == rate else "")
    text = cells.rename_axis(index=None, columns="capability").to_string()
    return [line.rstrip() for line in text.splitlines()]
