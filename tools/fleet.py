"""Report version, edits, state and possible update of many repositories.

Nothing is changed in any of them; an update is tried in a copy.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.releases import RELEASES

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE_DIFF = ROOT / "template" / "scripts" / "template_diff.py"
ANSWERS = ".copier-answers.yml"
TITLES = ("repository", "version", "behind", "edited", "state", "update")


def main(arguments: list[str]) -> int:
    """Print a line for each checkout, and return 1 if one needs attention."""
    parser = argparse.ArgumentParser(prog="start.py fleet --", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument(
        "--try", action="store_true", dest="trial", help="an update, in a copy of each"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder, "template")
        clone(template)
        rows = [
            [str(path), *look(path, template, trial=options.trial)]
            for path in options.folders
        ]
    titles = TITLES if options.trial else TITLES[:-1]
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for row in (titles, *rows):
        line = "  ".join(map(str.ljust, row, widths))
        print(line.rstrip())
    good = ("ready", "clean", "newest")
    return 0 if all(cell in good for row in rows for cell in row[4:]) else 1


def clone(folder: Path) -> None:
    """Clone the template with a tag for each release."""
    git(ROOT, "clone", "--quiet", "--no-tags", str(ROOT), str(folder))
    for release in RELEASES:
        git(folder, "tag", "--force", release.tag, release.commit)


def look(checkout: Path, template: Path, *, trial: bool) -> list[str]:
    """Return the cells of the report for one checkout, in the order of the titles."""
    answers = checkout / ANSWERS
    text = answers.read_text("utf-8") if answers.is_file() else ""
    found = re.search(r"^_commit: (.*)$", text, re.MULTILINE)
    if not found:
        return ["-", "-", "-", "no project of a template", *["-"] * trial]
    version = found[1].strip("'\"")
    tags = [release.tag for release in RELEASES]
    behind = str(len(tags) - 1 - tags.index(version)) if version in tags else "?"
    command = [sys.executable, str(TEMPLATE_DIFF), "--template", str(template)]
    diff = run(checkout, command)
    edited = diff.stdout.split(" ")[0] if diff.returncode == 0 else "?"
    state = unfinished(checkout)
    row = [version, behind, edited, state]
    if trial:
        row.append(attempt(checkout, template) if state == "ready" else "-")
    return row


def unfinished(checkout: Path) -> str:
    """Return the reason why a checkout cannot be updated, or "ready"."""
    left = ("grep", "--files-with-matches", "-e", "^<<<<<<< before updating", "--", ".")
    marked = git(checkout, *left, succeeds=False).splitlines()
    rejected = git(checkout, "ls-files", "--cached", "--others", "*.rej").splitlines()
    if marked or rejected:
        return f"an update left conflicts: {', '.join([*marked, *rejected])}"
    changed = git(checkout, "status", "--porcelain", "--", ".").splitlines()
    return f"{len(changed)} not committed" if changed else "ready"


def attempt(checkout: Path, template: Path) -> str:
    """Update a copy of the committed files, and return the result."""
    top = Path(git(checkout, "rev-parse", "--show-toplevel").strip())
    inside = checkout.resolve().relative_to(top)
    with tempfile.TemporaryDirectory() as folder:
        git(top, "clone", "--quiet", str(top), folder)
        project = Path(folder, inside)
        answers = project / ANSWERS
        text = answers.read_text("utf-8")
        here = re.sub(r"(?m)^_src_path: .*$", f"_src_path: {template}", text)
        answers.write_text(here, "utf-8")
        who = ("-c", "user.name=fleet", "-c", "user.email=fleet@example.org")
        message = "--message=Take the template from here"
        git(project, *who, "commit", "--quiet", "--all", "--no-verify", message)
        done = run(project, [sys.executable, "-m", "copier", "update", "--defaults"])
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            return f"fails: {lines[-1]}"
        conflicts = ("diff", "--name-only", "--relative", "--diff-filter=U")
        if names := git(project, *conflicts).splitlines():
            return f"conflicts: {', '.join(names)}"
        return "clean" if git(project, "status", "--porcelain", "--", ".") else "newest"


def git(folder: Path, *arguments: str, succeeds: bool = True) -> str:
    """Run git and return its output."""
    done = run(folder, ["git", *arguments])
    if succeeds and done.returncode:
        raise SystemExit(
            f"error: git {arguments[0]} in {folder}: {done.stderr.strip()}"
        )
    return done.stdout


def run(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a program and capture its output."""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
