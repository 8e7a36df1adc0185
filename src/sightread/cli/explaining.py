"""The command that gets explanations: explain fill; and all of `explain` put together.

The parameters of a command are its options, so their number is not held to the usual limit.
Nothing heavy is imported before the command that uses it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from sightread.cli import explanations
from sightread.cli.entry import INTERRUPTED
from sightread.cli.explanations import BookOption, open_book, reading
from sightread.cli.options import JsonOption, LibraryOption, QuietOption, library_path, say
from sightread.cli.plain import counted, duration, visible, write_bytes
from sightread.errors import UsageError

if TYPE_CHECKING:
    from sightread.explain import Subject
    from sightread.explain.endpoint import Endpoint
    from sightread.explain.fill import FillReport
    from sightread.explain.glossary import Entries

explain = typer.Typer(
    help="Look after explanations: what the people and things that are searched for look like.",
    rich_markup_mode=None,
)

KEY_VARIABLE = "SIGHTREAD_EXPLAIN_KEY"


@explain.command("fill")
def fill(
    entities: Annotated[
        list[str] | None, typer.Argument(metavar="ENTITY", help="Names to explain.")
    ] = None,
    listed: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="Names, one a line; - reads from stdin."),
    ] = None,
    persons: Annotated[
        bool, typer.Option("--persons", help="The names of persons in the library's metadata.")
    ] = False,
    keywords: Annotated[
        bool, typer.Option("--keywords", help="The keywords in the library's metadata.")
    ] = False,
    captions: Annotated[
        bool, typer.Option("--captions", help="What is named or listed are captions.")
    ] = False,
    glossary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="CSV with the columns entity, description (and aliases), or JSONL; repeatable. "
            "Without any names all its entries are taken.",
        ),
    ] = None,
    knowledge: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="JSONL with label, description or facts (and aliases, source); repeatable. Only "
            "what is named is taken.",
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Ask this OpenAI-compatible address for the rest, such as "
            "http://127.0.0.1:8080/v1. Only names are sent.",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="The language model of the endpoint.")
    ] = "default",
    key_variable: Annotated[
        str,
        typer.Option(
            "--key-variable", metavar="NAME", help="The environment variable that holds the key."
        ),
    ] = KEY_VARIABLE,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="The endpoint may be another machine.")
    ] = False,
    at_once: Annotated[
        int, typer.Option(metavar="N", min=1, max=256, help="Questions at the same time.")
    ] = 4,
    rate: Annotated[
        float | None,
        typer.Option(metavar="N", min=0.001, help="At most so many requests per second."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="S", min=0.1, max=3600.0, help="Seconds for an answer.")
    ] = 60.0,
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Ask for no more names than N.")
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Ask again for those whose answer was no good.")
    ] = False,
    renew: Annotated[
        bool,
        typer.Option("--renew", help="Ask also for those that another model has explained."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many would be asked for.")
    ] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    book: BookOption = None,
    library: LibraryOption = None,
) -> None:
    """Get explanations, from what is written down already and from a language model.

    Glossaries and knowledge dumps go first; only with --endpoint is anybody asked, and nothing
    but names leaves the program. Nobody is asked twice: run it again, and it goes on where it
    stopped. What was written by hand (`explain edit`) stays.
    """
    from sightread.explain.fill import FillOptions
    from sightread.explain.fill import fill as run_fill

    asked = _endpoint(endpoint, model, key_variable, allow_remote, timeout)
    subjects = _subjects(entities or [], listed, captions)
    subjects += _from_library(library, persons, keywords) if persons or keywords else []
    written = _written(glossary or [], knowledge or [], subjects)
    named = bool(entities or listed or persons or keywords)
    subjects = subjects if named else _all_of(written, knowledge or [])
    options = FillOptions(
        at_once=at_once,
        per_second=rate,
        most=limit,
        retry=retry,
        renew=renew,
        only_count=dry_run,
    )
    from sightread.cli.progress import StatusLine

    with open_book(book, library, write=True) as opened, StatusLine(sys.stderr) as status:

        def show(report: FillReport) -> None:
            if not quiet:
                status.show(lambda: _progress(report))

        report = run_fill(
            opened, subjects, written=written, endpoint=asked, options=options, progress=show
        )
    _finish(report, as_json, dry_run)


def _endpoint(
    url: str | None, model: str, variable: str, allow_remote: bool, timeout: float
) -> Endpoint | None:
    if url is None:
        return None
    from sightread.explain.endpoint import Endpoint

    key = os.environ.get(variable, "")
    if not key and variable != KEY_VARIABLE:
        raise UsageError(f"The environment variable {variable} is not set; put the key into it.")
    return Endpoint(url, model, key=key, remote=allow_remote, timeout_s=timeout)


def _subjects(names: Sequence[str], listed: str | None, captions: bool) -> list[Subject]:
    from sightread.explain import Subject

    lines = list(names)
    if listed is not None:
        with reading(listed) as file:
            lines += [line.strip() for line in file if line.strip()]
    return [Subject(line, "caption" if captions else "entity") for line in lines]


def _from_library(library: str | None, persons: bool, keywords: bool) -> list[Subject]:
    from sightread.explain import Subject
    from sightread.library import Library
    from sightread.search.names import names_of

    with Library.open(library_path(library), reader_only=True) as opened:
        names = names_of(opened.store, persons=persons, keywords=keywords)
        return [Subject(name) for name in names]


def _written(
    glossaries: Sequence[str], dumps: Sequence[str], subjects: Sequence[Subject]
) -> list[Entries]:
    from sightread.explain.glossary import read_glossary, read_knowledge

    found = [read_glossary(path) for path in glossaries]
    return found + [read_knowledge(path, subjects) for path in dumps]


def _all_of(written: Sequence[Entries], dumps: Sequence[str]) -> list[Subject]:
    from sightread.explain.fill import from_written

    if not written or dumps:
        raise UsageError(
            "Name what is to be explained: names, --from FILE, --persons or --keywords; only of a "
            "--glossary alone all entries are taken."
        )
    return [subject for entries in written for subject in from_written(entries)]


def _progress(report: FillReport) -> str:
    done = report.answered + report.kept_out + report.failed
    return f"{done:,} of {counted(report.to_ask, 'question')} answered"


def _finish(report: FillReport, as_json: bool, dry_run: bool) -> None:
    from dataclasses import asdict

    from sightread.wire import dump_json

    if as_json:
        write_bytes(dump_json(asdict(report), indent=2) + "\n")
    for warning in report.warnings:
        say(visible(warning))
    say(_summary(report, dry_run))
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)


def _summary(report: FillReport, dry_run: bool) -> str:
    if dry_run:
        return (
            f"{counted(report.subjects, 'name')}: {report.known:,} explained already, "
            f"{report.taken:,} would be taken from files, {report.to_ask:,} would be asked for."
        )
    parts = [f"{counted(report.subjects, 'name')}: {report.known:,} explained already"]
    numbers = (
        (report.taken, "taken from files"),
        (report.answered, "answered"),
        (report.unfit + report.kept_out, "kept out (`sightread explain list --rejected` says why)"),
        (report.failed, "not answered (the same command asks again)"),
    )
    parts += [f"{number:,} {what}" for number, what in numbers if number]
    left = report.subjects - report.known - report.taken - report.unfit - report.answered
    left -= report.kept_out + report.failed
    parts += [f"{left:,} still without an explanation"] if left > 0 else []
    text = f"{', '.join(parts)}; {duration(report.took_s)}."
    return text + (" Stopped early; the same command goes on from here." * report.interrupted)


explain.command("list")(explanations.list_explanations)
explain.command("show")(explanations.show)
explain.command("edit")(explanations.edit)
explain.command("export")(explanations.export)
explain.command("import")(explanations.import_explanations)
explain.command("remove")(explanations.remove)
