"""The command line: `python -m tbwriter` and the command `tbwriter`."""
from __future__ import annotations

import sys


def main() -> int:
    """Run one command and return its exit code. 130 after Ctrl-C, as shells report it."""
    try:
        from .cli import main as run  # imported here to catch a Ctrl-C during the imports, too
        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
