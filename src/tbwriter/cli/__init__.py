"""The command `tbwriter`: inspect, check, repair and export log directories.

Each command is one file with `HELP` (one sentence), `add_arguments(parser)` and `run(options)`,
which returns the exit code.
"""
from __future__ import annotations

import argparse
import io
import os
import sys
from contextlib import ExitStack
from typing import NoReturn, Optional, Sequence

from . import check, demo, export, merge, profile, reduce, repair, select, show, tail, thin
from ._exit import EXIT_CODES, FOUND, GOOD, USAGE
from ._text import shown
from .._version import __version__

# In the order in which `tbwriter --help` lists them.
COMMANDS = (demo, show, tail, check, repair, merge, select, thin, reduce, export,
            profile)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command and return its exit code. Without arguments, print the help."""
    with ExitStack() as stack:
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            if getattr(sys, name) is None:  # it was closed before the program began
                # In this order each takes the number of its stream, which no other file then gets.
                setattr(sys, name, stack.enter_context(
                    open(os.devnull, mode, errors="backslashreplace")))
                stack.callback(setattr, sys, name, None)
        return _main(arguments)


def _main(arguments: Optional[Sequence[str]]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may not have every character
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        parser = _parser()
        options = parser.parse_args(arguments)
        if options.command is None:
            parser.print_help()
            return GOOD
        code = int(options.command(options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # such as `tbwriter export logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except FileNotFoundError as error:
        print(f"tbwriter: {shown(str(error))}", file=sys.stderr)
        return FOUND
    except (OSError, ValueError, ImportError) as error:
        print(f"tbwriter: {shown(str(error))}", file=sys.stderr)
        return USAGE
    except MemoryError:
        pass  # the data that was read is freed before anything is printed
    print("tbwriter: the log takes more memory than is available", file=sys.stderr)
    return USAGE


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(shown(message))  # with arguments, which may be names from a log


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="tbwriter", epilog=EXIT_CODES,
        description="Inspect TensorBoard log directories, check, repair, combine and export them. "
        "Needs neither TensorBoard nor TensorFlow.")
    parser.add_argument("--version", action="version", version=f"tbwriter {__version__}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        command.set_defaults(command=module.run)
        module.add_arguments(command)
    return parser
