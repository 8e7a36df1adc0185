"""Sightread: find pictures by the words written in them."""

from sightread.version import __version__

__all__ = ["__version__"]
