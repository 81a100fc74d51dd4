"""Checks are listed on their page, and an update fails no code that is unchanged."""

import ast
import re

import pytest

from tests.helpers import ROOT, git
from tests.releases import RELEASES
from tools import checks_page

HELPERS = "template/tests/helpers"


def fails_from() -> dict[str, str]:
    """Return the table of new checks, and the versions from which they fail."""
    (table,) = (
        node.value
        for node in checks_page.parse(checks_page.sources()["checks.py"]).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "FAILS_FROM"
    )
    assert table is not None
    found: dict[str, str] = ast.literal_eval(table)
    return found


def problems(
    before: set[str], now: set[str], table: dict[str, str], newest: str
) -> list[str]:
    """Return what an update to the checks of today would do to a team unasked.

    Args:
        before: Checks of the newest release, as `Class.name`.
        now: Checks of today.
        table: Checks that warn only, and the version from which they fail.
        newest: The newest release.

    Returns:
        A line per problem.
    """
    classes = {name.partition(".")[0] for name in before}
    new = {name for name in now - before if name.partition(".")[0] in classes}
    return [
        *(f"{name} is gone, but teams may exempt it" for name in sorted(before - now)),
        *(f"{name} is new, and does not warn first" for name in sorted(new - {*table})),
        *(
            f"{name} warns, but there is no such check"
            for name in sorted({*table} - now)
        ),
        *(
            f"{name} fails from {version} on: delete its line"
            for name, version in sorted(table.items())
            if _parts(version) <= _parts(newest)
        ),
    ]


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_update_fails_no_unchanged_code() -> None:
    """New checks of released classes warn first, and no released check is gone."""
    newest = RELEASES[-1]
    listed = git(ROOT, "ls-tree", "--name-only", newest.commit, f"{HELPERS}/")
    released = {
        path: git(ROOT, "show", f"{newest.commit}:{path}")
        for path in listed.split()
        if ".py" in path
    }
    assert released
    before, now = checks_page.names(released), checks_page.names(checks_page.sources())
    assert problems(before, now, fails_from(), newest.version) == []


@pytest.mark.parametrize(
    ("now", "table", "problem"),
    [
        ({"A.test_a", "A.test_b"}, {"A.test_b": "0.3.0"}, None),
        ({"A.test_a", "B.test_b"}, {}, None),
        ({"A.test_a", "A.test_b"}, {}, "A.test_b is new"),
        ({"A.test_a", "A.test_b"}, {"A.test_b": "0.2.0"}, "delete its line"),
        ({"A.test_b"}, {"A.test_b": "0.3.0"}, "A.test_a is gone"),
        ({"A.test_a"}, {"A.test_c": "0.3.0"}, "there is no such check"),
    ],
    ids=["it warns", "its class is new", "no warning", "expired", "gone", "misspelt"],
)
def test_made_up_release(now: set[str], table: dict[str, str], problem: str) -> None:
    """Each problem of a made-up release is named, and a good release has none."""
    found = problems({"A.test_a"}, now, table, "0.2.0")
    assert [line for line in found if not problem or problem not in line] == []
    assert bool(found) == bool(problem)


def test_page_is_made_from_the_docstrings() -> None:
    """The page lists all checks as they are: `python3 start.py checks` writes it."""
    assert checks_page.PAGE.read_text("utf-8") == checks_page.page()


def test_every_check_says_more_than_what_holds() -> None:
    """The docstring of each check has a second part, for people who see it fail."""
    silent = [
        check.name
        for text in checks_page.sources().values()
        for checks in checks_page.classes(text)
        for check in checks_page.checks_of(checks)
        if "\n\n" not in (ast.get_docstring(check) or "").strip()
    ]
    assert silent == []


def test_new_project_exempts_nothing() -> None:
    """No test file of a new project exempts a check."""
    files = [*(ROOT / "template").rglob("test_*.py*")]
    assert len(files) > 10
    exempting = [
        path.name for path in files if re.search(r"\bexempt\b", path.read_text("utf-8"))
    ]
    assert exempting == []
