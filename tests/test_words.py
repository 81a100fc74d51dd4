"""Names and texts use the field's words: old ones, and metaphors, do not come back."""

import re
import subprocess
from contextlib import suppress

import pytest

from tests.helpers import ROOT
from tests.markdown import FENCE

pytestmark = pytest.mark.one_version

# Each is a pattern for whole words. Whoever renames a thing adds its old name.
OLD = [
    # modules, classes and functions of the toolkit
    *("InputError", "seam", "protocols.py", "Exam", "load_exam", "JUDGED", "Judgement"),
    *("judgement", "try_on", "load_answers", "load_questions"),
    *("missed_floors", "starting_floor", "suspects", "Case", "Ending", "spell_out"),
    *("take_kill_for_ctrl_c", "end_cleanly", "first_process", "Race", "Memorize"),
    *("ChangedLayers", "CompiledSpeed", "draw_titled", "draw_confusion", "Shown"),
    *(
        "class_of",
        "describe_label",
        "to_tensor",
        "CEILINGS",
        "write_card",
        "read_lines",
    ),
    *("[Rr]epeatability", "is_right", "without_chance", "are_different"),
    # files
    *(r"(trial|race|cost|scale)\.json", r"(costs|hard)\.png", r"tests/alarms"),
    *(r"scripts/drift\.py", r"(zones|own-table|own-number|more-devices)\.md"),
    # sessions, options and settings
    r"nox -s (alarms|costs|hard|drift|accept-curve)",
    r"--accept-curve",
    r"callbacks\.share",
    r"(floors|shares|chance): [\[{]",
    # metaphors
    r"hear(s|d)?",
    r"cr(y|ies) wolf",
    r"ceilings?",
    r"smooth sailing",
    r"by heart",
    r"judge(s|d)?",
    r"dearest",
    r"told",
]
# The history names what it was then, and a license is not ours to word.
LEFT_ALONE = {"CHANGELOG.md", "tests/test_words.py", "template/LICENSE.jinja"}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Name and text of each file of this repository, by its name."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True
    )
    found = {}
    for name in {*filter(None, listed.stdout.split("\0"))} - LEFT_ALONE:
        path = ROOT / name
        if path.is_file():
            with suppress(UnicodeDecodeError):  # a picture or a model
                found[name] = f"{name}\n{path.read_text('utf-8')}"
    return found


@pytest.mark.parametrize("word", OLD)
def test_old_word_occurs_nowhere(word: str, texts: dict[str, str]) -> None:
    """No file of the template, of its pages or of its tests has an old word."""
    wanted = re.compile(rf"(?<![\w-]){word}(?!\w)")
    found = [
        f"{name}:{text[: match.start()].count(chr(10))}"
        for name, text in texts.items()
        for match in wanted.finditer(text)
    ]
    assert found == []


MAX_WORDS = 30  # of a sentence, for readers in a hurry


def sentences(text: str) -> list[str]:
    """Return the sentences of a page, without code, tables and addresses of links."""
    text = FENCE.sub("", text)
    text = re.sub(r"\{%.*?%\}|^\|.*$|^#.*$", "\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"`[^`]*`", "code", text)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"^\s*(?:[-*]|\d+\.) ", "\n\n", text, flags=re.MULTILINE)
    return re.split(r"(?<=[.?!:;])\s+|\n\s*\n", text)


def test_sentences_are_short(texts: dict[str, str]) -> None:
    """No page of the template or of a project has a sentence that few would follow."""
    long = [
        f"{name}: {sentence.split()}"
        for name, text in texts.items()
        if re.search(r"\.md(\.jinja)?$", name) and "/models/" not in name
        for sentence in sentences(text)
        if len(sentence.split()) > MAX_WORDS
    ]
    assert long == []


def test_long_sentence_is_found() -> None:
    """A sentence counts across lines, and a list, a table or code does not."""
    words = "word " * MAX_WORDS
    assert max(len(s.split()) for s in sentences(f"{words}\n`some code` end.")) == 32
    assert max(len(s.split()) for s in sentences(f"- {words}\n- {words}\n")) == 30
