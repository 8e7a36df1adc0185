"""The commands that change a library: index, retry, forget.

The parameters of a command are its options, so their number is not held to the usual limit.
Nothing heavy is imported before the command that uses it runs.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sightread.cli.entry import INTERRUPTED
from sightread.cli.options import (
    DetailOption,
    EncoderOption,
    JsonOption,
    LibraryOption,
    QuietOption,
    ReaderModelOption,
    ReaderOnlyOption,
    ReaderOption,
    UrlOption,
    library_path,
    open_library,
    say,
)
from sightread.cli.plain import counted, visible, write_bytes
from sightread.errors import SightreadError, UsageError

if TYPE_CHECKING:
    from sightread.search.ingest import IndexReport


MaxMegapixels = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, max=10_000, help="Refuse larger pictures; 120 if nothing is said."
    ),
]


def index(
    folders: Annotated[list[str], typer.Argument(metavar="FOLDER", help="Where to look.")],
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="Leave out files and folders that match; may be repeated."
        ),
    ] = None,
    keep_missing: Annotated[
        bool, typer.Option("--keep-missing", help="Keep pictures whose files are gone.")
    ] = False,
    reread: Annotated[
        bool, typer.Option("--reread", help="Read pictures again that are known already.")
    ] = False,
    encoder: EncoderOption = None,
    reencode: Annotated[
        bool,
        typer.Option(
            "--reencode",
            help="Let the encoder take the place of another model in its space, once its vectors "
            "are complete.",
        ),
    ] = False,
    reader_only: ReaderOnlyOption = False,
    reader: ReaderOption = None,
    reader_model: ReaderModelOption = None,
    detail: DetailOption = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=256, help="Threads; by default one per core."),
    ] = None,
    max_megapixels: MaxMegapixels = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
    library: LibraryOption = None,
) -> None:
    """Read the pictures in folders into the library.

    Run it again to bring the library up to date: what is known and unchanged is not opened
    again. Ctrl-C stops cleanly, and the same command goes on later. Files that cannot be read
    are listed by `sightread status --failed`.

    With --encoder every picture gets a vector as well, those that are known already without being
    read again. Later runs find the encoder by themselves.
    """
    if reencode and encoder is None and url is None:
        raise UsageError("--reencode needs --encoder DIR, the model that is to take over.")
    from sightread.images import MAX_PIXELS
    from sightread.search.ingest import IndexOptions

    options = IndexOptions(
        exclude=tuple(exclude or ()),
        keep_missing=keep_missing,
        reread=reread,
        reencode=reencode,
        workers=workers,
        max_pixels=max_megapixels * 1_000_000 if max_megapixels else MAX_PIXELS,
    )
    with (
        open_library(
            library,
            write=True,
            create=True,
            encoder=encoder,
            reader_only=reader_only,
            reader=reader,
            reader_model=reader_model,
            detail=detail,
            url=url,
        ) as opened,
        _Progress(quiet) as progress,
    ):
        report = opened.index(folders, options, progress.callback)
    _finish(report, as_json)
    if not report.seen:
        names = ", ".join(folders)
        raise SightreadError(f"There is no picture in {names}; name a folder that has some.")


def retry(
    max_megapixels: MaxMegapixels = None,
    reader: ReaderOption = None,
    reader_model: ReaderModelOption = None,
    detail: DetailOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
    library: LibraryOption = None,
) -> None:
    """Read the files again that failed before."""
    from sightread.images import MAX_PIXELS
    from sightread.search.ingest import IndexOptions

    limit = max_megapixels * 1_000_000 if max_megapixels else MAX_PIXELS
    with (
        open_library(
            library,
            write=True,
            url=url,
            reader=reader,
            reader_model=reader_model,
            detail=detail,
        ) as opened,
        _Progress(quiet) as progress,
    ):
        report = opened.retry(progress.callback, IndexOptions(max_pixels=limit))
    _finish(report, as_json)


class _Progress:
    """The progress line, or nothing at all."""

    def __init__(self, quiet: bool) -> None:
        from sightread.cli.progress import ProgressLine

        self._line = None if quiet else ProgressLine(sys.stderr)
        self.callback = self._line

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *raised: Any) -> None:
        if self._line is not None:
            self._line.__exit__(*raised)


def _finish(report: IndexReport, as_json: bool) -> None:
    from dataclasses import asdict

    from sightread.cli.reports import run_summary
    from sightread.wire import dump_json

    if as_json:
        write_bytes(dump_json(asdict(report), indent=2) + "\n")
    for warning in report.warnings:
        say(visible(warning))
    say(run_summary(report))
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)


def entities(
    switch: Annotated[
        Literal["on", "off"], typer.Argument(metavar="on|off", help="Whether they may be.")
    ],
    library: LibraryOption = None,
) -> None:
    """Let entities be searched for in a library, or not.

    Entities are often people. Switched off, the vectors of entity models are removed, none are
    made, and entity: in a query is refused. `sightread status` tells. Faces are never identified,
    switched on or off.
    """
    from sightread.library import Library

    on = switch == "on"
    path = library_path(library)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with Library.open(path, write=True, create=True, reader_only=True) as opened:
        gone = opened.switch_entities(on)
    also = " The vectors of the entity model were removed." if gone else ""
    say(f"Searching for entities is switched {switch} in this library.{also}")


def forget(
    pictures: Annotated[
        list[str] | None, typer.Argument(metavar="PATH_OR_ID", help="What to forget.")
    ] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Forget all pictures whose files are gone.")
    ] = False,
    url: UrlOption = None,
    library: LibraryOption = None,
) -> None:
    """Remove pictures from the library. Their files are never touched."""
    if bool(pictures) == missing:
        raise UsageError("Name the pictures to forget, by path or id, or say --missing.")
    with open_library(library, write=True, url=url) as opened:
        count = opened.forget_missing() if missing else opened.forget(pictures or [])
    if not count and not missing:
        raise SightreadError("None of these pictures is in the library; nothing was forgotten.")
    rest = len(pictures or ()) - count
    unknown = f" {counted(rest, 'other name')} not in it (or copies)." if rest > 0 else ""
    say(f"{counted(count, 'picture')} removed from the library.{unknown}")
