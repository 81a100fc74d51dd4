"""A replacement for GitHub's command line, which records how it is called."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import processes


class FakeGh:
    """Replaces `gh`: records every call and prints prepared data.

    Args:
        folder: The calls are written here.
        answers: Data by the first two words of the call, such as `pr list`; the
            option `--jq` selects from it.
    """

    def __init__(self, folder: Path, answers: Mapping[str, Any] | None = None) -> None:
        self.log = folder / "calls.jsonl"
        self.answers = dict(answers or {})

    @property
    def program(self) -> str:
        """The script; an argument that is a body file is recorded by content."""
        return f"""#!{sys.executable}
import json, pathlib, subprocess, sys
words = sys.argv[1:]
for place, word in enumerate(words[:-1]):
    if word == "--body-file":
        words[place + 1] = pathlib.Path(words[place + 1]).read_text("utf-8")
with open({str(self.log)!r}, "a") as file:
    file.write(json.dumps(words) + "\\n")
if "--jq" in words:
    found = json.dumps({self.answers!r}.get(" ".join(words[:2]), []))
    wanted = ["jq", "--raw-output", words[words.index("--jq") + 1]]
    subprocess.run(wanted, input=found, text=True, check=True)
"""

    def run(
        self, script: Path, *arguments: str, folder: Path, **variables: str
    ) -> None:
        """Run a script of the workflows outside of a workflow.

        Args:
            script: The script.
            *arguments: Arguments of the script.
            folder: Working directory.
            **variables: Environment variables besides those of every run.
        """
        programs = self.log.parent / "bin"
        programs.mkdir(exist_ok=True)
        (programs / "gh").write_text(self.program)
        (programs / "gh").chmod(0o755)
        environ = os.environ | {
            "GITHUB_REF_NAME": "main",
            "GITHUB_REPOSITORY": "owner/project",
            "GITHUB_RUN_ID": "1",
            "GITHUB_SERVER_URL": "https://host.invalid",
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            **variables,
        }
        done = processes.run([str(script), *arguments], folder, environ)
        assert done.returncode == 0, done.stdout

    def calls(self) -> list[list[str]]:
        """Return the arguments of all calls so far."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text().splitlines()]
