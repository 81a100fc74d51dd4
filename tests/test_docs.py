"""The commands in the documentation work, and its statements match the code."""

import ast
import fnmatch
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import jinja2
import pytest

from tests import processes
from tests.helpers import (
    ANSWERABLE,
    ANSWERS_FILE,
    EVERYTHING,
    QUESTIONS,
    ROOT,
    SETTINGS,
    STARTERS,
    choices,
    read_files,
    render,
    render_repository,
)
from tests.doc_runner import DocRunner, compare
from tests.markdown import FENCE
from tests.zones import starter_patterns
from tools import gallery, reference

DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]
MAX_LINES = 250  # of a page
PATH = re.compile(r"[\w./*-]+/[\w./*-]*")  # of a file or a folder


# ------------------------------------------------------------------------ links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_have_targets(page: Path) -> None:
    """Links in the documentation point to existing files and headings."""
    text = FENCE.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        assert not anchor or anchor in _anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_is_short(page: Path) -> None:
    """A page can be read in one sitting, and the README on two screens."""
    limit = 120 if page.parent == ROOT and page.name == "README.md" else MAX_LINES
    assert len(page.read_text("utf-8").splitlines()) <= limit


def test_index_names_every_page() -> None:
    """The index of the documentation links to every page."""
    text = (DOCS / "README.md").read_text("utf-8")
    pages = {page.name for page in DOCS.glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"]({name})" not in text} == set()
    # The site calls them the same.
    site = (ROOT / "mkdocs.yml").read_text("utf-8")
    titles = dict(re.findall(r"^ +- ([^:]+): (\S+)$", site, re.MULTILINE))
    assert [t for t, name in titles.items() if name in pages] == [
        title for title, name in re.findall(r"\[([^]]+)\]\(([^)]+)\)", text)
    ]


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub generates for headings."""
    text = FENCE.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    words = [re.sub(r"[^\w\s-]", "", title.lower()) for title in titles]
    return {word.strip().replace(" ", "-") for word in words}


@pytest.mark.one_version
@pytest.mark.parametrize("line", ["", "[gone](gone.md)", "[gone](README.md#gone)"])
def test_site_is_built_without_warnings(line: str, tmp_path: Path) -> None:
    """The site is built, and a link without a target or heading is an error."""
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copyfile(ROOT / "mkdocs.yml", tmp_path / "mkdocs.yml")
    with (tmp_path / "docs" / "glossary.md").open("a") as file:
        file.write(line)
    session = ("nox", "-s", "site", "--", f"--config-file={tmp_path / 'mkdocs.yml'}")
    done = processes.run([sys.executable, "-m", *session], ROOT)
    assert (done.returncode == 0) == (line == ""), done.stderr
    built = tmp_path / "build" / "site" / "gallery" / "index.html"
    assert line or built.is_file()


# -------------------------------------------------------------------- questions


@pytest.fixture(scope="module")
def default_answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Copier's default answers without personal settings."""
    return render(tmp_path_factory.mktemp("defaults"), pretend=True)


@pytest.mark.parametrize("question", ANSWERABLE)
def test_question_is_explained(question: str, default_answers: dict[str, Any]) -> None:
    """The page has the text, default and choices of each question of copier.yml."""
    text = _sections(DOCS / "questions.md").get(f"`{question}`", "")
    asked = jinja2.Template(QUESTIONS[question]["help"]).render(default_answers)
    assert f"> {asked}\n" in text
    default = re.findall(r"^Default: (?:`([^`]*)`|nothing)", text, re.MULTILINE)
    assert default == [_spelt(default_answers[question])]
    offered = re.findall(r"^Choices: (.*)\.$", text, re.MULTILINE)
    named = [re.findall(r"`([^`]+)`", line) for line in offered]
    wanted = [_spelt(choice) for choice in choices(question)]
    assert named == ([wanted] if wanted else [])


def test_only_questions_are_explained() -> None:
    """The page has no sections for questions that were removed."""
    titles = _sections(DOCS / "questions.md")
    assert [t.strip("`") for t in titles if t.startswith("`")] == ANSWERABLE


def _spelt(answer: object) -> str:
    """Format an answer as for `--data`."""
    return str(answer).lower() if isinstance(answer, bool) else str(answer)


def _sections(page: Path) -> dict[str, str]:
    _, *parts = re.split(r"^## +(.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


# ---------------------------------------------------- gallery and reference


def test_reference_is_that_of_the_sources() -> None:
    """The page of sessions, commands and public names is made from the sources."""
    assert reference.PAGE.read_text("utf-8") == reference.page(), "start.py reference"
    rows = reference.sessions() + reference.commands()
    assert all(name and text for name, text, _ in rows)
    assert all(
        text
        for room, *_ in reference.rooms()
        for _, text in reference.public_names(room)
    )


@pytest.mark.parametrize("starter", STARTERS)
def test_gallery_shows_today_s_projects(starter: str, tmp_path: Path) -> None:
    """The gallery has the files, pictures and suites of a new project."""
    page = gallery.PAGE.read_text("utf-8")
    render(tmp_path, starter=starter, practices="core")
    if starter == STARTERS[0]:
        assert "\n".join(gallery.trees(tmp_path)) in page, "python3 start.py gallery"
    lines = gallery.section(starter, tmp_path, ())
    title, end = lines.index("```console"), lines.index("```")
    assert "\n".join(lines[: title + 1]) in page
    assert "\n".join(lines[end:]) in page, "python3 start.py gallery"
    for name in gallery.SHOWN:
        picture = tmp_path / "models" / "production" / name
        shown = gallery.PICTURES / f"{starter}-{name}"
        assert shown.read_bytes() == picture.read_bytes(), "python3 start.py gallery"


# ------------------------------------------------------- glossary and practices


def _absent(paths: Iterable[str], files: Iterable[str]) -> list[str]:
    """Return the paths that are neither a file nor a folder of a project."""
    return [
        path
        for path in paths
        if not path.startswith("runs/")  # what a training writes
        and not any(
            fnmatch.fnmatch(file, f"*{path.strip('/')}{end}")
            for file in files
            for end in ("", "/*")
        )
    ]


@pytest.mark.parametrize(
    "name", ["automation.md", "glossary.md", "practices.md", "splits.md", "starters.md"]
)
def test_named_files_and_sessions_exist(name: str, tmp_path: Path) -> None:
    """Files, sessions and commands that a page names, also in diagrams, exist."""
    render(tmp_path, **EVERYTHING)
    files = read_files(tmp_path)
    text = (DOCS / name).read_text("utf-8").replace("src/PACKAGE", "src/*")
    diagrams = re.findall(r'\["(?:[\w ]+: )?([^"]+)"\]', text)
    words = [part for label in diagrams for part in label.split(", ")]
    words += re.findall(r"`([^`\n]+)`", text)
    paths = {word for word in words if PATH.fullmatch(word)}
    paths |= {word for word in words if re.fullmatch(r"\w+\.(py|md|jsonl?)", word)}
    assert _absent(paths - {"val/loss"}, files) == []
    sessions = {row[0] for row in reference.sessions()}
    assert {*re.findall(r"nox -s ([\w-]+)", text)} <= sessions
    commands = {row[0] for row in reference.commands()}
    assert {*re.findall(r"python -m PACKAGE (\w+)", text)} <= commands


def test_glossary_is_sorted() -> None:
    """Words are in alphabetical order."""
    text = (DOCS / "glossary.md").read_text("utf-8")
    _, *words = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
    assert words == sorted(words, key=str.lower)


def test_starters_mark_sessions_of_the_larger_size() -> None:
    """Of the sessions on the page, those of `practices=all` are marked."""
    sizes = {name: bool(size) for name, _, size in reference.sessions()}
    text = (DOCS / "starters.md").read_text("utf-8").partition("each session")[2]
    cells = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    parts = [part for cell in cells for part in cell.split("; ")]
    shown = {
        name: part.endswith(" (*all*)")
        for part in parts
        for name in re.findall(r"`([\w-]+)`", part)
        if name in sizes
    }
    assert shown == {name: sizes[name] for name in shown}
    assert sum(shown.values()) >= 9


def test_glossary_marks_what_the_larger_size_has(tmp_path: Path) -> None:
    """A place that a project of the first day lacks is marked, and no other."""
    render(tmp_path, practices="core")
    files = read_files(tmp_path)
    small = {name for name, _, size in reference.sessions() if not size}
    wrong = []
    for row in (DOCS / "glossary.md").read_text("utf-8").splitlines():
        *_, place, _ = row.split("|") if row.startswith("| ") else ("", "", "")
        names = re.findall(r"`([^`]+)`", place)
        missing = _absent(filter(PATH.fullmatch, names), files)
        missing += {*re.findall(r"`nox -s ([\w-]+)`", place)} - small
        if bool(missing) != ("*all*" in place):
            wrong.append((row, missing))
    assert wrong == []


# ------------------------------------------------------------------------ zones


def test_starter_zone_matches_copier_settings() -> None:
    """The table of zones matches the files that Copier's updates skip."""
    patterns = starter_patterns(SETTINGS)
    ours = [pattern[1:] for pattern in patterns if pattern[0] == "!"]
    yours = [pattern for pattern in patterns if pattern[0] != "!"]
    # If a folder has an exception, the table names each part.
    assert _zone("starter") == {p.rstrip("/*").strip("/") for p in yours}
    for pattern in ours:
        assert fnmatch.filter(_zone("managed"), pattern.strip("/"))


def test_every_file_has_a_zone(tmp_path: Path) -> None:
    """Each file of a project is in exactly one zone of the table."""
    render(tmp_path, **EVERYTHING)
    zones = _zone("managed") | _zone("starter")
    assert not _zone("managed") & _zone("starter")
    used = set()
    for name in read_files(tmp_path).keys() - {ANSWERS_FILE}:
        path = PurePosixPath(name)
        named = [str(p) for p in (path, *path.parents) if str(p) in zones]
        assert named, f"{name} is in no zone"
        used.add(named[0])
    assert used == zones, "named, but not in any project"


def _zone(name: str) -> set[str]:
    """Return the paths of a zone from the table."""
    text = (DOCS / "updates.md").read_text("utf-8")
    (row,) = re.findall(rf"^\| {name} \| (`.*)$", text, re.MULTILINE)
    row = re.sub(r" except `[^`]+`", "", row)
    return set(re.findall(r"`([^`]+?)/?`", row))


# --------------------------------------------------------------------- commands


@pytest.mark.one_version
@pytest.mark.parametrize("name", ["questions.md", "updates.md"])
def test_commands_of_the_reference(name: str, template: Path, tmp_path: Path) -> None:
    """The commands of the reference pages work in any committed project."""
    project = render_repository(tmp_path / "project")
    DocRunner(project, template).follow(DOCS / name)


@pytest.mark.night
@pytest.mark.environment
@pytest.mark.parametrize("name", ["getting-started.md", "own-task.md"])
def test_page_works_word_for_word(name: str, doc_runner: DocRunner) -> None:
    """All commands of a page work from an empty folder, with the shown output."""
    if name == "getting-started.md":
        # The page shows the output of tests that run on all cores.
        del doc_runner.environ["PYTEST_XDIST_AUTO_NUM_WORKERS"]
    else:  # what readers copy passes all rules
        doc_runner.environ["STRICTNESS"] = "strict"
    doc_runner.follow(DOCS / name, numbers=name == "getting-started.md")


@pytest.mark.parametrize("starter", STARTERS)
def test_page_of_the_task_holds_for_each_starter(starter: str, tmp_path: Path) -> None:
    """The page lists the names of the interface, and files that each starter has."""
    page = (DOCS / "own-task.md").read_text("utf-8")
    assert len(page.splitlines()) <= 250
    task, files = re.split(r"^## What you rewrite$", page, flags=re.MULTILINE)
    cells = re.findall(r"^\| (`.*?) \| ", task, re.MULTILINE)
    listed = {*re.findall(r"`(\w+)`", " ".join(cells))}
    render(tmp_path / "project", starter=starter, package_name="bird_sorter")
    source = tmp_path / "project" / "src" / "bird_sorter" / "toolkit" / "interface.py"
    names = {
        node.name
        for part in ast.parse(source.read_text()).body
        if isinstance(part, ast.ClassDef) and part.name in ("Task", "MoreOfTask")
        for node in part.body
        if isinstance(node, ast.FunctionDef)
    }
    assert listed == names
    table = files.partition("## 1.")[0]
    rows = re.findall(r"^\| (`.*?) \| ", table, re.MULTILINE)
    paths = re.findall(r"`([\w./]+)`", " ".join(rows))
    assert len(paths) > 10
    assert [path for path in paths if not (tmp_path / "project" / path).exists()] == []


# Files that commands of the pages write.
BY_COMMAND = ("models/", "tests/training/curve.json")
MAX_CHANGED = 16  # rewritten in whole or part


@pytest.mark.environment
def test_fast_tests_of_a_second_task_pass(doc_runner: DocRunner) -> None:
    """Fast tests pass for the task of the page, which changes few files."""
    doc_runner.follow(DOCS / "own-task.md", numbers=False, checks=False)
    doc_runner.run("nox -s tests")
    _check_changes(doc_runner)


def _check_changes(doc_runner: DocRunner) -> None:
    """Assert that only starter files have changed, and few of them."""
    first = "$(git rev-list --max-parents=0 HEAD)"
    output = doc_runner.run(
        f"git diff --name-only --diff-filter=ad --no-renames {first}"
    )
    changed = [name for name in output.splitlines() if not name.startswith(BY_COMMAND)]
    assert len(changed) <= MAX_CHANGED, changed
    (package,) = (doc_runner.folder / "src").glob("*/__init__.py")
    managed, starter = (
        tuple(
            path.replace("digit_recognizer", package.parent.name)
            for path in _zone(zone)
        )
        for zone in ("managed", "starter")
    )
    assert not [name for name in changed if name.startswith(managed)]
    assert not [name for name in changed if not name.startswith(starter)]


@pytest.mark.parametrize(
    ("shown", "printed", "agree"),
    [
        ("216 passed in 20.15s", "217 passed in 105.99s (0:01:45)", True),
        ("216 passed in 20.15s", "180 passed in 20.15s", False),
        ("8 skipped", "9 skipped", False),
        ("test  98.9%  0.0337", "test  97.4%  0.0401", True),
        ("test  98.9%  0.0337", "test  96.2%  0.0337", False),
        ("test  98.9%  0.0337", "test  98.9%  0.0937", False),
        ("all   360   0   0", "all   360   3   1", True),
        ("all   360   0   0", "all   360   9   0", False),
        ("seven.png: 7 (99.9%)", "seven.png: 1 (99.9%)", False),
        ("took 2 seconds", "took a minute", True),
        ("took 2 seconds", "took 2", False),
        ("a line that is gone", "another line", False),
        ("...\nthe last", "the first\nthe last", True),
    ],
)
def test_numbers_on_pages_are_compared(shown: str, printed: str, agree: bool) -> None:
    """Numbers on pages may differ from the output within tolerances only."""
    if agree:
        compare(shown, printed)
    else:
        with pytest.raises(AssertionError, match=r"shown, but|other numbers"):
            compare(shown, printed)
