"""Write digests of managed files that no answer changes, for the template diff."""

import hashlib
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "template"
LIST = TEMPLATE / "scripts" / "digests.txt"
PACKAGE = "src/{{ package_name }}/"
# The code that a pull request folds, and what runs with more rights than a test.
FOLDERS = (
    f"{PACKAGE}toolkit/",
    *("tests/helpers/", "tests/mutation/", "tests/plugins/", "scripts/", ".github/"),
)


def main() -> None:
    """Replace the list."""
    LIST.write_text(listed(), "utf-8")


def listed() -> str:
    """Return the list of today: a digest and a path in each line."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(command, cwd=TEMPLATE, text=True).splitlines()
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}"
        for name in sorted(names)
        if name.startswith(FOLDERS)
        and not name.endswith(".jinja")
        and (path := TEMPLATE / name).is_file()
        and path != LIST
    ]
    return "\n".join(lines).replace(PACKAGE, "src/*/") + "\n"


if __name__ == "__main__":
    main()
