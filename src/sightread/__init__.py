"""Sightread: find pictures by the words written in them.

The public names are loaded when first used: importing the package alone costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sightread.version import __version__

if TYPE_CHECKING:
    from sightread.library import Library
    from sightread.remote import RemoteLibrary
    from sightread.types import Hit, Query, Result

__all__ = ["Hit", "Library", "Query", "RemoteLibrary", "Result", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Library":
        from sightread.library import Library

        return Library
    if name == "RemoteLibrary":
        from sightread.remote import RemoteLibrary

        return RemoteLibrary
    if name in ("Hit", "Query", "Result"):
        from sightread import types

        return getattr(types, name)
    raise AttributeError(f"module 'sightread' has no attribute {name!r}")
