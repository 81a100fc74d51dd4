"""The released versions of the template."""

import tomllib
from pathlib import Path
from typing import NamedTuple

LIST = Path(__file__).resolve().parents[1] / "releases.toml"


class Release(NamedTuple):
    """A version that teams have."""

    version: str
    commit: str

    @property
    def tag(self) -> str:
        """The name of the commit, as Copier looks for it."""
        return f"v{self.version}"


# The oldest first.
RELEASES = [
    Release(**release) for release in tomllib.loads(LIST.read_text("utf-8"))["release"]
]
