"""Run a task of this repository on a machine that has only Python and git.

    python3 start.py demo      generate a project, train it, show what came out
    python3 start.py tests     test the template
    python3 start.py -l        list all tasks

The tools go into .venv; the tasks themselves are the sessions of noxfile.py.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")


def main(arguments: list[str]) -> int:
    """Install the tools if necessary, then run nox."""
    if sys.version_info < (3, 11):
        version = ".".join(map(str, sys.version_info[:2]))
        print(
            f"error: Python 3.11 or newer is needed, this is {version}", file=sys.stderr
        )
        return 2
    if not arguments:
        print(__doc__)
        return 2
    environment = dict(os.environ)
    # uv does not read pip's settings, so pass the folder of wheels on.
    if find_links := os.environ.get("PIP_FIND_LINKS"):
        environment.setdefault("UV_FIND_LINKS", find_links)
    environment["PATH"] = str(BIN) + os.pathsep + environment["PATH"]
    if not (BIN / "uv").exists() and not (BIN / "uv.exe").exists():
        print("setting up .venv", flush=True)
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run(
            [*pip, "--constraint", "constraints.txt", "uv"], cwd=ROOT, check=True
        )
    install = ["uv", "pip", "install", "--quiet", "--constraint", "constraints.txt"]
    install += ["--group", "dev", "--python", str(ENVIRONMENT)]
    subprocess.run(install, cwd=ROOT, env=environment, check=True)
    options = [] if arguments[0].startswith("-") else ["--session"]
    return subprocess.run(
        [str(BIN / "python"), "-m", "nox", *options, *arguments],
        cwd=ROOT,
        env=environment,
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
