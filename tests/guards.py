"""``python -m tests.guards``: see :mod:`tests.support.guards.command`."""

import sys

from tests.support.guards.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
