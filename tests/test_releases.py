"""The list of releases is correct, and projects of each release can be updated.

The test suites of projects from the oldest release run here, too.
"""

import itertools
import os
import re
import sys
from pathlib import Path
from typing import Any

import pathspec
import pytest
import yaml

from tests import processes
from tests.environment import create, overlay
from tests.helpers import (
    ANSWERS_FILE,
    QUESTIONS,
    ROOT,
    commit,
    git,
    read_answers,
    read_files,
    render,
    render_repository,
    update,
)
from tests.projects import Project, toolkit_tests
from tests.releases import LIST, RELEASES, Release
from tests.simulated_team import EDITS, OWN, work
from tests.zones import Zone, check_files, starter_files, starter_patterns

# Copier updates on any version of Python; tests/test_updates.py runs on each.
pytestmark = pytest.mark.one_version
every_release = pytest.mark.parametrize(
    "release", RELEASES, ids=[release.version for release in RELEASES]
)
_, *_parts = re.split(
    r"^## (\S+).*\n", (ROOT / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE
)
# Sections of the changelog by title, from oldest to newest.
SECTIONS = dict(zip(_parts[-2::-2], _parts[::-2], strict=True))
# Managed files that teams often edit: our own changes there often cause conflicts.
EDITED = (
    *(".flake8", ".gitignore", ".pre-commit-config.yaml", "conftest.py", "noxfile.py"),
    *("pyproject.toml", "CONTRIBUTING.md", "scripts/setup.sh"),
)

# What the first release answered by its defaults, or did not ask.
OLD: dict[str, Any] = {"practices": "core", "use_codecov": False}
MAX_VISIBLE = 1000  # changed lines of an update that a pull request shows

# --------------------------------------------------------------------- the list


def test_release_list_matches_git_history(template: Path) -> None:
    """Versions increase, commits are in order, and tags match the list."""
    versions = [
        [int(part) for part in release.version.split(".")] for release in RELEASES
    ]
    assert versions == sorted(versions)
    assert len({*map(tuple, versions)}) == len(versions)
    commits = [*(release.commit for release in RELEASES), "HEAD"]
    for older, newer in itertools.pairwise(commits):
        git(template, "merge-base", "--is-ancestor", older, newer)
    # Tags may include the release in progress; a plain clone has none.
    for tag in git(ROOT, "tag", "--list", "v*").split():
        (release,) = (release for release in RELEASES if release.tag == tag)
        assert git(ROOT, "rev-list", "-1", tag).strip() == release.commit
        assert (
            git(ROOT, "cat-file", "-t", tag).strip() == "tag"
        ), f"{tag}: no annotation"


def test_changelog_has_a_section_for_each_version() -> None:
    """Each version has a section in the changelog with instructions for updating."""
    versions = [release.version for release in RELEASES]
    assert [*SECTIONS][: len(versions)] == versions
    assert len(SECTIONS) <= len(versions) + 1
    assert [title for title in SECTIONS if not _updating(title)] == []


@pytest.mark.parametrize("number", range(1, len(RELEASES) + 1))
def test_changelog_warns_of_conflicts(number: int, template: Path) -> None:
    """The changelog names each changed file that teams often edit."""
    commits = [*(release.commit for release in RELEASES), "HEAD"]
    span = "..".join(commits[number - 1 : number + 1])
    changed = git(template, "diff", "--name-only", "--relative=template", span).split()
    names = {path.removesuffix(".jinja") for path in changed}
    text = "".join(map(_updating, [*SECTIONS][number : number + 1]))
    assert [name for name in EDITED if name in names and f"`{name}`" not in text] == []


def _updating(title: str) -> str:
    """Return the paragraph "Updating" of a section."""
    return SECTIONS[title].partition("### Updating\n")[2].strip()


def test_release_session_tags_the_commit(template: Path, tmp_path: Path) -> None:
    """The session `release` tags a clean, tested commit and adds it to the list."""
    git(tmp_path, "clone", "--quiet", "--no-tags", str(template), "clone")
    clone = tmp_path / "clone"
    for role in ("name", "email"):
        git(clone, "config", f"user.{role}", "tester@example.org")
    # The real check runs this whole file, which takes minutes.
    variables = {"PYTEST_ADDOPTS": "-k test_release_list_matches_git_history"}
    # Without the mark, the inner test run kills only its own programs, and not nox.
    nox = ["env", "-u", processes.MARK, sys.executable, "-m", "nox"]

    def release(*arguments: str) -> str:
        command = [*nox, "-s", "release", "--", *arguments]
        done = processes.run(command, clone, {**os.environ, **variables})
        return f"{done.returncode}\n{done.stdout}"

    changelog = clone / "CHANGELOG.md"
    text = re.sub(
        r"\n## Unreleased\n.*?(?=\n## )", "", changelog.read_text(), flags=re.S
    )
    section = "\n## 998.0.0\n\n- News.\n\n### Updating\n\nNothing.\n"
    first = f"\n## {RELEASES[-1].version}\n"
    assert "give the version" in release()
    assert "give the version" in release("998")
    assert "CHANGELOG.md" in release("998.0.0")
    changelog.write_text(text.replace(first, f"{section}{first}"))
    assert "commit everything first" in release("998.0.0")
    commit(clone, "Prepare")
    head = git(clone, "rev-parse", "HEAD").strip()
    assert "is not above the versions" in release(RELEASES[-1].version)
    assert git(clone, "status", "--porcelain") == git(clone, "tag") == ""
    output = release("998.0.0")
    assert output.startswith("0\n"), output
    assert git(clone, "cat-file", "-t", "v998.0.0").strip() == "tag"
    assert git(clone, "rev-list", "-1", "v998.0.0").strip() == head
    assert git(clone, "status", "--porcelain") == ""
    assert (
        (clone / LIST.name)
        .read_text()
        .endswith(f'\n[[release]]\nversion = "998.0.0"\ncommit = "{head}"\n')
    )
    variables["PYTEST_ADDOPTS"] = "-k no_such_test"
    changelog.write_text(changelog.read_text().replace("998.0.0", "998.0.1"))
    commit(clone, "Prepare what is red")
    assert not release("998.0.1").startswith("0\n")
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "tag").split() == ["v998.0.0"]


# ------------------------------------------------------------- from each of them


@every_release
def test_update_gives_the_managed_files_of_a_new_project(
    release: Release, tmp_path: Path, zone_of: Zone
) -> None:
    """An updated project has the managed files of a new one; starter files stay."""
    project = render_repository(tmp_path / "project", version=release.tag)
    starter = starter_files(project, zone_of)
    update(project)
    render(tmp_path / "fresh", **(OLD if release == RELEASES[0] else {}))
    check_files(project, starter, tmp_path / "fresh", zone_of)


def visible_lines(project: Path) -> dict[str, int]:
    """Return the changed lines that a host shows of staged files, by file.

    It folds what `.gitattributes` marks as generated.
    """
    git(project, "add", "--all")
    changes = git(project, "diff", "--cached", "--numstat", "--no-renames").splitlines()
    lines = {}
    for added, removed, name in (line.split("\t") for line in changes):
        mark = git(project, "check-attr", "linguist-generated", name)
        if added != "-" and mark.endswith(": unspecified\n"):
            lines[name] = int(added) + int(removed)
    return lines


@every_release
def test_people_read_little_of_an_update(release: Release, tmp_path: Path) -> None:
    """Of the next release a team sees at most a thousand lines."""
    project = render_repository(tmp_path / "project", version=release.tag)
    update(project)
    lines = visible_lines(project)
    print(f"{sum(lines.values())} lines to read of the update from {release.version}")
    # The first release was a tenth of today's template.
    assert release.version == "0.1.0" or sum(lines.values()) <= MAX_VISIBLE


@pytest.mark.parametrize(
    ("file", "seen"),
    [
        ("docs/testing.md", True),
        ("noxfile.py", True),
        ("tests/test_task_interface.py", True),
        ("src/digit_recognizer/toolkit/errors.py", False),
        ("tests/helpers/training.py", False),
        ("tests/mutation/runner.py", False),
    ],
)
def test_changed_lines_are_counted(file: str, seen: bool, tmp_path: Path) -> None:
    """Lines of a made-up release count, but for code that is marked as generated."""
    project = render_repository(tmp_path / "project")
    path = project / file
    path.write_text(path.read_text() + "# A line.\n" * (MAX_VISIBLE + 1))
    count = sum(visible_lines(project).values())
    assert count == (MAX_VISIBLE + 1 if seen else 0)


def test_only_code_of_the_template_is_marked_as_generated(
    tmp_path: Path, zone_of: Zone
) -> None:
    """Files that a host folds are managed, and are code."""
    project = render_repository(tmp_path / "project")
    files = [name for name in read_files(project) if name != ANSWERS_FILE]
    marks = git(project, "check-attr", "linguist-generated", *files).splitlines()
    folded = {line.split(":")[0] for line in marks if line.endswith(": set")}
    folders = r"(src/\w+/toolkit|tests/helpers|tests/mutation)/"
    assert folded == {name for name in files if re.match(folders, name)}
    assert {zone_of(name) for name in folded} == {"managed"}


def settings_of(release: Release, template: Path) -> dict[str, Any]:
    """Return questions and settings of a release."""
    text = git(template, "show", f"{release.commit}:copier.yml")
    settings: dict[str, Any] = yaml.safe_load(text)
    return settings


@every_release
def test_no_starter_file_becomes_managed(
    release: Release, template: Path, tmp_path: Path, zone_of: Zone
) -> None:
    """Starter files of released versions are not managed files now."""
    settings = settings_of(release, template)
    starter = pathspec.GitIgnoreSpec.from_lines(starter_patterns(settings))
    render(tmp_path, version=release.tag, use_codecov=True)
    names = read_files(tmp_path).keys() - {ANSWERS_FILE}
    theirs = {name for name in names if starter.match_file(name)}
    assert {"README.md", "configs/default.yaml"} <= theirs
    assert {name for name in theirs if zone_of(name) == "managed"} == set()


@every_release
def test_answers_stay_valid(release: Release, template: Path, tmp_path: Path) -> None:
    """All answers of each release stay valid in an update."""
    answers: dict[str, Any] = {}
    for name, question in settings_of(release, template).items():
        if name.startswith("_") or question.get("when") is False:
            continue
        assert name in QUESTIONS, f"the answer to {name} would be lost"
        old, new = (_values(details) for details in (question, QUESTIONS[name]))
        assert [choice for choice in old if choice not in new] == []
        assert question["type"] == QUESTIONS[name]["type"]
        answers[name] = old[-1] if old else ""
    answers |= {
        "project_name": "Très long: \"nom\" # 'x'",
        "package_name": "other_name",
        "project_description": "{{ a }} \\ 🎉",
        "user_name": "O'Neil & Söhne",
        "user_email": "a.b+c@example.org",
        "github_user": "some-body-1",
    }
    project = tmp_path / "project"
    render_repository(project, version=release.tag, **answers)
    before = read_answers(project)
    update(project)
    after = read_answers(project)
    assert {name: after.get(name) for name in answers} == answers
    assert before["_src_path"] == after["_src_path"]


def _values(question: dict[str, Any]) -> list[Any]:
    choices = question.get("choices", [])
    values = [*choices.values()] if isinstance(choices, dict) else [*choices]
    return [True, False] if question["type"] == "bool" else values


# ------------------------------------------------------------------ a team at work


@pytest.fixture(scope="module")
def updated(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of the oldest release, updated to the current version."""
    folder = tmp_path_factory.mktemp("a project")
    project = Project(folder / "project", {"version": RELEASES[0].tag})
    update(project.path)
    git(project.path, "add", "--all")
    git(project.path, "commit", "--quiet", "--message=Update")
    overlay(project.path)
    return project


@pytest.mark.environment
def test_fast_tests_of_oldest_release_pass(updated: Project) -> None:
    """The fast tests of the oldest release pass after an update."""
    updated.run("nox -s tests")


@pytest.mark.night
@pytest.mark.environment
def test_all_checks_of_oldest_release_pass(updated: Project) -> None:
    """All checks of the oldest release and the toolkit tests pass after an update."""
    updated.run("nox")
    with toolkit_tests(updated.path) as folder:
        output = updated.run(f"pytest {folder}")
    # Features that need the current `task.py` report it; other tests cover them.
    assert "src/digit_recognizer/task.py has no " in output
    assert updated.run("git status --porcelain") == ""


@pytest.mark.night
@pytest.mark.environment
def test_oldest_release_takes_all_practices(tmp_path: Path) -> None:
    """Checks pass after it, without the files that the changelog names."""
    project = Project(tmp_path / "project", {"version": RELEASES[0].tag})
    update(project.path, "--data=practices=all")
    named = _updating([*SECTIONS][1]).partition("practices=all")[2].partition("\n\n")[0]
    files = re.findall(r"`(tests/[\w/]+\.py)`", named)
    assert len(files) == 3
    for file in files:
        (project.path / file).unlink()
    commit(project.path, "Update")
    overlay(project.path)
    project.run("nox -s lint tests")


@pytest.mark.environment
@pytest.mark.parametrize(
    "checks",
    ["nox -s tests", pytest.param("nox", marks=pytest.mark.night)],
    ids=["fast", "all"],
)
def test_team_takes_every_release(checks: str, tmp_path: Path, zone_of: Zone) -> None:
    """Updating through all releases brings all changes and keeps the team's edits."""
    answers: dict[str, Any] = {"project_name": "Forecaster", **OLD}
    project = Project(tmp_path / "project", {"version": RELEASES[0].tag, **answers})
    work(project.path)
    for release in [*RELEASES[1:], None]:
        update(project.path, *([f"--vcs-ref={release.tag}"] if release else []))
        assert git(project.path, "diff", "--name-only", "--diff-filter=U") == ""
        commit(project.path, "Update")
    render(tmp_path / "fresh", **answers)
    found, fresh = read_files(project.path), read_files(tmp_path / "fresh")
    expected = {name: text.encode() for name, text in OWN.items()}
    for name, content in fresh.items():
        if name != ANSWERS_FILE and zone_of(name) == "managed":
            line, added = EDITS.get(name, ("", ""))
            edited = (line + added).encode()
            expected[name] = content.replace(line.encode(), edited, 1)
    del found[ANSWERS_FILE]
    assert sorted(found) == sorted(expected)
    assert [name for name in found if found[name] != expected[name]] == []
    # Without the answers file, the project works without further updates.
    (project.path / ANSWERS_FILE).unlink()
    commit(project.path, "Go on without the template")
    create(project.path)
    project.run(checks)
    assert project.run("git status --porcelain") == ""
