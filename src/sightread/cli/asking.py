"""The commands that ask a library: search, show, status.

The parameters of a command are its options, so their number is not held to the usual limit.
Nothing heavy is imported before the command that uses it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sightread.cli.entry import EMPTY, query_line
from sightread.cli.options import (
    AlsoOption,
    EncoderOption,
    JsonOption,
    LibraryOption,
    ReaderOnlyOption,
    UrlOption,
    library_path,
    open_library,
    say,
)
from sightread.cli.plain import counted, visible, write_bytes
from sightread.errors import PictureError, SightreadError, UsageError

if TYPE_CHECKING:
    from sightread.library import Library
    from sightread.remote import RemoteLibrary
    from sightread.types import Picture, PictureRecord, Quad, Result


def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUERY", help="The query line, see above."),
    ] = None,
    k: Annotated[
        int, typer.Option("-k", metavar="N", min=1, max=100_000, help="At most N pictures.")
    ] = 20,
    offset: Annotated[int, typer.Option(metavar="N", min=0, help="Leave out the first N.")] = 0,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="P", min=0.0, max=1.0, help="Leave out what is less probable than P (0 to 1)."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show weak matches as well: --threshold 0.")
    ] = False,
    also: AlsoOption = None,
    encoder: EncoderOption = None,
    reader_only: ReaderOnlyOption = False,
    as_json: JsonOption = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object per line.")] = False,
    as_tsv: Annotated[
        bool, typer.Option("--tsv", help="Tab-separated, as when the output is piped.")
    ] = False,
    as_table: Annotated[
        bool, typer.Option("--table", help="A table for people, as on a terminal.")
    ] = False,
    print0: Annotated[
        bool, typer.Option("--print0", "-0", help="Only paths, each ended by a NUL byte.")
    ] = False,
    fail_on_empty: Annotated[
        bool, typer.Option("--fail-on-empty", help="Exit with 3 if nothing was found.")
    ] = False,
    sort_by_date: Annotated[
        bool, typer.Option("--newest", help="Put the newest first instead of the best.")
    ] = False,
    explain: Annotated[
        Literal["on", "off"],
        typer.Option(
            metavar="on|off",
            help="Search for an entity by its explanation too, where there is one.",
        ),
    ] = "on",
    rerank: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=200,
            help="Let the matching head of the entity model, if it has one, look again at the N "
            "pictures nearest to an entity. Costs about one encoding of a picture each.",
        ),
    ] = 0,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="PICTURE",
            help="Pictures like this file; needs a library with an encoder, and no QUERY.",
        ),
    ] = None,
    url: UrlOption = None,
    library: LibraryOption = None,
) -> None:
    """Find pictures. The query line knows:

    \b
    coffee               a word, also in titles and keywords
    '"coffee shop"'      these words next to each other
    coffe~1              at most one letter off (~0: exact)
    'RE16*'  '*berg*'    starts with, is part of
    -taxi                must not be there
    person:"Ada" title:x in a field: title, caption, keyword, person, written
    entity:"Ada"         shown, or named as a person, keyword or in the caption
    path:2024/ ext:jpg   filters: part of the path, kind of file,
    after:2024-05-01     when it was taken (also before:),
    has:text             and whether anything is written in it; filters
                         alone list pictures, the newest first

    The shell takes quotes for itself, so put the whole line in single quotes:
    `sightread search '"coffee shop" -taxi after:2024'`

    Where pictures were encoded (`sightread index --encoder`), words are also found by what they
    look like, and unquoted words by all of them together: yellow sign taxi. The answer says which.
    An entity model finds entities by what they look like, better if it is told (`sightread
    explain`); the answer shows the explanation that was used.
    """
    chosen = _one_format(json=as_json, jsonl=as_jsonl, tsv=as_tsv, table=as_table, print0=print0)
    if everything and threshold is not None:
        raise UsageError("--all and --threshold exclude each other; leave one out.")
    lowest = 0.0 if everything else threshold
    if like is not None and (lowest is not None or also or sort_by_date):
        raise UsageError(
            "--like puts the nearest pictures first, without probabilities; leave out --threshold, "
            "--all, --also and --newest."
        )
    wishes: dict[str, Any] = {
        "threshold": lowest,
        "also": also or (),
        "sort": "date" if sort_by_date else "relevance",
        "explain": explain == "on",
        "again": rerank,
    }
    ask = _question(query_line(query or ()), like, wishes)
    with open_library(library, encoder=encoder, reader_only=reader_only, url=url) as opened:
        result = ask(opened, k, offset)
    _print_result(result, chosen, offset)
    for warning in result.warnings:
        say(visible(warning))
    if not result.total:
        from sightread.cli.answers import nothing_found

        say(nothing_found(result))
        raise typer.Exit(EMPTY if fail_on_empty else 0)


_Ask = Callable[["Library | RemoteLibrary", int, int], "Result"]


def _question(line: str, like: str | None, wishes: dict[str, Any]) -> _Ask:
    """What to ask a library. Mistakes show at once, before it is opened."""
    if like is None:
        from sightread.search.query import parse

        parsed = parse(line)
        return lambda opened, k, offset: opened.search(parsed, k=k, offset=offset, **wishes)
    if line:
        raise UsageError("--like and a query exclude each other; leave one out.")
    from sightread.images import read_file

    try:
        data = read_file(like)
    except PictureError as error:
        raise UsageError(f"{like} cannot be searched with: {error}.") from error

    return lambda opened, k, offset: opened.similar(data, k=k, offset=offset)


def _one_format(**asked: bool) -> str:
    chosen = [name for name, wanted in asked.items() if wanted]
    if len(chosen) > 1:
        names = " and ".join(f"--{name}" for name in chosen)
        raise UsageError(f"{names} exclude each other; choose one output format.")
    if chosen:
        return chosen[0]
    return "table" if sys.stdout.isatty() else "tsv"


def _print_result(result: Result, chosen: str, offset: int) -> None:
    from sightread.cli import answers

    refined = [line for line in (answers.refined(result),) if line]
    for line in [*answers.explained(result), *refined] if chosen in ("table", "tsv") else ():
        say(line)
    if chosen == "table":
        if result.hits:
            answers.print_table(result, sys.stdout, offset)
        if result.total:
            say(answers.summary(result, offset))
    elif chosen == "print0":
        write_bytes(answers.as_paths(result))
    else:
        render = {"json": answers.as_json, "jsonl": answers.as_jsonl, "tsv": answers.as_tsv}
        write_bytes(render[chosen](result, offset))


def show(
    picture: Annotated[str, typer.Argument(metavar="PICTURE", help="Its path or its id.")],
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write a copy with the words outlined (jpg, png, webp)."),
    ] = None,
    query: Annotated[
        str | None, typer.Option(metavar="QUERY", help="Outline only what this query finds.")
    ] = None,
    also: AlsoOption = None,
    heat: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write a copy that shows where the --encoder sees text."),
    ] = None,
    encoder: EncoderOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
    library: LibraryOption = None,
) -> None:
    """Show what was read in a picture, and where.

    With --out, a copy of the picture is written in which the words are outlined. Where only an
    encoder finds what --query asks for, it is what the encoder takes for text. With --heat, a copy
    shows the encoder's map of text, yellow where text is possible and red where it is certain.
    """
    if (heat is None) != (encoder is None):
        raise UsageError("--heat FILE and --encoder DIR go together; name both, or neither.")
    if query is not None and out is None:
        raise UsageError("--query chooses what is outlined, so it needs --out FILE.")
    if also and query is None:
        raise UsageError("--also is about a query, so it needs --query.")
    from sightread.cli import reports
    from sightread.wire import dump_json, picture_fields

    with open_library(library, url=url) as opened:
        record = opened.picture(picture)
        boxes = _boxes(opened, record, query, also or ()) if out is not None else []
        if out is not None:
            _write_outlined(opened, record, boxes, out, force)
        if heat is not None and encoder is not None:
            _write_heat(opened, record, encoder, heat, force)
    if as_json:
        write_bytes(dump_json(picture_fields(record), indent=2) + "\n")
    else:
        print(reports.picture_text(record), end="")
    if out is not None:
        say(f"{counted(len(boxes), 'word')} outlined in {visible(out)}")


def _boxes(
    opened: Library | RemoteLibrary, record: PictureRecord, line: str | None, also: Sequence[str]
) -> list[Quad]:
    if line is None:
        return [region.box for region in record.regions if region.box is not None]
    from dataclasses import replace

    from sightread.search.query import parse
    from sightread.types import AllOf, Compare

    query = parse(line)
    this = Compare("id", "eq", record.id)
    where = AllOf((query.where, this)) if query.where else this
    result = opened.search(replace(query, where=where), k=1, threshold=0.0, also=also)
    for warning in result.warnings:
        say(visible(warning))
    boxes = [box for hit in result.hits for evidence in hit.evidence for box in evidence.boxes]
    if not boxes:
        raise SightreadError(
            f"{line} is not written in this picture; nothing was outlined, and no file written."
        )
    return list(dict.fromkeys(boxes))


def _write_outlined(
    opened: Library | RemoteLibrary, record: PictureRecord, boxes: list[Quad], out: str, force: bool
) -> None:
    from sightread.cli.outline import check_target, outline, save

    format = check_target(out, [stamp.path for stamp in record.stamps], force)
    save(outline(_decoded(opened, record), boxes), out, format)


def _write_heat(
    opened: Library | RemoteLibrary, record: PictureRecord, encoder: str, out: str, force: bool
) -> None:
    from sightread.cli.outline import check_target, save
    from sightread.encoders import open_encoder
    from sightread.heat import warmed

    format = check_target(out, [stamp.path for stamp in record.stamps], force)
    pixels = _decoded(opened, record).pixels
    save(warmed(pixels, open_encoder(encoder).text_heat(pixels)), out, format)


def _decoded(opened: Library | RemoteLibrary, record: PictureRecord) -> Picture:
    from sightread.images import decode
    from sightread.types import format_id

    return decode(opened.original(format_id(record.id))[1])


def status(
    failed: Annotated[
        bool, typer.Option("--failed", help="List the files that could not be read, and why.")
    ] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
    library: LibraryOption = None,
) -> None:
    """Show what is in the library, and what could not be read."""
    from sightread.cli import reports
    from sightread.wire import dump_json, failure_fields, status_fields

    with open_library(library, url=url) as opened:
        failures = opened.failures() if failed else []
        state = opened.status()
    path = url.partition("#")[0] if url else library_path(library)  # no token on a screen
    if as_json:
        fields = status_fields(state, path)
        if failed:
            fields["failures"] = [failure_fields(one) for one in failures]
        write_bytes(dump_json(fields, indent=2) + "\n")
    elif not failed:
        print(reports.status_text(state, path), end="")
    elif sys.stdout.isatty():
        print(reports.failures_text(failures), end="")
    else:
        write_bytes(reports.failures_tsv(failures))
