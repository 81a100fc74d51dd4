"""The ML Test Score: the 28 points of the rubric, and which of them are earned.

From Breck et al., 2017, "The ML Test Score: A Rubric for ML Production Readiness and
Technical Debt Reduction". An automatic test that runs regularly earns 1 point, a
manual check with a documented result earns 0.5. The score is the lowest sum of the
four sections.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

SECTIONS = {
    "data": "Data",
    "model": "Model",
    "infra": "Infrastructure",
    "monitor": "Monitoring",
}
EVIDENCE = Path("configs", "evidence.yaml")
LONGEST = timedelta(days=366)  # validity of evidence: manual checks are repeated yearly


class Point(NamedTuple):
    """A requirement of the rubric, and how to meet it.

    Attributes:
        asks: The requirement.
        how: How to earn the point.
        effort: From 1 (an hour) to 3 (a separate project).
    """

    asks: str
    how: str
    effort: int


POINTS = {
    "data.1": Point(
        "expectations of the data are written down and tested",
        "write expectations as in tests/data/test_expectations.py",
        2,
    ),
    "data.2": Point(
        "each feature improves the model",
        "test that the model is worse without it",
        2,
    ),
    "data.3": Point(
        "no feature costs too much",
        "test the cost of preprocessing an example",
        1,
    ),
    "data.4": Point(
        "features keep to rules from outside: licences, laws, policies",
        "test the columns against a list of forbidden ones",
        1,
    ),
    "data.5": Point(
        "personal data are protected",
        "document who may read them, and test that runs and logs hold no personal data",
        2,
    ),
    "data.6": Point(
        "a new feature reaches production within weeks",
        "write down how long the last one took, and why",
        1,
    ),
    "data.7": Point(
        "the code of preprocessing is tested",
        "write unit tests, as in tests/code/test_data.py",
        1,
    ),
    "model.1": Point(
        "a second person reads each change of the model",
        "cite the rule of the repository that asks for it",
        1,
    ),
    "model.2": Point(
        "offline metrics correlate with results in production",
        "cite a comparison for several models",
        3,
    ),
    "model.3": Point(
        "hyperparameters are tuned",
        "cite a search, with its date and its result",
        2,
    ),
    "model.4": Point(
        "the effect of the age of a model is known",
        "cite an evaluation of an old model on new data",
        2,
    ),
    "model.5": Point(
        "a simpler model is no better",
        "test it, as in tests/model/test_regression.py",
        1,
    ),
    "model.6": Point(
        "accuracy is sufficient on all important subsets, not only on average",
        "set min_accuracy for each suite and class in configs/comparison.yaml",
        1,
    ),
    "model.7": Point(
        "the model is fair to all groups of people",
        "cite an evaluation by group, or say why no person is concerned",
        2,
    ),
    "infra.1": Point(
        "the same seed gives the same training",
        "test it, as in tests/training/test_steps.py",
        1,
    ),
    "infra.2": Point(
        "the code of the model and of its training is tested",
        "test single steps, as in tests/training/test_steps.py",
        1,
    ),
    "infra.3": Point(
        "the pipeline from data to prediction is tested",
        "test it by the commands of the command line",
        2,
    ),
    "infra.4": Point(
        "a model is validated before promotion",
        "test that a worse model is not promoted",
        2,
    ),
    "infra.5": Point(
        "single steps of a training can be debugged",
        "test a recipe for debugging, as in tests/test_evidence.py",
        1,
    ),
    "infra.6": Point(
        "a new model is tested on production requests before promotion",
        "promote it with --log, for a shadow evaluation on logged requests",
        2,
    ),
    "infra.7": Point(
        "a promotion can be rolled back quickly and safely",
        "test that the model before predicts as it did",
        2,
    ),
    "monitor.1": Point(
        "no dependency changes without notice",
        "test that versions are locked, and that updates are proposed",
        1,
    ),
    "monitor.2": Point(
        "inputs in production meet the expectations of the data",
        "test that an input out of range causes a warning",
        1,
    ),
    "monitor.3": Point(
        "training and serving give the same prediction",
        "test both on the same example",
        1,
    ),
    "monitor.4": Point(
        "the production model is not too old",
        "test its age, on a schedule",
        1,
    ),
    "monitor.5": Point(
        "predictions are finite for any input",
        "test extreme inputs, and that training stops at a loss that is not finite",
        1,
    ),
    "monitor.6": Point(
        "training and serving do not become slower",
        "test their cost",
        1,
    ),
    "monitor.7": Point(
        "predictions are accurate in production, not only on the test data",
        "log predictions with predict --log, and label a sample with nox -s feedback",
        2,
    ),
}


@dataclass(frozen=True)
class Evidence:
    """A manual check with a documented result.

    Attributes:
        who: Person who made the check.
        when: Date of the check.
        where: Document of the result: a URL or a file of this repository.
        until: Last day on which it counts, at most a year later.
    """

    who: str
    when: date
    where: str
    until: date


class BadEvidence(Exception):
    """An entry of the evidence file is not valid."""


def load_evidence(root: Path, today: date) -> dict[str, Evidence]:
    """Read the evidence of manual checks.

    Args:
        root: Folder of the repository; the file is optional.
        today: The current date.

    Returns:
        The evidence by point, including expired evidence.

    Raises:
        BadEvidence: An entry has an unknown point, wrong fields or wrong dates.
    """
    path = root / EVIDENCE
    if not path.is_file():
        return {}
    # Imported here: a project that adopts only the tests may not have it.
    from jsonargparse import ArgumentError, ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--evidence", type=dict[str, dict[str, str]], default={})
    try:
        found = parser.parse_path(path).evidence or {}
    except ArgumentError as error:
        raise BadEvidence(f"{path}: {' '.join(str(error).split())}") from error
    return {
        point: _one(f"{path}: {point}", point, given, today, root)
        for point, given in found.items()
    }


def _one(
    place: str, point: str, given: Mapping[str, str], today: date, root: Path
) -> Evidence:
    if point not in POINTS:
        raise BadEvidence(f"{place} is no point: they are data.1 to monitor.7")
    wanted = ("who", "when", "where", "until")
    if {*given} != {*wanted} or not all(given.values()):
        raise BadEvidence(f"{place} needs {', '.join(wanted)}, and nothing else")
    try:
        when, until = (date.fromisoformat(given[name]) for name in ("when", "until"))
    except ValueError as error:
        raise BadEvidence(f"{place}: {error}: write dates as 2026-11-27") from error
    if when > today:
        raise BadEvidence(f"{place} is of the future: {when}")
    if not timedelta() < until - when <= LONGEST:
        raise BadEvidence(f"{place} counts for a year at most, from {when}")
    where = given["where"]
    if "://" not in where and not (root / where).exists():
        raise BadEvidence(f"{place}: there is no {where}")
    return Evidence(given["who"], when, where, until)


class Scored(NamedTuple):
    """The result of a point.

    Attributes:
        score: 0, 0.5 or 1.
        why: Tests or evidence that earned it, or the reason why it was not earned.
    """

    score: float
    why: str


def score(
    claims: Mapping[str, Mapping[str, str]],
    evidence: Mapping[str, Evidence],
    today: date,
    *,
    automatic: bool,
) -> dict[str, Scored]:
    """Compute the points.

    Args:
        claims: For each claimed point, the outcomes of its tests by name; any outcome
            but `passed` is a failure.
        evidence: Evidence of manual checks, by point.
        today: The current date.
        automatic: Whether CI runs the tests; if people start them by hand, a point
            counts a half.

    Returns:
        The result of each point.
    """
    scored = {}
    for point in POINTS:
        claimed = claims.get(point, {})
        bad = [f"{test} {what}" for test, what in claimed.items() if what != "passed"]
        vouched = evidence.get(point)
        if claimed and not bad:
            tests = sorted({test.partition("[")[0] for test in claimed})
            more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
            scored[point] = Scored(1 if automatic else 0.5, f"{tests[0]}{more}")
        elif vouched and vouched.until >= today:
            said = f"{vouched.who}, {vouched.when}: {vouched.where}"
            scored[point] = Scored(0.5, f"{said}, until {vouched.until}")
        elif bad:
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            scored[point] = Scored(0, f"not earned: {bad[0]}{more}")
        elif vouched:
            scored[point] = Scored(0, f"not earned: evidence expired {vouched.until}")
        else:
            scored[point] = Scored(0, f"nobody knows: {POINTS[point].how}")
    return scored


def sums(scored: Mapping[str, Scored]) -> dict[str, float]:
    """Add up the points of each section."""
    return {
        section: sum(
            each.score
            for point, each in scored.items()
            if point.partition(".")[0] == section
        )
        for section in SECTIONS
    }


def cheapest(scored: Mapping[str, Scored]) -> str | None:
    """Return the point to earn next: the cheapest one of the lowest section.

    Points whose tests or evidence no longer count come first.

    Args:
        scored: The result of each point.

    Returns:
        The name of the point, or None if the section has all of its points.
    """
    by_section = sums(scored)
    lowest = min(by_section, key=lambda section: by_section[section])
    open_points = [
        point
        for point, each in scored.items()
        if point.partition(".")[0] == lowest and each.score == 0
    ]
    return min(
        open_points,
        key=lambda point: (
            not scored[point].why.startswith("not earned"),
            POINTS[point].effort,
        ),
        default=None,
    )
