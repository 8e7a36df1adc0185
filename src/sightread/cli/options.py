"""What several commands share: options, the place of the library, messages on stderr."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sightread.errors import UsageError

if TYPE_CHECKING:
    from sightread.library import Library
    from sightread.remote import RemoteLibrary

LibraryOption = Annotated[
    str | None,
    typer.Option(
        "--library",
        "-L",
        metavar="FOLDER",
        envvar="SIGHTREAD_LIBRARY",
        show_envvar=False,
        help="Where the library is kept: this option, or $SIGHTREAD_LIBRARY, or else "
        "~/.local/share/sightread/library.sightread.",
    ),
]
EncoderOption = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="DIR",
        help="A model folder: its encoder works beside the reader. The library remembers it.",
    ),
]
ReaderOption = Annotated[
    str | None,
    typer.Option(
        "--reader",
        metavar="NAME",
        help="Who reads: spotter (if nothing is said), the word spotter; rapidocr, slower, which "
        "misses less; or spotter+rapidocr: both, rapidocr only where the spotter sees text.",
    ),
]
ReaderModelOption = Annotated[
    str | None,
    typer.Option(
        "--reader-model",
        metavar="DIR",
        help="A model folder for the spotter.",
    ),
]
DetailOption = Annotated[
    str | None,
    typer.Option(
        "--detail",
        metavar="low|normal|high",
        help="How small words the spotter looks for: low in the picture at 640 px; normal (if "
        "nothing is said) also at 1280 px where a glance shows small ones, for a fourth more time; "
        "high at 800 and 1920 px, for a third more again.",
    ),
]
CacheOption = Annotated[
    str,
    typer.Option(metavar="FOLDER", help="Where vectors are kept, so that a stopped run goes on."),
]
BatchOption = Annotated[int, typer.Option(metavar="N", min=1, help="Pictures encoded at once.")]
BatchesOption = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Batches encoded at once; by default one per core."),
]
LimitOption = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Only the first N pictures, for a quick try."),
]
ReaderOnlyOption = Annotated[
    bool, typer.Option("--reader-only", help="Use no encoder, only the words that are read.")
]
AlsoOption = Annotated[
    list[str] | None,
    typer.Option(
        "--also",
        metavar="SPACE",
        help="Show after the others what only this encoder takes for a match, such as scene-text, "
        "although it states no probability; may be repeated.",
    ),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Ask a service (`sightread serve`) at this address instead of a library here.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress line.")]


def library_path(given: str | None) -> str:
    """The library folder: as given, or else in the user's data folder (XDG)."""
    if given:
        return os.path.abspath(os.path.expanduser(given))
    data = os.environ.get("XDG_DATA_HOME", "")
    if not os.path.isabs(data):  # the XDG rules: a relative path is to be ignored
        data = os.path.expanduser("~/.local/share")
    return os.path.join(data, "sightread", "library.sightread")


def open_library(
    given: str | None,
    *,
    write: bool = False,
    create: bool = False,
    encoder: str | None = None,
    reader_only: bool = False,
    url: str | None = None,
    reader: str | None = None,
    reader_model: str | None = None,
    detail: str | None = None,
) -> Library | RemoteLibrary:
    """Open the library for a command, here or behind a service."""
    if url is not None:
        if encoder is not None or reader_only:
            raise UsageError(
                "--url leaves the encoders to the service; leave --encoder out, and name it where "
                "the service is started."
            )
        if reader or reader_model or detail:
            raise UsageError(
                "--url leaves the reading to the service; leave --reader out, and name it where "
                "the service is started."
            )
        from sightread.remote import RemoteLibrary

        return RemoteLibrary(url)
    if encoder is not None and reader_only:
        raise UsageError("--encoder and --reader-only exclude each other; leave one out.")
    from sightread.library import Library
    from sightread.protocols import DEFAULT_READER

    path = library_path(given)
    if create:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    return Library.open(
        path,
        write=write,
        create=create,
        encoder=encoder,
        reader_only=reader_only,
        reader=reader or DEFAULT_READER,
        reader_options={"folder": reader_model, "detail": detail},
    )


def say(text: str) -> None:
    """A message beside the results, on stderr."""
    print(text, file=sys.stderr, flush=True)
