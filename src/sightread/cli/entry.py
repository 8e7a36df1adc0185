"""Runs a command and turns whatever happens into one sentence and an exit code.

0 done, 1 error, 2 wrong usage, 3 nothing found (`search --fail-on-empty`), 130 stopped by Ctrl-C,
141 the reader of our output went away (`| head`), which is nobody's mistake and said to nobody.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress

from sightread.cli.plain import visible
from sightread.errors import QueryError, SightreadError, UsageError

ERROR, USAGE, EMPTY, INTERRUPTED, BROKEN_PIPE = 1, 2, 3, 130, 141

DEBUG_VARIABLE = "SIGHTREAD_DEBUG"

WORD_MARK = "\0"
"""Put before an argument that is a word of the query although it starts with a hyphen. No
argument of a process can hold this character."""

_SEARCH_OPTIONS_WITH_VALUE = (
    *("-k", "-L", "--library", "--offset", "--threshold", "--like", "--encoder", "--also", "--url"),
    *("--explain", "--rerank"),
)
_LOOKS_NEGATED = re.compile(r"-(?!-)(?:[^\x00-\x7f]|[^\s-]\S)")
_ATTACHED_VALUE = re.compile(r"-k[0-9]+|-L[/.~].*", re.DOTALL)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; messages go to stderr, nothing is raised but in debug mode."""
    _keep_output_writable()
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return _fail("stopped.", INTERRUPTED)
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        return _explain(error)
    return code


def _invoke(arguments: Sequence[str]) -> int:
    import typer
    from typer.exceptions import TyperException
    from typer.main import get_command

    from sightread.cli.app import app

    command = get_command(app)
    try:
        # Not `app()`: it would answer Ctrl-C, closed pipes and errors in its own way.
        with command.make_context("sightread", mark_negations(arguments) or ["--help"]) as context:
            command.invoke(context)
    except typer.Exit as leaving:
        return leaving.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except TyperException as error:
        return _fail(_usage_sentence(error), error.exit_code)
    return 0


def mark_negations(arguments: Sequence[str]) -> list[str]:
    """Let `sightread search coffee -taxi` mean what the query line means by it.

    A hyphen and two or more characters is a word of the query, since the short options of
    `search` are single letters. Such words get the `WORD_MARK`; `query_line` takes it off.
    """
    if not arguments or arguments[0] != "search":
        return list(arguments)
    marked = [arguments[0]]
    for at, argument in enumerate(arguments[1:], start=1):
        if argument == "--":
            return marked + list(arguments[at:])
        is_value = arguments[at - 1] in _SEARCH_OPTIONS_WITH_VALUE
        negated = _LOOKS_NEGATED.match(argument) and not _ATTACHED_VALUE.fullmatch(argument)
        marked.append(WORD_MARK + argument if negated and not is_value else argument)
    return marked


def query_line(arguments: Sequence[str]) -> str:
    """The arguments of `search` as one query line."""
    return " ".join(argument.removeprefix(WORD_MARK) for argument in arguments)


def _usage_sentence(error: Exception) -> str:
    message = str(getattr(error, "message", error)).strip()
    formatted = getattr(error, "format_message", None)
    if callable(formatted):
        message = " ".join(str(formatted()).split())
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "sightread")
    message = message.removesuffix(".")
    ending = "" if message.endswith("?") else "."
    return f"{message}{ending} See: {command} --help"


def _explain(error: Exception) -> int:
    if isinstance(error, QueryError):
        return _fail(str(error), USAGE)
    if isinstance(error, SightreadError):
        return _fail(str(error), USAGE if isinstance(error, UsageError) else ERROR)
    if isinstance(error, OSError) and error.strerror:
        place = f" ({os.fsdecode(error.filename)})" if error.filename else ""
        return _fail(f"{error.strerror}{place}.", ERROR)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _fail(
        f"this should not have happened: {what}. Set {DEBUG_VARIABLE}=1 to see where, and please "
        "report it.",
        ERROR,
    )


def _fail(sentence: str, code: int) -> int:
    with suppress(OSError):  # If nobody can be told, the exit code still says it.
        print(f"sightread: {visible(sentence)}", file=sys.stderr, flush=True)
    return code


def _keep_output_writable() -> None:
    # A terminal that lacks a character shows its escape; it is no reason to stop.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    # The interpreter flushes once more at its end and would complain about the closed pipe.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
