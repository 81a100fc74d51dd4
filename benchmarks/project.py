"""Measure the waiting times of a new user, in seconds and relative to an import.

Machines differ and are noisy, so each value is the median of several runs, and the last
column divides it by the time to `import lightning` on the same machine in the same run.
Compare that column.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.environment import ROOT, activated

RUNS = 5


def main(project: Path) -> None:
    """Measure a project that is installed in `project/.venv`, and print the table."""
    environ = activated(project / ".venv" / "bin")
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    (package,) = (path.name for path in (project / "src").iterdir())
    copy = (
        f"{sys.executable} -m copier copy --quiet --defaults --overwrite --vcs-ref=HEAD"
    )
    commands = {
        "import lightning": "python -c 'import lightning'",
        "copier copy --defaults": f"{copy} {ROOT} {project.parent / 'copy'}",
        "fast tests": "pytest --quiet",
        "notebooks": "pytest --quiet --nbmake notebooks",
        "all hooks": "pre-commit run --all-files",
        "training": f"python -m {package} fit",
        "help": f"python -m {package} --help",
        "prediction": f"python -m {package} predict tests/model/seven.png",
    }
    unit = 0.0
    print(f"{'':<24}  median s   min s   max s  imports")
    for name, command in commands.items():
        seconds = [_time(command, project, environ) for _ in range(RUNS + 1)]
        seconds = seconds[1:]  # the first fills the caches
        median = statistics.median(seconds)
        unit = unit or median
        print(
            f"{name:<24}  {median:8.2f}  {min(seconds):6.2f}  {max(seconds):6.2f}"
            f"  {median / unit:7.2f}",
            flush=True,
        )


def _time(command: str, folder: Path, environ: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environ,
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    os.chdir(ROOT)
    main(Path(sys.argv[1]))
