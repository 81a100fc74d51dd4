"""Write docs/gallery.md: what projects of all starters show on their first day.

Trees, model cards and pictures come from the files of a new project. Predictions and
splits are what its commands print, so each project needs its environment.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "gallery.md"
PICTURES = ROOT / "docs" / "pictures"
SHOWN = ("curves.png", "errors.png")
INTRODUCTION = """# Gallery

What a new project of each starter shows before you change anything. The command
`python3 start.py gallery` makes this page: the files, what commands print, and the
pictures of the production model that comes with the project.
"""
TITLES = {
    "images": "Pictures into classes",
    "table": "Rows of a table into classes",
    "number": "Rows of a table into a number",
    "lines": "Pictures of lines into text",
}
MANAGED = r"configs/debug|docs|scripts|toolkit|tests/helpers|\.github"


def main(projects: Sequence[str]) -> None:
    """Write the page and its pictures from projects, in the order of the starters."""
    of_starter = dict(
        zip(TITLES, [Path(name).resolve() for name in projects], strict=True)
    )
    parts = [INTRODUCTION, *trees(of_starter["images"])]
    for starter, project in of_starter.items():
        parts += section(starter, project, _outputs(project))
    PAGE.write_text("\n".join(parts), "utf-8")
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir()
    for starter, project in of_starter.items():
        for name in SHOWN:
            source = project / "models" / "production" / name
            shutil.copyfile(source, PICTURES / f"{starter}-{name}")


def trees(project: Path) -> list[str]:
    """Return the lines that show the files of a project, managed folders in short."""
    names = sorted(
        path.relative_to(project).as_posix()
        for path in project.rglob("*")
        if path.is_file() and not _made(path.relative_to(project))
    )
    folders: dict[str, list[str]] = {}
    for name in names:
        if managed := re.match(rf"(.*?/)??({MANAGED})(?=/)", name):
            folders.setdefault(managed[0], []).append("")
        else:
            folder, _, file = name.rpartition("/")
            folders.setdefault(folder, []).append(file)
    width = max(map(len, folders)) + 3
    lines = []
    for folder, files in sorted(folders.items()):
        shown = f"{len(files)} files, managed" if "" in files else "  ".join(files)
        start = f"{f'{folder}/' if folder else '.':<{width}}"
        rest = shown.split("  ")
        while rest:
            line = start + rest.pop(0)
            while rest and len(line) + len(rest[0]) < 95:
                line += f"  {rest.pop(0)}"
            lines.append(line.rstrip())
            start = " " * width
    title = f"## The {len(names)} files of a project"
    text = "Updates refresh what is managed; everything else is yours."
    return [title, "", text, "", "```text", *lines, "```", ""]


def _made(path: Path) -> bool:
    """Return whether a file is none of the template, but was made later."""
    made = {".git", ".venv", "runs", "build", "__pycache__", "uv.lock"}
    return bool(made & {*path.parts}) or any("_cache" in part for part in path.parts)


def section(starter: str, project: Path, outputs: Sequence[str]) -> list[str]:
    """Return the lines about one starter."""
    card = (project / "models" / "production" / "card.md").read_text("utf-8")
    found = re.search(r"^\| suite(?:.*\n\|)+.*$", card, re.MULTILINE)
    if found is None:
        raise ValueError("the model card has no table of suites")
    titles, _, *rows = [
        [cell.strip() for cell in line.split("|")] for line in found[0].splitlines()
    ]
    wanted = {"suite": "suite", "examples": "examples", "new": "correct"}
    wanted |= {"new error": "mean error"} if "new error" in titles else {}
    columns = [titles.index(name) for name in wanted]
    table = [[*wanted.values()], *([row[column] for column in columns] for row in rows)]
    suites = [f"| {' | '.join(row)} |" for row in table]
    picture = f"pictures/{starter}"
    return [
        f"## `{starter}`: {TITLES[starter].lower()}",
        "",
        "```console",
        *outputs,
        "```",
        "",
        f"![Loss and metrics by epoch]({picture}-{SHOWN[0]})",
        "",
        f"![The worst errors of the production model]({picture}-{SHOWN[1]})",
        "",
        suites[0],
        "|" + "---|" * len(columns),
        *suites[1:],
        "",
    ]


def _outputs(project: Path) -> list[str]:
    """Return commands and what they print."""
    readme = (project / "README.md").read_text("utf-8")
    (predict,) = re.findall(r"^python -m \w+ predict .*$", readme, re.MULTILINE)
    lines = []
    for command in (predict, re.sub(r" predict .*", " splits", predict)):
        python = project / ".venv" / "bin" / "python"
        words = [str(python), *command.split()[1:]]
        done = subprocess.run(words, cwd=project, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{command} in {project}: {done.stderr}")
        lines += [f"$ {command}", *done.stdout.rstrip().splitlines()]
    return lines


if __name__ == "__main__":
    main(sys.argv[1:])
