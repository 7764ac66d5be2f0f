"""``python -m tests.upgrade``: see :mod:`tests.support.upgrade.command`."""

import sys

from tests.support.upgrade.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
