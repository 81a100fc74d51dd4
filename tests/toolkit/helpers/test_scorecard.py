"""Are points counted that are earned, and no others?"""

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

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
from tests.helpers.scorecard import runs_by_itself
from tests.helpers.workplace import ROOT

TODAY = date(2026, 11, 27)
GOOD = {
    "who": "Ada",
    "when": "2026-11-01",
    "where": "https://example.org",
    "until": "2027-10-31",
}
# The same today, whenever that is.
VOUCHED = GOOD | {
    "when": str(date.today()),
    "until": str(date.today() + timedelta(days=30)),
}

TESTS = """
import pytest

@pytest.fixture
def broken():
    yield
    raise ValueError

@pytest.mark.ml_test_score("data.1")
@pytest.mark.parametrize("number", [1, 2])
def test_good(number): pass

@pytest.mark.ml_test_score("data.2", "data.7")
def test_good_for_two(): pass

@pytest.mark.ml_test_score("data.3")
def test_bad(): assert False

@pytest.mark.ml_test_score("data.3")
def test_not_so_bad(): pass

@pytest.mark.ml_test_score("data.4")
def test_skipped(): pytest.skip()

@pytest.mark.ml_test_score("data.5")
@pytest.mark.slow
def test_left_out(): pass

@pytest.mark.ml_test_score("data.6")
def test_bad_in_the_end(broken): pass

@pytest.mark.ml_test_score("model.1")
@pytest.mark.xfail
def test_expected_to_fail(): assert False

@pytest.mark.ml_test_score("data.2")
class TestGroup:
    def test_inside(self): pass
"""
SETTINGS = """
[pytest]
markers = slow
testpaths = tests
addopts = -p tests.helpers.scorecard -m "not slow"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose host runs its tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(TESTS)
    (tmp_path / "configs").mkdir()
    lines = [f"    {name}: {value}" for name, value in VOUCHED.items()]
    text = "\n".join(["evidence:", "  model.2:", *lines, ""])
    (tmp_path / "configs" / "evidence.yaml").write_text(text)
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "checks.yml").write_text("on: push\n")
    return tmp_path


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of the project, which looks for its own card."""
    command = [sys.executable, "-m", "pytest", "--import-mode=importlib", *options]
    return subprocess.run(command, capture_output=True, text=True)


PROCESSES = ["-n0", pytest.param("-n2", marks=pytest.mark.slow)]


@pytest.mark.parametrize("processes", PROCESSES)
def test_what_was_not_passed_earns_nothing(processes: str, project: Path) -> None:
    """Failed, skipped, left out, failed in the end, or expected to fail."""
    done = run("--scorecard=build", processes)
    card = json.loads(Path("build", "scorecard.json").read_text())
    points = card["points"]
    earned = {point for point, each in points.items() if each["score"]}
    assert earned == {"data.1", "data.2", "data.7", "model.2"}
    assert points["data.1"]["why"] == "tests/test_it.py::test_good"
    assert points["data.2"]["why"].endswith(" and 1 more")
    test = "not earned: tests/test_it.py::test_"
    assert points["data.3"]["why"] == f"{test}bad failed"
    assert points["data.4"]["why"] == f"{test}skipped skipped"
    assert points["data.5"]["why"] == f"{test}left_out was not run"
    assert points["data.6"]["why"] == f"{test}bad_in_the_end failed"
    assert points["model.1"]["why"] == f"{test}expected_to_fail skipped"
    why = f"Ada, {date.today()}: https://example.org, until {VOUCHED['until']}"
    assert points["model.2"] == {"score": 0.5, "why": why}
    assert card["sections"] == {"data": 3, "model": 0.5, "infra": 0, "monitor": 0}
    assert card["score"] == 0
    assert "Data      3 of 7" in done.stdout
    assert "| data.4 | " in Path("build", "scorecard.md").read_text()
    assert Path("build", "scorecard.png").stat().st_size > 1000


def test_what_nobody_starts_is_worth_a_half(project: Path) -> None:
    """A test that is run when somebody thinks of it."""
    assert runs_by_itself(project)
    command = ["git", "init", "--quiet"]
    subprocess.run(command, check=True)
    (project / "part").mkdir()
    assert runs_by_itself(project / "part")  # of a monorepo
    Path(".github", "workflows", "checks.yml").unlink()
    assert not runs_by_itself(project)
    claims = {"data.1": {"test": "passed"}}
    assert sums(score(claims, {}, TODAY, automatic=False))["data"] == 0.5


def test_some_tests_are_no_basis(project: Path) -> None:
    """Others that claim the same point may be red."""
    done = run("--scorecard=build", "tests")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--scorecard needs all tests: name no files" in done.stderr
    assert not Path("build").exists()


@pytest.mark.parametrize("processes", PROCESSES)
def test_unknown_point_is_an_error(processes: str, project: Path) -> None:
    """In every run, with a card or without."""
    unknown = '@pytest.mark.ml_test_score("data.8")\ndef test_it(): pass\n'
    Path("tests", "test_it.py").write_text(f"import pytest\n{unknown}")
    done = run(processes)
    assert "claims 'data.8': points are data.1 to monitor.7" in done.stdout
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


def test_all_points_are_there() -> None:
    """Seven in each of four tables."""
    assert [*POINTS] == [f"{name}.{n}" for name in SECTIONS for n in range(1, 8)]


def test_evidence_expires() -> None:
    """And then it counts nothing, whatever it says."""
    old = Evidence("Ada", date(2026, 1, 1), "here", date(2026, 11, 26))
    scored = score({}, {"model.2": old}, TODAY, automatic=True)
    assert scored["model.2"] == Scored(0, "not earned: evidence expired 2026-11-26")
    last = score({}, {"model.2": old}, old.until, automatic=True)
    assert last["model.2"].score == 0.5


def test_evidence_stands_in_for_a_red_test() -> None:
    """A person has looked; and a green test is worth more than that."""
    vouched = {"data.1": Evidence("Ada", TODAY, "here", TODAY)}
    red = score({"data.1": {"test": "failed"}}, vouched, TODAY, automatic=True)
    assert red["data.1"].score == 0.5
    green = score({"data.1": {"test": "passed"}}, vouched, TODAY, automatic=True)
    assert green["data.1"].score == 1


def test_cheapest_point_of_the_lowest_section_is_next() -> None:
    """What was earned once comes first."""
    claims = {
        point: {"test": "passed"} for point in POINTS if not point.startswith("data")
    }
    claims |= {"data.1": {"test": "passed"}}
    assert cheapest(score(claims, {}, TODAY, automatic=True)) == "data.3"
    claims |= {"data.5": {"test": "failed"}}
    assert cheapest(score(claims, {}, TODAY, automatic=True)) == "data.5"
    claims = {point: {"test": "passed"} for point in POINTS}
    scored = score(claims, {}, TODAY, automatic=True)
    assert cheapest(scored) is None
    assert sums(scored) == dict.fromkeys(SECTIONS, 7)


@pytest.mark.parametrize(
    ("point", "change", "message"),
    [
        ("data.8", {}, "is no point"),
        ("data.1", {"who": ""}, "needs who, when, where, until"),
        ("data.1", {"why": "because"}, "needs who, when, where, until"),
        ("data.1", {"when": "yesterday"}, "write dates as"),
        ("data.1", {"when": "2026-11-28"}, "is of the future"),
        ("data.1", {"until": "2028-01-01"}, "for a year at most"),
        ("data.1", {"until": "2026-10-31"}, "for a year at most"),
        ("data.1", {"where": "docs/nowhere.md"}, "there is no docs/nowhere.md"),
    ],
)
def test_poor_evidence_is_refused(
    point: str, change: dict[str, str], message: str, tmp_path: Path
) -> None:
    """With the place to mend."""
    path = tmp_path / "configs" / "evidence.yaml"
    path.parent.mkdir()
    path.write_text(json.dumps({"evidence": {point: GOOD | change}}))
    with pytest.raises(BadEvidence, match=rf"evidence\.yaml: {point}.*{message}"):
        load_evidence(tmp_path, TODAY)


def test_other_settings_are_refused(tmp_path: Path) -> None:
    """And without a file nobody vouches for anything."""
    assert load_evidence(tmp_path, TODAY) == {}
    path = tmp_path / "configs" / "evidence.yaml"
    path.parent.mkdir()
    path.write_text("proof: none\n")
    with pytest.raises(BadEvidence, match="proof"):
        load_evidence(tmp_path, TODAY)
