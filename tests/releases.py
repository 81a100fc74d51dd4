"""The released versions of the template."""

import tomllib
from pathlib import Path
from typing import NamedTuple

LIST = Path(__file__).resolve().parents[1] / "releases.toml"


class Release(NamedTuple):
    """A released version of the template."""

    version: str
    commit: str

    @property
    def tag(self) -> str:
        """The git tag that Copier looks for."""
        return f"v{self.version}"


# From oldest to newest.
RELEASES = [
    Release(**release) for release in tomllib.loads(LIST.read_text("utf-8"))["release"]
]
