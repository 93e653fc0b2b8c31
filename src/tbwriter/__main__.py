"""`python -m tbwriter`, and the command `tbwriter`: the command line."""
from __future__ import annotations

import sys


def main() -> int:
    """Runs one command; gives the exit code."""
    try:
        from .cli import main as run  # here, since Ctrl-C may come while its modules are loaded
        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
