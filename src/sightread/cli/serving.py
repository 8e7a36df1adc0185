"""The command `serve`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from sightread.cli.options import (
    DetailOption,
    ReaderModelOption,
    ReaderOption,
    library_path,
    say,
)

TOKEN_VARIABLE = "SIGHTREAD_TOKEN"


def serve(
    libraries: Annotated[
        list[str] | None,
        typer.Argument(metavar="LIBRARY", help="Folders of libraries; yours if none is named."),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 7878,
    folder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIR",
            help="Allow to index DIR and what is below it, from the page and over the network; "
            "may be repeated. A library that is not there yet is made.",
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="A model folder: its encoder works beside the reader when pictures are indexed "
            "from the page. Those that a library remembers need no naming.",
        ),
    ] = None,
    reader: ReaderOption = None,
    reader_model: ReaderModelOption = None,
    detail: DetailOption = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host", metavar="NAME", help="A name by which it is called; may be repeated."
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            metavar="URL",
            help="A web page of another server that may use it, such as https://app.example; may "
            "be repeated.",
        ),
    ] = None,
    cache_mb: Annotated[
        int,
        typer.Option("--cache-mb", metavar="N", min=1, help="Keep so many MB of small copies."),
    ] = 512,
    rate: Annotated[
        float, typer.Option(metavar="N", help="Requests a second that one address may make.")
    ] = 200.0,
    burst: Annotated[
        int, typer.Option(metavar="N", help="Requests that it may make at once.")
    ] = 600,
    upload_mb: Annotated[
        float, typer.Option("--upload-mb", metavar="N", help="Largest picture to search with.")
    ] = 32.0,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Give up answers that take longer; without it 20 for searches, 30 for pictures.",
        ),
    ] = None,
    waiting: Annotated[
        int,
        typer.Option(metavar="N", help="Requests that may wait for each kind of work."),
    ] = 128,
    connections: Annotated[
        int, typer.Option(metavar="N", help="Connections that may be open at once.")
    ] = 512,
) -> None:
    """Search in a browser, or from programs over HTTP.

    Prints the address of the page, and serves until Ctrl-C. Only this machine can reach it, unless
    --host says otherwise; then $SIGHTREAD_TOKEN, at least 16 characters, is what clients have to
    know. The interface for programs is described at /api/openapi.json.
    """
    from sightread.protocols import DEFAULT_READER
    from sightread.service.serving import serve as run
    from sightread.service.settings import Settings

    named = libraries or [library_path(None)]
    settings = Settings(
        libraries=tuple(os.path.abspath(os.path.expanduser(path)) for path in named),
        folders=tuple(os.path.abspath(os.path.expanduser(path)) for path in folder or ()),
        encoder=os.path.abspath(os.path.expanduser(encoder)) if encoder else "",
        reader=reader or DEFAULT_READER,
        reader_model=reader_model and os.path.abspath(os.path.expanduser(reader_model)),
        detail=detail,
        host=host,
        port=port,
        token=os.environ.get(TOKEN_VARIABLE) or None,
        hosts=tuple(allow_host or ()),
        origins=tuple(allow_origin or ()),
        cache_bytes=cache_mb * 1_000_000,
        upload_bytes=int(upload_mb * 1_000_000),
        search_timeout_s=20.0 if timeout is None else timeout,
        picture_timeout_s=30.0 if timeout is None else timeout,
        waiting=waiting,
        per_second=rate,
        burst=burst,
        connections=connections,
    )
    run(settings, lambda address: say(f"Sightread serves at {address} (Ctrl-C ends it)."))
