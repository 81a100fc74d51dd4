"""Which managed files only the larger size has: copier.yml says so, in one place."""

import re
from pathlib import Path

SETTINGS = Path(__file__).resolve().parents[1] / "copier.yml"


def larger(name: str) -> bool:
    """Return whether a managed file of a project comes with `practices=all` alone.

    Args:
        name: Its path, or that of a folder, with `*` for the name of the package.

    Returns:
        Whether it, or a folder above it, is listed.

    Raises:
        ValueError: The list is not there.
    """
    found = re.search(
        r"# Managed files that only the larger size has\.\n.*?\{% endif %\}",
        SETTINGS.read_text("utf-8"),
        re.DOTALL,
    )
    if found is None:
        raise ValueError(f"{SETTINGS.name} does not list what the larger size has")
    listed = re.findall(r"^ +/(\S+)$", found[0], re.MULTILINE)
    return any(name == path or name.startswith(f"{path}/") for path in listed)
