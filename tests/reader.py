"""Somebody who does what a page of the documentation says, word for word."""

import ast
import os
import re
import shlex
import sys
from pathlib import Path

from tests import processes
from tests.helpers import ROOT

# With the tools of the tests: uvx would fetch Copier. What setup.sh itself does is
# tested with the README of a project, which says the same.
TOOLS = """
uvx() { "$@"; }
copier() {
    [[ " $* " = *" --defaults "* ]] || set -- "$@" --defaults
    "$PYTHON" -m copier "$@" --quiet
}
scripts/setup.sh() {
    PYTHONPATH="$ROOT" "$PYTHON" -c "
import pathlib, tests.environment
tests.environment.create(pathlib.Path.cwd())
"
}
"""
SAVE = 'trap \'export -p > "$STATE"; pwd > "$STATE.folder"\' EXIT'


class Reader:
    """Somebody who does what a page says, in one terminal."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.folder = folder
        self.template = template
        self.state = folder.with_name(f"{folder.name}-state")
        hidden = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")
        self.environ = {
            **{name: os.environ[name] for name in os.environ if name not in hidden},
            "PYTHON": sys.executable,
            "ROOT": str(ROOT),
            "STATE": str(self.state),
        }
        for role in ("AUTHOR", "COMMITTER"):
            self.environ[f"GIT_{role}_NAME"] = "Tester"
            self.environ[f"GIT_{role}_EMAIL"] = "tester@example.org"
        self.state.write_text("")

    def follow(self, page: Path) -> None:
        """Run all commands and make all edits, in order."""
        pattern = (
            r"^```bash\n(?P<bash>.*?)^```$"
            r"|^```console\n\$ (?P<command>[^\n]*)\n(?P<output>.*?)^```$"
            r"|^In `(?P<file>[^`]+)`,[^`]*:\n\n```python\n(?P<python>.*?)^```$"
            r"|^In `(?P<edited>[^`]+)`:\n\n```diff\n(?P<diff>.*?)^```$"
            r"|^All of `(?P<whole>[^`]+)`:\n\n```python\n(?P<content>.*?)^```$"
            r"|^\| `(?P<path>[^`]+)` \| `(?P<old>[^`]+)` \| `(?P<new>[^`]+)` \|$"
        )
        text = page.read_text("utf-8")
        for step in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
            if step["bash"]:
                self.run(step["bash"])
            elif step["command"]:
                output = self.run(step["command"], may_fail=True)
                shown = {_without_numbers(line) for line in step["output"].splitlines()}
                printed = {_without_numbers(line) for line in output.splitlines()}
                assert shown - printed <= {"..."}, output
            elif step["python"]:
                _redefine(self.folder / step["file"], step["python"])
            elif step["diff"]:
                _patch(self.folder / step["edited"], step["diff"])
            elif step["content"]:
                (self.folder / step["whole"]).write_text(step["content"], "utf-8")
            else:
                replace(self.folder / step["path"], step["old"], step["new"])

    def run(self, command: str, *, may_fail: bool = False) -> str:
        """Run a command where the last one ended and return what it prints."""
        command = command.replace("<address>", shlex.quote(str(self.template)))
        command = command.replace("NAME=VALUE", "python_version=3.12")
        script = f'source "$STATE"\n{SAVE}\n{TOOLS}\n{command}'
        done = processes.run_bash(script, self.folder, self.environ)
        self.folder = Path(Path(f"{self.state}.folder").read_text().strip())
        assert may_fail or done.returncode == 0, f"{command}\n{done.stdout[-8000:]}"
        return done.stdout


def _without_numbers(line: str) -> str:
    """Leave out what is an example: times, shares, and widths that follow from them."""
    if line == "...":
        return line
    line = re.sub(r" \(\d+:\d\d:\d\d\)", "", line)  # of what took over a minute
    return re.sub(r"a minute|[\d.]+( (seconds?|minutes))?|=+", "#", line).strip()


def replace(path: Path, old: str, new: str) -> None:
    """Replace a text wherever it is in a file."""
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new), "utf-8")


def _patch(path: Path, diff: str) -> None:
    """Replace what a diff takes out, in the places that it shows."""
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        # An empty line is one that stays: editors cut off the space before it.
        lines = [line.rjust(2) for line in hunk.splitlines(keepends=True)]
        old = "".join(line[1:] for line in lines if line[0] != "+")
        new = "".join(line[1:] for line in lines if line[0] != "-")
        replace(path, old, new)


def _redefine(path: Path, source: str) -> None:
    """Put definitions in the place of those with the same names.

    A name that is new goes behind the one before it.
    """
    before = ""
    for name, definition in _definitions(source).items():
        old = _definitions(path.read_text("utf-8"))
        if name in old:
            replace(path, old[name], definition)
        else:
            assert before, f"{name} is not defined in {path}"
            replace(path, old[before], f"{old[before]}\n\n{definition}")
        before = name


def _definitions(source: str) -> dict[str, str]:
    """Return the source of what a module defines, by name."""
    found = {}
    lines = source.splitlines(keepends=True)
    for node in ast.parse(source).body:
        decorators: list[ast.expr] = []
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name, decorators = node.name, node.decorator_list
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        else:
            continue
        first = min(line.lineno for line in (node, *decorators))
        found[name] = "".join(lines[first - 1 : node.end_lineno])
    return found
