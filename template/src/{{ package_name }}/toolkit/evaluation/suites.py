"""Suites that people keep: named sets of examples that every model is evaluated on.

An example on which a model failed once is a test of all later models. Each suite is a
file, `NAME.jsonl`, whose first line is about the suite,

    {"min_accuracy": 0.6, "why": "what these examples have in common"}

and every other line about one of its examples, which the data must hold:

    {"digest": "2a450398009a4878", "label": "9", "why": "the loop is filled"}
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import paths
from ..errors import UserError

DEFAULT_MIN_ACCURACY = 0.5  # of a new suite, if the production model reaches it


@dataclass(frozen=True)
class SuiteExample:
    """An example of a suite.

    Attributes:
        digest: Of its content, as in `Examples.digests`.
        label: The true one, as `task.label_name` names it.
        why: The reason why it is there.
    """

    digest: str
    label: str
    why: str


@dataclass(frozen=True)
class Suite:
    """A named set of examples.

    Attributes:
        name: Of the file, without its suffix.
        min_accuracy: The least accuracy on it, from 0 to 1.
        why: What its examples have in common.
        examples: That it consists of.
    """

    name: str
    min_accuracy: float
    why: str
    examples: list[SuiteExample]


def load_suites(folder: Path | None = None) -> list[Suite]:
    """Read the suites that are kept in files.

    Args:
        folder: Holds a file for each; by default, the one of the repository.

    Returns:
        The suites in the order of their names.

    Raises:
        UserError: A file holds something else.
    """
    folder = folder or paths.suites()
    suites = [_read(path) for path in sorted(folder.glob("*.jsonl"))]
    for suite in suites:
        if not suite.examples:
            path = folder / f"{suite.name}.jsonl"
            raise UserError(f"{path} names no examples: add some, or delete it")
    return suites


def _read(path: Path) -> Suite:
    head, *rest = path.read_text("utf-8").splitlines() or [""]
    kinds: dict[str, Any] = {"min_accuracy": (int, float), "why": str}
    about = parse_json_line(head, kinds, f"{path}, line 1")
    if not 0 <= about["min_accuracy"] <= 1:
        raise UserError(f"{path}, line 1: min_accuracy is from 0 to 1")
    examples: dict[str, SuiteExample] = {}
    kinds = dict.fromkeys(("digest", "label", "why"), str)
    for number, line in enumerate(rest, start=2):
        where = f"{path}, line {number}"
        example = SuiteExample(**parse_json_line(line, kinds, where))
        if example.digest in examples:
            raise UserError(f"{where}: {example.digest} is there already")
        examples[example.digest] = example
    return Suite(path.stem, about["min_accuracy"], about["why"], [*examples.values()])


# What a value is called in a message, by its type.
WORDS: dict[Any, str] = {
    (bool, type(None)): "true, false or null",
    list: "list",
    str: "text",
    (int, float): "number",
}


def parse_json_line(line: str, kinds: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Read a JSON object with values of these kinds; anything else is a `UserError`."""
    try:
        content = json.loads(line)
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.keys() != kinds.keys():
        names = ", ".join(kinds)
        raise UserError(f"{where} must be one JSON object with {names}, and no more")
    for name, kind in kinds.items():
        if not isinstance(content[name], kind):
            raise UserError(f"{where}: {name} is no {WORDS[kind]}: {content[name]!r}")
    return content


def write_suite(suite: Suite, folder: Path | None = None) -> Path:
    """Write a suite into the file of its name, and return the path."""
    head = {"min_accuracy": suite.min_accuracy, "why": suite.why}
    path = (folder or paths.suites()) / f"{suite.name}.jsonl"
    write_json_lines(path, [head, *(asdict(example) for example in suite.examples)])
    return path


def initial_min_accuracy(correct: int, count: int) -> float:
    """Return a minimum accuracy for a new suite, which blocks nobody on its first day.

    Args:
        correct: How many of its examples the production model predicts correctly.
        count: How many it has.

    Returns:
        At most a half, in steps of 0.05; the production model reaches it.

    Examples:
        >>> initial_min_accuracy(3, 8)
        0.35
    """
    return min(DEFAULT_MIN_ACCURACY, int(20 * correct / max(1, count)) / 20)


def read_json_lines(path: Path, kinds: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read a JSON Lines file that people edit.

    Args:
        path: Of the file.
        kinds: The type of each value in a line, by name.

    Returns:
        The values of each line, by name.
    """
    # Editors leave empty lines at the end.
    lines = enumerate(path.read_text("utf-8").rstrip().splitlines(), start=1)
    return [parse_json_line(line, kinds, f"{path}, line {n}") for n, line in lines]


def write_json_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write a JSON Lines file that people edit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), "utf-8")
