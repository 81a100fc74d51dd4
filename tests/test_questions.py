"""Copier's questions are few, have defaults, and reject invalid answers clearly."""

import keyword
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import copier
import pytest
from packaging.requirements import Requirement

from tests.helpers import (
    ANSWERABLE,
    QUESTIONS,
    SETTINGS,
    SWITCHES,
    choices,
    few_files,
    git,
    read_answers,
    render,
    render_repository,
    run_copier,
)

RESERVED = QUESTIONS["reserved_names"]["default"].split()

# Distributions whose package has another name (PIL is no valid package name here).
IMPORT_NAMES = {"pytest-xdist": "xdist", "scikit-learn": "sklearn"}

# Standard modules of versions newer than those the tests run on.
FUTURE_MODULES = {"annotationlib", "compression"}

PERSONAL = {"user_name": "Ada", "user_email": "ada@example.org", "github_user": "ada-l"}


@pytest.mark.parametrize("name", QUESTIONS)
def test_question_is_complete(name: str) -> None:
    """Each question has a type and a default, and a help text if it is asked."""
    question = QUESTIONS[name]
    assert {"type", "default"} <= question.keys()
    if name in ANSWERABLE:
        assert question["help"].strip()
        assert choices(name) or "validator" in question


def test_few_questions_are_asked(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copier asks at most ten questions, of which at most four are switches."""
    asked = []

    def press_enter(prompts: list[dict[str, Any]], answers: dict[str, Any]) -> Any:
        if prompts[0]["when"](answers):
            asked.append(prompts[0]["name"])
        return answers

    monkeypatch.setattr("copier._main.unsafe_prompt", press_enter)
    copier.run_copy(str(template), tmp_path / "project", quiet=True, pretend=True)
    assert 5 <= len(asked) <= 10
    assert len(set(asked) & set(SWITCHES)) <= 4


def test_template_needs_no_trust() -> None:
    """The template has no settings that require Copier's option `--trust`."""
    assert not SETTINGS.keys() & {"_tasks", "_migrations", "_jinja_extensions"}


def test_defaults_alone_work(template: Path, tmp_path: Path) -> None:
    """`copier copy --defaults` generates a project and prints the next steps."""
    start = time.perf_counter()
    done = run_copier(tmp_path, "copy", "--defaults", str(template), "project")
    print(f"copier copy --defaults: {time.perf_counter() - start:.2f} s")
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr.lower()
    assert "Digit Recognizer is in " in done.stderr
    assert (tmp_path / "project" / "README.md").exists()


def test_personal_defaults_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copier's personal settings provide the default name, address and account."""
    settings = tmp_path / "settings.yml"
    lines = [f"  {name}: {value}\n" for name, value in PERSONAL.items()]
    settings.write_text("defaults:\n" + "".join(lines))
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))
    answers = render(tmp_path / "project", pretend=True)
    assert answers["user_name"] == PERSONAL["user_name"]
    assert answers["user_email"] == PERSONAL["user_email"]
    assert answers["github_user"] == PERSONAL["github_user"]


BAD_ANSWERS = [
    *(("project_name", answer, "name") for answer in ("", "  ")),
    ("project_name", " padded ", "Without spaces"),
    *(("project_name", answer, "One line") for answer in ("two\nlines", "bell\a")),
    ("project_name", "x" * 201, "At most 200"),
    ("project_description", "two\nlines", "One line"),
    ("project_description", "x" * 201, "At most 200"),
    *(("user_name", answer, "Name somebody") for answer in ("", "  ")),
    ("user_name", "two\nlines", "One line"),
    ("user_name", "x" * 201, "At most 200"),
    ("package_name", "", "needs a name"),
    *(
        ("package_name", answer, "Start with a letter")
        for answer in (
            "münchen",
            "数字",
            "2nd",
            "Digits",
            "_x",
            "x_",
            "x__y",
            "x-y",
            "x y",
        )
        + ("x.y", "x\n", "../x", "{{ x }}")
    ),
    *(
        ("package_name", answer, f"{answer} is taken")
        for answer in ("class", "none", "match", "type", "json", "collections")
        + ("torch", "lightning", "sklearn", "test", "tests", "src", "copier")
    ),
    ("package_name", "x" * 41, "At most 40"),
    *(
        ("user_email", answer, "Not an e-mail address")
        for answer in (
            "ada",
            "ada@",
            "@example.org",
            "ada@example",
            "ada@example.org\n",
        )
        + (
            "a da@example.org",
            '"ada"@example.org',
            "ada@exa_mple.org",
            "a@b@example.org",
        )
    ),
    *(
        ("github_user", answer, "An account has")
        for answer in (
            "-ada",
            "ada-",
            "ada--l",
            "ada_l",
            "ada/x",
            "ädä",
            "ada\n",
            "x" * 40,
        )
    ),
]


@pytest.mark.parametrize(("question", "answer", "part"), BAD_ANSWERS)
def test_bad_answer_gets_a_plain_message(
    question: str, answer: Any, part: str, tmp_path: Path
) -> None:
    """An invalid answer gets a plain sentence, and no file is written."""
    with pytest.raises(ValueError, match="^Validation error") as caught:
        render(tmp_path / "project", source=few_files(), **{question: answer})
    prefix = f"Validation error for question '{question}': "
    sentence = str(caught.value).removeprefix(prefix)
    assert part in sentence
    assert re.fullmatch(r"[\w][^\n{}<>\"']{10,}\.", sentence), sentence
    assert not re.search(r"undefined|error|exception|object|regex", sentence, re.I)
    assert not [*tmp_path.iterdir()]


def test_every_free_question_has_a_bad_answer() -> None:
    """The list of invalid answers covers each question with free text."""
    free = {name for name in ANSWERABLE if not choices(name)}
    assert free == {question for question, _, _ in BAD_ANSWERS}


@pytest.mark.parametrize(
    ("project_name", "package_name"),
    [
        ("Digit Recognizer", "digit_recognizer"),
        ("Ünïcode 🎉", "n_code"),
        ("2026 plans", "ml_2026_plans"),
        ("test", "test_project"),
        ("Import", "import_project"),
        ("数字识别", "ml_project"),
        ("{{ x }}", "x"),
        ("-- a / b --", "a_b"),
        ("x" * 200, "x" * 40),
        ("1" * 200, "ml_" + "1" * 37),
        ("x" * 39 + " y", "x" * 39),
        ("1" * 36 + " y", "ml_" + "1" * 36),
    ],
)
def test_package_name_follows_from_project_name(
    project_name: str, package_name: str, tmp_path: Path
) -> None:
    """Any project name gives the same valid package name each time."""
    answers = render(tmp_path / "project", pretend=True, project_name=project_name)
    assert answers["package_name"] == package_name
    assert re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", package_name)
    assert len(package_name) <= 40
    assert package_name not in RESERVED


def test_package_name_can_be_chosen(tmp_path: Path) -> None:
    """The package name can differ from the default."""
    answers = render(tmp_path / "project", pretend=True, package_name="x")
    assert answers["package_name"] == "x"


def test_reserved_names_are_sorted() -> None:
    """The reserved names are sorted, unique and short enough for a suffix."""
    assert sorted(set(RESERVED)) == RESERVED
    longest = max(RESERVED, key=len)
    assert len(f"{longest}_project") <= 40


def test_python_names_are_reserved() -> None:
    """Keywords and standard modules of Python are reserved names."""
    words = {word.lower() for word in [*keyword.kwlist, *keyword.softkwlist]}
    modules = {name for name in sys.stdlib_module_names if name.islower()}
    names = words | modules | FUTURE_MODULES
    assert {name for name in names if name[0] != "_"} <= set(RESERVED)


def test_names_in_the_project_are_reserved(tmp_path: Path) -> None:
    """Names of dependencies and of top-level folders and modules are reserved."""
    render(tmp_path)
    settings = tomllib.loads((tmp_path / "pyproject.toml").read_text("utf-8"))
    groups = [
        settings["build-system"]["requires"],
        settings["project"]["dependencies"],
        *settings["dependency-groups"].values(),
    ]
    lines = [line for group in groups for line in group if isinstance(line, str)]
    names = {Requirement(line).name.lower() for line in lines}
    names |= {IMPORT_NAMES.get(name, name) for name in names}
    names |= {path.name for path in tmp_path.iterdir() if path.is_dir()}
    names |= {path.stem for path in tmp_path.glob("*.py")}
    names = {name.replace("-", "_") for name in names if name[0] != "."}
    assert len(names) > 20
    assert names <= set(RESERVED)


@pytest.mark.one_version
@pytest.mark.parametrize("folder", ["project", "a [b] {{ c }}"])
def test_package_name_stays_in_an_update(folder: str, tmp_path: Path) -> None:
    """An update that changes the package name is refused with a message."""
    project = render_repository(tmp_path / folder, source=few_files())
    done = _update(project, "package_name=other")
    assert done.returncode != 0
    assert done.stderr.strip().endswith(
        "The package of this project is digit_recognizer and stays so: "
        "renaming it is a job for your editor."
    )
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.one_version
@pytest.mark.parametrize("new_name", ["Other", "test", "数字识别"])
def test_project_can_be_renamed_without_its_package(
    new_name: str, tmp_path: Path
) -> None:
    """A project can be renamed while its package name stays."""
    project = render_repository(tmp_path / "project", source=few_files())
    done = _update(project, f"project_name={new_name}")
    assert done.returncode == 0, done.stderr
    answers = read_answers(project)
    assert answers["project_name"] == new_name
    assert answers["package_name"] == "digit_recognizer"
    assert [path.name for path in (project / "src").iterdir()] == ["digit_recognizer"]


def _update(project: Path, answer: str) -> subprocess.CompletedProcess[str]:
    """Change an answer, with the full path of the project on the command line."""
    options = ["--defaults", "--vcs-ref=:current:", f"--data={answer}"]
    return run_copier(project.parent, "update", *options, str(project))
