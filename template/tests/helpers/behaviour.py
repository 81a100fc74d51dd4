"""Behavioural tests: what a model must do, whatever it has learnt.

After CheckList (Ribeiro and others, ACL 2020). A test asks many small questions about
one capability; the fraction that may fail is in `MAX_FAILURE_RATES` at the head of the
tests, and without an entry none may. There are three kinds: *minimum functionality*
expects a known answer to a simple question, *invariance* the same answer after a change
that makes no difference to people, *directional expectation* an answer that changes in
a known direction.

After the run there is a table of failure rates by capability and kind, and below it the
failures.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pytest

KINDS = ("minimum functionality", "invariance", "directional expectation")
SHOWN = 3  # failures of each test


@dataclass(frozen=True)
class Result:
    """The result of one test.

    Attributes:
        test: Its name.
        capability: What the model must be able to do.
        kind: One of `KINDS`.
        asked: Number of questions.
        failed: How many of these failed.
        first: A line for each of the first that failed.
        max_failure_rate: The fraction that may fail, from 0 to 1.
    """

    test: str
    capability: str
    kind: str
    asked: int
    failed: int
    first: list[str]
    max_failure_rate: float

    @property
    def rate(self) -> float:
        """Return the fraction of questions that failed, from 0 to 1."""
        return self.failed / self.asked

    def __str__(self) -> str:
        """Write it for people."""
        return (
            f"{self.test}: {self.failed} of {self.asked} failed "
            f"({self.rate:.1%}, at most {self.max_failure_rate:.1%} may)"
        )

    def lines(self) -> list[str]:
        """Return what failed, a line each, and how many more did."""
        more = self.failed - len(self.first)
        rest = [f"and {more} more"] if more else []
        return [f"  {line}" for line in [*self.first, *rest]]


class Checklist:
    """Compares the failure rate of one test with its maximum.

    Args:
        test: Its name.
        max_failure_rate: The fraction of questions that may fail, from 0 to 1.
        record: Keeps the result for the table after the run.
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
        """Require known answers.

        Args:
            capability: What the model must be able to do.
            answers: To each question.
            expected: What they should be.
            names: Of the questions, to find them again.
        """
        pairs = [*zip(answers, expected, strict=True)]
        self._compare(capability, KINDS[0], pairs, "instead of", names)

    def invariance(
        self,
        capability: str,
        before: Sequence[object],
        after: Sequence[object],
        names: Sequence[str] = (),
    ) -> None:
        """Require answers that stay.

        Args:
            capability: What the model must be able to do.
            before: The answer to each question.
            after: The answers to what is the same in people's eyes.
            names: Of the questions, to find them again.
        """
        pairs = [*zip(before, after, strict=True)]
        self._compare(capability, KINDS[1], pairs, "became", names)

    def directional_expectation(
        self,
        capability: str,
        holds: Sequence[bool],
        what: Sequence[str],
        names: Sequence[str] = (),
    ) -> None:
        """Require answers that change as they should.

        Args:
            capability: What the model must be able to do.
            holds: Whether each did.
            what: How each changed.
            names: Of the questions, to find them again.
        """
        self.check(capability, KINDS[2], holds, what, names)

    def check(
        self,
        capability: str,
        kind: str,
        holds: Sequence[bool],
        what: Sequence[str],
        names: Sequence[str] = (),
    ) -> None:
        """Fail if more questions failed than allowed.

        Args:
            capability: What the model must be able to do.
            kind: One of `KINDS`.
            holds: Whether each question was answered well.
            what: The answer to each, in words.
            names: Of the questions, to find them again.
        """
        if not holds:
            pytest.fail(f"{self.test} asks nothing", pytrace=False)
        names = names or [f"question {number}" for number in range(1, len(holds) + 1)]
        failed = [
            f"{name}: {answer}"
            for name, answer, right in zip(names, what, holds, strict=True)
            if not right
        ]
        result = Result(
            test=self.test,
            capability=capability,
            kind=kind,
            asked=len(holds),
            failed=len(failed),
            first=failed[:SHOWN],
            max_failure_rate=self.max_failure_rate,
        )
        self.record("behaviour", json.dumps(asdict(result)))
        if result.rate > result.max_failure_rate:
            pytest.fail("\n".join([str(result), *result.lines()]), pytrace=False)

    def _compare(
        self,
        capability: str,
        kind: str,
        pairs: Sequence[tuple[object, object]],
        between: str,
        names: Sequence[str],
    ) -> None:
        """Require that both of each pair are the same."""
        holds = [first == second for first, second in pairs]
        what = [f"{first} {between} {second}" for first, second in pairs]
        self.check(capability, kind, holds, what, names)


@pytest.fixture
def checklist(
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> Checklist:
    """Return the checklist of the test, with its maximum failure rate."""
    max_failure_rates: dict[str, float] = getattr(
        request.module, "MAX_FAILURE_RATES", {}
    )
    for name, rate in max_failure_rates.items():
        if not hasattr(request.module, name):
            # That of a test which was renamed would hold for nothing.
            pytest.fail(
                f"MAX_FAILURE_RATES: there is no test {name} here", pytrace=False
            )
        if not 0 <= rate <= 1:
            pytest.fail(
                f"MAX_FAILURE_RATES: {name} is a fraction, from 0 to 1", pytrace=False
            )
    test = request.function.__name__
    return Checklist(test, max_failure_rates.get(test, 0), record_property)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table, if there were such tests."""
    # Properties travel with the report, also from another process.
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
    """Lay out failure rates.

    Args:
        results: Of one test or more.

    Returns:
        A line of titles, and one for each capability.
    """
    cells: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        cells[result.capability, result.kind].append(result)
    names = sorted({result.capability for result in results})
    width = max(map(len, (*names, "capability")))
    lines = ["  ".join(["capability".ljust(width), *KINDS])]
    for name in names:
        row = [name.ljust(width)]
        for kind in KINDS:
            asked = sum(result.asked for result in cells[name, kind])
            failed = sum(result.failed for result in cells[name, kind])
            row.append((f"{failed / asked:.1%}" if asked else "").rjust(len(kind)))
        lines.append("  ".join(row).rstrip())
    return lines
