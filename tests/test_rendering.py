"""Generated files are valid and tidy for all answers.

Each test checks whole projects, so new files are tested at once.
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
    STARTER_FOLDERS,
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

# Files that each switch adds; all other files exist for all answers.
ROOM = "src/*/toolkit/"
FILES_OF = {
    "use_notebooks": ("notebooks/*",),
    "use_codecov": ("codecov.yml",),
    "strictness": (),
    "practices": (
        *(
            f"{ROOM}{room}/*"
            for room in ("analysis", "performance", "scaling", "serving")
        ),
        *(f"{ROOM}cli/commands_all.toml", "tests/mutation/*", "tests/plugins/*"),
        *(
            "tests/test_evidence.py",
            ".github/workflows/mutation.yml",
            ".github/workflows/retrain.yml",
            ".github/scripts/propose.sh",
            "scripts/slurm.sh",
        ),
        *(
            f"docs/{page}.md"
            for page in ("advanced-testing", "large-data", "performance")
        ),
        *("docs/distributed-training.md", "docs/tracking.md"),
        *(f"configs/{name}.yaml" for name in ("evidence", "fine-tune", "studies")),
        *(f"configs/debug/{name}.yaml" for name in ("accumulate", "batch-size")),
        *(f"configs/debug/{name}.yaml" for name in ("benchmark", "checkpointing")),
        *(f"configs/debug/{name}.yaml" for name in ("compile", "fraction", "profile")),
        *(f"configs/debug/{name}.yaml" for name in ("precision-16", "step-cost")),
        *("configs/debug/float64.yaml", "notebooks/errors.ipynb"),
        *("configs/debug/workers.yaml", "tests/model/test_behaviour.py"),
        *("tests/model/test_feedback.py", "tests/training/speed.json"),
        *("tests/training/test_fine_tuning.py", "tests/training/test_speed.py"),
    ),
}

MAX_FILES = {"core": 115, "all": 185}
# That people maintain: without models, notebooks, JSON, pictures and LICENSE.
MAX_LINES = 11_700  # of the size core
MAINTAINED = (".py", ".yml", ".yaml", ".toml", ".md", ".sh")
MAX_STARTER_FILES = 60  # without debug recipes, which a command lists
MAX_LINES_OF_README = 100
MAX_LINES_OF_TESTS = {"starter": 1200, "managed": 2000}  # by zone, without machinery

LICENCE_TITLES = {
    "MIT": "MIT License\n",
    "Apache-2.0": " Apache License\n",
    "BSD-3-Clause": "BSD 3-Clause License\n",
    "Proprietary": "Copyright (c) The authors. All rights reserved.\n",
}

# Files that documents name and that tools and commands write later.
FILES_TO_COME = {
    *("configs/mlflow.yaml", "configs/wandb.yaml"),
    *("tests/model/feedback.jsonl", "tests/model/review.jsonl", "uv.lock"),
}

PYTHON = re.compile(r"^```python$.*?^```$", re.MULTILINE | re.DOTALL)
# Jinja syntax, but not the ${{ }} of workflows.
JINJA = re.compile(r"(?<!\$)\{\{|\{%|\{#-")


@dataclass(frozen=True)
class Project:
    """A generated project in memory."""

    path: Path
    answers: Mapping[str, Any]
    files: Mapping[str, bytes]

    @property
    def texts(self) -> dict[str, str]:
        """All text files."""
        return {
            name: content.decode("utf-8")
            for name, content in self.files.items()
            if b"\0" not in content
        }


def make(path: Path, **answers: Any) -> Project:
    """Generate a project and read it."""
    combined = render(path, **answers)
    return Project(path, combined, read_files(path))


@pytest.fixture(scope="module", params=pairs(CHOSEN), ids=label)
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Projects that cover each pair of answers to choose from."""
    path = tmp_path_factory.mktemp("project")
    yield make(path, **request.param)
    shutil.rmtree(path)  # there are many


@pytest.fixture(scope="module")
def full_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project with all files of the template."""
    return make(tmp_path_factory.mktemp("full"), **EVERYTHING)


@pytest.fixture(scope="module", params=choices("practices"))
def sized_project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The project of each size, with all files that no other switch leaves out."""
    answers = EVERYTHING | {"practices": request.param}
    return make(tmp_path_factory.mktemp("sized"), **answers)


@pytest.fixture(scope="module", params=pairs(SWITCHES), ids=label)
def repository(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Committed projects that cover each pair of switch settings."""
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
    """Fail at the first file that is not valid for its file type."""
    for name, text in texts.items():
        for pattern, parser in PARSERS.items():
            if fnmatch(PurePosixPath(name).name, pattern):
                try:
                    parser(text)
                except Exception as error:
                    pytest.fail(f"{name}: {error}")


def check_tidy(texts: Mapping[str, str]) -> None:
    """Fail if a file has faults in white space."""
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
            if rule == "two blank lines":  # Black checks those of Python files
                if name.endswith(".py"):
                    continue
                text = PYTHON.sub("code", text)
            if match := re.search(pattern, text, re.MULTILINE):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{name}:{line}: {rule}")
    assert not found, "\n".join(found)


def test_files_are_valid(project: Project) -> None:
    """All generated files are valid for their file types."""
    parse(project.texts)


def test_files_are_tidy(project: Project) -> None:
    """Generated files have no trailing or superfluous white space."""
    check_tidy(project.texts)


def test_files_hold_no_jinja(project: Project) -> None:
    """Generated files contain no Jinja syntax."""
    assert [name for name, text in project.texts.items() if JINJA.search(text)] == []
    assert [name for name in project.files if name.endswith(".jinja")] == []


def test_paths_are_plain(project: Project) -> None:
    """Paths are ASCII, as Copier needs, and there are no symbolic links."""
    assert "".join(project.files).isascii()
    assert [path for path in project.path.rglob("*") if path.is_symlink()] == []


def test_switch_decides_about_its_files_only(project: Project, tmp_path: Path) -> None:
    """The files of a switch exist exactly when the switch is on."""
    assert FILES_OF.keys() == set(SWITCHES)
    full_project = make(tmp_path, starter=project.answers["starter"], **EVERYTHING)
    off = [
        pattern
        for switch, patterns in FILES_OF.items()
        for pattern in patterns
        if project.answers[switch] in (False, "core")
    ]
    expected = [
        name for name in full_project.files if not any(fnmatch(name, p) for p in off)
    ]
    assert [*project.files] == expected


def test_files_of_switches_exist(full_project: Project) -> None:
    """Each file pattern of a switch matches a file, so it is not misspelt."""
    for pattern in sum(FILES_OF.values(), ()):
        assert any(fnmatch(name, pattern) for name in full_project.files), pattern


def test_repository_is_small(sized_project: Project, zone_of: Zone) -> None:
    """The numbers of files and of lines are within limits."""
    names = {*sized_project.files} - {ANSWERS_FILE}
    own = [
        name
        for name in names
        if zone_of(name) == "starter" and not name.startswith("configs/debug/")
    ]
    assert len(own) <= MAX_STARTER_FILES
    size = sized_project.answers["practices"]
    assert len(names) <= MAX_FILES[size]
    texts = {
        name: text
        for name, text in sized_project.texts.items()
        if name.endswith(MAINTAINED) and not name.startswith("models/")
    }
    lines_of_people = sum(len(text.splitlines()) for text in texts.values())
    assert size == "all" or lines_of_people <= MAX_LINES
    assert len(sized_project.texts["README.md"].splitlines()) <= MAX_LINES_OF_README
    lines = dict.fromkeys(MAX_LINES_OF_TESTS, 0)
    for name, text in sized_project.texts.items():
        if re.fullmatch(r"tests/(?!mutation|plugins|test_).+\.py", name):
            lines[zone_of(name)] += len(text.splitlines())
    assert all(0 < lines[zone] <= most for zone, most in MAX_LINES_OF_TESTS.items())


def test_metadata_is_valid(project: Project) -> None:
    """pyproject.toml is valid and has the chosen Python version and licence."""
    settings = tomllib.loads(project.texts["pyproject.toml"])
    metadata = settings["project"]
    groups = [
        settings["build-system"]["requires"],
        metadata["dependencies"],
        *settings["dependency-groups"].values(),
    ]
    for group in groups:
        # Other entries include a group.
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
    """LICENSE has the text of the chosen licence and the name of the holder."""
    title, text = LICENCE_TITLES[project.answers["license"]], project.texts["LICENSE"]
    assert title in text[: len(title) + 40]
    assert "The authors" in text
    assert sum(title in text for title in LICENCE_TITLES.values()) == 1


# ---------------------------------------------------------------- whole projects


def test_everything_is_committed(repository: Path) -> None:
    """No generated file is ignored by git: updates would overwrite it."""
    names = [*read_files(repository)]
    assert git(repository, "ls-files").splitlines() == sorted(names)
    assert git(repository, "status", "--porcelain") == ""
    ignored = ("check-ignore", "--no-index", "--stdin")
    assert git(repository, *ignored, stdin="\n".join(names), succeeds=False) == ""


def test_links_and_paths_exist(repository: Path) -> None:
    """Links and paths in documents point to existing files."""
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


def test_named_commands_exist(sized_project: Project) -> None:
    """Sessions and recipes named in documents, comments and messages exist."""
    defined = r'^@nox\.session(?:\(name="(.+)"\))?\ndef (\w+)'
    found = re.findall(defined, sized_project.texts["noxfile.py"], re.MULTILINE)
    sessions = {name or function for name, function in found}
    tables = [
        tomllib.loads(text)
        for name, text in sized_project.texts.items()
        if re.fullmatch(r"src/\w+/toolkit/cli/\w+\.toml", name)
    ]
    sessions |= {name for table in tables for name in table if "session" in table[name]}
    dead = []
    for file, text in sized_project.texts.items():
        if file.startswith("tests/"):
            continue  # tests use made-up names
        # Commands may be wrapped over lines or split into strings.
        text = re.sub(r'"\s+f?"|\s+(# )?', " ", text)
        for session in {*re.findall(r"\bnox -s ([a-z][\w-]*)", text)} - sessions:
            dead.append(f"{file}: nox -s {session}")
        named = r"(?:\bnox -s debug -- |configs/debug/)([a-z][\w-]*)"
        for recipe in {*re.findall(named, text)}:
            if f"configs/debug/{recipe}.yaml" not in sized_project.files:
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
    """Return whether a path or pattern from the root, or a file name, exists."""
    if "/" not in path.rstrip("/"):
        names = names | {PurePosixPath(name).name for name in names}
    pattern = path + "*" if path.endswith("/") else path
    folders = {str(folder) for name in names for folder in PurePosixPath(name).parents}
    return any(fnmatch(name, pattern) for name in names | folders)


def _is_ignored(repository: Path, path: str) -> bool:
    """Return whether git ignores a path that tools write, such as `runs/`."""
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
def test_generated_python_is_formatted(
    length: int, strictness: str, tmp_path: Path
) -> None:
    """Black changes no generated file, for any length of the package name."""
    render(tmp_path, package_name="x" * length, strictness=strictness)
    _run_module(tmp_path, "black", "--check", "--diff", "--quiet", ".")


def test_same_answers_give_the_same_files(tmp_path: Path) -> None:
    """The same answers give identical files, without dates or random values."""
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
    """FREE_TEXTS lists each question that accepts any text."""
    for name in ANSWERABLE:
        if not choices(name) and name not in FREE_TEXTS:
            with pytest.raises(ValueError, match="Validation error"):
                answers: dict[str, Any] = {name: "any text"}
                render(tmp_path, pretend=True, **answers)


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template with only the files that depend on free texts.

    They are found by comparing projects with different texts.
    """
    folder = tmp_path_factory.mktemp("reached")
    texts = dict.fromkeys(FREE_TEXTS, "one")
    variants = (texts, dict.fromkeys(FREE_TEXTS, "another"), texts | NOTHING)
    first, *others = (
        make(folder / str(number), package_name="pkg", **EVERYTHING, **variant).files
        for number, variant in enumerate(variants)
    )
    return clone_few(
        folder, lambda name: any(first.get(name) != other.get(name) for other in others)
    )


def test_few_files_contain_free_texts(reached: Path) -> None:
    """Few files contain free texts: LICENSE, README and pyproject, but no code."""
    names = git(reached, "ls-files", "template").splitlines()
    names = [name.removeprefix("template/").removesuffix(".jinja") for name in names]
    assert {"LICENSE", "README.md", "pyproject.toml"} <= {*names}
    assert len(names) < 20, names


@pytest.mark.parametrize("text", NASTY)
def test_special_characters_in_all_answers(
    text: str, reached: Path, tmp_path: Path
) -> None:
    """Special characters in all free texts give valid files and are preserved."""
    _check_nasty(tmp_path, {name: text for name in FREE_TEXTS}, reached)


@pytest.mark.parametrize("question", FREE_TEXTS)
def test_special_characters_in_one_answer(
    question: str, reached: Path, tmp_path: Path
) -> None:
    """Special characters in one free text give valid files and are preserved."""
    assert 150 < len(EVERYTHING_NASTY) <= 200
    _check_nasty(tmp_path, {question: EVERYTHING_NASTY}, reached)


@pytest.mark.parametrize("question", NOTHING)
def test_empty_answer(question: str, reached: Path, tmp_path: Path) -> None:
    """Empty optional answers give valid files."""
    _check_nasty(tmp_path, {question: ""}, reached)


def test_special_characters_in_a_whole_project(tmp_path: Path) -> None:
    """Special characters in all free texts give a valid whole project."""
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


def test_file_names_have_no_conditions(template: Path) -> None:
    """File names of the template contain no conditions; copier.yml excludes files."""
    names = git(template, "ls-files", "template").splitlines()
    parts = {part for name in names for part in PurePosixPath(name).parts}
    assert {part for part in parts if "{" in part} == {
        "{{ package_name }}",
        "{{ _copier_conf.answers_file }}.jinja",
        *(f"{{{{{name}}}}}" for name in STARTER_FOLDERS),
    }


def test_only_files_with_values_are_rendered(template: Path) -> None:
    """Exactly the template files with Jinja syntax have the suffix `.jinja`."""
    files = read_files(template / "template")
    rendered = {name for name in files if name.endswith(".jinja")}
    with_values = {
        name
        for name, content in files.items()
        if b"\0" not in content and JINJA.search(content.decode("utf-8"))
    }
    plain = {".gitignore.jinja"}  # as .gitignore it would hide files of the template
    assert rendered - plain == with_values - plain
