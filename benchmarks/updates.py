"""Update fifty projects of 0.1.0 that their teams have changed; count what gets lost.

Each project gets random edits: lines in four managed files, in three starter files and
in a new file; every third one has deleted a managed file. After `copier update` every
line of the team must be in the repository, possibly between markers of a conflict.
"""

import os
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from tests import processes
from tests.helpers import (
    ANSWERS_FILE,
    commit,
    git,
    read_files,
    render,
    render_repository,
    update,
)
from tests.releases import RELEASES
from tests.zones import read_zones

PROJECTS = 50
LINES = 4  # of the team, in each file that it edits
# An edit anywhere in them is text, not a syntax error.
EDITABLE = (".md", ".py", ".yaml", ".yml", ".toml", ".sh")


def main() -> None:
    """Update all projects and print the table."""
    processes.mark_this_run()
    counts: Counter[str] = Counter()
    for seed in range(PROJECTS):
        folder = Path(tempfile.mkdtemp())
        settings = folder / "settings.yml"  # nobody's own answers
        settings.write_text("{}\n")
        os.environ["COPIER_SETTINGS_PATH"] = str(settings)
        try:
            counts += _play(folder / "project", random.Random(seed))  # noqa: S311
        finally:
            shutil.rmtree(folder)
        print(f"{seed + 1} of {PROJECTS}: {dict(counts)}", flush=True)
    print("projects with conflicts | lines of the teams | of these lost")
    print(f"{counts['conflicts']} | {counts['lines']} | {counts['lost']}")


def _play(project: Path, chance: random.Random) -> Counter[str]:
    """Edit a project as a team does, update it, and count conflicts and lines."""
    render_repository(project, version=RELEASES[0].tag)
    render(project.with_name("today"))
    zone_of = read_zones(project.with_name("today"))
    both = read_files(project).keys() & read_files(project.with_name("today")).keys()
    both -= {ANSWERS_FILE}
    files = sorted(name for name in both if name.endswith(EDITABLE))
    managed = [name for name in files if zone_of(name) == "managed"]
    starter = [name for name in files if zone_of(name) == "starter"]
    edited = [*chance.sample(managed, 4), *chance.sample(starter, 3), "src/ours.py"]
    ours = []
    for name in edited:
        path = project / name
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        for _ in range(LINES):
            ours.append(f"# ours {chance.getrandbits(64):016x}")
            lines.insert(chance.randint(0, len(lines)), ours[-1])
        path.write_text("\n".join([*lines, ""]), "utf-8")
    if chance.random() < 1 / 3:
        rest = [name for name in managed if name not in edited]
        (project / chance.choice(rest)).unlink()
    commit(project, "Work")
    update(project)
    text = b"\n".join(read_files(project).values()).decode("utf-8", "replace")
    conflicts = git(project, "diff", "--name-only", "--diff-filter=U")
    return Counter(
        conflicts=int(bool(conflicts)),
        lines=len(ours),
        lost=sum(line not in text for line in ours),
    )


if __name__ == "__main__":
    main()
