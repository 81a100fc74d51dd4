"""The commands of the toolkit, for a package whose own are older than these."""

import sys

from .commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
