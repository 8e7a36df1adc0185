"""The command line: `sightread index`, `search`, `show` and so on. `main` is the entry point."""

from __future__ import annotations


def main() -> int:
    """Run the command line with the arguments of the process; returns the exit code."""
    import sys

    from sightread.cli.entry import run

    return run(sys.argv[1:])
