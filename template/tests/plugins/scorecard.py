"""The scorecard: tests claim points of the ML Test Score, and pytest counts them.

A test claims a point with a marker: `@pytest.mark.ml_test_score("data.1")`. A point is
earned if all tests that claim it ran and passed. If one of them is skipped, deselected
or fails, it is not earned.
"""

import json
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.points import (
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
# Configuration files of CI.
SCHEDULES = (".github/workflows/*.yml", ".gitlab-ci.yml")


class Scorecard:
    """Collects claims and outcomes of tests, from all processes.

    Args:
        folder: For the scorecard.
        evidence: Evidence of manual checks, by point.
    """

    def __init__(self, folder: Path, evidence: Mapping[str, Evidence]) -> None:
        self.folder = folder
        self.evidence = evidence
        self.claims: dict[str, list[str]] = {}  # points by test
        self.outcomes: dict[str, str] = {}  # by test

    @pytest.hookimpl(tryfirst=True)  # before tests are deselected
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Record the claims of all tests."""
        self.claims = {item.nodeid: points_of(item) for item in items}
        if hasattr(config, "workeroutput"):
            config.workeroutput["scorecard"] = self.claims

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add the claims that another process has collected."""
        self.claims |= getattr(node, "workeroutput", {}).get("scorecard", {})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the outcome of a test, which includes its setup and teardown."""
        if self.outcomes.get(report.nodeid, "passed") == "passed":
            self.outcomes[report.nodeid] = report.outcome

    @pytest.hookimpl(trylast=True)  # at the end, where it is easy to see
    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        """Write and print the scorecard, unless the run was aborted."""
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
    """Add the plugin that writes the scorecard, if requested."""
    folder = config.getoption("--scorecard")
    if folder is None:
        return
    # With some of the tests only, failures of the others would not count.
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
    """Fail a test that claims an unknown point, such as a misspelt one."""
    for point in points_of(item):
        if point not in POINTS:
            message = f"claims {point!r}: points are data.1 to monitor.7"
            pytest.fail(message, pytrace=False)


def points_of(item: pytest.Item) -> list[str]:
    """Return the points that a test claims."""
    return [point for mark in item.iter_markers(MARKER) for point in mark.args]


def runs_by_itself(root: Path) -> bool:
    """Return whether CI is configured, in this folder or at the root of a monorepo."""
    command = ["git", "-C", str(root), "rev-parse", "--show-toplevel"]
    answer = subprocess.run(command, capture_output=True, text=True)
    top = Path(answer.stdout.strip() or root)
    return any([*folder.glob(name)] for folder in (root, top) for name in SCHEDULES)


def summary(scored: Mapping[str, Scored]) -> str:
    """Return the points of each section, the score and the point to earn next."""
    by_section = sums(scored)
    lines = [
        f"{SECTIONS[section]:<14} {points:g} of 7"
        for section, points in by_section.items()
    ]
    lines += ["", f"score {min(by_section.values()):g}, the lowest of these"]
    following = cheapest(scored)
    if following:
        asks = POINTS[following].asks
        lines += [f"next {following}, {asks}", f"     {scored[following].why}"]
    return "\n".join(lines)


def write(scored: Mapping[str, Scored], today: date, folder: Path) -> list[Path]:
    """Write the scorecard.

    Args:
        scored: The result of each point.
        today: The current date.
        folder: For `scorecard.json`, `.md` and `.png`.

    Returns:
        The paths of the three files.
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
    """Return the scorecard as Markdown."""
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
    from matplotlib.figure import Figure  # slow, and most runs write no scorecard

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
