"""The scorecard: tests claim points of the ML Test Score, and a run counts them.

A test claims one by a marker: `@pytest.mark.ml_test_score("data.1")`. It is earned if
all tests that claim it were run and passed: what is skipped, left out or red counts
nothing.
"""

import json
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.ml_test_score import (
    POINTS,
    SECTIONS,
    BadEvidence,
    Evidence,
    Scored,
    cheapest,
    load_evidence,
    score,
    sums,
)

MARKER = "ml_test_score"
# Where a host is told to run tests by itself.
SCHEDULES = (".github/workflows/*.yml", ".gitlab-ci.yml")


class Scorecard:
    """Gathers what tests claim and what became of them, from all processes.

    Args:
        folder: Gets the card.
        evidence: What people vouch for.
    """

    def __init__(self, folder: Path, evidence: Mapping[str, Evidence]) -> None:
        self.folder = folder
        self.evidence = evidence
        self.claims: dict[str, list[str]] = {}  # points by test
        self.outcomes: dict[str, str] = {}  # by test

    @pytest.hookimpl(tryfirst=True)  # before tests are left out
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Note what is claimed."""
        self.claims = {item.nodeid: points_of(item) for item in items}
        if hasattr(config, "workeroutput"):
            config.workeroutput["scorecard"] = self.claims

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what another process has found."""
        self.claims |= getattr(node, "workeroutput", {}).get("scorecard", {})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of a test: one bad part is enough."""
        if self.outcomes.get(report.nodeid, "passed") == "passed":
            self.outcomes[report.nodeid] = report.outcome

    @pytest.hookimpl(trylast=True)  # at the end, where people look
    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        """Write the card, and show it, unless something ended the run."""
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        claims: dict[str, dict[str, str]] = defaultdict(dict)
        for test, points in self.claims.items():
            for point in points:
                claims[point][test] = self.outcomes.get(test, "was not run")
        today = date.today()
        automatic = runs_by_itself(terminalreporter.config.rootpath)
        scored = score(claims, self.evidence, today, automatic=automatic)
        terminalreporter.section("ML Test Score")
        terminalreporter.write_line(summary(scored))
        if not automatic:
            terminalreporter.write_line("half points: nothing starts the tests here")
        for path in write(scored, today, self.folder):
            terminalreporter.write_line(f"{path.suffix[1:]:<4}  {path}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the session `scorecard`."""
    parser.addoption(
        "--scorecard",
        type=Path,
        metavar="FOLDER",
        help="write which points of the ML Test Score are earned to this folder",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Add the marker; and if a card is wanted, what writes it."""
    config.addinivalue_line(
        "markers", f"{MARKER}(*points): claims points of the ML Test Score"
    )
    folder = config.getoption("--scorecard")
    if folder is None:
        return
    # Some tests would claim what others, which are not looked at, know better.
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS and not hasattr(
        config, "workerinput"
    ):
        raise pytest.UsageError("--scorecard needs all tests: name no files")
    try:
        evidence = load_evidence(config.rootpath, date.today())
    except BadEvidence as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(Scorecard(folder, evidence))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test that claims what is no point: misspelt, it would earn nothing."""
    for point in points_of(item):
        if point not in POINTS:
            message = f"claims {point!r}: points are data.1 to monitor.7"
            pytest.fail(message, pytrace=False)


def points_of(item: pytest.Item) -> list[str]:
    """Return the points that a test claims."""
    return [point for mark in item.iter_markers(MARKER) for point in mark.args]


def runs_by_itself(root: Path) -> bool:
    """Say whether a host is told to run the tests: in here, or above in a monorepo."""
    command = ["git", "-C", str(root), "rev-parse", "--show-toplevel"]
    answer = subprocess.run(command, capture_output=True, text=True)
    top = Path(answer.stdout.strip() or root)
    return any([*folder.glob(name)] for folder in (root, top) for name in SCHEDULES)


def summary(scored: Mapping[str, Scored]) -> str:
    """Say in lines what came of it, and what to do next."""
    by_section = sums(scored)
    lines = [
        f"{SECTIONS[section]:<9} {points:g} of 7"
        for section, points in by_section.items()
    ]
    lines += ["", f"score {min(by_section.values()):g}, the lowest of these"]
    following = cheapest(scored)
    if following:
        asks = POINTS[following].asks
        lines += [f"next {following}, {asks}", f"     {scored[following].why}"]
    return "\n".join(lines)


def write(scored: Mapping[str, Scored], today: date, folder: Path) -> list[Path]:
    """Write the card.

    Args:
        scored: What came of each point.
        today: The date.
        folder: Gets `scorecard.json`, `.md` and `.png`.

    Returns:
        These three.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"scorecard.{kind}" for kind in ("json", "md", "png")]
    by_section = sums(scored)
    facts = {
        "date": today.isoformat(),
        "score": min(by_section.values()),
        "sections": by_section,
        "points": {point: each._asdict() for point, each in scored.items()},
    }
    paths[0].write_text(json.dumps(facts, indent=2) + "\n")
    paths[1].write_text(as_markdown(scored))
    draw(by_section, paths[2])
    return paths


def as_markdown(scored: Mapping[str, Scored]) -> str:
    """Lay out the card for people."""
    by_section = sums(scored)
    lines = [f"# ML Test Score: {min(by_section.values()):g}", ""]
    following = cheapest(scored)
    if following:
        asks, why = POINTS[following].asks, scored[following].why
        lines += [f"The lowest section counts. Next: {following}, {asks}. {why}.", ""]
    for section, points in by_section.items():
        lines += [f"## {SECTIONS[section]}: {points:g} of 7", ""]
        lines += ["| | asks that | points | |", "|---|---|---|---|"]
        for point, each in scored.items():
            if point.partition(".")[0] == section:
                cells = (point, POINTS[point].asks, f"{each.score:g}", each.why)
                lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def draw(by_section: Mapping[str, float], path: Path) -> None:
    """Draw a badge: a bar for each section, and the score."""
    from matplotlib.figure import Figure  # not in runs that want no card

    lowest = min(by_section.values())
    figure = Figure(figsize=(3.2, 1), layout="constrained")
    axes = figure.subplots()
    colours = ["tab:orange" if n == lowest else "tab:blue" for n in by_section.values()]
    names = [SECTIONS[section] for section in by_section]
    axes.barh(names, [*by_section.values()], color=colours)
    axes.set(xlim=(0, 7), xticks=[])
    axes.invert_yaxis()
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(labelsize=7, length=0)
    axes.text(7, 1.5, f"{lowest:g}", fontsize=18, ha="right", va="center")
    figure.savefig(path, dpi=120)
