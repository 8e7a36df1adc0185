"""Readers by name. A reader takes a picture in and gives word regions out (`types.Reader`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from sightread.errors import UsageError
from sightread.protocols import DEFAULT_READER, Reader, WordEncoder

Detail = Literal["low", "normal", "high"]

SPOTTER_MODEL = Path(__file__).parent.parent / "models" / "spotter"
"""The word spotter that comes with the package; CARD.md in it says what it is."""


def _open_rapidocr() -> Reader:
    # Imported here: an import of OpenCV and ONNX Runtime costs a search that needs neither.
    from sightread.readers.rapidocr import RapidOcrReader

    return RapidOcrReader()


def _open_spotter(folder: str = "", detail: Detail = "normal") -> Reader:
    from sightread.readers.spotter import SpotterReader

    return SpotterReader(folder or SPOTTER_MODEL, detail=detail)


def open_word_encoder(folder: str) -> WordEncoder:
    """The tower for queries of the spotter whose model is in this folder, or of the one that comes
    with the package; the rest of the model is not loaded.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    from sightread.readers.words import WordTower, read_spotter

    return WordTower(folder or SPOTTER_MODEL, read_spotter(folder or SPOTTER_MODEL))


def _open_second(folder: str = "", detail: Detail = "normal") -> Reader:
    from sightread.readers.second import SecondReader

    return SecondReader(folder or SPOTTER_MODEL, detail=detail)


READERS: dict[str, Callable[..., Reader]] = {
    "rapidocr": _open_rapidocr,
    "spotter": _open_spotter,
    "spotter+rapidocr": _open_second,
}


def open_reader(name: str = DEFAULT_READER, **options: Any) -> Reader:
    """The reader of this name.

    Args:
        options: of the reader; those that are None are left to it. The spotter, alone or with a
            second reader, takes `folder`, its model (that of the package, if none is named), and
            `detail` ("low", "normal" or "high"); rapidocr takes none.

    Raises:
        UsageError: there is no such reader, or it has no such option.
        SightreadError: its models are missing or damaged.
    """
    if name not in READERS:
        raise UsageError(f"unknown reader {name!r}: choose one of {', '.join(sorted(READERS))}")
    given = {option: value for option, value in options.items() if value is not None}
    if given and name == "rapidocr":
        raise UsageError(
            f"The reader {name} has no {' or '.join(sorted(given))}: that is for the spotter."
        )
    return READERS[name](**given)
