"""Where libraries live. The URI decides what keeps them."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sightread.errors import LibraryError
from sightread.protocols import Store

__all__ = ["open_store"]


def open_store(uri: str, *, write: bool = False, create: bool = False) -> Store:
    """Open a library.

    Args:
        uri: a folder, as a path (`~` is understood) or as `file:///...`.
        write: take the writer's lock. Any number of readers may be there meanwhile.
        create: with `write`, make the library if it is not there.

    Raises:
        LibraryError: not there, locked by another writer, damaged, of another format, or not to
            be written to.
    """
    if create and not write:
        raise ValueError("a library can only be created by a writer")
    folder = _folder(uri)
    # Costs half a second to import: whoever only asks for help does not pay.
    from sightread.store.lance import LanceStore

    return LanceStore(folder, write=write, create=create)


def _folder(uri: str) -> Path:
    scheme, separator, _ = uri.partition("://")
    if not separator or not scheme.isalnum():
        path = uri
    elif scheme.lower() == "file":
        path = unquote(urlsplit(uri).path)
    elif scheme.lower() == "milvus":
        raise LibraryError(
            f"{uri} names a Milvus server, which this version cannot use yet: give a folder."
        )
    else:
        raise LibraryError(f"{uri} names no library: give a folder.")
    if not path:
        raise LibraryError("The library has no name: give a folder.")
    return Path(os.path.abspath(os.path.expanduser(path)))
