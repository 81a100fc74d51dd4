"""A runner for the commands and edits of a documentation page."""

import ast
import os
import re
import shlex
import sys
from pathlib import Path

from tests import processes
from tests.helpers import ROOT

# Use the tools of the tests: uvx would download Copier. The README test of a project
# runs setup.sh itself.
TOOLS = """
uvx() { "$@"; }
copier() {
    [[ " $* " = *" --defaults "* ]] || set -- "$@" --defaults
    [[ $1 = copy ]] && set -- "$@" --data "strictness=$STRICTNESS"
    "$PYTHON" -m copier "$@" --quiet
}
bash() {
    [[ $1 = scripts/setup.sh ]] || { command bash "$@"; return; }
    PYTHONPATH="$ROOT" "$PYTHON" -c "
import pathlib, tests.environment
tests.environment.$INSTALL(pathlib.Path.cwd())
"
}
"""
# Without checks, only sessions that write files run.
WITHOUT_CHECKS = """
pytest() { :; }
nox() { [[ $* != *update-curve* && $* != *promote* ]] || command nox "$@"; }
"""

# Tolerances between the numbers on pages and the printed ones. Times are not compared:
# they depend on the machine.
TIME = re.compile(r"a minute|\d+(\.\d+)?( minutes?| seconds?|s\b)( \(\d+:\d\d:\d\d\))?")
NUMBER = re.compile(r"\d+(?:\.\d+)?%?")
MAX_POINTS = 2.0  # of 100 %: results of training depend on the processor
MAX_PART_OF_DECIMALS = 0.5  # a loss, for the same reason
MAX_PART_OF_COUNTS = 0.1  # a page may show an older number of tests
# Models trained on different processors differ on a few examples.
COMPARISON = re.compile(r"(all|keep: .*) ")
MAX_CHANGED = 4

SAVE = 'trap \'export -p > "$STATE"; pwd > "$STATE.folder"\' EXIT'


class DocRunner:
    """Executes the steps of a page in one shell session."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.folder = folder
        self.template = template
        self.state = folder.with_name(f"{folder.name}-state")
        self.tools = TOOLS
        hidden = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")
        self.environ = {
            **{name: os.environ[name] for name in os.environ if name not in hidden},
            "INSTALL": "overlay",  # replaces setup.sh
            "PYTHON": sys.executable,
            "ROOT": str(ROOT),
            "STATE": str(self.state),
            "STRICTNESS": "starter",
        }
        for role in ("AUTHOR", "COMMITTER"):
            self.environ[f"GIT_{role}_NAME"] = "Tester"
            self.environ[f"GIT_{role}_EMAIL"] = "tester@example.org"
        self.state.write_text("")

    def follow(self, page: Path, *, numbers: bool = True, checks: bool = True) -> None:
        """Run all commands and make all edits of a page, in order.

        Args:
            page: A Markdown file.
            numbers: Also compare the numbers on the page with the printed ones.
            checks: Also run the hooks and tests, and compare their output with the
                page. Without them, the resulting project is the same.
        """
        self.tools = TOOLS if checks else TOOLS + WITHOUT_CHECKS
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
                if checks:
                    compare(step["output"], output, numbers=numbers)
            elif step["python"]:
                _redefine(self.folder / step["file"], step["python"])
            elif step["diff"]:
                _patch(self.folder / step["edited"], step["diff"])
            elif step["content"]:
                (self.folder / step["whole"]).write_text(step["content"], "utf-8")
            else:
                replace(self.folder / step["path"], step["old"], step["new"])
        self.tools = TOOLS

    def run(self, command: str, *, may_fail: bool = False) -> str:
        """Run a command in the current folder of the session; return its output."""
        command = command.replace("<address>", shlex.quote(str(self.template)))
        command = command.replace("NAME=VALUE", "python_version=3.12")
        script = f'source "$STATE"\n{SAVE}\n{self.tools}\n{command}'
        done = processes.run_bash(script, self.folder, self.environ)
        self.folder = Path(Path(f"{self.state}.folder").read_text().strip())
        assert may_fail or done.returncode == 0, f"{command}\n{done.stdout[-8000:]}"
        return done.stdout


def compare(shown: str, printed: str, *, numbers: bool = True) -> None:
    """Fail unless each line that a page shows is printed.

    Args:
        shown: Lines of the page; `...` stands for any other lines.
        printed: Output of the command.
        numbers: Also require equal numbers, within the tolerances above.
    """
    lines: dict[str, list[str]] = {"...": ["..."]}
    for line in printed.splitlines():
        lines.setdefault(_without_numbers(line), []).append(line)
    for line in shown.splitlines():
        found = lines.get(_without_numbers(line), [])
        assert found, f"shown, but not printed: {line!r}\n{printed}"
        near = not numbers or any(_agree(line, other) for other in found)
        assert near, f"other numbers: the page shows {line!r}, printed is {found}"


def _without_numbers(line: str) -> str:
    """Return a line without numbers and without the widths that depend on them."""
    if line == "...":
        return line
    return re.sub(r"=+|\s+", " ", NUMBER.sub("#", TIME.sub("#", line))).strip()


def _agree(shown: str, printed: str) -> bool:
    """Return whether the numbers of two otherwise equal lines agree."""
    compared = bool(COMPARISON.match(shown))
    ours, theirs = (NUMBER.findall(TIME.sub("", line)) for line in (shown, printed))
    if len(ours) != len(theirs):  # one is a time, and the other is not
        return False
    for expected, found in zip(ours, theirs, strict=True):
        distance = abs(float(expected.rstrip("%")) - float(found.rstrip("%")))
        if expected.endswith("%"):
            limit = MAX_POINTS
        elif "." in expected:
            limit = MAX_PART_OF_DECIMALS * float(expected)
        else:
            limit = MAX_PART_OF_COUNTS * float(expected)
            limit = max(limit, MAX_CHANGED) if compared else limit
        if distance > limit:
            return False
    return True


def replace(path: Path, old: str, new: str) -> None:
    """Replace all occurrences of a text in a file."""
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new), "utf-8")


def _patch(path: Path, diff: str) -> None:
    """Apply a diff: replace its removed lines by its added lines."""
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        # An empty line is unchanged context: editors strip its leading space.
        lines = [line.rjust(2) for line in hunk.splitlines(keepends=True)]
        old = "".join(line[1:] for line in lines if line[0] != "+")
        new = "".join(line[1:] for line in lines if line[0] != "-")
        replace(path, old, new)


def _redefine(path: Path, source: str) -> None:
    """Replace definitions by those with the same names.

    A new name is inserted after the definition before it.
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
    """Return the source of each definition of a module, by name."""
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
