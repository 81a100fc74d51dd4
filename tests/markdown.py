"""Read commands from Markdown, so that tests can run them."""

import re
from pathlib import Path

# Code, with its fences.
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def code_blocks(path: Path, language: str = "bash") -> list[str]:
    """Return the fenced blocks of one language, in order."""
    pattern = rf"^```{language}\n(.*?)^```$"
    return re.findall(
        pattern, path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def inline_commands(path: Path, program: str) -> list[str]:
    """Return the inline code that starts with a program's name, in order."""
    pattern = rf"`({re.escape(program)}(?: [^`]*)?)`"
    return re.findall(pattern, path.read_text(encoding="utf-8"))
