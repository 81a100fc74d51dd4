"""The command line: `python -m <package> COMMAND`."""

import sys

from .toolkit.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
