"""The command line: `sightread index`, `search`, `show` and so on. `main` is the entry point."""

from __future__ import annotations

_ASKING = ("search", "show", "status")


def main() -> int:
    """Run the command line with the arguments of the process; returns the exit code.

    A command that only asks is over in about a second, of which the garbage collector would take
    0.1 and the orderly end of the interpreter with a database in it 0.3. It does without both:
    nothing is left to be written when `run` returns.
    """
    import gc
    import os
    import sys

    from sightread.cli.entry import run

    asking = sys.argv[1:2] and sys.argv[1] in _ASKING
    if asking:
        gc.disable()
    code = run(sys.argv[1:])
    if asking:
        sys.stderr.flush()
        os._exit(code)
    return code
