"""Write digests of the managed code of a project, for its template diff.

They are of files that a pull request folds, or that workflows run. The only answer
in them is the name of the package, in imports: it counts as PACKAGE.
"""

import hashlib
import re
import subprocess
from pathlib import Path

from tools.sizes import larger

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "template"
LIST = TEMPLATE / "scripts" / "digests.txt"
PACKAGE = "src/{{ package_name }}/"
TOOLKIT = f"{PACKAGE}toolkit/"
FOLDERS = (
    *(TOOLKIT, "tests/helpers/", "tests/mutation/", "tests/plugins/"),
    *("scripts/", ".github/"),
)


def main() -> None:
    """Replace the list."""
    LIST.write_text(listed(), "utf-8")


def listed() -> str:
    """Return the list of today: digest, size and path in each line."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(command, cwd=TEMPLATE, text=True).splitlines()
    lines = []
    for name in sorted(names):
        path = TEMPLATE / name
        if not name.startswith(FOLDERS) or not path.is_file() or path == LIST:
            continue
        content = path.read_text("utf-8")
        if name.endswith(".jinja"):
            name_of_package = r"\b(from|import) \{\{ package_name \}\}"
            content = re.sub(name_of_package, r"\1 PACKAGE", content)
            if re.search(r"\{\{|\{%", content):
                continue  # another answer
        digest = hashlib.sha256(content.encode()).hexdigest()
        shown = name.removesuffix(".jinja").replace(PACKAGE, "src/*/")
        size = "all" if larger(shown) else "core"
        lines.append(f"{digest}  {size:<4}  {shown}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
