"""What a picture file says about itself: when, where, title, caption, keywords, person names.

Three generations of tags are merged: XMP before IPTC before EXIF and PNG text, since programs that
people write captions with keep XMP up to date and leave the older ones as they were. Lists are
united. What cameras write by themselves ("OLYMPUS DIGITAL CAMERA") is no caption and is dropped.

Sources: Exif 3.0, IPTC-IIM 4.2, XMP part 2, MWG guidelines 2.0 (face regions).
"""

from __future__ import annotations

import math
import re
import struct
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from PIL import Image

from sightread.types import Metadata

MAX_TITLE_CHARS = 1_000
MAX_CAPTION_CHARS = 10_000
MAX_NAME_CHARS = 200
MAX_NAMES = 500
MAX_XMP_BYTES = 4 * 1024 * 1024


@dataclass
class _Found:
    """What one source says, raw."""

    dates: list[str] = field(default_factory=list)
    position: tuple[float, float] | None = None
    title: str = ""
    caption: str = ""
    keywords: list[str] = field(default_factory=list)
    persons: list[str] = field(default_factory=list)


def read_metadata(image: Image.Image) -> Metadata:
    """EXIF, IPTC, XMP and PNG text of a loaded picture. Never raises: what is damaged is left out.

    Args:
        image: an opened picture; for PNG, loaded, since its text may follow the pixels.
    """
    xmp, iptc = _quietly(_read_xmp, image), _quietly(_read_iptc, image)
    exif, png = _quietly(_read_exif, image), _quietly(_read_png_text, image)
    texts = (xmp, iptc, exif, png)
    # The camera's own clock first: only EXIF says when the shutter opened.
    times = (_timestamp(date) for found in (exif, xmp, iptc) for date in found.dates)
    latitude, longitude = exif.position or (None, None)
    return Metadata(
        taken_at=next((time for time in times if time is not None), None),
        latitude=latitude,
        longitude=longitude,
        title=_first((found.title for found in texts), MAX_TITLE_CHARS),
        caption=_first((found.caption for found in texts), MAX_CAPTION_CHARS),
        keywords=_united(found.keywords for found in texts),
        persons=_united(found.persons for found in texts),
    )


def _quietly(read: Callable[[Image.Image], _Found], image: Image.Image) -> _Found:
    try:
        return read(image)
    except Exception:
        # Tags are written by thousands of programs and cut by as many: one unreadable source is
        # no reason to refuse the picture or to lose the other sources.
        return _Found()


# --- text ------------------------------------------------------------------------------------

_JUNK = re.compile(
    r"""(olympus|kodak|minolta|konica\ minolta|samsung|digital|sony|vivitar|ricoh)?[ ]?
        (digital\ )?(still\ )?camera(\ pictures)?
      | sony\ dsc | dsc | dcim\S* | exif_jpeg_\S+ | jpeg | default | untitled | binary\ comment
      | image | picture | photo | user\ comments | screenshot | <?digimax\ .* | oplus_\d+
      | (img|dsc|dscn|dscf|pict|p|imag|pxl)[_-]?\d{3,}[\d_-]*(\.jpe?g)?
      | cof | dav | edf | hdr | hdrpl | mde | nfr | nor | ptr | rbt | rhdr | sdr | btf | bty
      | fbt | fptbty | jhdr | oznor(co)? | vhdr | rpt | rptnr | tmt | qrf""",  # Huawei's modes
    re.VERBOSE | re.IGNORECASE,
)


def _clean(text: str, max_chars: int) -> str:
    """Printable text on one line: no control characters, no lone surrogates, length capped."""
    kept = "".join(
        " " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char
        for char in text[: 2 * max_chars]
    )
    return " ".join(kept.split())[:max_chars].strip()


def _first(texts: Iterable[str], max_chars: int) -> str:
    cleaned = (_clean(text, max_chars) for text in texts)
    return next((text for text in cleaned if text and not _JUNK.fullmatch(text)), "")


def _united(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Each name once, letter case ignored, in order of first appearance."""
    names: dict[str, str] = {}
    for name in (_clean(name, MAX_NAME_CHARS) for names_ in lists for name in names_):
        if name and len(names) < MAX_NAMES:
            names.setdefault(name.casefold(), name)
    return tuple(names.values())


def _decoded(raw: bytes) -> str:
    """UTF-8 where it is valid, whatever was declared; else the old Western code page."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


# --- time ------------------------------------------------------------------------------------

_DATE = re.compile(
    r"\s*(\d{4})[:-](\d\d)[:-](\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d))?(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?)?"
)


def _timestamp(text: str) -> float | None:
    """Seconds since 1970 in UTC of an EXIF or ISO 8601 date; without zone taken as UTC."""
    match = _DATE.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    zone: str = (match[7] or "Z").replace(":", "")
    ahead_s = 0
    if zone != "Z":
        ahead_s = int(zone[0] + "1") * (3600 * int(zone[1:3]) + 60 * int(zone[3:5]))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # 0000:00:00 and the like
        return None
    return moment.timestamp() - ahead_s


# --- EXIF ------------------------------------------------------------------------------------


def _read_exif(image: Image.Image) -> _Found:
    exif = image.getexif()
    found = _Found(
        title=_utf16(exif.get(0x9C9B)),  # XPTitle
        caption=_exif_text(exif.get(0x010E)) or _utf16(exif.get(0x9C9C)),  # ImageDescription
        keywords=_utf16(exif.get(0x9C9E)).split(";"),  # XPKeywords
    )
    if _JUNK.fullmatch(_clean(found.caption, MAX_CAPTION_CHARS)):
        found.caption = _utf16(exif.get(0x9C9C))  # XPComment
    shot = _directory(exif, 0x8769)
    for date, offset in ((0x9003, 0x9011), (0x9004, 0x9012)):  # DateTimeOriginal, ...Digitized
        found.dates.append(_exif_text(shot.get(date)) + _exif_text(shot.get(offset)))
    found.position = _gps(_directory(exif, 0x8825))
    return found


def _directory(exif: Image.Exif, tag: int) -> Mapping[int, Any]:
    try:
        return exif.get_ifd(tag)
    except Exception:  # a pointer into nowhere must not cost the tags beside it
        return {}


def _exif_text(value: object) -> str:
    if isinstance(value, str):
        # Pillow reads EXIF text as Latin-1; many programs write UTF-8 there.
        value = value.encode("latin-1", "replace")
    return _decoded(value).strip("\0 ") if isinstance(value, bytes) else ""


def _utf16(value: object) -> str:
    """The XP tags of Windows: UTF-16 as bytes, or as a tuple of their values."""
    if isinstance(value, tuple):
        value = bytes(number & 0xFF for number in value if isinstance(number, int))
    return value.decode("utf-16-le", "ignore").strip("\0 ") if isinstance(value, bytes) else ""


def _gps(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    latitude = _degrees(tags.get(2), tags.get(1), "NS", 90.0)
    longitude = _degrees(tags.get(4), tags.get(3), "EW", 180.0)
    if latitude is None or longitude is None:
        return None
    # Cameras without a fix write zeros; a true 0.000000, 0.000000 lies in the open sea.
    return None if latitude == longitude == 0.0 else (latitude, longitude)


def _degrees(value: object, side: object, sides: str, limit: float) -> float | None:
    letter = _exif_text(side)[:1].upper()
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3 or letter not in tuple(sides):
        return None  # without its side a coordinate may be on the wrong half of the earth
    try:
        parts = [float(part) for part in value]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    degrees = sum(part / 60.0**power for power, part in enumerate(parts))
    if not (math.isfinite(degrees) and 0.0 <= degrees <= limit):
        return None
    return -degrees if letter == sides[1] else degrees


# --- IPTC ------------------------------------------------------------------------------------


def _read_iptc(image: Image.Image) -> _Found:
    found = _Found()
    day = clock = ""
    for record, text in _iptc_records(_iptc_block(image)):
        if record == 5:
            found.title = found.title or text
        elif record == 120:
            found.caption = found.caption or text
        elif record == 25:
            found.keywords.append(text)
        elif record == 55:
            day = re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", text)
        elif record == 60:
            clock = re.sub(r"^(\d\d)(\d\d)(\d\d)", r"T\1:\2:\3", text)
    found.dates = [day + clock] if day else []
    return found


def _iptc_block(image: Image.Image) -> bytes:
    photoshop = image.info.get("photoshop")
    if isinstance(photoshop, dict):
        block = photoshop.get(0x0404, b"")
        return block if isinstance(block, bytes) else b""
    # TIFF writers declare the bytes as numbers of four bytes, of which Pillow keeps the first one
    # only; its own reader of IPTC goes to the raw bytes in the same way.
    raw: dict[int, bytes] = getattr(getattr(image, "tag_v2", None), "_tagdata", {})
    return raw.get(33723, b"")


def _iptc_records(block: bytes) -> Iterator[tuple[int, str]]:
    """Number and text of each data set of record 2, until the end or the first damage."""
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        record, number, size = struct.unpack_from(">BBH", block, at + 1)
        at += 5
        if size & 0x8000:  # the rest gives the length of the length
            digits = size & 0x7FFF
            size = int.from_bytes(block[at : at + min(digits, 8)], "big")
            at += digits
        if at + size > len(block):
            return
        if record == 2:
            yield number, _decoded(block[at : at + size])
        at += size


# --- XMP -------------------------------------------------------------------------------------

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_TITLE = f"{_DC} title"
_CAPTION = f"{_DC} description"
_KEYWORDS = f"{_DC} subject"
_PERSONS = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ PersonInImage"
_REGION_NAME = "http://www.metadataworkinggroup.com/schemas/regions/ Name"
_REGION_TYPE = "http://www.metadataworkinggroup.com/schemas/regions/ Type"
_FACE_NAME = "http://ns.microsoft.com/photo/1.2/t/Region# PersonDisplayName"
_DATES = (
    "http://ns.adobe.com/exif/1.0/ DateTimeOriginal",
    "http://ns.adobe.com/photoshop/1.0/ DateCreated",
    "http://ns.adobe.com/xap/1.0/ CreateDate",
)


def _read_xmp(image: Image.Image) -> _Found:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    raw = packet.encode("utf-8", "replace") if isinstance(packet, str) else bytes(packet)
    root = _parse_xml(raw[:MAX_XMP_BYTES].strip(b"\0 \t\r\n"))
    found = _Found()
    dates: dict[str, str] = {}
    for element in root.iter():
        _read_element(element, found)
        for name in _DATES:
            if element.tag == name or name in element.attrib:
                dates.setdefault(name, element.get(name) or element.text or "")
    found.dates = [dates[name] for name in _DATES if name in dates]
    return found


def _read_element(element: Element, found: _Found) -> None:
    if element.tag == _TITLE:
        found.title = found.title or _alternative(element)
    elif element.tag == _CAPTION:
        found.caption = found.caption or _alternative(element)
    elif element.tag == _KEYWORDS:
        found.keywords += _items(element)
    elif element.tag == _PERSONS:
        found.persons += _items(element)
    # Of the MWG regions only faces: others name pets, focus points and bar codes.
    if (_property(element, _REGION_TYPE) or "Face") == "Face":
        found.persons.append(_property(element, _REGION_NAME))
    found.persons.append(_property(element, _FACE_NAME))


def _property(element: Element, name: str) -> str:
    """An RDF property may be an attribute or a child, with the same meaning."""
    return element.get(name) or _child_text(element, name)


def _child_text(element: Element, name: str) -> str:
    return next((child.text or "" for child in element if child.tag == name), "")


def _items(element: Element) -> list[str]:
    return [item.text or "" for item in element.iter(f"{_RDF} li")]


def _alternative(element: Element) -> str:
    """The default language of a text given in several; plain text where a writer forgot them."""
    texts: dict[str, str] = {}
    for item in element.iter(f"{_RDF} li"):
        language = item.get("http://www.w3.org/XML/1998/namespace lang", "")
        texts.setdefault(language, item.text or "")
    return texts.get("x-default") or next(iter(texts.values()), element.text or "")


def _parse_xml(raw: bytes) -> Element:
    """The element tree with names as "namespace name".

    Expat is driven directly to refuse any DOCTYPE: without one there are no entities to expand.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.Parse(raw, True)
    return builder.close()


def _refuse_doctype(*_: object) -> None:
    raise ValueError("a document type declaration has no place in XMP")


# --- PNG text --------------------------------------------------------------------------------


def _read_png_text(image: Image.Image) -> _Found:
    title, caption = image.info.get("Title"), image.info.get("Description")
    return _Found(
        title=title if isinstance(title, str) else "",
        caption=caption if isinstance(caption, str) else "",
    )
