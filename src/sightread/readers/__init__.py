"""Readers by name. A reader takes a picture in and gives word regions out (`types.Reader`)."""

from __future__ import annotations

from collections.abc import Callable

from sightread.errors import UsageError
from sightread.protocols import Reader


def _open_rapidocr() -> Reader:
    # Imported here: an import of OpenCV and ONNX Runtime costs a search that needs neither.
    from sightread.readers.rapidocr import RapidOcrReader

    return RapidOcrReader()


READERS: dict[str, Callable[..., Reader]] = {"rapidocr": _open_rapidocr}


def open_reader(name: str = "rapidocr") -> Reader:
    """The reader of this name, with its default settings.

    Raises:
        UsageError: there is no such reader.
        SightreadError: its models are missing.
    """
    if name not in READERS:
        raise UsageError(f"unknown reader {name!r}: choose one of {', '.join(sorted(READERS))}")
    return READERS[name]()
