"""The command line: `python -m <package> COMMAND`."""

import sys

from .toolkit.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
