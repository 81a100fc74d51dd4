"""Does the scorecard count the points that are earned, and no others?"""

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.helpers.training import ROOT
from tests.plugins.scorecard import runs_by_itself
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

TODAY = date(2026, 11, 27)
GOOD = {
    "who": "Ada",
    "when": "2026-11-01",
    "where": "https://example.org",
    "until": "2027-10-31",
}
# Valid on the day that the tests run.
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
addopts = -p tests.plugins.scorecard -m "not slow"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with tests, evidence and a CI workflow."""
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
    """Run the tests of the project with these options."""
    command = [sys.executable, "-m", "pytest", "--import-mode=importlib", *options]
    return subprocess.run(command, capture_output=True, text=True)


PROCESSES = ["-n0", pytest.param("-n2", marks=pytest.mark.slow)]


@pytest.mark.parametrize("processes", PROCESSES)
def test_only_passed_tests_earn_points(processes: str, project: Path) -> None:
    """Tests that fail, are skipped, deselected or xfailed earn no point."""
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
    assert "Data           3 of 7" in done.stdout
    assert "| data.4 | " in Path("build", "scorecard.md").read_text()
    assert Path("build", "scorecard.png").stat().st_size > 1000


def test_tests_without_ci_earn_half_a_point(project: Path) -> None:
    """A passed test earns half a point where no CI workflow runs it."""
    assert runs_by_itself(project)
    command = ["git", "init", "--quiet"]
    subprocess.run(command, check=True)
    (project / "part").mkdir()
    assert runs_by_itself(project / "part")  # of a monorepo
    Path(".github", "workflows", "checks.yml").unlink()
    assert not runs_by_itself(project)
    claims = {"data.1": {"test": "passed"}}
    assert sums(score(claims, {}, TODAY, automatic=False))["data"] == 0.5


def test_scorecard_refuses_a_subset_of_tests(project: Path) -> None:
    """A scorecard needs all tests, as several can claim the same point."""
    done = run("--scorecard=build", "tests")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--scorecard needs all tests: name no files" in done.stderr
    assert not Path("build").exists()


@pytest.mark.parametrize("processes", PROCESSES)
def test_unknown_point_is_an_error(processes: str, project: Path) -> None:
    """A test that claims an unknown point fails, also without a scorecard."""
    unknown = '@pytest.mark.ml_test_score("data.8")\ndef test_it(): pass\n'
    Path("tests", "test_it.py").write_text(f"import pytest\n{unknown}")
    done = run(processes)
    assert "claims 'data.8': points are data.1 to monitor.7" in done.stdout
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


def test_each_section_has_seven_points() -> None:
    """The four sections have seven points each."""
    assert [*POINTS] == [f"{name}.{n}" for name in SECTIONS for n in range(1, 8)]


def test_expired_evidence_scores_nothing() -> None:
    """Evidence counts until its last day, and scores 0 after it."""
    old = Evidence("Ada", date(2026, 1, 1), "here", date(2026, 11, 26))
    scored = score({}, {"model.2": old}, TODAY, automatic=True)
    assert scored["model.2"] == Scored(0, "not earned: evidence expired 2026-11-26")
    last = score({}, {"model.2": old}, old.until, automatic=True)
    assert last["model.2"].score == 0.5


def test_evidence_scores_half_a_point() -> None:
    """Evidence scores 0.5 where the test fails; a passed test scores 1."""
    vouched = {"data.1": Evidence("Ada", TODAY, "here", TODAY)}
    red = score({"data.1": {"test": "failed"}}, vouched, TODAY, automatic=True)
    assert red["data.1"].score == 0.5
    green = score({"data.1": {"test": "passed"}}, vouched, TODAY, automatic=True)
    assert green["data.1"].score == 1


def test_next_point_is_in_the_lowest_section() -> None:
    """In the lowest section, a point that a test already claims comes first."""
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
def test_invalid_evidence_is_refused(
    point: str, change: dict[str, str], message: str, tmp_path: Path
) -> None:
    """The message names the file, the point and the mistake."""
    path = tmp_path / "configs" / "evidence.yaml"
    path.parent.mkdir()
    path.write_text(json.dumps({"evidence": {point: GOOD | change}}))
    with pytest.raises(BadEvidence, match=rf"evidence\.yaml: {point}.*{message}"):
        load_evidence(tmp_path, TODAY)


def test_unknown_keys_in_evidence_are_refused(tmp_path: Path) -> None:
    """Unknown keys are an error; a missing file is no evidence."""
    assert load_evidence(tmp_path, TODAY) == {}
    path = tmp_path / "configs" / "evidence.yaml"
    path.parent.mkdir()
    path.write_text("proof: none\n")
    with pytest.raises(BadEvidence, match="proof"):
        load_evidence(tmp_path, TODAY)
