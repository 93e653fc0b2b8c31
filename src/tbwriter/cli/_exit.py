"""The exit codes of every command."""
from __future__ import annotations

GOOD, FOUND, USAGE = 0, 1, 2

EXIT_CODES = (
    "Exit codes: 0 success; 1 something is wrong with the logs, or there are none; 2 wrong usage, "
    "or the command could not finish; 130 Ctrl-C.")
