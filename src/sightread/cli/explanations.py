"""The commands that look at explanations and correct them: explain list, show, edit and so on.

The parameters of a command are its options, so their number is not held to the usual limit.
Nothing heavy is imported before the command that uses it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Annotated

import typer

from sightread.cli.options import JsonOption, LibraryOption, library_path, say
from sightread.cli.plain import counted, visible, write_bytes
from sightread.errors import ExplanationError, UsageError

if TYPE_CHECKING:
    from sightread.explain import Book, Explanation

BookOption = Annotated[
    str | None,
    typer.Option(
        "--book", metavar="FILE", help="Where they are kept; in the library if nothing is said."
    ),
]
NameArgument = Annotated[str, typer.Argument(metavar="ENTITY", help="Its name.")]
CaptionOption = Annotated[
    bool, typer.Option("--caption", help="What is named is a caption, not an entity.")
]


def list_explanations(
    rejected: Annotated[
        bool,
        typer.Option("--rejected", help="Those that are not used, and those nobody answered."),
    ] = False,
    as_json: JsonOption = False,
    book: BookOption = None,
    library: LibraryOption = None,
) -> None:
    """List the explanations that are used, or with --rejected what is wrong with the others."""
    from sightread.explain.exchange import explanation_fields
    from sightread.wire import dump_json

    with open_book(book, library) as opened:
        some = [one for one in opened.all() if (one.verdict == "good") != rejected]
        unanswered = opened.unanswered() if rejected else []
    if as_json:
        fields = {
            "explanations": [explanation_fields(one) for one in some],
            "unanswered": [{"entity": one.name, "reason": one.reason} for one in unanswered],
        }
        write_bytes(dump_json(fields, indent=2) + "\n")
        return
    for one in some:
        why = f"[{one.verdict}] " if rejected else ""
        write_bytes(f"{visible(one.name)}: {why}{visible(one.text)} ({visible(one.origin)})\n")
    for failure in unanswered:
        write_bytes(f"{visible(failure.name)}: [not answered] {visible(failure.reason)}\n")
    if not some and not unanswered:
        say("There is nothing here; `sightread explain fill` gets explanations.")


def show(
    entity: NameArgument,
    caption: CaptionOption = False,
    as_json: JsonOption = False,
    book: BookOption = None,
    library: LibraryOption = None,
) -> None:
    """Show every version of an explanation, the newest last, and where it came from."""
    from sightread.explain.exchange import explanation_fields
    from sightread.wire import dump_json

    with open_book(book, library) as opened:
        used = _found(opened, entity, caption)
        versions = opened.versions(used.subject)
    if as_json:
        fields = [explanation_fields(one) for one in versions]
        write_bytes(dump_json({"used": used.version, "versions": fields}, indent=2) + "\n")
        return
    for one in versions:
        write_bytes(_version(one, used))


def _version(one: Explanation, used: Explanation) -> str:
    from sightread.wire import moment

    good = "used" if one == used else "replaced"
    state = good if one.verdict == "good" else one.verdict
    prompt = f", question {one.prompt}" if one.prompt else ""
    head = f"{one.version}  {moment(one.made_at)}  {state}  {visible(one.origin)}{prompt}"
    said = f"   said: {visible(one.raw)}\n" if one.raw else ""
    return f"{head}\n   {visible(one.text)}\n{said}"


def edit(
    entity: NameArgument,
    text: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The explanation; without it $EDITOR is opened."),
    ] = None,
    alias: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Another name of it; repeatable.")
    ] = None,
    caption: CaptionOption = False,
    book: BookOption = None,
    library: LibraryOption = None,
) -> None:
    """Write an explanation by hand, or correct one. It stays, whatever is asked for later."""
    from sightread.explain import Subject
    from sightread.explain.fill import by_hand

    subject = Subject(entity, "caption" if caption else "entity")
    if not subject.key:
        raise UsageError(f"{entity!r} has no letter and no digit; name what is explained.")
    with open_book(book, library, write=True) as opened:
        known = opened.find(subject)
        if known is not None:
            subject = known.subject
        before = known.text if known is not None else ""
        written = text if text is not None else _edited(before)
        if known is not None and written.strip() == before and known.verdict == "good":
            say("Nothing was changed.")
            return
        kept = opened.add(by_hand(subject, written), aliases=alias or ())
    say(f"{visible(kept.name)}: {visible(kept.text)} (version {kept.version})")


def _edited(before: str) -> str:
    """What the user makes of a text in his editor."""
    import shlex
    import subprocess
    import tempfile
    from pathlib import Path

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise UsageError("No editor is known; set EDITOR, or give the text with --text.")
    with tempfile.TemporaryDirectory(prefix="sightread-") as folder:
        path = Path(folder) / "explanation.txt"
        path.write_text(before + "\n", "utf-8")
        try:
            code = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode
        except (OSError, ValueError) as error:
            raise UsageError(f"The editor {editor} cannot be started: {error}.") from error
        if code:
            raise UsageError(f"The editor {editor} ended with code {code}; nothing was changed.")
        return path.read_text("utf-8", "replace")


def export(
    out: Annotated[str, typer.Argument(metavar="FILE", help="Where to; - writes to stdout.")] = "-",
    whole: Annotated[
        bool,
        typer.Option("--whole", help="Everything that is known, also what is not trained on."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    book: BookOption = None,
    library: LibraryOption = None,
) -> None:
    """Write the explanations as JSONL: for training, or with --whole to edit and import again.

    For training a line is {"entity": ..., "text": ..., "source": ...}, good ones only.
    """
    from sightread.explain.exchange import training_lines, whole_lines

    with open_book(book, library) as opened:
        lines = list((whole_lines if whole else training_lines)(opened.all()))
    if out == "-":
        write_bytes("".join(lines))
        return
    try:
        with open(out, "w" if force else "x", encoding="utf-8", errors="replace") as file:
            file.writelines(lines)
    except FileExistsError:
        raise UsageError(f"{out} is there already; name another file, or add --force.") from None
    say(f"{counted(len(lines), 'explanation')} written to {visible(out)}")


def import_explanations(
    path: Annotated[str, typer.Argument(metavar="FILE", help="JSONL; - reads from stdin.")],
    book: BookOption = None,
    library: LibraryOption = None,
) -> None:
    """Read what `explain export` wrote. A text that was changed in between counts as by hand."""
    from sightread.explain.exchange import take_in

    with open_book(book, library, write=True) as opened, reading(path) as file:
        added, known = take_in(opened, file, "stdin" if path == "-" else os.path.basename(path))
    say(f"{counted(added, 'explanation')} taken, {known:,} known already.")


def remove(
    entity: NameArgument,
    caption: CaptionOption = False,
    book: BookOption = None,
    library: LibraryOption = None,
) -> None:
    """Forget all versions of an explanation, and what was computed from them."""
    with open_book(book, library, write=True) as opened:
        count = opened.remove(_found(opened, entity, caption).subject)
    say(f"{counted(count, 'version')} forgotten.")


# --- shared -----------------------------------------------------------------------------------


def _found(opened: Book, entity: str, caption: bool) -> Explanation:
    from sightread.explain import Subject

    found = opened.find(Subject(entity, "caption" if caption else "entity"))
    if found is None:
        raise ExplanationError(
            f"There is no explanation of {entity}; `sightread explain fill` gets one, `sightread "
            "explain edit` lets you write one."
        )
    return found


def open_book(book: str | None, library: str | None, *, write: bool = False) -> Book:
    from sightread.explain import Book
    from sightread.explain.book import FILE_NAME

    if book is not None:
        return Book.open(os.path.abspath(os.path.expanduser(book)), write=write)
    folder = library_path(library)
    if not os.path.isdir(folder):
        raise UsageError(
            f"There is no library at {folder} to keep explanations in: make one with `sightread "
            "index FOLDER`, or name a file with --book FILE."
        )
    return Book.open(os.path.join(folder, FILE_NAME), write=write)


@contextmanager
def reading(path: str) -> Iterator[IO[str]]:
    """The lines of a file, or of stdin."""
    if path == "-":
        yield sys.stdin
        return
    try:
        with open(path, encoding="utf-8-sig") as file:
            yield file
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text in UTF-8; save it as such.") from None
