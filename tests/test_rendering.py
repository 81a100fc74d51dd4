"""Generated files: valid and tidy, whatever the answers.

Every test looks at whole projects, so that a file which is added tomorrow is tested
tomorrow.
"""

import configparser
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests import processes
from tests.helpers import (
    ANSWERABLE,
    ANSWERS_FILE,
    CHOSEN,
    EVERYTHING,
    QUESTIONS,
    SWITCHES,
    choices,
    clone_few,
    git,
    label,
    pairs,
    read_answers,
    read_files,
    render,
    render_repository,
)
from tests.zones import Zone

# What each switch adds; everything else is there for all answers.
FILES_OF = {
    "use_notebooks": ("notebooks/*",),
    "use_codecov": ("codecov.yml",),
    "strictness": (),
}

MAX_FILES = 201  # most are the toolkit and settings
MAX_STARTER_FILES = 60  # without recipes, which a command lists when one needs them
MAX_LINES_OF_README = 100

LICENCE_TITLES = {
    "MIT": "MIT License\n",
    "Apache-2.0": " Apache License\n",
    "BSD-3-Clause": "BSD 3-Clause License\n",
    "Proprietary": "Copyright (c) The authors. All rights reserved.\n",
}

# Written by tools and commands, as the text around their names says.
FILES_TO_COME = {
    *("configs/mlflow.yaml", "configs/wandb.yaml"),
    *("tests/model/feedback.jsonl", "tests/model/review.jsonl", "uv.lock"),
}

PYTHON = re.compile(r"^```python$.*?^```$", re.MULTILINE | re.DOTALL)
# Jinja, but not the ${{ }} of workflows.
JINJA = re.compile(r"(?<!\$)\{\{|\{%|\{#-")


@dataclass(frozen=True)
class Project:
    """A generated project, in memory."""

    path: Path
    answers: Mapping[str, Any]
    files: Mapping[str, bytes]

    @property
    def texts(self) -> dict[str, str]:
        """All files but pictures and weights."""
        return {
            name: content.decode("utf-8")
            for name, content in self.files.items()
            if b"\0" not in content
        }


def make(path: Path, **answers: Any) -> Project:
    """Render a project and read it."""
    combined = render(path, **answers)
    return Project(path, combined, read_files(path))


@pytest.fixture(scope="module", params=pairs(CHOSEN), ids=label)
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Projects in which each two of all answers to choose from meet."""
    path = tmp_path_factory.mktemp("project")
    yield make(path, **request.param)
    shutil.rmtree(path)  # there are many


@pytest.fixture(scope="module")
def full_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project with every file there can be."""
    answers = {name: True for name in SWITCHES if QUESTIONS[name]["type"] == "bool"}
    return make(tmp_path_factory.mktemp("full"), **answers)


@pytest.fixture(scope="module", params=pairs(SWITCHES), ids=label)
def repository(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Committed projects in which each two positions of the switches meet."""
    return render_repository(tmp_path_factory.mktemp("repository"), **request.param)


# ------------------------------------------------------------------ single files


def _read_ini(text: str) -> None:
    # Some formats allow lines before the first section.
    configparser.ConfigParser(interpolation=None).read_string(f"[top]\n{text}")


def _read_notebook(text: str) -> None:
    for number, cell in enumerate(json.loads(text)["cells"]):
        if cell["cell_type"] == "code":
            # Commands of Jupyter itself are not Python.
            lines = [line for line in cell["source"] if line[0] not in "%!"]
            compile("".join(lines), f"cell {number}", "exec")


PARSERS: dict[str, Callable[[str], object]] = {
    "*.toml": tomllib.loads,
    "*.yml": lambda text: [*yaml.safe_load_all(text)],
    "*.yaml": lambda text: [*yaml.safe_load_all(text)],
    "*.json": json.loads,
    "*.jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
    "*.ipynb": _read_notebook,
    "*.py": lambda text: compile(text, "file", "exec"),
    ".flake8": _read_ini,
    ".editorconfig": _read_ini,
}


def parse(texts: Mapping[str, str]) -> None:
    """Fail at the first file that is not what its name says."""
    for name, text in texts.items():
        for pattern, parser in PARSERS.items():
            if fnmatch(PurePosixPath(name).name, pattern):
                try:
                    parser(text)
                except Exception as error:
                    pytest.fail(f"{name}: {error}")


def check_tidy(texts: Mapping[str, str]) -> None:
    """Fail if a hook or a reviewer would find something in the white space."""
    rules = {
        "trailing white space": r"[ \t\f\v]$",
        "carriage return": r"\r",
        "blank line at the start": r"\A\n",
        "blank line or no newline at the end": r"\n\n\Z|[^\n]\Z",
        "two blank lines": r"\n\n\n",
    }
    found = []
    for name, text in texts.items():
        for rule, pattern in rules.items():
            if rule == "two blank lines":  # in Python they are Black's affair
                if name.endswith(".py"):
                    continue
                text = PYTHON.sub("code", text)
            if match := re.search(pattern, text, re.MULTILINE):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{name}:{line}: {rule}")
    assert not found, "\n".join(found)


def test_files_are_valid(project: Project) -> None:
    """Tools can read what is for them."""
    parse(project.texts)


def test_files_are_tidy(project: Project) -> None:
    """No hook and no editor changes a file on its first save."""
    check_tidy(project.texts)


def test_files_hold_no_jinja(project: Project) -> None:
    """Every place for a value got one."""
    assert [name for name, text in project.texts.items() if JINJA.search(text)] == []
    assert [name for name in project.files if name.endswith(".jinja")] == []


def test_paths_are_plain(project: Project) -> None:
    """ASCII for Copier's updates, no links for Windows and archives."""
    assert "".join(project.files).isascii()
    assert [path for path in project.path.rglob("*") if path.is_symlink()] == []


def test_switch_decides_about_its_files_only(
    project: Project, full_project: Project
) -> None:
    """Files are there exactly when their switch is on."""
    assert FILES_OF.keys() == set(SWITCHES)
    off = [
        pattern
        for switch, patterns in FILES_OF.items()
        for pattern in patterns
        if project.answers[switch] is False
    ]
    expected = [
        name for name in full_project.files if not any(fnmatch(name, p) for p in off)
    ]
    assert [*project.files] == expected


def test_files_of_switches_exist(full_project: Project) -> None:
    """Without this, the test above would be content with a misspelt name."""
    for pattern in sum(FILES_OF.values(), ()):
        assert any(fnmatch(name, pattern) for name in full_project.files), pattern


def test_repository_is_small(full_project: Project, zone_of: Zone) -> None:
    """A newcomer reads what is the team's own before lunch."""
    names = {*full_project.files} - {ANSWERS_FILE}
    own = [
        name
        for name in names
        if zone_of(name) == "starter" and not name.startswith("configs/debug/")
    ]
    assert len(own) <= MAX_STARTER_FILES
    assert len(full_project.files) <= MAX_FILES
    assert len(full_project.texts["README.md"].splitlines()) <= MAX_LINES_OF_README


def test_metadata_is_valid(project: Project) -> None:
    """Installers accept it, and it says what was answered."""
    settings = tomllib.loads(project.texts["pyproject.toml"])
    metadata = settings["project"]
    groups = [
        settings["build-system"]["requires"],
        metadata["dependencies"],
        *settings["dependency-groups"].values(),
    ]
    for group in groups:
        # The others include another group.
        requirements = [Requirement(line) for line in group if isinstance(line, str)]
        names = [requirement.name for requirement in requirements]
        assert names == sorted(set(names))
    lowest = project.answers["python_version"]
    assert metadata["requires-python"] == f">={lowest}"
    assert f"{lowest}.0" in SpecifierSet(metadata["requires-python"])
    assert settings["tool"]["mypy"]["python_version"] == lowest
    licence = metadata["license"]
    assert canonicalize_license_expression(licence) == licence
    assert licence.removeprefix("LicenseRef-") == project.answers["license"]


def test_licence_is_the_chosen_one(project: Project) -> None:
    """With the name of who holds the rights."""
    title, text = LICENCE_TITLES[project.answers["license"]], project.texts["LICENSE"]
    assert title in text[: len(title) + 40]
    assert "The authors" in text
    assert sum(title in text for title in LICENCE_TITLES.values()) == 1


# ---------------------------------------------------------------- whole projects


def test_everything_is_committed(repository: Path) -> None:
    """An ignored file would be reset by each update, beyond recovery."""
    names = [*read_files(repository)]
    assert git(repository, "ls-files").splitlines() == sorted(names)
    assert git(repository, "status", "--porcelain") == ""
    ignored = ("check-ignore", "--no-index", "--stdin")
    assert git(repository, *ignored, stdin="\n".join(names), succeeds=False) == ""


def test_links_and_paths_lead_somewhere(repository: Path) -> None:
    """Documents name nothing that is not there."""
    names = {*read_files(repository)}
    dead = []
    for name in sorted(names):
        if name.endswith(".md"):
            text = (repository / name).read_text("utf-8")
            for path in _links(text):
                if not (repository / name).parent.joinpath(path).exists():
                    dead.append(f"{name}: {path}")
            for path in _paths(text) - FILES_TO_COME:
                if not _exists(path, names) and not _is_ignored(repository, path):
                    dead.append(f"{name}: {path}")
    assert not dead, "\n".join(dead)


def test_commands_that_are_named_are_there(full_project: Project) -> None:
    """Sessions and recipes, in documents, comments and messages."""
    defined = r'^@nox\.session(?:\(name="(.+)"\))?\ndef (\w+)'
    found = re.findall(defined, full_project.texts["noxfile.py"], re.MULTILINE)
    sessions = {name or function for name, function in found}
    (table,) = (
        text
        for name, text in full_project.texts.items()
        if name.endswith("toolkit/cli/commands.toml")
    )
    commands = tomllib.loads(table)
    sessions |= {name for name, command in commands.items() if "session" in command}
    dead = []
    for file, text in full_project.texts.items():
        if file.startswith("tests/"):
            continue  # they make up their own
        # A line may end within a command, and a string within a line.
        text = re.sub(r'"\s+f?"|\s+(# )?', " ", text)
        for session in {*re.findall(r"\bnox -s ([a-z][\w-]*)", text)} - sessions:
            dead.append(f"{file}: nox -s {session}")
        named = r"(?:\bnox -s debug -- |configs/debug/)([a-z][\w-]*)"
        for recipe in {*re.findall(named, text)}:
            if f"configs/debug/{recipe}.yaml" not in full_project.files:
                dead.append(f"{file}: recipe {recipe}")
    assert not dead, "\n".join(dead)


def _links(text: str) -> set[str]:
    """Return the relative targets of links, without anchors."""
    targets = re.findall(r"\]\(([^)\s]+)", text)
    targets = [target for target in targets if not re.match(r"[a-z]+:|#", target)]
    return {target.partition("#")[0] for target in targets}


def _paths(text: str) -> set[str]:
    """Return the words in code that look like paths in a repository."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`]+)`", re.sub(r"(?ms)^```.*?^```", "", text))
    words = {word for code in blocks + spans for word in code.split()}
    folder, suffix = r"[\w.*-]+/", r"\.(py|md|ya?ml|toml|sh|ipynb|png|lock)"
    pattern = rf"({folder})+[\w.*-]*|[\w-]+{suffix}|\.[a-z][\w-]+(\.\w+)?"
    return {word for word in words if re.fullmatch(pattern, word)}


def _exists(path: str, names: set[str]) -> bool:
    """A path from the root, with a pattern perhaps, or the name of a file in it."""
    if "/" not in path.rstrip("/"):
        names = names | {PurePosixPath(name).name for name in names}
    pattern = path + "*" if path.endswith("/") else path
    folders = {str(folder) for name in names for folder in PurePosixPath(name).parents}
    return any(fnmatch(name, pattern) for name in names | folders)


def _is_ignored(repository: Path, path: str) -> bool:
    """What tools write, such as `runs/`, is rightly absent."""
    command = ["git", "check-ignore", "--quiet", path]
    return subprocess.run(command, cwd=repository).returncode == 0


@pytest.mark.one_version
@pytest.mark.parametrize(
    ("length", "strictness"),
    [
        *((1, "starter"), (16, "strict"), (40, "starter")),
        *(
            pytest.param(*combination, marks=pytest.mark.night)
            for combination in ((1, "strict"), (16, "starter"), (40, "strict"))
        ),
    ],
)
def test_python_is_born_formatted(length: int, strictness: str, tmp_path: Path) -> None:
    """Lines with the name of the package are neither too long nor broken too early."""
    render(tmp_path, package_name="x" * length, strictness=strictness)
    _run_module(tmp_path, "black", "--check", "--diff", "--quiet", ".")


def test_same_answers_give_the_same_files(tmp_path: Path) -> None:
    """No dates and nothing random, or every update would bring conflicts."""
    first, second = (
        make(tmp_path / name, again=True) for name in ("first", "in/second")
    )
    assert first.files == second.files
    assert _modes(first.path) == _modes(second.path)


def _modes(folder: Path) -> list[int]:
    return [path.stat().st_mode for path in sorted(folder.rglob("*"))]


def _run_module(folder: Path, *arguments: str) -> None:
    done = processes.run([sys.executable, "-m", *arguments], folder)
    assert done.returncode == 0, done.stdout[-4000:]


# ----------------------------------------------------------------- nasty answers

NASTY = [
    'says "hi"',
    "O'Brien",
    "C:\\new\\table",
    "a backslash at the end\\",
    "# no comment",
    "key: value",
    "{{ package_name }}",
    "{% raw %}",
    "{# gone #}",
    'three """ quotes',
    "three ''' quotes",
    "🎉 Ünïcode 数字 עברית",
    "- item",
    "@here",
    "%d %(name)s %",
    "null",
    "1.0",
    "2026-01-01",
    "~",
    "|",
    "> quoted",
    "[a, b]",
    "<b>&amp;</b>",
    "$HOME `id` !x",
    "---",
    "x" * 200,
]

EVERYTHING_NASTY = (
    "@ " + " ".join(text for text in NASTY if len(text) < 16)[:196] + ' "\\'
)

FREE_TEXTS = ["project_name", "project_description", "user_name"]
NOTHING = {"project_description": "", "user_email": ""}  # may be left empty


def test_free_texts_are_known(tmp_path: Path) -> None:
    """A question that takes any text is in the list above."""
    for name in ANSWERABLE:
        if not choices(name) and name not in FREE_TEXTS:
            with pytest.raises(ValueError, match="Validation error"):
                answers: dict[str, Any] = {name: "any text"}
                render(tmp_path, pretend=True, **answers)


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template of those files alone that free texts reach, found by comparison.

    A file is left out if it is the same whatever the texts are.
    """
    folder = tmp_path_factory.mktemp("reached")
    texts = dict.fromkeys(FREE_TEXTS, "one")
    variants = (texts, dict.fromkeys(FREE_TEXTS, "another"), texts | NOTHING)
    first, *others = (
        make(folder / str(number), package_name="pkg", **EVERYTHING, **variant).files
        for number, variant in enumerate(variants)
    )
    return clone_few(
        folder, lambda name: any(first[name] != other[name] for other in others)
    )


def test_texts_reach_few_files(reached: Path) -> None:
    """The files that say who and what are among them, and code is not."""
    names = git(reached, "ls-files", "template").splitlines()
    names = [name.removeprefix("template/").removesuffix(".jinja") for name in names]
    assert {"LICENSE", "README.md", "pyproject.toml"} <= {*names}
    assert len(names) < 20, names


@pytest.mark.parametrize("text", NASTY)
def test_nasty_text_everywhere(text: str, reached: Path, tmp_path: Path) -> None:
    """Names have quotes and worse in them, and come out as they went in."""
    _check_nasty(tmp_path, {name: text for name in FREE_TEXTS}, reached)


@pytest.mark.parametrize("question", FREE_TEXTS)
def test_nasty_text_in_one_place(question: str, reached: Path, tmp_path: Path) -> None:
    """The same with only one answer that is not plain."""
    assert 150 < len(EVERYTHING_NASTY) <= 200
    _check_nasty(tmp_path, {question: EVERYTHING_NASTY}, reached)


@pytest.mark.parametrize("question", NOTHING)
def test_empty_answer(question: str, reached: Path, tmp_path: Path) -> None:
    """What may be left empty leaves no hole."""
    _check_nasty(tmp_path, {question: ""}, reached)


def test_worst_text_in_a_whole_project(tmp_path: Path) -> None:
    """All files stay valid, also those that are rendered for other reasons."""
    _check_nasty(tmp_path, dict.fromkeys(FREE_TEXTS, EVERYTHING_NASTY))


def _check_nasty(
    path: Path, answers: dict[str, str], source: Path | None = None
) -> None:
    project = make(path, source=source, **answers)
    parse(project.texts)
    check_tidy(project.texts)
    wanted = project.answers
    assert answers.items() <= wanted.items()
    assert answers.items() <= read_answers(path).items()
    metadata = tomllib.loads(project.texts["pyproject.toml"])["project"]
    assert metadata["description"] == wanted["project_description"]
    assert metadata["authors"][0]["name"] == wanted["user_name"]
    assert wanted["user_name"].strip() in project.texts["LICENSE"]
    title = project.texts["README.md"].partition("\n")[0]
    assert title.removeprefix("# ").strip() == wanted["project_name"].strip()


# ------------------------------------------------------------------ the template


def test_template_has_real_names(template: Path) -> None:
    """What an answer leaves out, copier.yml leaves out: names have no conditions."""
    names = git(template, "ls-files", "template").splitlines()
    parts = {part for name in names for part in PurePosixPath(name).parts}
    assert {part for part in parts if "{" in part} == {
        "{{ package_name }}",
        "{{ _copier_conf.answers_file }}.jinja",
    }


def test_only_files_with_values_are_rendered(template: Path) -> None:
    """A file without `.jinja` is valid as it is, and tools can read it."""
    files = read_files(template / "template")
    rendered = {name for name in files if name.endswith(".jinja")}
    with_values = {
        name
        for name, content in files.items()
        if b"\0" not in content and JINJA.search(content.decode("utf-8"))
    }
    plain = {".gitignore.jinja"}  # as .gitignore it would hide files of the template
    assert rendered - plain == with_values - plain
